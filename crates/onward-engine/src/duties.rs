//! Periodic chores: give back what dead workers held, try held jobs again, measure rates, find
//! standstills, sweep inputs that nobody needs.

use std::sync::Arc;
use std::time::Duration;

use onward_core::doubt::waits_for_a_person;
use onward_core::id::RowIndex;
use onward_core::input::span_of;
use onward_core::job::{Go, Job};
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::store::{Command, JobQuery, Room, Store};

use crate::clock;
use crate::gauges::{Free, Gauges};
use crate::hooks::Standstills;
use crate::member::Place;
use crate::worker::Drives;

/// How often the chores are done, in milliseconds: with the lease this bounds a take-over to 15 s.
const ROUND_MS: u64 = 1_000;
/// Workers that take turns in looking at the jobs, at most: fifty would otherwise all read the same each second, and
/// this is as long as a rate may wait for its next measurement.
const TAKE_TURNS: u32 = 5;
/// Jobs looked at per round; more running jobs than this are measured in turns of the list.
const JOBS_PER_ROUND: usize = 200;
/// Every so many rounds unneeded inputs are swept: every ten minutes.
const SWEEP_ROUNDS: u64 = 600;
/// Inputs younger than this may belong to an upload that is still running, in milliseconds.
const SWEEP_AGE_MS: i64 = 3_600_000;

/// Does the chores for ever.
pub(crate) async fn rounds(
    store: Arc<dyn Store>,
    drives: Arc<Drives>,
    gauges: Arc<Gauges>,
    place: Arc<Place>,
) {
    let mut standstills = Standstills::default();
    let mut before = Room::Enough;
    for round in 0u64.. {
        // A holder that cannot save for want of room is alive; it goes first when there is some.
        let room = store.room();
        if (room, before) == (Room::Enough, Room::Enough) {
            rescue(&*store, &drives).await;
        }
        before = room;
        if place.is_turn(round, TAKE_TURNS) {
            active(&*store, &drives, &gauges, &mut standstills).await;
        }
        if round % SWEEP_ROUNDS == SWEEP_ROUNDS - 1 {
            sweep(&*store).await;
        }
        tokio::time::sleep(Duration::from_millis(ROUND_MS)).await;
    }
}

async fn rescue(store: &dyn Store, drives: &Drives) {
    match store.rescue(clock::now()).await {
        Ok(rescued) => {
            for rescued in rescued {
                tracing::warn!(job.id = %rescued.job, span = %rescued.span, worker = %rescued.worker, "took a span from a worker whose lease lapsed");
                drives.nudge(rescued.job);
            }
        }
        Err(error) => tracing::warn!(%error, "failed to look for lapsed leases"),
    }
}

async fn active(store: &dyn Store, drives: &Drives, gauges: &Gauges, standstills: &mut Standstills) {
    let query = JobQuery {
        states: vec![JobState::Running, JobState::Paused],
        limit: JOBS_PER_ROUND,
        ..JobQuery::default()
    };
    let jobs = store.jobs(&query).await.unwrap_or_default();
    for job in jobs {
        let due = match job.state {
            JobState::Running => {
                let free = free(store, &job, gauges.free(job.id)).await;
                gauges.sample(job.id, job.tally.processed(), free, clock::now());
                wait_for_a_person(store, &job).await;
                standstills.look(store, &job).await;
                None
            }
            JobState::Paused => {
                gauges.forget(job.id);
                standstills.forget(job.id);
                resumed_by(&job, store.room())
            }
            JobState::Queued | JobState::Completed | JobState::Failed | JobState::Cancelled => None,
        };
        if let Some(actor) = due {
            let (step, actor, now) = (Step::Resume, actor.to_owned(), clock::now());
            let (epoch, pause, error, go) = (None, None, None, Go::Probe);
            let command = Command { job: job.id, step, epoch, actor, now, pause, error, go };
            if let Err(error) = store.command(&command).await {
                tracing::debug!(job.id = %job.id, %error, "a chore came too late for a job");
            }
            drives.nudge(job.id);
        }
    }
}

/// Rows of a job that cost no call. Spans are taken in order, and whoever takes one does these rows at once,
/// so those of later spans are still ahead. What the file says is read once; `None` when it cannot be read.
async fn free(store: &dyn Store, job: &Job, known: Option<Free>) -> Option<Free> {
    let known = known.filter(|known| known.input == job.input.id);
    let (repeats, decided, before) = match known {
        Some(known) => (known.repeats, known.decided, known.ahead),
        None => {
            let summary = store.input(job.input.id).await.ok().flatten()?;
            let repeats = store.repeats(job.input.id, None).await.ok()?;
            (repeats, Arc::from(summary.decided), u64::MAX)
        }
    };
    let next = RowIndex(u32::try_from(job.checkpoint.low_water).unwrap_or(u32::MAX));
    let held = job.leases.iter().map(|lease| lease.span);
    let reached = held.chain([span_of(next)]).max()?;
    let later = decided.iter().filter(|(span, _)| *span > reached).map(|(_, rows)| u64::from(*rows));
    let repeated = match repeats {
        0 => 0,
        _ => store.repeats(job.input.id, Some(reached)).await.ok()?,
    };
    // A span that was given back is not ahead again: its rows without a call are done.
    let ahead = before.min(repeated + later.sum::<u64>());
    Some(Free { input: job.input.id, repeats, decided, ahead })
}

/// Holds a job of which nothing is left but rows in doubt that wait for a person.
async fn wait_for_a_person(store: &dyn Store, job: &Job) {
    if !job.leases.is_empty() || job.tally.processed() >= job.total {
        return;
    }
    let left = usize::try_from(job.total - job.tally.processed()).unwrap_or(usize::MAX);
    let Ok(doubts) = store.doubts(job.id, None, left).await else { return };
    let Some(pause) = waits_for_a_person(job, &doubts) else { return };
    let (step, epoch, actor, now) = (Step::Pause, Some(job.epoch), "in doubt".to_owned(), clock::now());
    let (pause, error, go) = (Some(pause), None, Go::Fully);
    let command = Command { job: job.id, step, epoch, actor, now, pause, error, go };
    if let Err(error) = store.command(&command).await {
        tracing::debug!(job.id = %job.id, %error, "a chore came too late for a job");
    }
}

/// Who resumes a held job now, if its time has come.
fn resumed_by(job: &Job, room: Room) -> Option<&'static str> {
    let pause = job.pause.as_ref()?;
    let due = pause.probe_at.is_some_and(|at| at <= clock::now());
    match pause.reason {
        PauseReason::User => None,
        PauseReason::Breaker | PauseReason::Quota | PauseReason::InDoubt => due.then_some("breaker"),
        PauseReason::DiskFull => (room == Room::Enough).then_some("disk"),
    }
}

async fn sweep(store: &dyn Store) {
    let now = clock::now();
    let before = onward_core::clock::UnixMs(now.0 - SWEEP_AGE_MS);
    if let Err(error) = store.sweep_inputs(before).await {
        tracing::warn!(%error, "failed to sweep inputs that nobody needs");
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use onward_core::id::SpanNo;
    use onward_core::recipe::Recipe;
    use onward_store::open::{Mode, open};

    use super::*;
    use crate::handle::Submission;

    /// A hundred rows, a hundred ragged ones, and twelve of which ten repeat earlier ones.
    fn csv() -> String {
        let mut csv = String::from("handle,note\n");
        for row in 0..100 {
            writeln!(csv, "a{row},x").unwrap();
        }
        csv.push_str(&"b,x,too,many\n".repeat(100));
        for row in 90..100 {
            writeln!(csv, "a{row},x").unwrap();
        }
        csv + "c1,x\nc2,x\n"
    }

    #[tokio::test]
    async fn rows_that_need_no_call_are_ahead_until_their_span_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.csv");
        std::fs::write(&file, csv()).unwrap();
        let store = open("memory:", Mode::Serve).unwrap();
        let recipe = Recipe::from_toml("key = [\"handle\"]\n[work]\nkind = \"creators\"\n").unwrap();
        let (filename, actor) = ("list.csv".to_owned(), "test".to_owned());
        let submission = Submission { file, filename, recipe, name: None, first: None, actor, sha256: None };
        let mut job = crate::input::submit(&store, submission, &[]).await.unwrap();
        let known = free(&*store, &job, None).await.unwrap();
        assert_eq!((known.decided.as_ref(), known.repeats), (&[(SpanNo(1), 100)][..], 10));
        assert_eq!((known.all(), known.ahead), (110, 110));

        job.checkpoint.low_water = 100;
        let known = free(&*store, &job, Some(known)).await.unwrap();
        assert_eq!(known.ahead, 10, "the span with the ragged rows was reached");
        job.checkpoint.low_water = 200;
        let known = free(&*store, &job, Some(known)).await.unwrap();
        assert_eq!((known.all(), known.ahead), (110, 0));
        job.checkpoint.low_water = 0;
        assert_eq!(free(&*store, &job, Some(known)).await.unwrap().ahead, 0, "what is done stays done");
    }
}
