//! Rows of a span as one chunk of bytes, and back.
//!
//! Layout, version 1: one byte 1; the number of the first row and the count of rows, each 4 bytes,
//! little-endian; then an LZ4 block with its size in front, holding the rows one after the other in
//! postcard. A reader refuses a version it does not know, so an older program never misreads newer
//! data; a newer program keeps reading version 1.

use onward_core::hex::hex;
use onward_core::id::{RowIndex, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputRow, span_bounds};
use onward_core::row::{Outcome, Verdict};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::fields::Fields;

/// The version written.
const VERSION: u8 = 1;
/// Bytes before the compressed rows: version, first row, count.
const HEAD_BYTES: usize = 9;
/// Bytes the rows of one chunk may have before compression. 32 MiB: 1,000 rows of 32 KiB each; a
/// chunk is held in memory as a whole, here and by the worker that runs it.
pub(crate) const CHUNK_BYTES: usize = 32 << 20;

/// A stored chunk is not what was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chunk {chunk} of the stored file is damaged: {why}; attach the file again")]
pub struct Corrupt {
    /// Which chunk.
    pub chunk: SpanNo,
    /// What does not fit.
    pub why: &'static str,
}

/// Checks a chunk (digest, first row, row count) and gives its rows, with repeats of an earlier row
/// decided as `skipped`.
///
/// # Errors
/// [`Corrupt`] when anything does not fit; never a part of the rows.
pub fn unpack(chunk: &Chunk, duplicates: &Duplicates) -> Result<Vec<InputRow>, Corrupt> {
    let corrupt = |why| Corrupt { chunk: chunk.no, why };
    if hex(&Sha256::digest(&chunk.packed)) != chunk.digest {
        return Err(corrupt("its digest is another"));
    }
    let (head, packed) = chunk.packed.split_at_checked(HEAD_BYTES).ok_or(corrupt("it is cut off"))?;
    if head[0] != VERSION {
        return Err(corrupt("its format is newer than this program"));
    }
    let head_matches = head[1..5] == chunk.first.0.to_le_bytes() && head[5..] == chunk.rows.to_le_bytes();
    let (first, full) = span_bounds(chunk.no);
    if !head_matches || chunk.first != first || chunk.rows > full {
        return Err(corrupt("it holds other rows than it should"));
    }
    let size = lz4_flex::block::uncompressed_size(packed).map_err(|_| corrupt("it is cut off"))?.0;
    if size > CHUNK_BYTES {
        return Err(corrupt("it is larger than any chunk"));
    }
    let raw =
        lz4_flex::block::decompress_size_prepended(packed).map_err(|_| corrupt("it cannot be unpacked"))?;
    let mut rows = Vec::with_capacity(chunk.rows as usize);
    let mut rest = &raw[..];
    for at in 0..chunk.rows {
        let (row, after) =
            postcard::take_from_bytes::<StoredRow<'_>>(rest).map_err(|_| corrupt("a row cannot be read"))?;
        rest = after;
        rows.push(row.into_row(RowIndex(first.0 + at)).ok_or(corrupt("a row cannot be read"))?);
    }
    if !rest.is_empty() {
        return Err(corrupt("it holds more rows than it should"));
    }
    decide_duplicates(&mut rows, first, duplicates);
    Ok(rows)
}

/// Collects rows of one span after the other.
#[derive(Default)]
pub(crate) struct Packer {
    no: u32,
    rows: u32,
    raw: Vec<u8>,
}

impl Packer {
    /// Adds the next row. A chunk comes back when its span is full.
    pub(crate) fn add(
        &mut self,
        line: u64,
        key: &str,
        fields: &Fields,
        decided: Option<&Verdict>,
    ) -> Result<Option<Chunk>, TooMuch> {
        let row = PackedRow { line, key, fields: FieldList(fields), decided: decided.map(PackedVerdict::of) };
        let raw = std::mem::take(&mut self.raw);
        self.raw = postcard::to_extend(&row, raw).expect("strings and numbers always have a postcard form");
        self.rows += 1;
        if self.raw.len() > CHUNK_BYTES {
            return Err(TooMuch { first: span_bounds(SpanNo(self.no)).0, rows: self.rows });
        }
        let full = self.rows == span_bounds(SpanNo(self.no)).1;
        Ok(if full { self.take() } else { None })
    }

    /// The chunk of the rows added since the last one, if there are any.
    pub(crate) fn take(&mut self) -> Option<Chunk> {
        if self.rows == 0 {
            return None;
        }
        let no = SpanNo(self.no);
        let (first, _) = span_bounds(no);
        let compressed = lz4_flex::block::compress_prepend_size(&self.raw);
        let mut packed = Vec::with_capacity(HEAD_BYTES + compressed.len());
        packed.push(VERSION);
        packed.extend_from_slice(&first.0.to_le_bytes());
        packed.extend_from_slice(&self.rows.to_le_bytes());
        packed.extend_from_slice(&compressed);
        let chunk = Chunk { no, first, rows: self.rows, digest: hex(&Sha256::digest(&packed)), packed };
        self.raw.clear();
        self.rows = 0;
        self.no += 1;
        Some(chunk)
    }
}

/// The rows of one span are larger than a chunk may be.
#[derive(Debug)]
pub(crate) struct TooMuch {
    /// The first row of the span.
    pub(crate) first: RowIndex,
    /// Rows of it that were too much together.
    pub(crate) rows: u32,
}

#[derive(Serialize)]
struct PackedRow<'a> {
    line: u64,
    key: &'a str,
    fields: FieldList<'a>,
    decided: Option<PackedVerdict<'a>>,
}

struct FieldList<'a>(&'a Fields);

impl Serialize for FieldList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for field in self.0.iter() {
            list.serialize_element(field)?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct PackedVerdict<'a> {
    outcome: u8,
    code: &'a str,
    message: &'a str,
}

impl<'a> PackedVerdict<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        Self { outcome: number(verdict.outcome), code: &verdict.code, message: &verdict.message }
    }
}

#[derive(Deserialize)]
struct StoredRow<'a> {
    line: u64,
    key: &'a str,
    #[serde(borrow)]
    fields: Vec<&'a str>,
    decided: Option<StoredVerdict>,
}

#[derive(Deserialize)]
struct StoredVerdict {
    outcome: u8,
    code: String,
    message: String,
}

impl StoredRow<'_> {
    fn into_row(self, index: RowIndex) -> Option<InputRow> {
        let decided = match self.decided {
            None => None,
            Some(stored) => {
                let outcome = Outcome::ALL.into_iter().find(|outcome| number(*outcome) == stored.outcome)?;
                Some(Verdict::new(outcome, stored.code, stored.message))
            }
        };
        let fields = self.fields.as_slice().into();
        Some(InputRow { index, line: self.line, key: self.key.into(), fields, decided })
    }
}

/// Outcomes as they are stored; these numbers never change.
fn number(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Added => 0,
        Outcome::Failed => 1,
        Outcome::Skipped => 2,
        Outcome::Filtered => 3,
    }
}

fn decide_duplicates(rows: &mut [InputRow], first: RowIndex, duplicates: &Duplicates) {
    let from = duplicates.pairs.partition_point(|(row, _)| *row < first);
    for (row, original) in &duplicates.pairs[from..] {
        let Some(row) = rows.get_mut((row.0 - first.0) as usize) else { break };
        row.decided = Some(Verdict::new(Outcome::Skipped, "duplicate", duplicate_of(*original)));
    }
}

/// What a row says that repeats an earlier one.
#[must_use]
pub fn duplicate_of(original: RowIndex) -> String {
    format!("duplicate of row {}", original.row())
}
