//! What is kept of an input file: its facts, and its rows in chunks, one chunk per span.
//!
//! A job's input is an immutable snapshot. Whatever happens to the file it came from, the rows, their
//! numbers and their digest stay (G13).

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::id::{InputId, JobId, RowIndex, SpanNo};
use crate::key;
use crate::row::Verdict;

/// Rows per span, and so per chunk, of a large input.
pub const SPAN_ROWS: u32 = 1_000;
/// Rows per span of an input that is not known to be large: several workers can then share it.
pub const SMALL_SPAN_ROWS: u32 = 100;
/// The first 50 spans are small, the others large: a job under 5,000 rows has small spans only, and
/// where a span lies follows from its number alone.
pub const SMALL_SPANS: u32 = 50;

/// Where span `no` begins and how many rows it has when full.
#[must_use]
pub fn span_bounds(no: SpanNo) -> (RowIndex, u32) {
    let small = no.0.min(SMALL_SPANS);
    let large = no.0 - small;
    let first = RowIndex(small * SMALL_SPAN_ROWS + large * SPAN_ROWS);
    (first, if no.0 < SMALL_SPANS { SMALL_SPAN_ROWS } else { SPAN_ROWS })
}

/// The span that holds a row.
#[must_use]
pub fn span_of(row: RowIndex) -> SpanNo {
    let small_rows = SMALL_SPANS * SMALL_SPAN_ROWS;
    if row.0 < small_rows {
        SpanNo(row.0 / SMALL_SPAN_ROWS)
    } else {
        SpanNo(SMALL_SPANS + (row.0 - small_rows) / SPAN_ROWS)
    }
}

/// Span count and bounds of a job with `total` rows, in order.
pub fn spans(total: u64) -> impl Iterator<Item = (SpanNo, RowIndex, u32)> {
    (0..).map(SpanNo).map_while(move |no| {
        let (first, full) = span_bounds(no);
        let left = total.checked_sub(u64::from(first.0)).filter(|left| *left > 0)?;
        Some((no, first, u32::try_from(left).unwrap_or(u32::MAX).min(full)))
    })
}

/// A stored chunk: the rows of one span, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Which span it covers.
    pub no: SpanNo,
    /// Its first row.
    pub first: RowIndex,
    /// How many rows it holds.
    pub rows: u32,
    /// SHA-256 of `packed`, in hex; checked at every load.
    pub digest: String,
    /// The rows, packed and compressed by the intake.
    pub packed: Vec<u8>,
}

/// Rows of one chunk that repeat an earlier row of the file, found once the whole file was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duplicates {
    /// (this row, the first row with the same key), ascending.
    pub pairs: Vec<(RowIndex, RowIndex)>,
}

/// What is known of an input once it has been read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSummary {
    /// The stored snapshot.
    pub id: InputId,
    /// The name the file came with, cleaned for display; never used as a path.
    pub filename: String,
    /// SHA-256 of the bytes as they were uploaded, in hex.
    pub sha256: String,
    /// Size of the upload in bytes.
    pub bytes: u64,
    /// Rows: parsed records without the header and without blank lines.
    pub rows: u64,
    /// Blank lines that were left out of the count.
    pub blank_lines: u64,
    /// The header as it stands in the file (made-up names for a headerless one).
    pub columns: Vec<String>,
    /// Encoding, delimiter and line end, kept so that an export can write the same.
    pub format: FileFormat,
    /// What a person should know about the file, as (code, message).
    pub warnings: Vec<Warning>,
    /// Rows that the intake decided by itself (ragged, blank, without a key), by span; without repeats of a key,
    /// which are kept by themselves. They cost no call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<(SpanNo, u32)>,
    /// Set when the file was compared with a job first, for a person to say whether it is to be attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

/// What a file was compared with. It is kept with the file, so that any process over the store can attach
/// it, also after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The job; no other job may take the file.
    pub job: JobId,
    /// The input the job had.
    pub with: InputId,
    /// When.
    pub at: UnixMs,
    /// The file was made of the job's rows and those of an export that were handed back: which those were,
    /// as (the first, how many), ascending. `None` for a file that was sent whole.
    pub handed_back: Option<Vec<(RowIndex, u32)>>,
}

impl Compared {
    /// Neighbours among ascending rows, put together.
    #[must_use]
    pub fn stretches(rows: &[RowIndex]) -> Vec<(RowIndex, u32)> {
        let neighbours = rows.chunk_by(|a, b| a.0 + 1 == b.0);
        neighbours.map(|rows| (rows[0], u32::try_from(rows.len()).unwrap_or(u32::MAX))).collect()
    }

    /// The rows that an export handed back, one by one.
    #[must_use]
    pub fn rows(&self) -> Vec<RowIndex> {
        let all = self.handed_back.iter().flatten();
        all.flat_map(|(first, rows)| (first.0..first.0 + rows).map(RowIndex)).collect()
    }
}

/// How the file was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFormat {
    /// Name as in the WHATWG encoding standard, such as `UTF-8`, `windows-1252`, `UTF-16LE`.
    pub encoding: String,
    /// The field delimiter.
    pub delimiter: char,
    /// Whether the first record is a header.
    pub header: bool,
}

/// Something about the file that was accepted and that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A short fixed word, such as `encoding-guessed`.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The line of the file it is about, if one.
    pub line: Option<u64>,
}

/// One row as the intake read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    /// Its number.
    pub index: RowIndex,
    /// The line of the file where it begins, from 1.
    pub line: u64,
    /// Its identity after normalising ([`crate::key`]); empty when the recipe names no key.
    pub key: Arc<str>,
    /// Its fields, in the order of the columns.
    pub fields: Fields,
    /// What the intake decided about it, if it needs no work (a ragged row, an empty key, …).
    pub decided: Option<Verdict>,
}

/// The fields of a row: one text, and where in it each of them ends. A worker holds thousands of rows, and a
/// string for each field would be most of what reading and dropping them costs.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fields {
    text: Box<str>,
    ends: Box<[usize]>,
}

impl Fields {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field of the column at this position; `None` beyond the last one.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    /// All of them, in the order of the columns.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

/// The field at a position; panics beyond the last one.
impl Index<usize> for Fields {
    type Output = str;

    fn index(&self, at: usize) -> &str {
        self.get(at).expect("the row has a field at this position")
    }
}

impl<S: AsRef<str>> From<&[S]> for Fields {
    fn from(fields: &[S]) -> Self {
        let mut text = String::with_capacity(fields.iter().map(|field| field.as_ref().len()).sum());
        let mut end_of = |field: &S| {
            text.push_str(field.as_ref());
            text.len()
        };
        let ends = fields.iter().map(&mut end_of).collect();
        Self { text: text.into(), ends }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Fields {
    fn from_iter<T: IntoIterator<Item = S>>(fields: T) -> Self {
        fields.into_iter().collect::<Vec<S>>().as_slice().into()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The columns of an input and the fields the recipe maps on them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    fields: Vec<(Arc<str>, usize)>,
    own: Vec<(Arc<str>, usize)>,
}

impl Columns {
    /// Names the column at this position. Recipe fields are added first, then every header under its normalised name
    /// (trimmed, lower case, blanks as `_`).
    pub fn add(&mut self, name: impl Into<Arc<str>>, at: usize) {
        let name = name.into();
        if !self.own.iter().any(|(known, position)| *position == at || *known == name) {
            self.own.push((Arc::clone(&name), at));
        }
        self.fields.push((name, at));
    }

    /// Field names and the position of their column, in the order in which they were added.
    #[must_use]
    pub fn fields(&self) -> &[(Arc<str>, usize)] {
        &self.fields
    }

    /// The row's own fields: each column once, under the recipe's name where it has one and not under its header as
    /// well.
    #[must_use]
    pub fn own(&self) -> &[(Arc<str>, usize)] {
        &self.own
    }

    /// The position of a field's column.
    #[must_use]
    pub fn position(&self, field: &str) -> Option<usize> {
        self.fields.iter().find(|(name, _)| &**name == field).map(|(_, at)| *at)
    }

    /// The position of a column that a person names as a field or as its header stands in the file.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.position(name).or_else(|| self.position(&normalised(name)))
    }
}

impl<N: Into<Arc<str>>> FromIterator<(N, usize)> for Columns {
    fn from_iter<T: IntoIterator<Item = (N, usize)>>(fields: T) -> Self {
        let mut columns = Self::default();
        fields.into_iter().for_each(|(name, at)| columns.add(name, at));
        columns
    }
}

/// A header as it is compared: blanks and invisible characters around it gone, case folded, blanks within as `_`.
/// Empty when nothing is left of it.
#[must_use]
pub fn normalised(header: &str) -> String {
    let folded: String = key::fold(header).chars().filter(|c| !is_invisible(*c)).collect();
    folded.split_whitespace().collect::<Vec<_>>().join("_")
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_went_in() {
        let fields: Fields = ["", "ä", "", "a,b", ""].into_iter().collect();
        assert_eq!(fields.iter().collect::<Vec<_>>(), ["", "ä", "", "a,b", ""]);
        assert_eq!((fields.len(), fields.get(3), fields.get(5)), (5, Some("a,b"), None));
        assert_ne!(fields, ["", "ä", "", "a", ",b"].into_iter().collect(), "where they end counts");
        assert!(Fields::default().is_empty() && Fields::default().get(0).is_none());
    }

    #[test]
    fn a_column_stands_once_among_the_own_fields_under_the_recipe_s_name() {
        let fields = [("handle", 1), ("platform", 0), ("instagram_name", 1), ("notes", 2)];
        let columns: Columns = fields.into_iter().collect();
        let names: Vec<_> = columns.own().iter().map(|(name, at)| format!("{name}={at}")).collect();
        assert_eq!(names, ["handle=1", "platform=0", "notes=2"]);
        assert_eq!(columns.position("instagram_name"), Some(1));
        assert_eq!(columns.fields().len(), 4);
    }

    #[test]
    fn spans_cover_every_row_once_and_in_order() {
        for total in [0u64, 1, 99, 100, 101, 313, 4_999, 5_000, 5_001, 12_345] {
            let mut next = 0;
            for (no, first, len) in spans(total) {
                assert_eq!(u64::from(first.0), next);
                assert_eq!(span_of(first), no);
                assert_eq!(span_of(RowIndex(first.0 + len - 1)), no);
                next += u64::from(len);
            }
            assert_eq!(next, total);
        }
        assert_eq!(spans(313).count(), 4);
    }

    #[test]
    fn rows_that_were_handed_back_are_kept_as_stretches() {
        let rows: Vec<RowIndex> = [0, 1, 2, 7, 9, 10].into_iter().map(RowIndex).collect();
        let stretches = Compared::stretches(&rows);
        assert_eq!(stretches, [(RowIndex(0), 3), (RowIndex(7), 1), (RowIndex(9), 2)]);
        let (job, with) = (JobId(uuid::Uuid::nil()), InputId(uuid::Uuid::nil()));
        let compared = Compared { job, with, at: UnixMs(0), handed_back: Some(stretches) };
        assert_eq!(compared.rows(), rows);
        assert_eq!(Compared::stretches(&[]), []);
    }
}
