//! The shared rate of a job, kept in Redis while nobody keeps it in the database.
//!
//! Two places that both give turns would give twice the rate. So a worker takes turns here only for
//! [`LOOK`] after it has seen in the database that nobody takes turns there. One that cannot reach Redis
//! takes them there, the first of them no sooner than everybody else has looked and used up what it got
//! here. When nobody has taken turns there for a while, all are back here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use onward_core::id::JobId;
use onward_core::store::{Result, Store, Turns, TurnsAsked};
use tokio::time::Instant;

use super::Redis;

/// For so long a look at the database counts.
const LOOK: Duration = Duration::from_millis(500);
/// Turns are given so far ahead here, in microseconds: short, as others wait for it when Redis is lost.
const AHEAD_US: i64 = 500_000;
/// The first turn in the database comes this long after it was asked for, in milliseconds: the sum of
/// the two above, and as much again for answers that are slow.
const BEGIN_MS: u64 = 1_500;
/// A mark in the database that is older than this, in microseconds, belongs to nobody.
const OLD_US: i64 = 3_000_000;
/// Who asks the database within this, in microseconds, goes on there; a second less than above, so that
/// everybody who looks in the meantime sees it too.
const GOES_ON_US: i64 = 2_000_000;

/// When the database was last seen to keep no rate, by job.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<HashMap<JobId, Instant>>);

impl Looks {
    fn is_fresh(&self, job: JobId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&job).is_some_and(|at| at.elapsed() < LOOK)
    }

    fn note(&self, job: JobId, at: Instant) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|_, at| at.elapsed() < LOOK);
        looks.insert(job, at);
    }
}

impl Redis {
    /// Takes turns, here or in the database.
    pub(crate) async fn turns(&self, database: &dyn Store, asked: &TurnsAsked) -> Result<Turns> {
        if asked.calls == 0 {
            return database.turns(asked).await;
        }
        if !self.looks.is_fresh(asked.job) {
            let at = Instant::now();
            let stands = database.turns(&TurnsAsked { calls: 0, ..*asked }).await?;
            if stands.wait_us > -OLD_US {
                return self.turns_of_database(database, asked, stands).await;
            }
            self.looks.note(asked.job, at);
        }
        match self.take(asked).await {
            Some(turns) => Ok(turns),
            None => {
                let stands = database.turns(&TurnsAsked { calls: 0, ..*asked }).await?;
                self.turns_of_database(database, asked, stands).await
            }
        }
    }

    async fn turns_of_database(
        &self,
        database: &dyn Store,
        asked: &TurnsAsked,
        stands: Turns,
    ) -> Result<Turns> {
        let not_before_ms = if stands.wait_us > -GOES_ON_US { 0 } else { BEGIN_MS };
        database.turns(&TurnsAsked { not_before_ms, ..*asked }).await
    }

    async fn take(&self, asked: &TurnsAsked) -> Option<Turns> {
        let key = self.keys.turns(asked.job);
        let taken = self.link.ask("take turns", async |open| {
            let mut connection = open.connection;
            let mut call = self.script.key(&key);
            call.arg(asked.calls).arg(asked.interval_us).arg(AHEAD_US).arg(&open.server);
            call.invoke_async::<(u32, i64)>(&mut connection).await
        });
        taken.await.map(|(calls, wait_us)| Turns { calls, wait_us })
    }
}
