//! What the hooks of a job were told, as its page shows it while it happens.

use anyhow::{Result, ensure};
use onward_testkit::receiver::SECRET;
use onward_testkit::{CreatorsJob, Home, Receiver, Upstream};

use crate::page::Page;
use crate::{BINARY, left_out};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_job_follows_what_its_hooks_are_told() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let receiver = Receiver::start()?;
    let home = Home::new(BINARY)?.with_secret("HOOK", SECRET);
    let upstream = Upstream::start(CreatorsJob::mixed_script("told", 20))?;
    upstream.hold();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let truth = CreatorsJob::plain("told", 20, &upstream.url()).with_table(&receiver.recipe());
    let job = api.submit(&truth).await?;
    let page = Page::open(&format!("{}/jobs/{job}", api.base())).await?;
    page.wait_text("#deliveries", |text| text.contains("Nobody was told anything yet")).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.ask("document.body.dataset.loaded = 'once'").await?;

    // An answer that takes its time and is a refusal; the next call, five seconds later, is taken.
    receiver.hold();
    receiver.answer([500]);
    upstream.release();
    page.wait_for("article.job[data-status=completed]").await?;
    page.wait_text("#deliveries", |text| text.contains("completed") && text.contains("on its way")).await?;
    receiver.release();
    page.wait_text("#deliveries", |text| text.contains("delivered, 2 calls")).await?;
    ensure!(page.ask("return document.body.dataset.loaded").await? == "once", "the page was loaded anew");
    ensure!(page.ask("return document.querySelector('#deliveries').dataset.due ?? null").await?.is_null());
    page.audit("job-hooks").await
}
