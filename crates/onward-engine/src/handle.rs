//! What can be asked of a running engine. Every answer that is not `Ok` is a [`Problem`] for people.

mod commands;
mod rehearse;
mod telling;

pub use commands::Limits;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use onward_core::hook::Courier;
use onward_core::id::{JobId, RowIndex, WorkerId};
use onward_core::problem::Problem;
use onward_core::processor::Processor;
use onward_core::recipe::{Hook, Recipe};
use onward_core::store::{JobQuery, RowQuery, Sought, Store};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock;
use crate::drive::Order;
use crate::duties;
use crate::feed::{BACKLOG, Feed, FeedEvent, Teller};
use crate::gates::Gates;
use crate::gauges::Gauges;
use crate::input;
use crate::member::{self, Place};
use crate::mishap;
use crate::rows;
pub use crate::rows::{DoubtDetail, RowDetail, RowLook};
use crate::snapshot::Snapshot;
use crate::worker::{Drives, work};
pub use rehearse::{Tried, rehearse};

/// How long the rows in hand may take when the work is stopped, in milliseconds. Longer ones are given
/// up; they are not in the ledger and are done again.
const STOP_MS: u64 = 10_000;

/// Letters of a worker's name that are random: among 500 workers two of the same name are one in a
/// hundred million starts.
const RANDOM_PART: usize = 12;

/// Makes the processor for a recipe, or says what is wrong with it.
pub type Builder = Arc<dyn Fn(&Recipe) -> Result<Arc<dyn Processor>, Problem> + Send + Sync>;

/// How an engine behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs driven at the same time by this process.
    pub max_jobs: usize,
    /// Names the machine to people; a random part makes it the name of one start of one process.
    pub worker_name: String,
}

/// A file and what to do with it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Where the upload was spooled.
    pub file: PathBuf,
    /// The name the file came with.
    pub filename: String,
    /// What to do.
    pub recipe: Recipe,
    /// A name for people; the file's when left out.
    pub name: Option<String>,
    /// Do so many rows, then hold the job and ask.
    pub first: Option<u64>,
    /// Who submits.
    pub actor: String,
    /// SHA-256, in hex, of the file that was looked at before: another one is refused with `input-changed`.
    pub sha256: Option<String>,
}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    builder: Builder,
    courier: OnceLock<Arc<dyn Courier>>,
    standing: OnceLock<Hook>,
    settings: Settings,
    worker: WorkerId,
    place: Arc<Place>,
    drained: watch::Sender<bool>,
    drives: Arc<Drives>,
    gauges: Arc<Gauges>,
    gates: Arc<Gates>,
    events: broadcast::Sender<FeedEvent>,
    seq: Arc<AtomicU64>,
    stop: Arc<Notify>,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    work: Option<JoinHandle<()>>,
    member: Option<JoinHandle<()>>,
    duties: Option<JoinHandle<()>>,
    feed: Option<JoinHandle<()>>,
    telling: Option<(JoinHandle<()>, CancellationToken)>,
}

impl Engine {
    /// An engine over a store; does no work before [`Engine::start_work`].
    pub fn new(store: Arc<dyn Store>, builder: Builder, settings: Settings) -> Self {
        let random = Uuid::now_v7().simple().to_string();
        let worker = WorkerId(format!("{}-{}", settings.worker_name, &random[random.len() - RANDOM_PART..]));
        let inner = Inner {
            store,
            builder,
            courier: OnceLock::new(),
            standing: OnceLock::new(),
            settings,
            worker,
            place: Arc::default(),
            drained: watch::Sender::new(false),
            drives: Arc::default(),
            gauges: Arc::default(),
            gates: Arc::default(),
            events: broadcast::channel(BACKLOG).0,
            seq: Arc::default(),
            stop: Arc::default(),
            tasks: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The name of this process among the workers.
    #[must_use]
    pub fn worker(&self) -> &WorkerId {
        &self.inner.worker
    }

    /// Registers this process among the workers and starts the claim loop and the duties. A second
    /// call changes nothing.
    pub fn start_work(&self) {
        let mut tasks = self.tasks();
        if tasks.member.is_none() {
            tasks.member = Some(tokio::spawn(self.membership()));
        }
        if tasks.work.is_none() {
            let order = Order {
                store: Arc::clone(&self.inner.store),
                builder: Arc::clone(&self.inner.builder),
                worker: self.inner.worker.clone(),
                job: JobId(Uuid::nil()),
                gates: Arc::clone(&self.inner.gates),
            };
            let (drives, place) = (Arc::clone(&self.inner.drives), Arc::clone(&self.inner.place));
            let (max_jobs, stop) = (self.inner.settings.max_jobs, Arc::clone(&self.inner.stop));
            tasks.work = Some(tokio::spawn(work(order, drives, place, max_jobs, stop)));
        }
        drop(tasks);
        self.start_duties();
    }

    /// Starts the duties alone, and tells hooks: for a server whose rows are done by other processes.
    pub fn start_duties(&self) {
        self.start_telling();
        let mut tasks = self.tasks();
        if tasks.duties.is_none() {
            let (store, drives) = (Arc::clone(&self.inner.store), Arc::clone(&self.inner.drives));
            let (gauges, place) = (Arc::clone(&self.inner.gauges), Arc::clone(&self.inner.place));
            tasks.duties = Some(tokio::spawn(duties::rounds(store, drives, gauges, place)));
        }
    }

    /// Finishes the rows in hand, gives spans back, leaves the registry, and ends all chores.
    pub async fn stop_work(&self) {
        let chores = {
            let mut tasks = self.tasks();
            [tasks.member.take(), tasks.duties.take()]
        };
        for chore in chores.into_iter().flatten() {
            chore.abort();
        }
        self.hand_back().await;
        self.stop_telling().await;
    }

    /// Returns once this worker was asked to hand back what it held, and has.
    pub async fn drained(&self) {
        let mut drained = self.inner.drained.subscribe();
        // The sender lives as long as this engine.
        let _ = drained.wait_for(|drained| *drained).await;
    }

    /// Finishes the rows in hand, gives spans back, and takes no more.
    async fn hand_back(&self) {
        let Some(mut work) = self.tasks().work.take() else { return };
        self.inner.stop.notify_one();
        if tokio::time::timeout(Duration::from_millis(STOP_MS), &mut work).await.is_err() {
            work.abort();
        }
        member::leave(&*self.inner.store, &self.inner.worker).await;
    }

    /// Being a worker, until it is drained. Duties go on: they serve all workers of the store.
    fn membership(&self) -> impl Future<Output = ()> + use<> {
        let (store, place) = (Arc::clone(&self.inner.store), Arc::clone(&self.inner.place));
        let (worker, host) = (self.inner.worker.clone(), self.inner.settings.worker_name.clone());
        let inner = Arc::downgrade(&self.inner);
        async move {
            member::until_drained(store, worker, host, place).await;
            let Some(inner) = inner.upgrade() else { return };
            let engine = Self { inner };
            engine.hand_back().await;
            engine.inner.drained.send_replace(true);
        }
    }

    /// Reads the file and creates a queued job. Nothing is left behind when it is refused.
    /// `duplicate-running-job` carries `existing_job_id`.
    pub async fn submit(&self, mut submission: Submission) -> Result<Snapshot, Problem> {
        self.add_standing(&mut submission.recipe)?;
        // What cannot start is refused before anything is stored.
        self.check_hooks(&submission.recipe)?;
        let processor = (self.inner.builder)(&submission.recipe)?;
        processor.check().await.map_err(|cannot| Problem::new(cannot.code, cannot.message))?;
        let job = input::submit(&self.inner.store, submission, &processor.needs()).await?;
        self.inner.drives.nudge(job.id);
        Ok(self.snapshot(job).await)
    }

    /// Another machine says that a job has changed.
    pub fn woken(&self, job: JobId) {
        self.inner.drives.nudge(job);
    }

    /// One job; `job-not-found` when there is none.
    pub async fn job(&self, id: JobId) -> Result<Snapshot, Problem> {
        let job = self.inner.store.job(id).await.map_err(mishap::problem)?;
        let job = job.ok_or_else(|| mishap::not_found(id))?;
        Ok(self.snapshot(job).await)
    }

    /// Jobs, newest first.
    pub async fn jobs(&self, query: &JobQuery) -> Result<Vec<Snapshot>, Problem> {
        let jobs = self.inner.store.jobs(query).await.map_err(mishap::problem)?;
        let mut snapshots = Vec::with_capacity(jobs.len());
        for job in jobs {
            snapshots.push(self.snapshot(job).await);
        }
        Ok(snapshots)
    }

    /// Rows with their fields, in row order.
    pub async fn rows(&self, query: &RowQuery) -> Result<Vec<RowDetail>, Problem> {
        let job = self.job(query.job).await?.job;
        rows::rows(&self.inner.store, &job, query).await
    }

    /// One row with all that is known of it; `None` when the job has no such row.
    pub async fn row(&self, job: &onward_core::job::Job, row: RowIndex) -> Result<Option<RowLook>, Problem> {
        rows::look(&self.inner.store, job, row).await
    }

    /// The rows of a job in doubt, in row order, after `after` (exclusive).
    pub async fn doubts(
        &self,
        job: &onward_core::job::Job,
        after: Option<RowIndex>,
        limit: usize,
    ) -> Result<Vec<DoubtDetail>, Problem> {
        rows::doubts(&self.inner.store, job, after, limit).await
    }

    /// The newest job over this file and recipe, for `onward run FILE` on a file seen before.
    pub async fn find(&self, sha256: &str, recipe: &Recipe) -> Result<Option<JobId>, Problem> {
        let digest = input::work_digest(sha256, &recipe.work_json());
        self.inner.store.find_job(&Sought::Work(digest)).await.map_err(mishap::problem)
    }

    /// Everything that changes from now on.
    pub async fn subscribe(&self) -> Result<Feed, Problem> {
        self.start_feed().await?;
        let events = self.inner.events.subscribe();
        Ok(Feed { events, seq: self.inner.seq.load(Ordering::Relaxed) })
    }

    /// The feed starts with its first subscriber, at the end of the timeline as it then is.
    async fn start_feed(&self) -> Result<(), Problem> {
        if self.tasks().feed.is_some() {
            return Ok(());
        }
        let last = self.inner.store.last_event().await.map_err(mishap::problem)?;
        let mut tasks = self.tasks();
        if tasks.feed.is_none() {
            self.inner.seq.fetch_max(last, Ordering::Relaxed);
            let (store, gauges) = (Arc::clone(&self.inner.store), Arc::clone(&self.inner.gauges));
            let teller = Teller::new(store, gauges, self.inner.events.clone(), Arc::clone(&self.inner.seq));
            tasks.feed = Some(tokio::spawn(teller.tell()));
        }
        Ok(())
    }

    async fn snapshot(&self, job: onward_core::job::Job) -> Snapshot {
        let now = clock::now();
        let closed_until = self.inner.gates.waiting(job.id, now);
        let taken = Snapshot::take(&*self.inner.store, job, &self.inner.gauges, now).await;
        Snapshot { closed_until, ..taken }
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, Tasks> {
        self.inner.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let all = [tasks.work.take(), tasks.member.take(), tasks.duties.take(), tasks.feed.take()];
        let telling = tasks.telling.take().map(|(task, _)| task);
        for task in all.into_iter().flatten().chain(telling) {
            task.abort();
        }
    }
}
