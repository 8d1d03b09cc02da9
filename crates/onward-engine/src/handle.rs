//! What can be asked of a running engine. Every answer that is not `Ok` is a [`Problem`] for people.

use std::path::PathBuf;
use std::sync::Arc;

use onward_core::id::{JobId, RowIndex};
use onward_core::problem::Problem;
use onward_core::processor::Processor;
use onward_core::recipe::Recipe;
use onward_core::row::Outcome;
use onward_core::store::{JobQuery, LedgerRow, RowQuery, Store};

use crate::feed::Feed;
use crate::snapshot::Snapshot;

/// Makes the processor for a recipe, or says what is wrong with it.
pub type Builder = Arc<dyn Fn(&Recipe) -> Result<Arc<dyn Processor>, Problem> + Send + Sync>;

/// How an engine behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs driven at the same time by this process.
    pub max_jobs: usize,
    /// Names this process to people; a random part is added at every start.
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
    /// Who submits.
    pub actor: String,
}

/// A row of the ledger with the fields of its input.
#[derive(Debug, Clone, PartialEq)]
pub struct RowDetail {
    /// What became of it.
    pub ledger: LedgerRow,
    /// Header and value of each column; empty when the input is gone.
    pub fields: Vec<(String, String)>,
    /// The line of the file where it began, if the input is there.
    pub line: Option<u64>,
}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    store: Arc<dyn Store>,
}

#[expect(clippy::unimplemented, reason = "being written")]
impl Engine {
    /// An engine over a store; does no work before [`Engine::start_work`].
    pub fn new(store: Arc<dyn Store>, _builder: Builder, _settings: Settings) -> Self {
        Self { store }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Starts the claim loop and the duties.
    pub fn start_work(&self) {
        unimplemented!()
    }

    /// Finishes the rows in hand, gives spans back, and ends the work.
    pub async fn stop_work(&self) {
        unimplemented!()
    }

    /// Reads the file and creates a queued job. Nothing is left behind when it is refused.
    /// `duplicate-running-job` carries `existing_job_id`.
    pub async fn submit(&self, _submission: Submission) -> Result<Snapshot, Problem> {
        unimplemented!()
    }

    /// Goes on from the exact position; answers the row (from 1) as well.
    pub async fn resume(&self, _id: JobId, _actor: &str) -> Result<(u64, Snapshot), Problem> {
        unimplemented!()
    }

    /// Takes the work away from whoever holds it and goes on from the checkpoint.
    pub async fn restart(&self, _id: JobId, _force: bool, _actor: &str) -> Result<(u64, Snapshot), Problem> {
        unimplemented!()
    }

    /// Stops for good; a second time changes nothing and is fine.
    pub async fn force_cancel(&self, _id: JobId, _actor: &str) -> Result<Snapshot, Problem> {
        unimplemented!()
    }

    /// Holds.
    pub async fn pause(&self, _id: JobId, _actor: &str) -> Result<Snapshot, Problem> {
        unimplemented!()
    }

    /// Opens rows again; answers how many.
    pub async fn retry(
        &self,
        _id: JobId,
        _outcome: Outcome,
        _code: Option<String>,
        _rows: Vec<RowIndex>,
        _actor: &str,
    ) -> Result<(u64, Snapshot), Problem> {
        unimplemented!()
    }

    /// Changes the name and the live limits.
    pub async fn tune(
        &self,
        _id: JobId,
        _name: Option<String>,
        _concurrency: Option<u32>,
        _rate: Option<String>,
        _actor: &str,
    ) -> Result<Snapshot, Problem> {
        unimplemented!()
    }

    /// Deletes a job that is not running.
    pub async fn delete(&self, _id: JobId) -> Result<(), Problem> {
        unimplemented!()
    }

    /// One job; `job-not-found` when there is none.
    pub async fn job(&self, _id: JobId) -> Result<Snapshot, Problem> {
        unimplemented!()
    }

    /// Jobs, newest first.
    pub async fn jobs(&self, _query: &JobQuery) -> Result<Vec<Snapshot>, Problem> {
        unimplemented!()
    }

    /// Rows with their fields, in row order.
    pub async fn rows(&self, _query: &RowQuery) -> Result<Vec<RowDetail>, Problem> {
        unimplemented!()
    }

    /// The newest job over this file and recipe, for `onward run FILE` on a file seen before.
    pub async fn find(&self, _sha256: &str, _recipe: &Recipe) -> Result<Option<JobId>, Problem> {
        unimplemented!()
    }

    /// Everything that changes from now on.
    pub async fn subscribe(&self) -> Result<Feed, Problem> {
        unimplemented!()
    }
}
