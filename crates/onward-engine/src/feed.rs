//! The live feed: what changed, for everybody who watches.
//!
//! Every subscriber first reads the present state, then gets one event per job that changed: at most
//! four a second per job while rows finish, and every state change, in order.
//!
//! One task looks at the store's version ten times a second, so changes that other processes make are
//! seen like our own. While nobody watches it reads nothing but that number.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind};
use onward_core::id::JobId;
use onward_core::job::Job;
use onward_core::state::JobState;
use onward_core::store::{JobQuery, Store, StoreError};
use onward_core::stuck::StuckReason;
use tokio::sync::broadcast;

use crate::clock;
use crate::gauges::Gauges;
use crate::snapshot::Snapshot;

/// How often the store is asked for its version, in milliseconds.
const LOOK_MS: u64 = 100;
/// Progress of one job is told at most this often, in milliseconds: four times a second.
const PROGRESS_MS: u64 = 250;
/// Events of progress that all subscribers together get in a second, about one job: a thousand screens are told less
/// often, because what they cost is taken from the job. A change of state is told to all at once.
const TOLD_PER_SECOND: u64 = 600;
/// Jobs that have not changed are looked at this often all the same, in milliseconds: being stuck and
/// rates change with time alone.
const TIME_MS: u64 = 1_000;
/// Events kept for a slow subscriber; one that is further behind reads everything anew.
pub(crate) const BACKLOG: usize = 1_024;
/// Timeline lines read per look.
const EVENTS_PER_LOOK: usize = 500;
/// Running jobs told about; more would be no page any more.
const JOBS: usize = 200;

/// Something that changed.
#[derive(Debug, Clone)]
pub enum FeedEvent {
    /// A job looks different. `event` is the line of its timeline when its state changed.
    Job {
        /// Number of the last timeline line known when this was made; the `id:` of the stream.
        seq: u64,
        /// The job now.
        snapshot: Arc<Snapshot>,
        /// The state change, if this is one.
        event: Option<Event>,
    },
    /// A job was deleted.
    Deleted {
        /// As above.
        seq: u64,
        /// Which.
        job: JobId,
    },
}

/// A subscription.
pub struct Feed {
    /// Events from the moment of subscribing on. `Lagged` means: read everything anew.
    pub events: broadcast::Receiver<FeedEvent>,
    /// The number of the last timeline line before them.
    pub seq: u64,
}

/// The task behind the feed.
pub(crate) struct Teller {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) out: broadcast::Sender<FeedEvent>,
    pub(crate) seq: Arc<std::sync::atomic::AtomicU64>,
    /// How subscribers were last told that each running job looks.
    told: HashMap<JobId, Look>,
}

/// The parts of a snapshot whose change is worth an event.
#[derive(PartialEq)]
struct Look {
    processed: u64,
    saved_at: Option<UnixMs>,
    epoch: onward_core::id::Epoch,
    stuck: Option<StuckReason>,
    rate_tenths: u64,
    workers: usize,
}

/// How far the teller has come.
#[derive(Default)]
struct Known {
    /// The store's version when the timeline was last read to its end; `None` before, and when that failed.
    version: Option<u64>,
    /// Whether something has changed since progress was last told.
    is_behind: bool,
    /// When progress was last told.
    told_at: UnixMs,
}

impl Teller {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        gauges: Arc<Gauges>,
        out: broadcast::Sender<FeedEvent>,
        seq: Arc<std::sync::atomic::AtomicU64>,
    ) -> Self {
        Self { store, gauges, out, seq, told: HashMap::new() }
    }

    /// Tells for ever.
    pub(crate) async fn tell(mut self) {
        let mut known = Known::default();
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            if let Err(error) = self.look(&mut known, clock::now()).await {
                tracing::debug!(%error, "the feed missed a look and repeats it");
            }
        }
    }

    /// What does not succeed stays unknown, and the next look begins with it.
    async fn look(&mut self, known: &mut Known, now: UnixMs) -> Result<(), StoreError> {
        let current = self.store.version().await.ok();
        if current.is_none() || current != known.version {
            known.version = None;
            known.is_behind = true;
            if self.state_changes(now).await? {
                known.version = current;
            }
        }
        let subscribers = self.out.receiver_count();
        if subscribers == 0 {
            self.told.clear();
            return Ok(());
        }
        // Reading all running jobs costs more than a look at the timeline: no oftener than it is told.
        let every_ms = told_every_ms(subscribers).max(if known.is_behind { 0 } else { TIME_MS });
        if now.ms_since(known.told_at) >= every_ms {
            self.progress(now).await?;
            (known.is_behind, known.told_at) = (false, now);
        }
        Ok(())
    }

    /// Tells what is new on the timeline; `false` when there is more of it.
    async fn state_changes(&mut self, now: UnixMs) -> Result<bool, StoreError> {
        let events = self.store.events(None, self.seq.load(Relaxed), EVENTS_PER_LOOK).await?;
        let is_all = events.len() < EVENTS_PER_LOOK;
        for event in events {
            let is_told = changes_state(event.kind) && self.out.receiver_count() > 0;
            // Read before the line counts as told: when the store does not answer, the next look begins with it.
            let job = if is_told { self.store.job(event.job).await? } else { None };
            self.seq.store(event.seq, Relaxed);
            if let Some(job) = job {
                self.send(as_of(job, &event), Some(event), now).await;
            }
        }
        Ok(is_all)
    }

    /// Tells about all running jobs that look different.
    async fn progress(&mut self, now: UnixMs) -> Result<(), StoreError> {
        let query = JobQuery { states: vec![JobState::Running], limit: JOBS, ..JobQuery::default() };
        let jobs = self.store.jobs(&query).await?;
        let running: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        for job in jobs {
            self.send(job, None, now).await;
        }
        self.told.retain(|job, _| running.contains(job));
        Ok(())
    }

    /// Tells how a job looks, if it is news.
    async fn send(&mut self, job: Job, event: Option<Event>, now: UnixMs) {
        let snapshot = Snapshot::take(&*self.store, job, &self.gauges, now).await;
        let look = Look::of(&snapshot);
        if event.is_none() && self.told.get(&snapshot.job.id) == Some(&look) {
            return;
        }
        self.told.insert(snapshot.job.id, look);
        let seq = self.seq.load(Relaxed);
        // No subscriber is no error.
        let _ = self.out.send(FeedEvent::Job { seq, snapshot: Arc::new(snapshot), event });
    }
}

/// How often progress of one job is told to so many, in milliseconds.
fn told_every_ms(subscribers: usize) -> u64 {
    PROGRESS_MS.max(subscribers as u64 * 1_000 / TOLD_PER_SECOND)
}

impl Look {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            processed: snapshot.job.tally.processed(),
            saved_at: snapshot.job.checkpoint.saved_at,
            epoch: snapshot.job.epoch,
            stuck: snapshot.stuck.as_ref().map(|stuck| stuck.reason),
            rate_tenths: (snapshot.rows_per_second.unwrap_or(0.0) * 10.0) as u64,
            workers: snapshot.job.leases.len(),
        }
    }
}

/// The job as this line of its timeline left it. Between two looks a job may have gone on: the timeline is the truth
/// about what it was in between, and counters are as they are now.
fn as_of(mut job: Job, line: &Event) -> Job {
    let Some(state) = state_after(line.kind).filter(|state| *state != job.state) else { return job };
    let is_over = !state.is_active();
    job.state = state;
    job.pause = None;
    job.error = None;
    job.epoch = line.epoch;
    job.updated_at = line.at;
    job.finished_at = is_over.then_some(line.at);
    job.leases.clear();
    job
}

/// The state in which a line of the timeline leaves its job; `None` when the line alone does not say.
fn state_after(kind: EventKind) -> Option<JobState> {
    match kind {
        EventKind::Created => Some(JobState::Queued),
        EventKind::Started | EventKind::Resumed | EventKind::Restarted | EventKind::Retried => {
            Some(JobState::Running)
        }
        EventKind::Paused => Some(JobState::Paused),
        EventKind::Cancelled => Some(JobState::Cancelled),
        EventKind::Completed => Some(JobState::Completed),
        EventKind::Failed => Some(JobState::Failed),
        EventKind::Rescued
        | EventKind::Fenced
        | EventKind::LateResult
        | EventKind::Changed
        | EventKind::Attached => None,
    }
}

fn changes_state(kind: EventKind) -> bool {
    match kind {
        EventKind::Created
        | EventKind::Started
        | EventKind::Resumed
        | EventKind::Restarted
        | EventKind::Paused
        | EventKind::Cancelled
        | EventKind::Completed
        | EventKind::Failed
        | EventKind::Retried
        | EventKind::Changed
        | EventKind::Attached => true,
        EventKind::Rescued | EventKind::Fenced | EventKind::LateResult => false,
    }
}
