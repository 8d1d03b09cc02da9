//! The few calls a Rust program needs: open a store over some work, run a file to its end.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use onward_core::id::JobId;
use onward_core::input::{Columns, InputRow};
use onward_core::problem::{Code, Problem};
use onward_core::processor::{Answer, Call, Processor};
use onward_core::recipe::Recipe;
use onward_core::state::JobState;
use onward_core::tally::Tally;
use onward_engine::{Engine, Settings, Submission};
use onward_store::open::{Mode, open};
use serde_json::json;

use crate::clock;
use crate::digest::digest;

/// How often a job is looked at while it runs, in milliseconds.
const LOOK_MS: u64 = 50;
/// Jobs of one store that are driven at the same time.
const MAX_JOBS: usize = 16;
/// Who does things, on the timeline.
const ACTOR: &str = "library";

/// A store and the work that is done on its jobs.
pub struct Onward {
    engine: Engine,
    started: AtomicBool,
}

/// A file, and how its rows are to be done.
#[derive(Debug, Clone)]
pub struct Job {
    file: PathBuf,
    key: Vec<String>,
    concurrency: u32,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The job, for the command line and the API.
    pub job: JobId,
    /// How it ended.
    pub state: JobState,
    /// Rows.
    pub total: u64,
    /// Rows by outcome.
    pub tally: Tally,
}

impl Job {
    /// The rows of this CSV, 8 at a time, each standing for itself.
    #[must_use]
    pub fn of(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), key: Vec::new(), concurrency: 8 }
    }

    /// A field that identifies a row; a repeat in the file is skipped. May be said several times.
    #[must_use]
    pub fn key(mut self, field: impl Into<String>) -> Self {
        self.key.push(field.into());
        self
    }

    /// Rows in hand at a time.
    #[must_use]
    pub fn concurrency(mut self, rows: u32) -> Self {
        self.concurrency = rows;
        self
    }

    fn recipe(&self) -> Result<Recipe, Problem> {
        // The kind names no work of ours: what is done is the program's own.
        let work = json!({ "kind": "creators", "concurrency": self.concurrency });
        Recipe::from_json(&json!({ "key": self.key, "work": work }).to_string())
    }
}

impl Onward {
    /// Opens a store such as `sqlite:jobs.db`; the file is made when there is none.
    ///
    /// # Errors
    /// When it cannot be opened, or another process holds it.
    pub fn open(store: &str, work: impl Processor) -> Result<Self, Problem> {
        let store =
            open(store, Mode::Serve).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        let work: Arc<dyn Processor> = Arc::new(work);
        let builder = Arc::new(move |_: &Recipe| Ok(Arc::clone(&work)));
        let settings =
            Settings { max_jobs: MAX_JOBS, worker_name: format!("library-{}", std::process::id()) };
        Ok(Self { engine: Engine::new(store, builder, settings), started: AtomicBool::new(false) })
    }

    /// Takes a file in and does not wait; a file that was taken in before goes on.
    ///
    /// # Errors
    /// What is wrong with the file or the job, in a sentence.
    pub async fn submit(&self, job: &Job) -> Result<JobId, Problem> {
        let recipe = job.recipe()?;
        let sha256 = digest(&job.file).await.map_err(|error| unreadable(&job.file, &error))?;
        self.start().await?;
        if let Some(id) = self.engine.find(&sha256, &recipe).await? {
            match self.engine.job(id).await?.job.state {
                JobState::Failed | JobState::Cancelled | JobState::Paused => {
                    self.engine.resume(id, None, ACTOR).await?;
                }
                JobState::Queued | JobState::Running | JobState::Completed => {}
            }
            return Ok(id);
        }
        let name = job.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let submission = Submission {
            file: job.file.clone(),
            filename: name,
            recipe,
            name: None,
            first: None,
            actor: ACTOR.to_owned(),
            sha256: None,
        };
        Ok(self.engine.submit(submission).await?.job.id)
    }

    /// Starts the work, once. What a process that died has held is free at once, and need not wait for its
    /// lease to lapse.
    async fn start(&self) -> Result<(), Problem> {
        if !self.started.swap(true, Ordering::Relaxed) {
            let released = self.engine.store().release_all(clock::now()).await;
            released.map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
            self.engine.start_work();
        }
        Ok(())
    }

    /// Takes a file in, or up where it stopped, and does it to its end.
    ///
    /// # Errors
    /// As [`Onward::submit`].
    pub async fn run(&self, job: Job) -> Result<Done, Problem> {
        let id = self.submit(&job).await?;
        loop {
            let now = self.engine.job(id).await?.job;
            if !now.state.is_active() {
                return Ok(Done { job: id, state: now.state, total: now.total, tally: now.tally });
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }

    /// Finishes the rows in hand, gives the rest back and ends the work.
    pub async fn close(self) {
        self.engine.stop_work().await;
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::NotFound, format!("{} cannot be read: {error}", file.display()))
}

/// One row of a call.
#[derive(Debug, Clone)]
pub struct Row {
    row: Arc<InputRow>,
    columns: Arc<Columns>,
    /// The same at every repeat of this row: whoever is called can recognise it.
    pub idempotency_key: String,
    /// Which try this is, from 1.
    pub attempt: u32,
}

impl Row {
    /// The value of a field; `None` when the file has no such column.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.columns.position(name).and_then(|at| self.row.fields.get(at))
    }

    /// Its number in the file, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.row.index.row()
    }
}

/// Work that is a function from a row to what became of it. See [`each_row`].
pub struct EachRow<F>(F);

/// Makes work of a function. Dropping its future must abort what it does: that is how a row is cut off.
pub fn each_row<F, R>(function: F) -> EachRow<F>
where
    F: Fn(Row) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send,
{
    EachRow(function)
}

#[async_trait]
impl<F, R> Processor for EachRow<F>
where
    F: Fn(Row) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send,
{
    fn calls_out(&self) -> bool {
        true
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(call.rows.len());
        for row in &call.rows {
            let (key, columns) = (call.idempotency_key(row).to_string(), Arc::clone(&call.columns));
            let row = Row { row: Arc::clone(row), columns, idempotency_key: key, attempt: call.attempt };
            answers.push((self.0)(row).await);
        }
        answers
    }
}
