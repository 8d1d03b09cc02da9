//! A page in a real browser: look at it, press on it, audit it, photograph it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use onward_testkit::{ChromeDriver, until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What is waited for on a page happens within this, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Widths at which every state is audited: a desktop and the narrowest phone.
const WIDTHS: [u32; 2] = [1280, 320];

/// An open page.
pub(crate) struct Page {
    client: Client,
    driver: ChromeDriver,
    _profile: TempDir,
    axe: String,
}

impl Page {
    /// A fresh browser without a profile, at an address.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let axe = target().join("tools/axe.min.js");
        let axe = fs::read_to_string(&axe)
            .with_context(|| format!("{} is missing; `cargo xtask setup` fetches it", axe.display()))?;
        let driver = ChromeDriver::start()?;
        let profile = TempDir::with_prefix("onward-browser-")?;
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({ "goog:chromeOptions": { "args": args } });
        let capabilities = capabilities.as_object().cloned().context("an object")?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(driver.url()).await;
        let client = client.context("the browser did not start")?;
        let page = Self { client, driver, _profile: profile, axe };
        page.look(1280, "light").await?;
        page.goto(url).await?;
        Ok(page)
    }

    /// Goes to an address.
    pub(crate) async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// What a script answers.
    pub(crate) async fn ask(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
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
        until(&what, SOON, async || Ok(Some(self.text(css).await?).filter(|text| wanted(text)))).await
    }

    /// Presses an element as a pointer would: scrolled into view, and not through something else.
    pub(crate) async fn press(&self, css: &str) -> Result<()> {
        self.wait_for(css).await?;
        let element = self.client.find(Locator::Css(css)).await?;
        element.click().await.with_context(|| format!("cannot press {css}"))
    }

    /// The background colour of an element, such as `rgb(21, 128, 61)`.
    pub(crate) async fn colour(&self, css: &str) -> Result<String> {
        let script =
            format!("return getComputedStyle(document.querySelector({})).backgroundColor", json!(css));
        Ok(self.ask(&script).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Audits and photographs the page as it is: light and dark, wide and narrow.
    pub(crate) async fn audit(&self, state: &str) -> Result<()> {
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                self.look(width, scheme).await?;
                self.photograph(&format!("{state}-{width}-{scheme}")).await?;
                self.check(&format!("{state} at {width} px, {scheme}")).await?;
            }
        }
        self.look(1280, "light").await
    }

    /// No violation of accessibility, nothing to scroll sideways.
    async fn check(&self, what: &str) -> Result<()> {
        let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let sideways = self.ask(sideways).await?;
        ensure!(sideways == 0, "{what}: {sideways} px are cut off at the right");
        let script = format!(
            "{}; const done = arguments[arguments.length - 1];
             window.axe.run(document).then(
                 (found) => done(found.violations.map((v) =>
                     v.id + ': ' + v.help + ' at ' + v.nodes.map((n) => n.target + ' ' + (n.failureSummary ?? '')).join(', '))),
                 (error) => done(['axe: ' + error]));",
            self.axe
        );
        let violations = self.client.execute_async(&script, Vec::new()).await?;
        match violations.as_array() {
            Some(none) if none.is_empty() => Ok(()),
            _ => bail!("{what}: {violations:#}"),
        }
    }

    async fn photograph(&self, name: &str) -> Result<()> {
        let dir = target().join("screenshots");
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(format!("{name}.png")), self.client.screenshot().await?)?;
        Ok(())
    }

    /// Sets the width of the window and the colours the reader prefers.
    async fn look(&self, width: u32, scheme: &str) -> Result<()> {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await?;
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }
        ]);
        self.command("Emulation.setEmulatedMedia", json!({ "features": features })).await
    }

    /// A command of the browser's own protocol, which WebDriver has no word for.
    async fn command(&self, name: &str, params: Value) -> Result<()> {
        let session = self.client.session_id().await?.context("no session")?;
        let url = format!("{}/session/{session}/goog/cdp/execute", self.driver.url());
        let client = onward_testkit::api::client().build()?;
        let body = json!({ "cmd": name, "params": params });
        client.post(url).json(&body).send().await?.error_for_status()?;
        Ok(())
    }
}

/// The folder the binary under test was built into.
fn target() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).to_path_buf()
}
