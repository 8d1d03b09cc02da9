//! Fifty rows in a call of 20 ms beside one.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::routing::post;
use onward_testkit::Serving;

use crate::measure::{Keys, Length, cost, creators, onward, say};

const IN_FLIGHT: u64 = 8;
const CALL: Duration = Duration::from_millis(20);

pub(crate) fn bench(length: Length) -> Result<()> {
    let scale = if length == Length::Long { 5 } else { 1 };
    let serving = upstream()?;
    let upstream = serving.url();
    let dir = tempfile::tempdir()?;
    let single = rate(dir.path(), &upstream, 2_000 * scale, 1)?;
    say(&format!("{IN_FLIGHT} calls of 20 ms in flight, one row each: {single:.0} rows/s"));
    let batched = rate(dir.path(), &upstream, 40_000 * scale, 50)?;
    say(&format!("the same with 50 rows in each: {batched:.0} rows/s, {:.1} times that", batched / single));
    Ok(())
}

fn rate(dir: &Path, upstream: &str, rows: u64, batch: u64) -> Result<f64> {
    let (csv, recipe) = (dir.join(format!("{batch}.csv")), dir.join(format!("{batch}.toml")));
    std::fs::write(&csv, creators(rows, Keys::InOrder))?;
    let text = format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{upstream}/rows'\nconcurrency = {IN_FLIGHT}\nbatch = {batch}\n"
    );
    std::fs::write(&recipe, text)?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    Ok(rows as f64 / cost(onward(dir, &["run", &csv, "--recipe", &recipe])?)?.wall_s)
}

/// A target that takes 20 ms for whatever it is sent, and adds all of it.
fn upstream() -> Result<Serving> {
    let answer = || async { tokio::time::sleep(CALL).await };
    Serving::start("upstream", Router::new().route("/rows", post(answer)))
}
