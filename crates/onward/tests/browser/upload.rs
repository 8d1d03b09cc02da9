//! A file that is sent over a connection that breaks, to a server that dies.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::proxy::{Proxy, Weather};
use onward_testkit::{Home, until};

use crate::page::{Page, SOON};
use crate::{BINARY, address, left_out};

/// Rows of the file: more than two parts of an upload.
const ROWS: u32 = 110_000;
/// What a chunk of the connection takes, so that there is time to break it.
const SLOW: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_it_was_when_the_connection_breaks_and_the_server_dies() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let address = address()?;
    let mut server = home.serve_at(&address, &[])?;
    let api = home.ready(&mut server).await?;
    let port = address.rsplit(':').next().context("a port")?.parse()?;
    let proxy = Proxy::before(port).await?;
    let page = Page::open(&format!("http://127.0.0.1:{}/jobs/new", proxy.port())).await?;
    let mut csv = String::from("handle,note\n");
    for row in 0..ROWS {
        writeln!(csv, "person{row},{:0>80}", row)?;
    }
    let file = page.folder().join("large.csv");
    fs::write(&file, &csv)?;

    page.wait_for("#file-more").await?;
    proxy.set(Weather::Slow(SLOW));
    page.choose_file("#file", &file).await?;
    let some =
        until("a part of the file", SOON, async || Ok(arrived(&home)?.filter(|bytes| *bytes > 1 << 20)))
            .await?;
    proxy.set(Weather::Reset);
    page.wait_text("#upload-state", |text| text.contains("The connection is broken")).await?;
    let kept = arrived(&home)?.context("an upload")?;
    ensure!(kept >= some && kept < csv.len() as u64, "{kept} of {} bytes are kept", csv.len());
    let id = page.ask("return JSON.parse(localStorage.getItem('onward-draft')).known.id").await?;
    proxy.set(Weather::Slow(SLOW));
    until("more of the file", SOON, async || Ok(arrived(&home)?.filter(|bytes| *bytes > kept))).await?;

    server.kill()?;
    let mut server = home.serve_at(&address, &[])?;
    home.ready(&mut server).await?;
    proxy.set(Weather::Fair);
    page.wait_text("#report", |text| text.starts_with("110,000 rows")).await?;
    ensure!(
        page.ask("return JSON.parse(localStorage.getItem('onward-draft')).known.id").await? == id,
        "it began anew"
    );
    page.press(".start button[type=submit]").await?;
    page.wait_for("article.job").await?;
    let jobs = api.get("/jobs").await?;
    let input = &jobs.body["jobs"][0]["input"];
    ensure!(input["bytes"].as_u64() == Some(csv.len() as u64), "{input}");
    ensure!(jobs.body["jobs"][0]["total_items"] == ROWS, "{jobs:?}");
    Ok(())
}

/// How much of the one upload has arrived.
fn arrived(home: &Home) -> Result<Option<u64>> {
    let Ok(found) = fs::read_dir(home.path().join("uploads")) else { return Ok(None) };
    for entry in found {
        let entry = entry?;
        if entry.path().extension().is_some_and(|kind| kind == "part") {
            return Ok(Some(entry.metadata()?.len()));
        }
    }
    Ok(None)
}
