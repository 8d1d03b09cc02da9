//! Pages on paper: their content, whole and readable, and nothing to press.

use std::time::Duration;

use anyhow::{Result, ensure};
use onward_testkit::{CreatorsJob, Home, Upstream};
use serde_json::json;

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

const ROWS: u64 = 313;
/// What on a page is only good on a screen.
const CONTROLS: &str = "button, .btn, input, select, textarea, nav, header.top, dialog, .pill, .pages, .skip";

impl Page {
    /// Looks at the page as it will be on paper, printed by somebody who likes his screen dark.
    async fn print(&self, state: &str, wanted: &[&str]) -> Result<()> {
        self.ask("document.documentElement.dataset.theme = 'dark'").await?;
        self.on_paper().await?;
        for css in wanted {
            ensure!(self.shows(css).await?, "{state}: {css} is not on the paper");
        }
        let script = format!(
            "const seen = (one) => one.checkVisibility() && one.getClientRects().length && !one.closest('.vh, .defs');
             const name = (one) => `${{one.tagName}}#${{one.id}}.${{one.className.baseVal ?? one.className}}`;
             const edge = document.documentElement.clientWidth + 1;
             const cut = (one) => {{
                 const hides = getComputedStyle(one).overflow !== 'visible' && !one.closest('svg');
                 return one.getBoundingClientRect().right > edge
                     || (hides && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
             }};
             return {{
                 controls: [...document.querySelectorAll({})].filter(seen).map(name),
                 cut: [...document.querySelectorAll('main *')].filter((one) => seen(one) && cut(one)).map(name),
             }}",
            json!(CONTROLS)
        );
        let found = self.ask(&script).await?;
        ensure!(found == json!({ "controls": [], "cut": [] }), "{state}: {found:#}");
        self.readable(&format!("{state} on paper")).await?;
        self.photograph_paper(state).await?;
        self.on_screen().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_paper_pages_have_all_of_their_content_in_black_on_white_and_no_buttons() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("paper", ROWS))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let mut truth = CreatorsJob::mixed("paper", ROWS, &upstream.url());
    // Something that does not fit into a line.
    truth.csv = truth.csv.replacen("line 3\n", &format!("{}\n", "long".repeat(150)), 1);
    let job = api.submit(&truth).await?;
    api.job_when(&job, "its end", SOON, |job| job["status"] == "completed").await?;
    let slow = Upstream::start(CreatorsJob::mixed_script("slow", ROWS).latency(Duration::from_millis(40)))?;
    let held = api.submit(&CreatorsJob::mixed("slow", ROWS, &slow.url())).await?;
    api.job_when(&held, "some rows", SOON, |job| job["processed_items"].as_u64() > Some(40)).await?;
    ensure!(api.act(&held, "force-cancel").await?.status == 200);

    let page = Page::open(&format!("{}/", api.base())).await?;
    let both: [&str; 2] =
        [&format!("article.job[data-job='{job}']"), &format!("article.job[data-job='{held}']")];
    page.print("paper-main", &both).await?;
    for (state, path, wanted) in [
        (
            "paper-job",
            format!("/jobs/{job}"),
            ["article.job .bar", "#charts .plot", "#resume-point", "#timeline", ".map"],
        ),
        (
            "paper-job-cancelled",
            format!("/jobs/{held}"),
            ["article.job", "#charts", "#resume-point", "#timeline", ".map"],
        ),
    ] {
        page.goto(&format!("{}{path}", api.base())).await?;
        page.print(state, &wanted).await?;
    }
    page.goto(&format!("{}/jobs/{job}/rows", api.base())).await?;
    page.print("paper-rows", &["table.rows tbody tr:last-child td", "main h1"]).await
}
