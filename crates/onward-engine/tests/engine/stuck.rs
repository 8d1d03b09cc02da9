//! Slow is not stuck.

use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::doubt::Trial;
use onward_core::id::{JobId, RowIndex, WorkerId};
use onward_core::row::{RowRecord, Verdict};
use onward_core::store::{Claim, Claimed, Commit};
use onward_core::stuck::StuckReason;

use crate::kit::Kit;

/// How long ago the last row was saved, in milliseconds: beyond what any job is given.
const STILL_MS: i64 = 100_000;

/// A job of so many rows, of which a worker has done 20 that took so long and saved nothing since.
async fn standing_still(kit: &Kit, rows: u64, recipe: &str, took_ms: u64) -> JobId {
    let submitted = kit.submit(rows, recipe).await;
    let (job, now) = (submitted.job.id, submitted.at);
    let then = UnixMs(now.0 - STILL_MS);
    let store = kit.engine.store();
    let claim = Claim { job, worker: WorkerId("w".to_owned()), window: 50, now: then };
    let claimed = store.claim(&claim).await.unwrap().expect("a span is free");
    store.commit(commit(job, &claimed, 0..20, took_ms, then)).await.unwrap();
    store.commit(commit(job, &claimed, 0..0, 0, now)).await.unwrap();
    job
}

fn commit(job: JobId, claimed: &Claimed, rows: std::ops::Range<u32>, took_ms: u64, now: UnixMs) -> Commit {
    let record = |row: u32| RowRecord {
        index: RowIndex(row),
        key: format!("a{}", row + 1).into(),
        verdict: Verdict::added(),
        tries: 1,
        duration_ms: took_ms,
        finished_at: now,
    };
    Commit {
        job,
        span: claimed.span,
        epoch: claimed.epoch,
        rows: Arc::new(rows.map(record).collect()),
        low_water: RowIndex(20),
        claimed_until: claimed.claimed_until,
        waiting: None,
        rests_until: None,
        trial: Trial::AsBefore,
        now,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_given_the_time_of_five_of_its_slow_rows() {
    let kit = Kit::idle();
    let quick = standing_still(&kit, 50, "", 2_000).await;
    let stuck = kit.engine.job(quick).await.unwrap().stuck.expect("its rows take two seconds");
    assert_eq!(stuck.reason, StuckReason::NoProgress);
    let slow = standing_still(&kit, 60, "", 40_000).await;
    assert_eq!(kit.engine.job(slow).await.unwrap().stuck, None, "200 s are not over");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_recipe_says_stands_whatever_its_rows_take() {
    let kit = Kit::idle();
    let told = standing_still(&kit, 50, "stuck_after = \"90s\"", 40_000).await;
    let stuck = kit.engine.job(told).await.unwrap().stuck.expect("the recipe says 90 s");
    assert!(stuck.detail.contains("limit 90 s"), "{}", stuck.detail);
}
