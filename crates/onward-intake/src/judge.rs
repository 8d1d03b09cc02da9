//! Decides about rows that need no work: what is wrong with them is known from the file alone.

use onward_core::row::{Outcome, Verdict};
use onward_core::words::counted;

use crate::fields::Fields;
use crate::limits::Limits;
use crate::notes::Note;
use crate::records::{Record, Records};
use crate::rowkey::{RowKey, empty_key};

/// Takes records apart and decides what can be decided about them.
pub(crate) struct Judge {
    pub(crate) fields: Fields,
    pub(crate) key: RowKey,
    /// The name of the first key field, for messages.
    key_name: String,
    /// The header's cells without blanks around them, to know a repeat of it; empty without a header.
    header: Vec<String>,
    width: usize,
    limits: Limits,
}

impl Judge {
    /// For rows of `width` columns. `header` is empty for a file without one.
    pub(crate) fn new(
        fields: Fields,
        key: RowKey,
        key_name: String,
        header: &[String],
        width: usize,
        limits: Limits,
    ) -> Self {
        let header = header.iter().map(|cell| cell.trim().to_owned()).collect();
        Self { fields, key, key_name, header, width, limits }
    }

    /// Parses the record in hand; its fields and key are then in `self`. `None`: it needs work.
    pub(crate) fn decide(&mut self, records: &mut Records<'_>, record: Record) -> Option<Verdict> {
        self.key.clear();
        if record.skipped || record.fields > self.limits.columns {
            self.fields.clear(self.width);
            return Some(self.too_wide());
        }
        let clean = self.fields.parse(records.content(), record.fields);
        let refused = if is_blank(records.content()) {
            Some(Verdict::new(Outcome::Skipped, "blank", "the line holds nothing but blanks"))
        } else if !clean {
            Some(broken(records.encoding(), records.broken_at(record)))
        } else if records.content().contains(&0) {
            Some(failed("nul-byte", "the row holds a NUL character; remove it"))
        } else {
            None
        };
        if refused.is_some() {
            self.fill_up();
            return refused;
        }
        if self.repeats_header() {
            records.notes.add(Note::RepeatedHeader, Some(record.line));
            return Some(Verdict::new(Outcome::Skipped, "repeated-header", "the row repeats the header"));
        }
        self.decide_fields(records, record)
    }

    fn decide_fields(&mut self, records: &mut Records<'_>, record: Record) -> Option<Verdict> {
        if self.fields.drop_larger_than(self.limits.field_bytes) {
            let most = self.limits.field_bytes;
            self.fill_up();
            return Some(failed(
                "field-too-large",
                format!("a field has more than {most} bytes; it was left out"),
            ));
        }
        if self.fields.iter().all(|field| field.trim().is_empty()) {
            self.fields.resize(self.width);
            return Some(self.nothing_in_it());
        }
        let (have, want) = (self.fields.len(), self.width);
        if have < want {
            self.fields.resize(want);
            let message = format!("the row has {} and the header {want}", columns(have));
            return Some(failed("missing-columns", message));
        }
        if have > want {
            if (want..have).any(|at| !self.fields.get(at).trim().is_empty()) {
                let message = format!(
                    "the row has {} and the header {want}; a field with a delimiter in it needs quotes",
                    columns(have)
                );
                return Some(failed("extra-columns", message));
            }
            self.fields.resize(want);
            records.notes.add(Note::ExtraEmpty, Some(record.line));
        }
        if self.key.is_wanted() { self.key.make(&self.fields) } else { None }
    }

    /// Consumers may look at every column of every row.
    fn fill_up(&mut self) {
        if self.fields.len() < self.width {
            self.fields.resize(self.width);
        }
    }

    fn repeats_header(&self) -> bool {
        self.header.len() == self.fields.len()
            && self.header.iter().zip(self.fields.iter()).all(|(header, field)| header == field.trim())
    }

    fn nothing_in_it(&self) -> Verdict {
        if self.key.is_wanted() {
            empty_key(&self.key_name)
        } else {
            Verdict::new(Outcome::Skipped, "blank", "every field of the row is empty")
        }
    }

    fn too_wide(&self) -> Verdict {
        let most = self.limits.columns;
        failed("record-too-wide", format!("the row has more than {most} columns; its fields were left out"))
    }
}

/// Whether a record holds nothing but blanks, delimiters that are no blanks apart.
pub(crate) fn is_blank(content: &[u8]) -> bool {
    // The first byte of nearly every row tells.
    content.first().is_none_or(|byte| *byte <= b' ' || *byte >= 0x80)
        && std::str::from_utf8(content).is_ok_and(|text| text.trim().is_empty())
}

fn broken(encoding: &str, at: Option<u64>) -> Verdict {
    let place = at.map(|at| format!(" at byte {at} of the file")).unwrap_or_default();
    failed(
        "invalid-utf8",
        format!("the row is not valid {encoding}{place}; unreadable bytes are shown as \u{fffd}"),
    )
}

fn failed(code: &'static str, message: impl Into<onward_core::row::Text>) -> Verdict {
    Verdict::new(Outcome::Failed, code, message)
}

fn columns(count: usize) -> String {
    counted(count as u64, "column", "columns")
}
