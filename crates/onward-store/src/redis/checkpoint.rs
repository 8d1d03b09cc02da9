//! The live checkpoint of each job, as a hash that any program can read.
//!
//! Written after the commit in the database, from what the database then says, by one task: changes
//! that come while it writes are written together. Nobody waits for it. A last write a second after the
//! last change puts right what a slower writer on another machine may have put over a newer one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::job::Job;
use onward_core::state::JobState;
use onward_core::store::Store;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::Redis;

/// The least time between two writes: at 500 rows a second every fifth row is still caught.
const PAUSE: Duration = Duration::from_millis(10);
/// The task rests this many times as long as reading and writing took, so that it takes at most a
/// third of one connection of the database.
const REST_FACTOR: u32 = 2;
/// The last write after a change.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// The hash of a job that nobody touches is forgotten after a day: it is a copy.
const KEPT: Duration = Duration::from_secs(86_400);
/// A checkpoint is live when it is so many rows behind at most,
const LIVE_ROWS: u64 = 5;
/// or not older than this, in milliseconds, where thousands of rows finish in a second.
const LIVE_MS: u64 = 1_000;
/// Jobs that wait for their write; more are left to their next change.
const MAX_JOBS: usize = 10_000;

/// Which jobs changed.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    jobs: Mutex<HashMap<JobId, Mark>>,
    wake: Notify,
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    Now,
    Later(Instant),
}

impl Dirty {
    pub(super) fn mark(&self, job: JobId) {
        let mut jobs = self.jobs();
        if jobs.len() < MAX_JOBS || jobs.contains_key(&job) {
            jobs.insert(job, Mark::Now);
            self.wake.notify_one();
        }
    }

    /// Takes what is due; answers when the next is.
    fn take(&self, now: Instant) -> (Vec<(JobId, Mark)>, Option<Instant>) {
        let mut jobs = self.jobs();
        let due = |mark: &Mark| match mark {
            Mark::Now => true,
            Mark::Later(at) => *at <= now,
        };
        let taken: Vec<_> =
            jobs.iter().filter(|(_, mark)| due(mark)).map(|(job, mark)| (*job, *mark)).collect();
        jobs.retain(|_, mark| !due(mark));
        let next = jobs.values().filter_map(|mark| match mark {
            Mark::Now => None,
            Mark::Later(at) => Some(*at),
        });
        (taken, next.min())
    }

    /// Returns when nothing waits to be written, or after `within`.
    pub(super) async fn settle(&self, within: Duration) {
        let waits = || self.jobs().values().any(|mark| matches!(mark, Mark::Now));
        let until = Instant::now() + within;
        while waits() && Instant::now() < until {
            sleep(PAUSE).await;
        }
    }

    fn once_more(&self, job: JobId, now: Instant) {
        self.jobs().entry(job).or_insert(Mark::Later(now + LAST_WRITE));
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, Mark>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes for as long as the store is used.
pub(super) async fn write(redis: Redis, dirty: Arc<Dirty>, store: Weak<dyn Store>) {
    loop {
        let began = Instant::now();
        let (due, next) = dirty.take(began);
        if due.is_empty() {
            match next {
                Some(at) => tokio::select! { () = dirty.wake.notified() => {} () = sleep_until(at) => {} },
                None => dirty.wake.notified().await,
            }
            continue;
        }
        let Some(store) = store.upgrade() else { return };
        for (id, mark) in due {
            let job = match store.job(id).await {
                Ok(Some(job)) => job,
                Ok(None) => {
                    redis.forget(id).await;
                    continue;
                }
                // A database that does not answer has nothing new to say; its next commit marks again.
                Err(_) => continue,
            };
            let wrote = redis.put_checkpoint(&job).await;
            // Once more after the last change, and until a Redis that is away is back.
            if !wrote || matches!(mark, Mark::Now) {
                dirty.once_more(id, Instant::now());
            }
        }
        drop(store);
        sleep((began.elapsed() * REST_FACTOR).max(PAUSE)).await;
    }
}

impl Redis {
    async fn put_checkpoint(&self, job: &Job) -> bool {
        let key = self.keys.checkpoint(job.id);
        let fields = fields(job);
        let wrote = self.link.ask("write a checkpoint", async |mut open| {
            let mut set = redis::cmd("HSET");
            set.arg(&key).arg(&fields[..]);
            if set.query_async::<i64>(&mut open.connection).await.is_err() {
                // Something of another type is in the way; whatever else it was, this fails as well.
                redis::cmd("DEL").arg(&key).query_async::<i64>(&mut open.connection).await?;
                set.query_async::<i64>(&mut open.connection).await?;
            }
            let mut expire = redis::cmd("EXPIRE");
            expire.arg(&key).arg(KEPT.as_secs()).query_async::<i64>(&mut open.connection).await
        });
        wrote.await.is_some()
    }

    async fn forget(&self, job: JobId) {
        let keys = [self.keys.checkpoint(job), self.keys.turns(job)];
        let deleted = self.link.ask("forget a job", async |mut open| {
            redis::cmd("DEL").arg(&keys[..]).query_async::<i64>(&mut open.connection).await
        });
        deleted.await;
    }

    /// Which of these jobs, as just read from the database, have a live checkpoint in Redis.
    pub(super) async fn live_checkpoints(&self, jobs: &[&Job], now: UnixMs) -> Vec<bool> {
        let mut asked = redis::pipe();
        for job in jobs {
            let key = self.keys.checkpoint(job.id);
            asked.cmd("HMGET").arg(key).arg("processed_items").arg("generation").arg("saved_at");
        }
        asked.ignore_errors();
        let found = self.link.ask("read checkpoints", async |mut open| {
            asked.query_async::<Vec<redis::Value>>(&mut open.connection).await
        });
        let found = found.await.unwrap_or_default();
        let live = |(at, job): (usize, &&Job)| found.get(at).is_some_and(|value| is_live(value, job, now));
        jobs.iter().enumerate().map(live).collect()
    }
}

fn is_live(value: &redis::Value, job: &Job, now: UnixMs) -> bool {
    let read: Result<(Option<u64>, Option<u32>, Option<i64>), _> = redis::from_redis_value(value.clone());
    let Ok((Some(processed), Some(generation), saved_at)) = read else { return false };
    let known = job.tally.processed();
    if generation != job.generation {
        return false;
    }
    let recent = saved_at.is_some_and(|at| now.ms_since(UnixMs(at)) <= LIVE_MS && at <= now.0);
    match job.state {
        // The database was read first: rows may have been saved in both places since.
        JobState::Running if processed > known => recent,
        JobState::Running => known - processed <= LIVE_ROWS || recent,
        JobState::Queued | JobState::Paused | JobState::Completed => processed == known,
        JobState::Failed | JobState::Cancelled => processed == known,
    }
}

fn fields(job: &Job) -> Vec<(&'static str, String)> {
    let saved_at = job.checkpoint.saved_at.unwrap_or_default();
    vec![
        ("status", job.state.word().to_owned()),
        ("processed_items", job.tally.processed().to_string()),
        ("total_items", job.total.to_string()),
        ("added", job.tally.added.to_string()),
        ("failed", job.tally.failed.to_string()),
        ("skipped", job.tally.skipped.to_string()),
        ("filtered", job.tally.filtered.to_string()),
        ("low_water", job.checkpoint.low_water.to_string()),
        ("epoch", job.epoch.0.to_string()),
        ("generation", job.generation.to_string()),
        ("saved_at", saved_at.0.to_string()),
    ]
}
