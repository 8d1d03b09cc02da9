//! The way of a file into the store, and back out of it as rows.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use onward_core::hex::hex;
use onward_core::id::{InputId, JobId, RowIndex, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputRow, InputSummary, span_of, spans};
use onward_core::job::Job;
use onward_core::problem::{Code, Problem};
use onward_core::recipe::Recipe;
use onward_core::store::{NewJob, Store, StoreError};
use onward_intake::Limits;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::again;
use crate::clock;
use crate::handle::Submission;
use crate::mishap;

/// Chunks between the reading thread and the store: enough to keep both busy, little memory.
const CHUNKS_IN_HAND: usize = 8;
/// Unpacked spans kept while rows are read for a page or an export.
const SPANS_KEPT: usize = 4;

/// Reads the file into the store and creates the job.
pub(crate) async fn submit(
    store: &Arc<dyn Store>,
    submission: Submission,
    needs: &[String],
) -> Result<Job, Problem> {
    let (summary, job) = sealed_job(store, &submission, needs).await?;
    match store.create_job(job).await {
        Ok(job) => Ok(job),
        Err(error) => {
            // An unanswered creation may have happened; its input then must stay.
            if !matches!(error, StoreError::Unknown(_)) {
                discard(store, summary.id).await;
            }
            Err(mishap::problem(error))
        }
    }
}

/// Reads the file into the store, and says which job is to be made of it.
pub(crate) async fn sealed_job(
    store: &Arc<dyn Store>,
    submission: &Submission,
    needs: &[String],
) -> Result<(InputSummary, NewJob), Problem> {
    let id = InputId(Uuid::now_v7());
    let sealed = seal(store, id, submission, needs).await;
    if sealed.is_err() {
        discard(store, id).await;
    }
    let summary = sealed?;
    let recipe = submission.recipe.to_json();
    let job = NewJob {
        id: JobId(Uuid::now_v7()),
        name: submission.name.clone().unwrap_or_else(|| summary.filename.clone()),
        input: id,
        work_digest: work_digest(&summary.sha256, &recipe),
        recipe: recipe.into(),
        first: submission.first,
        actor: submission.actor.clone(),
        now: clock::now(),
    };
    Ok((summary, job))
}

async fn seal(
    store: &Arc<dyn Store>,
    id: InputId,
    submission: &Submission,
    needs: &[String],
) -> Result<InputSummary, Problem> {
    let source = Source::File(submission.file.clone());
    let (mut summary, duplicates) =
        take_in(store, id, source, &submission.filename, &submission.recipe).await?;
    if let Some(seen) = submission.sha256.as_ref().filter(|seen| **seen != summary.sha256) {
        return Err(changed(seen, &summary));
    }
    onward_intake::has_fields(&summary.columns, &submission.recipe, needs)?;
    summary.warnings.extend(again::same_content(store, &summary.sha256, &submission.recipe).await);
    store.seal_input(&summary, &duplicates, clock::now()).await.map_err(mishap::problem)?;
    Ok(summary)
}

fn changed(seen: &str, summary: &InputSummary) -> Problem {
    let detail = format!(
        "{} is not the file that was looked at: its SHA-256 is {}, not {seen}; no job was made. Preview the file again, \
         then start",
        summary.filename, summary.sha256
    );
    Problem::new(Code::InputChanged, detail).with("sha256", summary.sha256.clone())
}

/// Names the work: the same file with the same recipe is the same work.
pub(crate) fn work_digest(sha256: &str, recipe_json: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(sha256.as_bytes());
    hasher.update([0]);
    hasher.update(Recipe::work_of(recipe_json).as_bytes());
    hex(&hasher.finalize())
}

/// Where a file is read from.
pub(crate) enum Source {
    /// On the disk.
    File(PathBuf),
    /// While it is written.
    Bytes(Box<dyn Read + Send>),
}

/// Reads a file into the store; the input is not sealed yet.
pub(crate) async fn take_in(
    store: &Arc<dyn Store>,
    id: InputId,
    source: Source,
    filename: &str,
    recipe: &Recipe,
) -> Result<(InputSummary, Duplicates), Problem> {
    let (send, mut receive) = mpsc::channel::<Chunk>(CHUNKS_IN_HAND);
    let (filename, recipe) = (filename.to_owned(), recipe.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let mut file: Box<dyn Read + Send> = match source {
            Source::File(path) => Box::new(File::open(&path).map_err(|error| {
                Problem::new(Code::UploadAborted, format!("failed to open the upload: {error}"))
            })?),
            Source::Bytes(bytes) => bytes,
        };
        let mut on_chunk = |chunk| match send.blocking_send(chunk) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        onward_intake::read(&mut *file, &recipe, &filename, id, &Limits::default(), &mut on_chunk)
    });
    while let Some(chunk) = receive.recv().await {
        if let Err(error) = store.put_chunk(id, chunk).await {
            drop(receive);
            return Err(mishap::problem(error));
        }
    }
    reading.await.map_err(|error| Problem::new(Code::Internal, format!("reading the file ended: {error}")))?
}

/// Takes away the rows of an input that is not needed after all.
pub(crate) async fn discard(store: &Arc<dyn Store>, id: InputId) {
    if let Err(error) = store.drop_input(id).await {
        tracing::warn!(input = %id, %error, "an input that is not needed stays until it is swept");
    }
}

/// Checks every chunk that is still to be done: there, and as it was stored (G13).
pub(crate) async fn check_rest(store: &Arc<dyn Store>, job: &Job) -> Result<(), Problem> {
    let from = span_of(RowIndex(u32::try_from(job.checkpoint.low_water).unwrap_or(u32::MAX)));
    for (no, first, rows) in spans(job.total).skip(from.0 as usize) {
        let chunk = match store.chunk(job.input.id, no).await {
            Ok(Some((chunk, _))) => chunk,
            Ok(None) | Err(StoreError::InputGone) => return Err(gone(job)),
            Err(StoreError::Corrupt(_)) => return Err(corrupt(job, no)),
            Err(error) => return Err(mishap::problem(error)),
        };
        let digest = hex(&Sha256::digest(&chunk.packed));
        if digest != chunk.digest || chunk.first != first || chunk.rows != rows {
            return Err(corrupt(job, no));
        }
    }
    Ok(())
}

pub(crate) fn gone(job: &Job) -> Problem {
    let problem = Problem::new(
        Code::InputGone,
        format!(
            "the stored CSV of this job is gone and nothing was changed; attach the same file again ({}, SHA-256 {}) to go on{}: \
             `onward attach {} FILE`, or the button on its page",
            job.input.filename,
            job.input.sha256,
            job.resume_from_row().map_or_else(String::new, |row| format!(" from row {row}")),
            job.id
        ),
    );
    mishap::about(problem, job).with("sha256", job.input.sha256.clone())
}

pub(crate) fn corrupt(job: &Job, span: SpanNo) -> Problem {
    let (first, rows) = onward_core::input::span_bounds(span);
    let problem = Problem::new(
        Code::InputCorrupt,
        format!(
            "rows {} to {} of the stored CSV of job {} do not match their digest; nothing was changed",
            first.row(),
            (u64::from(first.0) + u64::from(rows)).min(job.total),
            job.id
        ),
    );
    mishap::about(problem, job)
}

/// Reads spans of one input and keeps the last few.
pub(crate) struct SpanReader {
    store: Arc<dyn Store>,
    input: InputId,
    kept: HashMap<SpanNo, Arc<Vec<Arc<InputRow>>>>,
}

/// Why a span of an input cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Gone,
    Corrupt,
    Store(StoreError),
}

impl Unreadable {
    /// What a person reads of it.
    pub(crate) fn problem(self, job: &Job, no: SpanNo) -> Problem {
        match self {
            Self::Gone => gone(job),
            Self::Corrupt => corrupt(job, no),
            Self::Store(error) => mishap::problem(error),
        }
    }
}

impl SpanReader {
    pub(crate) fn new(store: Arc<dyn Store>, input: InputId) -> Self {
        Self { store, input, kept: HashMap::new() }
    }

    /// The rows of one span, checked against their digest.
    pub(crate) async fn span(&mut self, no: SpanNo) -> Result<Arc<Vec<Arc<InputRow>>>, Unreadable> {
        if let Some(rows) = self.kept.get(&no) {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(read_span(&*self.store, self.input, no).await?);
        if self.kept.len() >= SPANS_KEPT {
            self.kept.clear();
        }
        self.kept.insert(no, Arc::clone(&rows));
        Ok(rows)
    }
}

/// The rows of one span, checked against their digest.
pub(crate) async fn read_span(
    store: &dyn Store,
    input: InputId,
    no: SpanNo,
) -> Result<Vec<Arc<InputRow>>, Unreadable> {
    let (chunk, duplicates) =
        store.chunk(input, no).await.map_err(Unreadable::Store)?.ok_or(Unreadable::Gone)?;
    // Some milliseconds for a large span, in which no call would begin.
    let unpacked = tokio::task::spawn_blocking(move || {
        let rows = onward_intake::unpack(&chunk, &duplicates).map_err(|_| Unreadable::Corrupt)?;
        Ok(rows.into_iter().map(Arc::new).collect())
    });
    unpacked.await.unwrap_or(Err(Unreadable::Corrupt))
}

/// The recipe as it was stored with a job.
pub(crate) fn stored_recipe(job: &Job) -> Result<Recipe, Problem> {
    Recipe::from_json(&job.recipe)
}
