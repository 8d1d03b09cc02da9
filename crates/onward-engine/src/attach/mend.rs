//! Rows of an export, handed back corrected: they take the places they came from, by `onward_row`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use onward_core::id::{InputId, RowIndex};
use onward_core::input::{Fields, InputRow, InputSummary, spans};
use onward_core::job::Job;
use onward_core::problem::{Code, Problem};
use onward_core::recipe::{InputOptions, Recipe};
use onward_core::store::Store;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::input::{Source, discard, gone, read_span, take_in};
use crate::mishap;

/// The column that says which row of the job it was.
const ROW_COLUMN: &str = "onward_row";
/// Columns of an export that are not the input's own.
const OWN_PREFIX: &str = "onward_";
/// Bytes of the first line that are looked at.
const FIRST_LINE_BYTES: u64 = 64 << 10;
/// Spans between the task that writes and the thread that reads.
const SPANS_IN_HAND: usize = 4;

/// A whole file again, made of the job's rows and those that were handed back.
pub(super) struct Mended {
    /// The rows that were handed back, ascending.
    pub(super) rows: Vec<RowIndex>,
    /// The file.
    pub(super) source: Source,
    /// How it is read.
    pub(super) recipe: Recipe,
}

/// Whether a file is an export of ours: its first line names the column.
pub(super) fn is_export(file: &Path) -> Result<bool, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::new(Code::UploadAborted, format!("failed to read the upload: {error}"))
    };
    let mut first = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    BufReader::new(opened.take(FIRST_LINE_BYTES)).read_until(b'\n', &mut first).map_err(unreadable)?;
    // In UTF-16 every other byte is zero.
    first.retain(|byte| *byte != 0);
    Ok(first.windows(ROW_COLUMN.len()).any(|part| part == ROW_COLUMN.as_bytes()))
}

/// Puts the rows in their places.
pub(super) async fn mend(
    store: &Arc<dyn Store>,
    job: &Job,
    recipe: &Recipe,
    file: &Path,
) -> Result<Mended, Problem> {
    let old = store.input(job.input.id).await.map_err(mishap::problem)?.ok_or_else(|| gone(job))?;
    let corrected = read(store, job, recipe, file, &old).await?;
    let rows = corrected.keys().copied().collect();
    let (send, receive) = mpsc::channel(SPANS_IN_HAND);
    let delimiter = old.format.delimiter;
    let (store, id, header) = (Arc::clone(store), job.clone(), old.format.header);
    tokio::spawn(async move {
        let written = write(&*store, &id, &old, header, &corrected, &send).await;
        if let Err(problem) = written {
            let _ = send.send(Err(std::io::Error::other(problem.detail))).await;
        }
    });
    let mut recipe = recipe.clone();
    recipe.input.delimiter = Some(delimiter);
    recipe.input.encoding = Some(String::from("utf-8"));
    let reader = Written { parts: receive, part: std::io::Cursor::new(Vec::new()) };
    Ok(Mended { rows, source: Source::Bytes(Box::new(reader)), recipe })
}

/// The rows of an export by their number in the job, in the order of the job's columns.
async fn read(
    store: &Arc<dyn Store>,
    job: &Job,
    recipe: &Recipe,
    file: &Path,
    old: &InputSummary,
) -> Result<BTreeMap<RowIndex, Fields>, Problem> {
    // Whatever saved it may have changed how it is written; it has a header in any case.
    let mut recipe = recipe.clone();
    recipe.input = InputOptions { header: Some(true), ..InputOptions::default() };
    let id = InputId(Uuid::now_v7());
    let source = Source::File(file.to_owned());
    let done = match take_in(store, id, source, &job.input.filename, &recipe).await {
        Ok((summary, _)) => rows_of(store, job, &summary, old).await,
        Err(problem) => Err(problem),
    };
    discard(store, id).await;
    done
}

async fn rows_of(
    store: &Arc<dyn Store>,
    job: &Job,
    export: &InputSummary,
    old: &InputSummary,
) -> Result<BTreeMap<RowIndex, Fields>, Problem> {
    let place = |name: &str| export.columns.iter().position(|column| column == name);
    let number = place(ROW_COLUMN).ok_or_else(|| mismatch(job, "its column onward_row has another name"))?;
    let mut columns = Vec::with_capacity(old.columns.len());
    for name in &old.columns {
        // The second `city` of the one is the second of the other.
        let mut places = (0..export.columns.len()).filter(|at| export.columns[*at] == *name);
        let free = places.find(|at| !columns.contains(at));
        columns.push(free.ok_or_else(|| mismatch(job, &format!("it has no column {name}")))?);
    }
    let known = |name: &String| old.columns.contains(name) || name.starts_with(OWN_PREFIX);
    if let Some(other) = export.columns.iter().find(|name| !known(name)) {
        return Err(mismatch(job, &format!("the job has no column {other}")));
    }
    let mut corrected = BTreeMap::new();
    for (no, _, _) in spans(export.rows) {
        for row in
            read_span(&**store, export.id, no).await.map_err(|unreadable| unreadable.problem(job, no))?
        {
            let (index, fields) = corrected_row(job, &row, number, &columns, export.columns.len())?;
            if corrected.insert(index, fields).is_some() {
                let twice = format!("row {} is in it twice (line {})", index.row(), row.line);
                return Err(mismatch(job, &twice));
            }
        }
    }
    Ok(corrected)
}

fn corrected_row(
    job: &Job,
    row: &InputRow,
    number: usize,
    columns: &[usize],
    width: usize,
) -> Result<(RowIndex, Fields), Problem> {
    let text = row.fields.get(number).map_or("", str::trim);
    let index = text.parse::<u64>().ok().filter(|row| (1..=job.total).contains(row));
    let index = index.and_then(|row| u32::try_from(row - 1).ok()).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        let which = format!("line {}: onward_row is `{text}`, and must be from 1 to {}", row.line, job.total);
        mismatch(job, &which)
    })?;
    let field = |at: &usize| row.fields.get(*at).unwrap_or_default();
    // What an export has beyond its header, the row had beyond its own.
    let extra = row.fields.iter().skip(width);
    Ok((RowIndex(index), columns.iter().map(field).chain(extra).collect()))
}

/// Writes the whole file, a span at a time.
async fn write(
    store: &dyn Store,
    job: &Job,
    old: &InputSummary,
    header: bool,
    corrected: &BTreeMap<RowIndex, Fields>,
    parts: &mpsc::Sender<std::io::Result<Vec<u8>>>,
) -> Result<(), Problem> {
    let delimiter = old.format.delimiter;
    let mut bytes = Vec::new();
    if header {
        line(old.columns.iter().map(String::as_str), delimiter, &mut bytes);
    }
    for (no, _, _) in spans(job.total) {
        for row in read_span(store, old.id, no).await.map_err(|unreadable| unreadable.problem(job, no))? {
            line(corrected.get(&row.index).unwrap_or(&row.fields).iter(), delimiter, &mut bytes);
        }
        if parts.send(Ok(std::mem::take(&mut bytes))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// One record (RFC 4180). Every field is quoted, so that no row can be taken for a blank line or a comment.
fn line<'a>(fields: impl Iterator<Item = &'a str>, delimiter: char, bytes: &mut Vec<u8>) {
    for (at, field) in fields.enumerate() {
        if at > 0 {
            bytes.extend_from_slice(delimiter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        bytes.push(b'"');
        bytes.extend_from_slice(field.replace('"', "\"\"").as_bytes());
        bytes.push(b'"');
    }
    bytes.push(b'\n');
}

/// What was written, to be read.
struct Written {
    parts: mpsc::Receiver<std::io::Result<Vec<u8>>>,
    part: std::io::Cursor<Vec<u8>>,
}

impl Read for Written {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.part.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.parts.blocking_recv() {
                Some(part) => self.part = std::io::Cursor::new(part?),
                None => return Ok(0),
            }
        }
    }
}

fn mismatch(job: &Job, why: &str) -> Problem {
    let detail = format!(
        "the file has a column onward_row, so it is an export of rows of job {}, and {why}; nothing was changed. Export \
         the rows again, and change only the fields that are to be corrected",
        job.id
    );
    mishap::about(Problem::new(Code::InputMismatch, detail), job)
}
