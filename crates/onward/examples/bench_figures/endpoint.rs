//! A target that answers at once, 64 calls in flight: what the work around each call costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use axum::routing::post;
use onward_testkit::Serving;

use crate::measure::{Keys, Length, cost, creators, onward, say};

const IN_FLIGHT: u64 = 64;

/// In turns, as a machine's speed drifts.
pub(crate) fn bench(length: Length) -> Result<()> {
    let (rounds, rows) = if length == Length::Long { (5, 200_000) } else { (1, 50_000) };
    let serving = upstream()?;
    let upstream = serving.url();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let dir = tempfile::tempdir()?;
    let (csv, recipe) = (dir.path().join("creators.csv"), dir.path().join("recipe.toml"));
    std::fs::write(&csv, creators(rows, Keys::InOrder))?;
    let text = format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{upstream}/rows'\nconcurrency = {IN_FLIGHT}\n"
    );
    std::fs::write(&recipe, text)?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    let (mut bare_s, mut ours_s) = (0.0, 0.0);
    for round in 0..rounds {
        let data = dir.path().join(format!("round-{round}"));
        std::fs::create_dir(&data)?;
        bare_s += runtime.block_on(bare(&upstream, rows))?;
        ours_s += cost(onward(&data, &["run", &csv, "--recipe", &recipe])?)?.wall_s;
    }
    let rate = |seconds: f64| (rows * rounds) as f64 / seconds;
    let bare = rate(bare_s);
    say(&format!("a client that records nothing, {IN_FLIGHT} calls of 0 ms in flight: {bare:.0} rows/s"));
    let (ours, share) = (rate(ours_s), bare_s / ours_s);
    say(&format!("onward run, http work, the same: {ours:.0} rows/s, {share:.2} of the bare client"));
    Ok(())
}

/// A target that adds whatever it is sent.
fn upstream() -> Result<Serving> {
    Serving::start("upstream", Router::new().route("/rows", post(async || r#"{"outcome":"added"}"#)))
}

/// The same rows sent by a loop that reads the answers and keeps none. How long it takes, in seconds.
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
                let body =
                    format!(r#"{{"row":{},"fields":{{"handle":"{}"}}}}"#, row + 1, Keys::InOrder.handle(row));
                let call = client.post(format!("{upstream}/rows")).header("content-type", "application/json");
                let _: serde_json::Value = call.body(body).send().await?.json().await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(begin.elapsed().as_secs_f64())
}
