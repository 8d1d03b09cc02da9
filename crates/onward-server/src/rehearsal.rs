//! What a file would become under a recipe, before there is a job: a report over all of its rows,
//! and a trial of the first few. Neither stores anything.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;

use onward_core::id::InputId;
use onward_core::input::{Duplicates, InputRow};
use onward_core::problem::{Code, Problem};
use onward_core::processor::Processor;
use onward_core::recipe::Recipe;
use onward_engine::{Engine, Tried};
use onward_intake::Limits;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::preview::HEAD_BYTES;
use crate::api::view::{Fields, WarningView};

/// Rows of a trial.
const TRIED_ROWS: usize = 3;
/// Kinds of decided rows that are listed.
const MOST_KINDS: usize = 20;

/// What a whole file would become before any call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Rows.
    pub rows: u64,
    /// Rows that repeat an earlier row's key; they are skipped.
    pub duplicates: u64,
    /// The first of them, from 1, and the row it repeats.
    pub first_duplicate: Option<(u64, u64)>,
    /// Rows that are decided without a call, by reason.
    pub decided: Vec<DecidedView>,
    /// Rows that are left for the work.
    pub to_do: u64,
    /// Blank lines, which are no rows.
    pub blank_lines: u64,
    /// The header, or made-up names.
    pub columns: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<WarningView>,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// Rows that are decided without a call for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DecidedRows)]
pub struct DecidedView {
    /// failed or skipped.
    pub outcome: String,
    /// A short fixed word.
    pub code: String,
    /// The sentence of the first of them.
    pub message: String,
    /// How many.
    pub count: u64,
    /// The first of them, from 1.
    pub first_row: u64,
    /// The line of the file where it begins.
    pub first_line: u64,
}

/// What became of the rows of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// In row order.
    pub rows: Vec<TriedView>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TriedRow)]
pub struct TriedView {
    /// Its number, from 1.
    pub row: u64,
    /// Its identity.
    pub key: String,
    /// Its columns.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub fields: Fields,
    /// added, failed, skipped or filtered; `retry`, `throttled` or `stopped` where a job would try again,
    /// wait, or stop.
    pub outcome: String,
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What the work gave back.
    pub result: Option<serde_json::Value>,
    /// What would be added.
    pub would_add: Option<serde_json::Value>,
    /// What the call took, in milliseconds.
    pub duration_ms: u64,
}

/// Reads the whole file.
///
/// # Errors
/// Why the file would be refused.
pub async fn report(path: PathBuf, filename: String, recipe: Recipe) -> Result<Report, Problem> {
    in_own_thread(move || {
        let mut kinds: BTreeMap<(String, String), DecidedView> = BTreeMap::new();
        let mut damaged = false;
        let mut on_chunk = |chunk: onward_core::input::Chunk| {
            match onward_intake::unpack(&chunk, &Duplicates::default()) {
                Ok(rows) => rows.iter().for_each(|row| count(row, &mut kinds)),
                Err(_) => damaged = true,
            }
            ControlFlow::Continue(())
        };
        let mut file = open(&path)?;
        let id = InputId(Uuid::nil());
        let (summary, duplicates) =
            onward_intake::read(&mut file, &recipe, &filename, id, &Limits::default(), &mut on_chunk)?;
        if damaged {
            return Err(Problem::new(Code::Internal, "a chunk of the file could not be read back"));
        }
        let mut decided: Vec<DecidedView> = kinds.into_values().collect();
        let settled: u64 = decided.iter().map(|kind| kind.count).sum();
        decided.sort_by_key(|kind| (std::cmp::Reverse(kind.count), kind.first_row));
        decided.truncate(MOST_KINDS);
        let repeats = duplicates.pairs.len() as u64;
        Ok(Report {
            rows: summary.rows,
            duplicates: repeats,
            first_duplicate: duplicates.pairs.first().map(|(row, of)| (row.row(), of.row())),
            decided,
            to_do: summary.rows.saturating_sub(settled + repeats),
            blank_lines: summary.blank_lines,
            columns: summary.columns,
            warnings: summary.warnings.into_iter().map(Into::into).collect(),
            sha256: summary.sha256,
        })
    })
    .await
}

/// Does the first rows that need work.
///
/// # Errors
/// Why the work cannot start, or the file would be refused.
pub(crate) async fn trial(engine: &Engine, path: PathBuf, recipe: Recipe) -> Result<Trial, Problem> {
    let (header, rows) = first_rows(path, &recipe).await?;
    Ok(Trial::of(&header, engine.rehearse(&recipe, &header, rows).await?))
}

/// What the first rows that need work would become, of work that computes and calls nobody.
///
/// # Errors
/// Why the work cannot start, or the file would be refused.
pub async fn forecast(processor: &dyn Processor, path: PathBuf, recipe: &Recipe) -> Result<Trial, Problem> {
    let (header, rows) = first_rows(path, recipe).await?;
    Ok(Trial::of(&header, onward_engine::rehearse(processor, recipe, &header, rows).await?))
}

impl Trial {
    fn of(header: &[String], tried: Vec<Tried>) -> Self {
        Self { rows: tried.into_iter().map(|tried| view(header, tried)).collect() }
    }
}

async fn first_rows(path: PathBuf, recipe: &Recipe) -> Result<(Vec<String>, Vec<InputRow>), Problem> {
    let recipe = recipe.clone();
    in_own_thread(move || read_first_rows(&path, &recipe)).await
}

fn read_first_rows(path: &PathBuf, recipe: &Recipe) -> Result<(Vec<String>, Vec<InputRow>), Problem> {
    let mut head = Vec::new();
    let read = open(path)?.take(HEAD_BYTES).read_to_end(&mut head);
    read.map_err(|_| Problem::new(Code::Internal, "the upload could not be read back"))?;
    let header = onward_intake::preview(&head, Some(recipe))?.columns;
    let mut rows: Vec<InputRow> = Vec::new();
    let mut on_chunk = |chunk: onward_core::input::Chunk| {
        let unpacked = onward_intake::unpack(&chunk, &Duplicates::default()).unwrap_or_default();
        rows.extend(unpacked.into_iter().filter(|row| row.decided.is_none()));
        if rows.len() < TRIED_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let id = InputId(Uuid::nil());
    let whole = onward_intake::read(&mut open(path)?, recipe, "", id, &Limits::default(), &mut on_chunk);
    match whole {
        Err(problem) if rows.is_empty() => Err(problem),
        // Reading was broken off as soon as there were enough rows.
        Ok(_) | Err(_) => {
            rows.truncate(TRIED_ROWS);
            Ok((header, rows))
        }
    }
}

fn open(path: &PathBuf) -> Result<File, Problem> {
    File::open(path).map_err(|_| Problem::new(Code::UploadNotFound, "the upload is gone"))
}

fn count(row: &InputRow, kinds: &mut BTreeMap<(String, String), DecidedView>) {
    let Some(verdict) = &row.decided else { return };
    let key = (verdict.outcome.word().to_owned(), verdict.code.to_string());
    let kind = kinds.entry(key).or_insert_with(|| DecidedView {
        outcome: verdict.outcome.word().to_owned(),
        code: verdict.code.to_string(),
        message: verdict.message.to_string(),
        count: 0,
        first_row: row.index.row(),
        first_line: row.line,
    });
    kind.count += 1;
}

fn view(header: &[String], tried: Tried) -> TriedView {
    let Tried { row, outcome, code, message, result, would_add, duration_ms } = tried;
    let json = |text: String| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
    TriedView {
        row: row.index.row(),
        key: row.key.to_string(),
        fields: Fields(header.iter().cloned().zip(row.fields.iter().map(str::to_owned)).collect()),
        outcome: outcome.to_owned(),
        code,
        message,
        result: result.map(json),
        would_add: would_add.map(json),
        duration_ms,
    }
}

async fn in_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "reading an upload ended early");
            Err(Problem::new(Code::Internal, "Reading the file was given up."))
        }
    }
}
