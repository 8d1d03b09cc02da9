//! Writes exported rows as CSV (RFC 4180, the input's own delimiter) or as one JSON object a line.

use onward_engine::handle::RowDetail;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The columns that stand after the input's own.
pub const OWN_COLUMNS: [&str; 4] = ["onward_row", "onward_outcome", "onward_code", "onward_message"];

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma (or whatever the input had) separated values.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// What happens to values that a spreadsheet would take for a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Nothing: every value is exactly as it was, so the file can be read back.
    Exact,
    /// A single quote is put before them, and a byte order mark before the file.
    Spreadsheet,
}

/// A table being written.
#[derive(Debug, Clone)]
pub struct Table {
    /// The header of the input.
    pub columns: Vec<String>,
    /// Its delimiter.
    pub delimiter: char,
    /// How rows are written.
    pub format: Format,
    /// Whether formulas are disarmed.
    pub safety: Safety,
}

impl Table {
    /// What stands before the rows.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.format {
            Format::Csv => {
                if self.safety == Safety::Spreadsheet {
                    bytes.extend_from_slice("\u{feff}".as_bytes());
                }
                let names = self.columns.iter().map(String::as_str).chain(OWN_COLUMNS);
                self.line(names, &mut bytes);
            }
            Format::Ndjson => {}
        }
        bytes
    }

    /// One row.
    pub fn write(&self, row: &RowDetail, bytes: &mut Vec<u8>) {
        match self.format {
            Format::Csv => {
                let number = row.ledger.index.row().to_string();
                let ledger = &row.ledger;
                let own = [&number, ledger.outcome.word(), &ledger.code, &ledger.message];
                self.line(self.values(row).chain(own), bytes);
            }
            Format::Ndjson => {
                serde_json::to_writer(&mut *bytes, &Line { table: self, row })
                    .expect("texts are always JSON, and memory takes all of it");
                bytes.push(b'\n');
            }
        }
    }

    /// The row's values, one per column of the header whatever the row had.
    fn values<'a>(&'a self, row: &'a RowDetail) -> impl Iterator<Item = &'a str> {
        (0..self.columns.len()).map(|at| row.fields.get(at).map_or("", |(_, value)| value.as_str()))
    }

    /// One line of these values.
    pub fn line<'a>(&self, values: impl Iterator<Item = &'a str>, bytes: &mut Vec<u8>) {
        let mut delimiter = [0; 4];
        let delimiter = self.delimiter.encode_utf8(&mut delimiter);
        for (at, value) in values.enumerate() {
            if at > 0 {
                bytes.extend_from_slice(delimiter.as_bytes());
            }
            self.value(value, bytes);
        }
        bytes.extend_from_slice(b"\r\n");
    }

    fn value(&self, value: &str, bytes: &mut Vec<u8>) {
        let is_formula =
            self.safety == Safety::Spreadsheet && value.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
        let special = |c: char| c == self.delimiter || matches!(c, '"' | '\r' | '\n');
        // Blanks at the ends are quoted too: some readers would trim them.
        if !(is_formula || value.contains(special) || value.starts_with(' ') || value.ends_with(' ')) {
            bytes.extend_from_slice(value.as_bytes());
            return;
        }
        bytes.push(b'"');
        if is_formula {
            bytes.push(b'\'');
        }
        for (at, part) in value.split('"').enumerate() {
            if at > 0 {
                bytes.extend_from_slice(b"\"\"");
            }
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.push(b'"');
    }
}

/// One line of a table of our own, with commas.
pub fn csv_line<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let table = Table { columns: Vec::new(), delimiter: ',', format: Format::Csv, safety: Safety::Exact };
    let mut bytes = Vec::new();
    table.line(values.into_iter(), &mut bytes);
    bytes
}

struct Line<'a> {
    table: &'a Table,
    row: &'a RowDetail,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ledger = &self.row.ledger;
        let mut map = serializer.serialize_map(Some(self.table.columns.len() + OWN_COLUMNS.len()))?;
        for (name, value) in self.table.columns.iter().zip(self.table.values(self.row)) {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry(OWN_COLUMNS[0], &ledger.index.row())?;
        map.serialize_entry(OWN_COLUMNS[1], ledger.outcome.word())?;
        map.serialize_entry(OWN_COLUMNS[2], &ledger.code)?;
        map.serialize_entry(OWN_COLUMNS[3], &ledger.message)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(safety: Safety, delimiter: char, values: &[&str]) -> String {
        let table = Table { columns: Vec::new(), delimiter, format: Format::Csv, safety };
        let mut bytes = Vec::new();
        table.line(values.iter().copied(), &mut bytes);
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn values_are_quoted_where_a_reader_would_break_them() {
        let values = ["a", "b,c", "say \"hi\"", "two\nlines", " blank", ""];
        let text = line(Safety::Exact, ',', &values);
        assert_eq!(text, "a,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\",\" blank\",\r\n");
        assert_eq!(line(Safety::Exact, ';', &["b,c", "d;e"]), "b,c;\"d;e\"\r\n");
    }

    #[test]
    fn formulas_are_disarmed_for_spreadsheets_only() {
        let values = ["=1+1", "-5", "@name", "plain"];
        assert_eq!(line(Safety::Exact, ',', &values), "=1+1,-5,@name,plain\r\n");
        assert_eq!(line(Safety::Spreadsheet, ',', &values), "\"'=1+1\",\"'-5\",\"'@name\",plain\r\n");
    }
}
