//! What a person does without a pointer, and what he reads.

use anyhow::{Result, bail, ensure};
use onward_testkit::{Api, until};
use serde_json::json;

use crate::page::{Page, SOON};

/// Presses of Tab after which an element counts as out of reach.
const MOST_TABS: usize = 150;
/// The modifier Control, as the browser counts them.
const CONTROL: u32 = 2;

impl Page {
    /// Presses a key: a letter, a sign, or one by its name, such as `Tab` or `Enter`.
    pub(crate) async fn key(&self, key: &str) -> Result<()> {
        self.stroke(key, 0).await
    }

    /// Marks all of the field that has the focus and writes over it.
    pub(crate) async fn write_over(&self, text: &str) -> Result<()> {
        self.stroke("a", CONTROL).await?;
        self.write(text).await
    }

    /// Writes into the field that has the focus.
    pub(crate) async fn write(&self, text: &str) -> Result<()> {
        self.command("Input.insertText", json!({ "text": text })).await
    }

    async fn stroke(&self, key: &str, modifiers: u32) -> Result<()> {
        let (code, number, text) = match key {
            "Tab" => ("Tab".to_owned(), 9, ""),
            "Enter" => ("Enter".to_owned(), 13, "\r"),
            "Escape" => ("Escape".to_owned(), 27, ""),
            "Space" => ("Space".to_owned(), 32, " "),
            "ArrowRight" => ("ArrowRight".to_owned(), 39, ""),
            "ArrowDown" => ("ArrowDown".to_owned(), 40, ""),
            letter => match letter.bytes().next() {
                Some(byte) if letter.len() == 1 => {
                    let upper = letter.to_uppercase();
                    (format!("Key{upper}"), u32::from(byte.to_ascii_uppercase()), letter)
                }
                _ => bail!("no key is called {key}"),
            },
        };
        let text = if modifiers == 0 { text } else { "" };
        let name = if key == "Space" { " " } else { key };
        let event = |kind: &str| {
            json!({ "type": kind, "key": name, "code": code, "windowsVirtualKeyCode": number,
                    "text": text, "modifiers": modifiers })
        };
        self.command("Input.dispatchKeyEvent", event(if text.is_empty() { "rawKeyDown" } else { "keyDown" }))
            .await?;
        let up = json!({ "type": "keyUp", "key": name, "code": code, "windowsVirtualKeyCode": number });
        self.command("Input.dispatchKeyEvent", up).await
    }

    /// Presses Tab until an element has the focus, which then has to be seen.
    pub(crate) async fn tab_to(&self, css: &str) -> Result<()> {
        self.wait_for(css).await?;
        let script = format!(
            "const own = document.activeElement;
             if (!own.matches({})) return null;
             const style = getComputedStyle(own);
             return style.outlineStyle !== 'none' && style.outlineWidth !== '0px'",
            json!(css)
        );
        for _ in 0..MOST_TABS {
            let seen = self.ask(&script).await?;
            if !seen.is_null() {
                ensure!(seen == true, "{css} has the focus, and nobody sees it");
                return Ok(());
            }
            self.key("Tab").await?;
        }
        bail!("{css} is not reached by {MOST_TABS} presses of Tab")
    }

    /// Goes to an element by Tab and presses Enter on it.
    pub(crate) async fn enter(&self, css: &str) -> Result<()> {
        self.tab_to(css).await?;
        self.key("Enter").await
    }

    /// Goes to a field by Tab and writes over what it holds.
    pub(crate) async fn fill(&self, css: &str, text: &str) -> Result<()> {
        self.tab_to(css).await?;
        self.write_over(text).await
    }

    /// Waits for a message with this text.
    pub(crate) async fn toast(&self, text: &str) -> Result<()> {
        let script = format!(
            "return [...document.querySelectorAll('.toast')].some((toast) => toast.textContent.includes({}))",
            json!(text)
        );
        self.wait_true(&format!("the toast `{text}`"), &script).await
    }

    /// Waits until a script answers `true`.
    pub(crate) async fn wait_true(&self, what: &str, script: &str) -> Result<()> {
        until(what, SOON, async || Ok((self.ask(script).await? == true).then_some(()))).await
    }

    /// Waits until the address contains this.
    pub(crate) async fn wait_at(&self, part: &str) -> Result<()> {
        let script =
            format!("return location.href.includes({}) && document.readyState === 'complete'", json!(part));
        self.wait_true(&format!("an address with {part}"), &script).await
    }

    /// Waits until the card of a job says exactly what the API says of it.
    pub(crate) async fn agrees(&self, api: &Api, job: &str) -> Result<()> {
        let script = format!(
            "const card = document.querySelector(\"article.job[data-job='{job}']\");
             const number = (text) => Number(text.replaceAll(',', ''));
             const bound = (name) => number(card.querySelector(`[data-bind=${{name}}]`).textContent);
             return {{ status: card.dataset.status, done: number(card.querySelector('[data-bind=progress]').textContent.split('/')[0]),
                 added: bound('added'), failed: bound('failed'), skipped: bound('skipped'), filtered: bound('filtered') }}"
        );
        until("the page to say what the API says", SOON, async || {
            let told = api.job(job).await?;
            let results = &told["results"];
            let wanted = json!({ "status": told["status"], "done": told["processed_items"],
                "added": results["added"], "failed": results["failed"],
                "skipped": results["skipped"], "filtered": results["filtered"] });
            let shown = self.ask(&script).await?;
            // Said when the time is up.
            ensure!(shown == wanted, "the page says {shown}, the API {wanted}");
            Ok(Some(()))
        })
        .await
    }
}
