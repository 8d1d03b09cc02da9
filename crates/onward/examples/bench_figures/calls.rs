//! 64 calls of 20 ms in flight: how much of what a client that records nothing reaches is left when
//! every outcome is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use onward_testkit::Serving;

use crate::measure::{Keys, Length, cost, creators, onward, say};

const IN_FLIGHT: u64 = 64;
const CALL: Duration = Duration::from_millis(20);

pub(crate) fn bench(length: Length) -> Result<()> {
    let rows = match length {
        Length::Short => 20_000,
        Length::Long => 200_000,
    };
    let serving = upstream()?;
    let upstream = serving.url();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bare = runtime.block_on(bare(&upstream, rows))?;
    say(&format!("a client that records nothing, {IN_FLIGHT} calls of 20 ms in flight: {bare:.0} rows/s"));
    let dir = tempfile::tempdir()?;
    let (csv, recipe) = (dir.path().join("creators.csv"), dir.path().join("recipe.toml"));
    std::fs::write(&csv, creators(rows, Keys::Mixed))?;
    let text = format!(
        "key = [\"handle\"]\n[work]\nkind = \"creators\"\nconcurrency = {IN_FLIGHT}\n[fetch]\nurl = \"{upstream}/creators/{{{{ handle }}}}\"\n[add]\n"
    );
    std::fs::write(&recipe, text)?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    let cost = cost(onward(dir.path(), &["run", &csv, "--recipe", &recipe])?)?;
    let rate = rows as f64 / cost.wall_s;
    say(&format!(
        "onward run, the same with every outcome durable: {rate:.0} rows/s, {:.2} of the bare client, {:.3} CPU s per 1,000 rows, peak {} MB",
        rate / bare,
        cost.cpu_s * 1_000.0 / rows as f64,
        cost.peak_mb
    ));
    Ok(())
}

/// An API that takes 20 ms, on a thread of its own.
fn upstream() -> Result<Serving> {
    let answer = |Path(handle): Path<String>| async move {
        tokio::time::sleep(CALL).await;
        format!(r#"{{"handle":"{handle}","followers":5000}}"#)
    };
    Serving::start("upstream", Router::new().route("/creators/{handle}", get(answer)))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn bare(upstream: &str, rows: u64) -> Result<f64> {
    let client = onward_testkit::api::client().build()?;
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, next, upstream) = (client.clone(), Arc::clone(&next), upstream.to_owned());
        tasks.spawn(async move {
            loop {
                let row = next.fetch_add(1, Ordering::Relaxed);
                if row >= rows {
                    return anyhow::Ok(());
                }
                let answer = client.get(format!("{upstream}/creators/creator_{row}")).send().await?;
                let _: serde_json::Value = answer.json().await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(rows as f64 / begin.elapsed().as_secs_f64())
}
