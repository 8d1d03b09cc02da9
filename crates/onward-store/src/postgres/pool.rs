//! A few connections: made when needed, kept while good, thrown away at the first doubt.
//!
//! **Promise.** At most so many connections as the address allows. Every operation runs in a task of
//! its own and is never dropped in the middle, whatever becomes of the caller: a transaction is either
//! committed, rolled back, or its connection is closed, and no half-open one is ever handed on. No
//! `BEGIN` stands under a timeout: when an operation takes too long, its *connection* is cut, and the
//! operation ends by itself with the error that a broken connection gives.
//!
//! **What each failure does.** A kept connection that breaks before the commit says little of the server,
//! which may have ended it while nobody looked: the same is done again on a new one. A new one that breaks
//! then: `Unavailable`, nothing is written.
//! At the commit: `Unknown`, and the caller reads the ledger on a connection that was not there before
//! (G9). A server that is away: connecting is tried again at growing distances, never by everybody at
//! once, and until then callers are told at once.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onward_core::store::{Result, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::failure::{Answer, Fail, commit_failed, is_broken, is_lost_race, rolled_back};
use super::session::{Clock, Session};

/// How long an operation of the daily kind may take. Shorter than a lease, so that its holder still
/// learns what became of a commit that was not answered.
const QUICK: Duration = Duration::from_secs(8);

/// How long one may take that reads or moves a whole job: verify, retry, delete.
const LONG: Duration = Duration::from_secs(600);

/// The first pause after a failed attempt to connect; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause: work goes on within seconds of the server's return.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Connections that writing leaves to readers, but never more than half of all: a page is not to wait for the
/// commits of a job at full speed.
const FOR_READERS: usize = 2;

/// How often an operation is done again that lost a race: each time it sees what the winner did.
const TRIES: usize = 5;

/// What an operation does, under way.
pub(super) type Work<'a, T> = std::pin::Pin<Box<dyn Future<Output = Answer<T>> + Send + 'a>>;

/// An operation: what to do over a session with what was asked.
pub(super) type Operation<A, T> = for<'a> fn(&'a Session, &'a A) -> Work<'a, T>;

/// How an operation stands to transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads; each statement sees a moment of its own.
    Read,
    /// Reads everything as of one moment, and may take long.
    Snapshot,
    /// Its first statement is a transaction of its own: it may be committed when its answer gets lost.
    Statement,
    /// One transaction around all its statements.
    Transaction,
    /// The same, and it may take long.
    LongTransaction,
}

impl Kind {
    fn deadline(self) -> Duration {
        match self {
            Self::Read | Self::Statement | Self::Transaction => QUICK,
            Self::Snapshot | Self::LongTransaction => LONG,
        }
    }

    fn writes(self) -> bool {
        match self {
            Self::Read | Self::Snapshot => false,
            Self::Statement | Self::Transaction | Self::LongTransaction => true,
        }
    }
}

/// Which connection an operation gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Any that is idle.
    Any,
    /// One that was not there before.
    New,
}

/// How an attempt ended.
enum Ended<T> {
    /// With its answer.
    Answered(T),
    /// With an error for the caller.
    Failed(StoreError),
    /// Somebody else was faster; nothing was written.
    LostRace,
    /// Its connection broke before anything was written.
    Broken(StoreError),
}

/// A connection in use.
struct InUse {
    session: Session,
    /// Whether it was kept from an earlier use.
    kept: bool,
    permit: OwnedSemaphorePermit,
}

/// The connections of a store.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    address: Address,
    tls: MakeRustlsConnect,
    clock: Clock,
    idle: Mutex<Vec<Session>>,
    gate: Mutex<Gate>,
    permits: Arc<Semaphore>,
    /// What writes needs one of these first: fewer than there are connections.
    writing: Arc<Semaphore>,
}

/// When the next attempt to connect may be made.
#[derive(Default)]
struct Gate {
    failures: u32,
    closed_until: Option<(Instant, String)>,
}

impl Pool {
    /// No connection is made yet.
    pub(super) fn new(address: Address, tls: MakeRustlsConnect, clock: Clock) -> Self {
        let most = address.max_connections;
        let permits = Arc::new(Semaphore::new(most));
        let writing = Arc::new(Semaphore::new(most - FOR_READERS.min(most / 2)));
        let (idle, gate) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { address, tls, clock, idle, gate, permits, writing }))
    }

    /// Carries out an operation; done again where it lost a race, or a kept connection was no good.
    pub(super) async fn run<A, T>(
        &self,
        kind: Kind,
        which: Which,
        asked: A,
        operation: Operation<A, T>,
    ) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let pool = self.clone();
        let task = tokio::spawn(async move {
            for _ in 0..TRIES {
                if let Some(answer) = pool.attempt(kind, which, &asked, operation).await? {
                    return Ok(answer);
                }
            }
            Err(StoreError::Unavailable(String::from("others changed the same again and again")))
        });
        task.await.map_err(|_| StoreError::Unknown(String::from("the operation broke off")))?
    }

    /// One attempt; `None` when nothing was written and the same is to be done again.
    async fn attempt<A, T>(
        &self,
        kind: Kind,
        which: Which,
        asked: &A,
        operation: Operation<A, T>,
    ) -> Result<Option<T>> {
        let _turn = if kind.writes() { Some(permit(&self.0.writing).await?) } else { None };
        let InUse { session, kept, permit } = self.session(which).await?;
        let cutter = session.cutter();
        let ((ended, fit), in_time) = {
            let mut under_way = pin!(carry_out(&session, kind, asked, operation));
            match tokio::time::timeout(kind.deadline(), &mut under_way).await {
                Ok(done) => (done, true),
                Err(_) => {
                    cutter.abort();
                    (under_way.await, false)
                }
            }
        };
        if fit && !session.is_closed() {
            lock(&self.0.idle).push(session);
        }
        drop(permit);
        match ended {
            Ended::Answered(answer) => Ok(Some(answer)),
            Ended::LostRace => Ok(None),
            Ended::Broken(_) if kept && in_time => {
                // What ended one has mostly ended all.
                lock(&self.0.idle).clear();
                Ok(None)
            }
            Ended::Broken(error) | Ended::Failed(error) => Err(error),
        }
    }

    async fn session(&self, which: Which) -> Result<InUse> {
        let permit = permit(&self.0.permits).await?;
        if which == Which::Any {
            while let Some(session) = self.idle() {
                if !session.is_closed() {
                    return Ok(InUse { session, kept: true, permit });
                }
            }
        } else {
            // The new one takes the place of one that is idle, so that the limit holds.
            drop(self.idle());
        }
        Ok(InUse { session: self.connect().await?, kept: false, permit })
    }

    fn idle(&self) -> Option<Session> {
        lock(&self.0.idle).pop()
    }

    async fn connect(&self) -> Result<Session> {
        if let Some((until, why)) = &lock(&self.0.gate).closed_until
            && *until > Instant::now()
        {
            return Err(StoreError::Unavailable(why.clone()));
        }
        let connected = Session::connect(&self.0.address, &self.0.tls, self.0.clock).await;
        let mut gate = lock(&self.0.gate);
        match connected {
            Ok(session) => {
                if gate.failures > 0 {
                    tracing::info!("the database answers again");
                }
                *gate = Gate::default();
                Ok(session)
            }
            Err(error) => {
                if gate.failures == 0 {
                    tracing::warn!(%error, "the database cannot be reached; tried again until it can");
                }
                let pause = FIRST_PAUSE.saturating_mul(1 << gate.failures.min(10)).min(LONGEST_PAUSE);
                gate.failures += 1;
                gate.closed_until = Some((Instant::now() + pause, error.to_string()));
                Err(StoreError::Unavailable(error.to_string()))
            }
        }
    }
}

/// Runs an operation inside what its kind asks for. Also says whether the session may be used again.
async fn carry_out<A, T>(
    session: &Session,
    kind: Kind,
    asked: &A,
    operation: Operation<A, T>,
) -> (Ended<T>, bool) {
    let begun = match kind {
        Kind::Read | Kind::Statement => Ok(()),
        Kind::Snapshot => session.begin_snapshot().await,
        Kind::Transaction | Kind::LongTransaction => session.begin().await,
    };
    if let Err(fail) = begun {
        return (before_commit(fail), false);
    }
    let done = operation(session, asked).await;
    match (kind, done) {
        (Kind::Read | Kind::Statement, Ok(answer)) => (Ended::Answered(answer), true),
        // What failed in the middle of several steps may have left anything behind but an answer of ours.
        (Kind::Read, Err(fail)) => {
            let fit = !matches!(fail, Fail::Sql(_));
            (before_commit(fail), fit)
        }
        (Kind::Statement, Err(fail)) => {
            let fit = !matches!(fail, Fail::Sql(_));
            (at_commit(fail), fit)
        }
        (Kind::Snapshot | Kind::Transaction | Kind::LongTransaction, Ok(answer)) => {
            match session.commit().await {
                Ok(()) => (Ended::Answered(answer), true),
                Err(fail) => (at_commit(fail), false),
            }
        }
        (Kind::Snapshot | Kind::Transaction | Kind::LongTransaction, Err(fail)) => {
            let fit = session.roll_back().await.is_ok();
            (before_commit(fail), fit)
        }
    }
}

/// What a failure means before anything could be committed.
fn before_commit<T>(fail: Fail) -> Ended<T> {
    match fail {
        Fail::Sql(error) if is_broken(&error) => {
            tracing::debug!(%error, "a connection broke");
            Ended::Broken(rolled_back(&error))
        }
        Fail::Sql(_) | Fail::Refused(_) | Fail::Again => ended(fail, rolled_back),
    }
}

/// What a failure means where the commit may have come first.
fn at_commit<T>(fail: Fail) -> Ended<T> {
    ended(fail, commit_failed)
}

fn ended<T>(fail: Fail, meaning: fn(&tokio_postgres::Error) -> StoreError) -> Ended<T> {
    match fail {
        Fail::Again => Ended::LostRace,
        Fail::Refused(error) => Ended::Failed(error),
        Fail::Sql(error) if is_lost_race(&error) => Ended::LostRace,
        Fail::Sql(error) => {
            let meaning = meaning(&error);
            tracing::debug!(%error, %meaning, "a statement failed");
            Ended::Failed(meaning)
        }
    }
}

async fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let closed = |_| StoreError::Unavailable(String::from("the store is closed"));
    Arc::clone(permits).acquire_owned().await.map_err(closed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while one of them was held leaves a list and a number; both are still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
