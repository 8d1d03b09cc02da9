//! Doing a few rows for real before there is a job, so that a recipe can be tried. Nothing is stored.

use std::sync::Arc;
use std::time::Duration;

use onward_core::id::{Epoch, JobId};
use onward_core::input::InputRow;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, Processor, Told};
use onward_core::recipe::Recipe;
use onward_core::row::Verdict;
use tokio::time::Instant;
use uuid::Uuid;

use super::Engine;

/// What became of a row that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The row.
    pub row: InputRow,
    /// An outcome; `retry`, `throttled` or `stopped` where a job would try again, wait, or stop.
    pub outcome: &'static str,
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What the work gave back, as JSON text.
    pub result: Option<String>,
    /// The columns of the creator that would be added, as JSON text.
    pub would_add: Option<String>,
    /// What the call took, in milliseconds.
    pub duration_ms: u64,
}

impl Engine {
    /// Does these rows, one call each and no call again, under an id that no job has.
    pub async fn rehearse(
        &self,
        recipe: &Recipe,
        header: &[String],
        rows: Vec<InputRow>,
    ) -> Result<Vec<Tried>, Problem> {
        self.check_hooks(recipe)?;
        let processor = (self.inner.builder)(recipe)?;
        rehearse(&*processor, recipe, header, rows).await
    }
}

/// The same without an engine: with this work.
///
/// # Errors
/// Why the work cannot start, or cannot be given such a file.
pub async fn rehearse(
    processor: &dyn Processor,
    recipe: &Recipe,
    header: &[String],
    rows: Vec<InputRow>,
) -> Result<Vec<Tried>, Problem> {
    processor.check().await.map_err(|cannot| Problem::new(cannot.code, cannot.message))?;
    let columns = Arc::new(onward_intake::columns(header, recipe)?);
    let job = JobId(Uuid::now_v7());
    let timeout = Duration::from_millis(recipe.work.timeout);
    let mut tried = Vec::with_capacity(rows.len());
    for row in rows {
        let call = Call {
            job,
            epoch: Epoch(0),
            generation: 0,
            attempt: 1,
            columns: Arc::clone(&columns),
            rows: vec![Arc::new(row.clone())],
            in_doubt: Vec::new(),
            told: Told::default(),
        };
        tried.push(one(processor, call, row, timeout).await);
    }
    Ok(tried)
}

async fn one(processor: &dyn Processor, call: Call, row: InputRow, timeout: Duration) -> Tried {
    let begun = Instant::now();
    let answer = tokio::time::timeout(timeout, processor.process(&call)).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let said = |outcome, code: &str, message: &str| Tried {
        row: row.clone(),
        outcome,
        code: code.to_owned(),
        message: message.to_owned(),
        result: None,
        would_add: None,
        duration_ms,
    };
    match answer.map(|mut answers| answers.pop()) {
        Ok(Some(Answer::Done(verdict))) => decided(said("", "", ""), verdict),
        Ok(Some(Answer::Confirm(verdict))) => decided(said("", "", ""), *verdict),
        Ok(Some(Answer::Retry { code, message, .. })) => said("retry", &code, &message),
        Ok(Some(Answer::Throttled { message, .. })) => said("throttled", "throttled", &message),
        Ok(Some(Answer::Fatal { code, message, .. })) => said("stopped", &code, &message),
        Ok(None) => said("retry", "no-answer", "the work gave no answer"),
        Err(_) => said("retry", "timeout", "no answer within the time one call may take"),
    }
}

fn decided(tried: Tried, verdict: Verdict) -> Tried {
    Tried {
        outcome: verdict.outcome.word(),
        code: verdict.code.into_owned(),
        message: verdict.message.into_owned(),
        result: verdict.result.map(String::from),
        would_add: verdict.creator.map(|creator| String::from(creator.data)),
        ..tried
    }
}
