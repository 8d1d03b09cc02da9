//! Jobs in every state, for the tests of the pages.

use std::sync::Arc;

use onward_core::checkpoint::Checkpoint;
use onward_core::clock::UnixMs;
use onward_core::id::{Epoch, InputId, JobId, SpanNo, WorkerId};
use onward_core::job::{Job, JobError, JobInput, LeaseFact, Pause, Tuning};
use onward_core::state::{JobState, PauseReason};
use onward_core::stuck::{Stuck, StuckReason};
use onward_core::tally::Tally;
use onward_engine::Snapshot;
use uuid::Uuid;

/// The moment at which all samples are looked at.
pub(crate) const NOW: UnixMs = UnixMs(1_795_000_000_000);

/// `ms` milliseconds before [`NOW`].
pub(crate) fn ago(ms: i64) -> UnixMs {
    UnixMs(NOW.0 - ms)
}

fn job(number: u128, name: &str, state: JobState, tally: Tally, total: u64) -> Snapshot {
    let job = Job {
        id: JobId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number)),
        name: name.to_owned(),
        state,
        pause: None,
        error: None,
        total,
        tally,
        checkpoint: Checkpoint {
            low_water: tally.processed(),
            ahead: 0,
            saved_at: Some(ago(400)),
            rests_until: None,
        },
        attempt: 2,
        generation: 1,
        epoch: Epoch(7),
        created_at: ago(600_000),
        started_at: Some(ago(590_000)),
        updated_at: ago(400),
        finished_at: None,
        attempt_at: Some(ago(590_000)),
        input: JobInput {
            id: InputId(Uuid::nil()),
            filename: "creators.csv".to_owned(),
            sha256: "ab".repeat(32),
            bytes: 48_121,
            available: true,
        },
        recipe: Arc::from(r#"{"name":"creators","work":{"kind":"creators"}}"#),
        tuning: Tuning::default(),
        leases: Vec::new(),
        in_doubt: 0,
    };
    Snapshot {
        job,
        stuck: None,
        rows_per_second: None,
        eta_seconds: None,
        eta_range_seconds: None,
        pace: Vec::new(),
        closed_until: None,
        at: NOW,
    }
}

/// 228 of 313 rows, 11 of them failed.
const TALLY_228: Tally = Tally { added: 201, failed: 11, skipped: 12, filtered: 4 };

/// Waits for its first claim.
pub(crate) fn queued() -> Snapshot {
    let mut snapshot = job(1, "queued.csv", JobState::Queued, Tally::default(), 313);
    snapshot.job.checkpoint = Checkpoint::default();
    snapshot.job.started_at = None;
    snapshot
}

/// At row 640 of 1,000.
pub(crate) fn running() -> Snapshot {
    let tally = Tally { added: 590, failed: 9, skipped: 31, filtered: 10 };
    let mut snapshot = job(2, "Creators – spring drop", JobState::Running, tally, 1_000);
    snapshot.rows_per_second = Some(12.4);
    snapshot.eta_seconds = Some(29);
    snapshot.pace = vec![9.0, 12.0, 12.5, 11.0, 12.4];
    let lease = |span| LeaseFact {
        span: SpanNo(span),
        worker: WorkerId("eu-1".to_owned()),
        epoch: Epoch(7),
        until: NOW.plus_ms(9_000),
        waiting: None,
    };
    snapshot.job.leases = vec![lease(6), lease(7)];
    snapshot
}

/// Running, and nothing has been saved for six minutes.
pub(crate) fn stuck() -> Snapshot {
    let tally = Tally { added: 41_000, failed: 120, skipped: 380, filtered: 0 };
    let mut snapshot = job(3, "TikTok backfill", JobState::Running, tally, 1_000_000);
    snapshot.job.checkpoint.saved_at = Some(ago(360_000));
    snapshot.stuck = Some(Stuck {
        reason: StuckReason::NoProgress,
        since: ago(360_000),
        detail: "no row was saved for 360 s (limit 120 s)".to_owned(),
    });
    snapshot
}

/// Held by the breaker.
pub(crate) fn paused() -> Snapshot {
    let mut snapshot = job(4, "weekly.csv", JobState::Paused, TALLY_228, 313);
    snapshot.job.pause = Some(Pause {
        reason: PauseReason::Breaker,
        message: "10 rows in a row failed with 503".to_owned(),
        probe_at: Some(NOW.plus_ms(24_000)),
    });
    snapshot
}

/// Failed at row 228 of 313.
pub(crate) fn failed() -> Snapshot {
    let mut snapshot = job(5, "creators-313.csv", JobState::Failed, TALLY_228, 313);
    snapshot.job.error = Some(JobError {
        code: "upstream-down".to_owned(),
        message: "upstream answered 503 for 10 rows in a row".to_owned(),
    });
    snapshot.job.finished_at = Some(ago(120_000));
    snapshot
}

/// Failed, and its file is gone.
pub(crate) fn file_missing() -> Snapshot {
    let mut snapshot = failed();
    snapshot.job.input.available = false;
    snapshot
}

/// Cancelled at row 50 of 90.
pub(crate) fn cancelled() -> Snapshot {
    let tally = Tally { added: 50, ..Tally::default() };
    let mut snapshot = job(6, "newsletter.csv", JobState::Cancelled, tally, 90);
    snapshot.job.finished_at = Some(ago(5_500_000));
    snapshot
}

/// All 313 rows, 4 of them failed.
pub(crate) fn completed() -> Snapshot {
    let tally = Tally { added: 300, failed: 4, skipped: 7, filtered: 2 };
    let mut snapshot = job(7, "march.csv", JobState::Completed, tally, 313);
    snapshot.job.started_at = Some(ago(161_000));
    snapshot.job.finished_at = Some(ago(120_000));
    snapshot
}

/// One of each.
pub(crate) fn all() -> Vec<Snapshot> {
    vec![running(), stuck(), queued(), paused(), failed(), file_missing(), cancelled(), completed()]
}
