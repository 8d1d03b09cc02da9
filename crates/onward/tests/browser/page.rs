//! A page in a real browser: look at it, press on it, audit it, photograph it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use onward_testkit::{ChromeDriver, until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What is waited for on a page happens within this, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Widths at which every state is audited: a desktop and the narrowest phone.
const WIDTHS: [u32; 2] = [1280, 320];
/// The height of the window.
const HEIGHT: u32 = 900;
/// So long a page is given to be painted.
const PAINTED: Duration = Duration::from_secs(5);
/// The width of a page of paper: A4 less a margin of a centimetre.
const PAPER: u32 = 718;
/// A photograph is not taller than this.
const TALLEST: u32 = 8_000;

/// Writes down, from the first moment of every document, what must never happen on a page of ours.
const WITNESS: &str = "
    window.witnessed = { violations: [], errors: [] };
    document.addEventListener('securitypolicyviolation', (e) =>
        witnessed.violations.push(`${e.effectiveDirective} ${e.blockedURI} in ${e.sourceFile}:${e.lineNumber}`));
    addEventListener('error', (e) => witnessed.errors.push(e.message ?? `cannot load ${e.target.src ?? e.target.href}`), true);
    addEventListener('unhandledrejection', (e) => witnessed.errors.push(String(e.reason)));";

/// An open page.
pub(crate) struct Page {
    client: Client,
    driver: ChromeDriver,
    profile: TempDir,
    axe: String,
    /// Runs in every document before its own scripts.
    script: String,
}

impl Page {
    /// A fresh browser without a profile, at an address.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, &[], "").await
    }

    /// The same with further arguments, and a script that runs before those of every document.
    pub(crate) async fn open_with(url: &str, args: &[&str], script: &str) -> Result<Self> {
        let axe = target().join("tools/axe.min.js");
        let axe = fs::read_to_string(&axe)
            .with_context(|| format!("{} is missing; `cargo xtask setup` fetches it", axe.display()))?;
        let driver = ChromeDriver::start()?;
        let profile = TempDir::with_prefix("onward-browser-")?;
        let folder = format!("--user-data-dir={}", profile.path().display());
        let usual = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            &folder,
        ];
        let args = [&usual, args].concat();
        let capabilities = json!({ "goog:chromeOptions": { "args": args } });
        let capabilities = capabilities.as_object().cloned().context("an object")?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(driver.url()).await;
        let client = client.context("the browser did not start")?;
        let page = Self { client, driver, profile, axe, script: format!("{WITNESS}\n{script}") };
        page.prepare().await?;
        page.goto(url).await?;
        Ok(page)
    }

    /// What every tab begins with.
    async fn prepare(&self) -> Result<()> {
        self.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": self.script })).await?;
        self.look(1280, HEIGHT, "light").await
    }

    /// Opens another tab at an address and turns to it.
    pub(crate) async fn new_tab(&self, url: &str) -> Result<WindowHandle> {
        let tab = self.client.new_window(true).await?.handle;
        self.client.switch_to_window(tab.clone()).await?;
        self.prepare().await?;
        self.goto(url).await?;
        Ok(tab)
    }

    /// The tab that is looked at.
    pub(crate) async fn tab(&self) -> Result<WindowHandle> {
        Ok(self.client.window().await?)
    }

    /// Turns to a tab, as a person would who clicks on it.
    pub(crate) async fn turn_to(&self, tab: &WindowHandle) -> Result<()> {
        self.client.switch_to_window(tab.clone()).await?;
        self.command("Page.bringToFront", json!({})).await
    }

    /// Closes the tab that is looked at.
    pub(crate) async fn close_tab(&self) -> Result<()> {
        Ok(self.client.close_window().await?)
    }

    /// Loads the page anew.
    pub(crate) async fn reload(&self) -> Result<()> {
        Ok(self.client.refresh().await?)
    }

    /// A folder of the browser's own.
    pub(crate) fn folder(&self) -> &Path {
        self.profile.path()
    }

    /// Goes to an address.
    pub(crate) async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// What a script answers.
    pub(crate) async fn ask(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// What a script hands to its last argument, a function, in the end.
    pub(crate) async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute_async(script, Vec::new()).await?)
    }

    /// The text of the first element, as it stands in the document.
    pub(crate) async fn text(&self, css: &str) -> Result<String> {
        let script = format!("return document.querySelector({})?.textContent ?? null", json!(css));
        let text = self.ask(&script).await?;
        Ok(text.as_str().with_context(|| format!("there is no {css}"))?.trim().to_owned())
    }

    /// Whether there is such an element and it is visible.
    pub(crate) async fn shows(&self, css: &str) -> Result<bool> {
        let script = format!("return document.querySelector({})?.checkVisibility() ?? false", json!(css));
        Ok(self.ask(&script).await? == true)
    }

    /// Waits until the element is there and visible.
    pub(crate) async fn wait_for(&self, css: &str) -> Result<()> {
        until(css, SOON, async || Ok(self.shows(css).await?.then_some(()))).await
    }

    /// Waits until the text of an element is as wanted, and gives it.
    pub(crate) async fn wait_text(&self, css: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let what = format!("the right text in {css}");
        until(&what, SOON, async || {
            let text = self.text(css).await?;
            ensure!(wanted(&text), "it says `{text}`");
            Ok(Some(text))
        })
        .await
    }

    /// Presses an element as a pointer would: scrolled into view, and not through something else.
    pub(crate) async fn press(&self, css: &str) -> Result<()> {
        self.wait_for(css).await?;
        // What is pressed before a new page is first painted, the browser throws away. A page in the
        // background may never be painted, so this is a wait and no condition.
        let painted =
            "return document.readyState === 'complete' && performance.getEntriesByType('paint').length > 0";
        drop(
            until("the first paint", PAINTED, async || Ok((self.ask(painted).await? == true).then_some(())))
                .await,
        );
        // Into the middle, where no header lies over it.
        let script = format!("document.querySelector({}).scrollIntoView({{ block: 'center' }})", json!(css));
        self.ask(&script).await?;
        let element = self.client.find(Locator::Css(css)).await?;
        element.click().await.with_context(|| format!("cannot press {css}"))
    }

    /// The background colour of an element, such as `rgb(21, 128, 61)`.
    pub(crate) async fn colour(&self, css: &str) -> Result<String> {
        let script =
            format!("return getComputedStyle(document.querySelector({})).backgroundColor", json!(css));
        Ok(self.ask(&script).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Chooses a file of this machine in a form.
    pub(crate) async fn choose_file(&self, css: &str, path: &Path) -> Result<()> {
        let path = path.to_str().context("a path in UTF-8")?;
        Ok(self.client.find(Locator::Css(css)).await?.send_keys(path).await?)
    }

    /// Bytes that came over the wire for this page, its scripts and styles, compressed; what a script
    /// fetched later does not count.
    pub(crate) async fn weight(&self) -> Result<u64> {
        let script = "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
            .filter((entry) => entry.initiatorType !== 'fetch')
            .reduce((sum, entry) => sum + entry.encodedBodySize, 0)";
        self.ask(script).await?.as_u64().context("a number of bytes")
    }

    /// Audits and photographs the page as it is: light and dark, wide and narrow.
    pub(crate) async fn audit(&self, state: &str) -> Result<()> {
        self.clean(state).await?;
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                self.look(width, HEIGHT, scheme).await?;
                self.check(&format!("{state} at {width} px, {scheme}")).await?;
                self.photograph(state, width, scheme).await?;
            }
        }
        self.look(1280, HEIGHT, "light").await
    }

    /// Nothing broke the content policy, no script failed, and nothing came from anywhere else.
    pub(crate) async fn clean(&self, what: &str) -> Result<()> {
        let script = "const elsewhere = performance.getEntriesByType('resource').map((entry) => entry.name)
                .filter((name) => !name.startsWith(`${location.origin}/`));
            return [...witnessed.violations, ...witnessed.errors, ...elsewhere]";
        let found = self.ask(script).await?;
        ensure!(found == json!([]), "{what}: {found:#}");
        Ok(())
    }

    /// No violation of accessibility, nothing to scroll sideways.
    async fn check(&self, what: &str) -> Result<()> {
        let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let sideways = self.ask(sideways).await?;
        if sideways != 0 {
            let script = "const edge = document.documentElement.clientWidth;
                return [...document.querySelectorAll('main *')].filter((one) => !one.closest('.scroll, .tail, pre') && one.getBoundingClientRect().right > edge)
                    .map((one) => `${one.tagName}#${one.id}.${one.className.baseVal ?? one.className}`).slice(0, 12)";
            let beyond = self.ask(script).await?;
            bail!("{what}: {sideways} px are cut off at the right, by {beyond}");
        }
        self.readable(what).await
    }

    /// No violation of accessibility.
    pub(crate) async fn readable(&self, what: &str) -> Result<()> {
        if self.ask("return !window.axe").await? == true {
            self.ask(&self.axe).await?;
        }
        let script = "const done = arguments[arguments.length - 1];
             window.axe.run(document).then(
                 (found) => done(found.violations.map((v) =>
                     v.id + ': ' + v.help + ' at ' + v.nodes.map((n) => n.target + ' ' + (n.failureSummary ?? '')).join(', '))),
                 (error) => done(['axe: ' + error]));";
        let violations = self.run(script).await?;
        match violations.as_array() {
            Some(none) if none.is_empty() => Ok(()),
            _ => bail!("{what}: {violations:#}"),
        }
    }

    /// The whole page, however long.
    pub(crate) async fn photograph(&self, state: &str, width: u32, scheme: &str) -> Result<()> {
        let height = self.ask("return document.documentElement.scrollHeight").await?;
        let height = height.as_u64().and_then(|height| u32::try_from(height).ok()).unwrap_or(HEIGHT);
        self.look(width, height.clamp(HEIGHT, TALLEST), scheme).await?;
        let dir = target().join("screenshots");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{state}-{width}-{scheme}.png"));
        fs::write(path, self.client.screenshot().await?)?;
        Ok(())
    }

    /// Shows the page as it is on paper of the usual size.
    pub(crate) async fn on_paper(&self) -> Result<()> {
        self.look(PAPER, HEIGHT, "dark").await?;
        self.command("Emulation.setEmulatedMedia", json!({ "media": "print" })).await
    }

    /// Shows it on the screen again.
    pub(crate) async fn on_screen(&self) -> Result<()> {
        self.look(1280, HEIGHT, "light").await
    }

    /// The paper, all pages of it in one, and that the browser makes a document of it.
    pub(crate) async fn photograph_paper(&self, state: &str) -> Result<()> {
        let printed = self.answer("Page.printToPDF", json!({ "printBackground": true })).await?;
        // `%PDF-` in base64.
        ensure!(
            printed["data"].as_str().is_some_and(|data| data.starts_with("JVBERi")),
            "{state}: no document"
        );
        let height = self.ask("return document.documentElement.scrollHeight").await?.as_u64();
        let height = height.and_then(|height| u32::try_from(height).ok()).unwrap_or(HEIGHT);
        let size = json!({ "width": PAPER, "height": height.clamp(HEIGHT, TALLEST), "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await?;
        let dir = target().join("screenshots");
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(format!("{state}.png")), self.client.screenshot().await?)?;
        Ok(())
    }

    /// Sets the size of the window and the colours the reader prefers.
    async fn look(&self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await?;
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }
        ]);
        self.command("Emulation.setEmulatedMedia", json!({ "media": "", "features": features })).await
    }

    /// A command of the browser's own protocol, which WebDriver has no word for.
    pub(crate) async fn command(&self, name: &str, params: Value) -> Result<()> {
        self.answer(name, params).await.map(drop)
    }

    /// What such a command answers.
    async fn answer(&self, name: &str, params: Value) -> Result<Value> {
        let session = self.client.session_id().await?.context("no session")?;
        let url = format!("{}/session/{session}/goog/cdp/execute", self.driver.url());
        let client = onward_testkit::api::client().build()?;
        let body = json!({ "cmd": name, "params": params });
        let answer = client.post(url).json(&body).send().await?;
        ensure!(answer.status().is_success(), "{name}: {}", answer.text().await?);
        Ok(answer.json::<Value>().await?["value"].take())
    }

    /// How many of something the browser holds for this page once the rest was thrown away: `Nodes`,
    /// `JSEventListeners`.
    pub(crate) async fn holds(&self, what: &str) -> Result<u64> {
        self.command("HeapProfiler.collectGarbage", json!({})).await?;
        self.command("Performance.enable", json!({})).await?;
        let all = self.answer("Performance.getMetrics", json!({})).await?;
        let found = all["metrics"].as_array().into_iter().flatten().find(|metric| metric["name"] == what);
        let number =
            found.and_then(|metric| metric["value"].as_f64()).with_context(|| format!("no metric {what}"))?;
        Ok(number as u64)
    }
}

/// The folder the binary under test was built into.
fn target() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).to_path_buf()
}
