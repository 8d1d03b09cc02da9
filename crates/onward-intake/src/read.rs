//! Reads a whole upload once: chunks go out as spans fill, the summary comes at the end.

use std::io::{ErrorKind, Read};
use std::ops::ControlFlow;

use onward_core::id::{InputId, RowIndex, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputSummary, span_of};
use onward_core::problem::{Code, Problem};
use onward_core::recipe::Recipe;

use crate::duplicates::Finder;
use crate::filename::display_name;
use crate::limits::Limits;
use crate::pack::{CHUNK_BYTES, Packer, TooMuch};
use crate::records::Extent;
use crate::source::BLOCK_BYTES;
use crate::table::{Row, Table};

/// Reads `source` to its end. Chunks are handed to `on_chunk` in order; it may break off, and then
/// `upload-aborted` is the answer. After an error the chunks handed out are worth nothing.
///
/// # Errors
/// Why the file is refused: its code, the line, and what to do.
pub fn read(
    source: &mut dyn Read,
    recipe: &Recipe,
    filename: &str,
    id: InputId,
    limits: &Limits,
    on_chunk: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> Result<(InputSummary, Duplicates), Problem> {
    let mut table = Table::open(source, Some(recipe), limits, Extent::Whole, BLOCK_BYTES)?;
    let mut rows =
        Rows { packer: Packer::default(), finder: Finder::new(), decided: Vec::new(), count: 0, limits };
    while let Some(row) = table.next()? {
        if let Some(chunk) = rows.add(&table, &row)? {
            hand_out(chunk, on_chunk)?;
        }
    }
    if rows.count == 0 {
        refuse_empty(&table, recipe)?;
    }
    if let Some(chunk) = rows.packer.take() {
        hand_out(chunk, on_chunk)?;
    }
    let duplicates = rows.finder.finish().map_err(|error| no_room(&error))?;
    let decided = std::mem::take(&mut rows.decided);
    Ok((InputSummary { decided, ..summary(&mut table, id, filename, rows.count) }, duplicates))
}

struct Rows<'a> {
    packer: Packer,
    finder: Finder,
    decided: Vec<(SpanNo, u32)>,
    count: u32,
    limits: &'a Limits,
}

impl Rows<'_> {
    fn add(&mut self, table: &Table<'_>, row: &Row) -> Result<Option<Chunk>, Problem> {
        if u64::from(self.count) == self.limits.rows {
            return Err(too_many_rows(self.limits.rows, row.line));
        }
        let index = RowIndex(self.count);
        if row.decided.is_some() {
            let span = span_of(index);
            match self.decided.last_mut().filter(|(last, _)| *last == span) {
                Some((_, rows)) => *rows += 1,
                None => self.decided.push((span, 1)),
            }
        }
        if row.decided.is_none() && !table.key().is_empty() {
            self.finder.add(table.key(), index).map_err(|error| no_room(&error))?;
        }
        self.count += 1;
        let packed = self.packer.add(row.line, table.key(), table.fields(), row.decided.as_ref());
        packed.map_err(|much| too_much(&much, row.line))
    }
}

fn summary(table: &mut Table<'_>, id: InputId, filename: &str, rows: u32) -> InputSummary {
    table.records().note_whole_file();
    let (bytes, sha256) = table.records().uploaded();
    InputSummary {
        id,
        filename: display_name(filename),
        sha256,
        bytes,
        rows: u64::from(rows),
        blank_lines: table.records().blank_lines(),
        columns: table.header().to_vec(),
        format: table.format(),
        warnings: table.records().notes.warnings(),
        decided: Vec::new(),
        compared: None,
    }
}

fn hand_out(chunk: Chunk, on_chunk: &mut dyn FnMut(Chunk) -> ControlFlow<()>) -> Result<(), Problem> {
    match on_chunk(chunk) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            Err(Problem::new(Code::UploadAborted, "reading the file was stopped; nothing was kept"))
        }
    }
}

fn refuse_empty(table: &Table<'_>, recipe: &Recipe) -> Result<(), Problem> {
    if !table.has_header() {
        return Err(table.nothing());
    }
    if recipe.input.allow_empty {
        return Ok(());
    }
    let detail = "the file has a header and no rows; add rows, or allow it: [input] allow_empty = true";
    Err(Problem::new(Code::NoRows, detail))
}

fn too_many_rows(limit: u64, line: u64) -> Problem {
    let detail = format!("the file has more than {limit} rows, the most that is allowed; split it");
    Problem::new(Code::TooManyRows, detail).with("limit", limit).with("line", line)
}

fn too_much(much: &TooMuch, line: u64) -> Problem {
    let (first, last) = (much.first.row(), u64::from(much.first.0 + much.rows));
    let detail =
        format!("rows {first} to {last} hold more than {CHUNK_BYTES} bytes together; shorten their fields");
    Problem::new(Code::RecordTooLarge, detail).with("line", line).with("limit_bytes", CHUNK_BYTES)
}

/// Keys of large files are sorted on disk; that can fail for want of room.
fn no_room(error: &std::io::Error) -> Problem {
    let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let code = if full { Code::DiskFull } else { Code::Internal };
    Problem::new(code, format!("failed to sort the keys of the file in the temporary folder: {error}"))
}
