//! What servers show of a job that another machine works on: all the same.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::left_out;
use onward_testkit::{Api, CreatorsJob, Script, Upstream, api, until};
use serde_json::{Value, json};

use super::members::Fleet;
use crate::DONE_WITHIN;

const ROWS: u64 = 400;

/// What a stream of events has told: the name of each event, its number, and its data.
type Told = Vec<(String, Option<u64>, Value)>;

#[tokio::test(flavor = "multi_thread")]
async fn every_server_shows_live_and_alike_what_other_machines_do() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(40)))?;
    let truth = CreatorsJob::plain("seen", ROWS, &upstream.url());
    let fleet = Fleet::start(2, 1).await?;
    let streams = [open(&fleet.apis[0]).await?, open(&fleet.apis[1]).await?];
    let job = fleet.apis[0].submit(&truth).await?;
    let [near, far] = streams.map(|stream| tokio::spawn(until_completed(stream)));
    let told = [near.await?.context("the near stream")?, far.await?.context("the far stream")?];

    let changes = |told: &Told| -> Vec<(Option<u64>, Value)> {
        let changes = told.iter().filter(|(name, _, _)| name == "change");
        changes.map(|(_, id, data)| (*id, data.clone())).collect()
    };
    ensure!(changes(&told[0]) == changes(&told[1]), "{told:?}");
    let kinds: Vec<Value> = changes(&told[0]).into_iter().map(|(_, mut data)| data["kind"].take()).collect();
    ensure!(kinds == [json!("created"), json!("started"), json!("completed")], "{kinds:?}");
    for told in &told {
        let counts: Vec<u64> =
            told.iter().filter_map(|(_, _, job)| job["processed_items"].as_u64()).collect();
        let live = counts.iter().filter(|count| (1..ROWS).contains(count)).count();
        ensure!(live > 3, "only {live} steps were seen live: {counts:?}");
        ensure!(counts.is_sorted() && counts.last() == Some(&ROWS), "{counts:?}");
    }

    for path in [format!("/jobs/{job}"), String::from("/workers"), String::from("/jobs")] {
        let mut views = Vec::new();
        for api in &fleet.apis {
            views.push(without_age(api.get(&path).await?.body));
        }
        ensure!(views[0] == views[1], "{path}: {views:?}");
    }
    until("the live checkpoint of the finished job", DONE_WITHIN, async || {
        let shown = fleet.apis[1].job(&job).await?;
        Ok((shown["checkpoint"]["saved_in"] == json!(["postgres", "redis"])).then_some(()))
    })
    .await
}

async fn open(api: &Api) -> Result<reqwest::Response> {
    let url = format!("{}/api/v1/events", api.base());
    Ok(api::client().build()?.get(url).send().await?.error_for_status()?)
}

async fn until_completed(mut stream: reqwest::Response) -> Result<Told> {
    let all = async {
        let (mut text, mut told) = (String::new(), Told::new());
        while let Some(piece) = stream.chunk().await? {
            text.push_str(&String::from_utf8_lossy(&piece));
            while let Some((event, rest)) = text.split_once("\n\n") {
                told.extend(read(event));
                text = rest.to_owned();
            }
            let ended = |(name, _, data): &(String, Option<u64>, Value)| {
                name == "change" && data["kind"] == "completed"
            };
            let counted =
                |(_, _, data): &(String, Option<u64>, Value)| data["processed_items"] == json!(ROWS);
            if told.iter().any(ended) && told.iter().any(counted) {
                return Ok(told);
            }
        }
        anyhow::bail!("it ended")
    };
    tokio::time::timeout(DONE_WITHIN, all).await.context("the end never came by")?
}

fn read(event: &str) -> Option<(String, Option<u64>, Value)> {
    let field = |name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(':').trim().to_owned())
    };
    let data = serde_json::from_str(&field("data")?).ok()?;
    Some((field("event")?, field("id").and_then(|id| id.parse().ok()), data))
}

/// Without what each server measures for itself, or what moves with time alone.
fn without_age(mut view: Value) -> Value {
    const AGES: [&str; 6] = ["rows_per_second", "eta_seconds", "checkpoint", "seen_at", "age", "spans"];
    match &mut view {
        Value::Object(fields) => {
            fields.retain(|name, _| !AGES.contains(&name.as_str()));
            for (_, value) in fields.iter_mut() {
                *value = without_age(value.take());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = without_age(value.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    view
}
