//! What a file would become, from its beginning alone; nothing is stored.

use onward_core::input::Warning;
use onward_core::problem::Problem;
use onward_core::recipe::Recipe;
use onward_core::row::Outcome;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::records::Extent;
use crate::source::BLOCK_BYTES;
use crate::table::Table;

/// Rows shown: a screenful.
const SAMPLE_ROWS: usize = 20;

/// What a file looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The encoding's name, such as `UTF-8`.
    pub encoding: String,
    /// The field delimiter.
    pub delimiter: char,
    /// Whether the first record is a header.
    pub header: bool,
    /// The header as it stands in the file, or made-up names.
    pub columns: Vec<String>,
    /// The first rows.
    pub samples: Vec<Sample>,
    /// Blank lines, which are no rows; of the beginning of the file only.
    #[serde(default)]
    pub blank_lines: u64,
    /// What a person should know; of the beginning of the file only.
    pub warnings: Vec<Warning>,
    /// Which field is which column.
    pub mapping: Vec<Mapped>,
}

/// A row of the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number, from 1.
    pub row: u64,
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its fields, in the order of the columns.
    pub fields: Vec<String>,
    /// What is decided about it already.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided: Option<Decided>,
}

/// A decision about a row, known from the file alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// `skipped` or `failed`.
    pub outcome: Outcome,
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// A field and its column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// The name by which the recipe reaches it.
    pub field: String,
    /// The header of the column, as it stands in the file.
    pub column: String,
    /// The column's position, from 1.
    pub position: usize,
}

/// Shows what the first 256 KiB of a file would become. A shorter `head` is taken for the whole file;
/// of a longer one no more than that is looked at.
///
/// # Errors
/// Why the file would be refused, as far as its beginning tells.
pub fn preview(head: &[u8], recipe: Option<&Recipe>) -> Result<Preview, Problem> {
    let extent = if head.len() < BLOCK_BYTES { Extent::Whole } else { Extent::Head };
    let mut reader = &head[..head.len().min(BLOCK_BYTES)];
    // One byte more than there is: the first read then sees the end.
    let mut table = Table::open(&mut reader, recipe, &Limits::default(), extent, BLOCK_BYTES + 1)?;
    let mut samples = Vec::new();
    let mut rows = 0;
    while let Some(row) = table.next()? {
        rows += 1;
        if samples.len() < SAMPLE_ROWS {
            let decided = row.decided.map(|verdict| Decided {
                outcome: verdict.outcome,
                code: verdict.code.into_owned(),
                message: verdict.message.into_owned(),
            });
            let fields = table.fields().iter().map(str::to_owned).collect();
            samples.push(Sample { row: rows, line: row.line, fields, decided });
        }
    }
    if rows == 0 && !table.has_header() {
        return Err(table.nothing());
    }
    table.records().note_whole_file();
    let format = table.format();
    Ok(Preview {
        encoding: format.encoding,
        delimiter: format.delimiter,
        header: format.header,
        columns: table.header().to_vec(),
        samples,
        blank_lines: table.records().blank_lines(),
        warnings: table.records().notes.warnings(),
        mapping: mapping(&table),
    })
}

fn mapping(table: &Table<'_>) -> Vec<Mapped> {
    let fields = table.columns().fields().iter();
    let mapped = fields.map(|(field, at)| Mapped {
        field: field.to_string(),
        column: table.header().get(*at).cloned().unwrap_or_default(),
        position: at + 1,
    });
    mapped.collect()
}
