//! A job with what is derived from it at one moment: stuck, rate, time left.

use onward_core::clock::UnixMs;
use onward_core::id::RowIndex;
use onward_core::job::Job;
use onward_core::recipe::Recipe;
use onward_core::state::JobState;
use onward_core::store::{RowQuery, Store, StoreError};
use onward_core::stuck::{self, Stuck, StuckReason};

use crate::gauges::Gauges;
use crate::input::stored_recipe;

/// A job as it looks at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The stored facts.
    pub job: Job,
    /// Evidence that it is stuck, if it is.
    pub stuck: Option<Stuck>,
    /// Rows attempted per second, over the last seconds; `None` while unknown or at rest.
    pub rows_per_second: Option<f64>,
    /// Seconds until the last row at that rate; `None` while unknown or at rest.
    pub eta_seconds: Option<u64>,
    /// Until when it waits for its target's limit; `None` when it does not, or another process knows.
    pub closed_until: Option<UnixMs>,
    /// The least and the most it may be, when the pace of the last minute varies much.
    pub eta_range_seconds: Option<(u64, u64)>,
    /// Rows a second in each of the last steps of five seconds, oldest first.
    pub pace: Vec<f64>,
    /// When this was taken.
    pub at: UnixMs,
}

/// Steps of the pace that a range of the time left is made of: a minute.
const RANGE_STEPS: usize = 12;
/// Fewer steps say nothing about how much the pace varies.
const LEAST_STEPS: usize = 4;
/// A range is told when the fast steps are so many times as fast as the slow ones.
const VARIES: f64 = 1.5;

impl Snapshot {
    pub(crate) async fn take(store: &dyn Store, job: Job, gauges: &Gauges, now: UnixMs) -> Self {
        let stuck = stuck_of(store, &job, now).await;
        let running = job.state == JobState::Running;
        let processed = job.tally.processed();
        let rate = if running { gauges.rate(job.id, processed, now) } else { None };
        let rows_per_second = rate.filter(|rate| *rate > 0.0);
        let pace = if running { gauges.pace(job.id) } else { Vec::new() };
        // What is ahead and needs no call costs no time.
        let free = gauges.free(job.id).map_or(0, |free| free.ahead);
        let left = job.total.saturating_sub(processed).saturating_sub(free);
        let eta_seconds = rows_per_second.map(|rate| (left as f64 / rate).ceil() as u64);
        let eta_range_seconds = eta_seconds.and_then(|_| range(left, &pace));
        Self {
            job,
            stuck,
            rows_per_second,
            eta_seconds,
            eta_range_seconds,
            pace,
            closed_until: None,
            at: now,
        }
    }
}

/// The time left at a fast and at a slow step of the last minute, when they differ much.
fn range(left: u64, pace: &[f64]) -> Option<(u64, u64)> {
    let mut last: Vec<f64> = pace.iter().rev().take(RANGE_STEPS).copied().collect();
    if last.len() < LEAST_STEPS {
        return None;
    }
    last.sort_by(f64::total_cmp);
    let (slow, fast) = (last[last.len() / 5], last[last.len() - 1 - last.len() / 5]);
    let varies = slow > 0.0 && fast / slow >= VARIES;
    varies.then(|| ((left as f64 / fast).ceil() as u64, (left as f64 / slow).ceil() as u64))
}

/// Evidence that a job is stuck, if it is. Only where it seems to be, the ledger is asked how long its rows take.
pub(crate) async fn stuck_of(store: &dyn Store, job: &Job, now: UnixMs) -> Option<Stuck> {
    if job.state != JobState::Running {
        return None;
    }
    let recipe = stored_recipe(job).ok();
    let limit_ms = recipe.as_ref().map_or(stuck::STUCK_AFTER_MS, Recipe::limit_ms);
    let stuck = stuck::stuck(job, limit_ms, now)?;
    let limit_is_told = recipe.is_some_and(|recipe| recipe.work.stuck_after.is_some());
    if stuck.reason == StuckReason::WorkerLost || limit_is_told {
        return Some(stuck);
    }
    match last_took_ms(store, job).await {
        Ok(took_ms) => stuck::stuck(job, limit_ms.max(stuck::patience_ms(took_ms)), now),
        Err(error) => {
            tracing::debug!(job.id = %job.id, %error, "how long rows take is not known");
            Some(stuck)
        }
    }
}

/// How long the last rows before the resume point took.
async fn last_took_ms(store: &dyn Store, job: &Job) -> Result<Vec<u64>, StoreError> {
    let Some(last) = job.checkpoint.low_water.checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
        return Ok(Vec::new());
    };
    let query = RowQuery {
        job: job.id,
        outcome: None,
        code: None,
        text: None,
        after: last.checked_sub(stuck::ROWS_LOOKED_AT).map(RowIndex),
        until: Some(RowIndex(last)),
        limit: stuck::ROWS_LOOKED_AT as usize,
    };
    let rows = store.rows(&query).await?;
    Ok(rows.into_iter().map(|row| row.duration_ms).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_pace_has_no_range_and_a_changing_one_has() {
        assert_eq!(range(100, &[10.0, 10.0, 11.0, 10.0, 9.5]), None);
        assert_eq!(range(100, &[5.0, 20.0]), None, "two steps say nothing");
        assert_eq!(range(100, &[5.0, 5.0, 20.0, 20.0, 20.0]), Some((5, 20)));
        assert_eq!(range(100, &[0.0, 0.0, 20.0, 20.0, 20.0]), None, "a standstill has no end to tell");
    }
}
