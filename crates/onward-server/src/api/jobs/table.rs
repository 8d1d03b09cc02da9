//! Writes exported rows as CSV (RFC 4180, the input's own delimiter) or as one JSON object a line.

use onward_engine::handle::RowDetail;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::api::view::distinct;

/// The columns that stand after the input's own.
pub const OWN_COLUMNS: [&str; 4] = ["onward_row", "onward_outcome", "onward_code", "onward_message"];

/// The member of a JSON line with what the row has beyond the header; in CSV it stands last.
const EXTRA: &str = "onward_extra";

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
    /// The columns as members of a JSON object.
    names: Vec<String>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: Vec<String>, delimiter: char, format: Format, safety: Safety) -> Self {
        let names = distinct(columns.iter().map(String::as_str));
        Self { columns, delimiter, format, safety, names }
    }

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
                self.line(self.values(row).chain(own).chain(self.extra(row)), bytes);
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

    /// Whether the fields of the row are lost: what is kept of the file has them no more.
    #[must_use]
    pub fn misses(&self, row: &RowDetail) -> bool {
        row.fields.is_empty() && !self.columns.is_empty()
    }

    /// What the row has beyond the header. It stands last, so that every column stays where its header is.
    fn extra<'a>(&self, row: &'a RowDetail) -> impl Iterator<Item = &'a str> {
        row.fields.iter().skip(self.columns.len()).map(|(_, value)| value.as_str())
    }

    /// One line of these values.
    pub fn line<'a>(&self, values: impl Iterator<Item = &'a str>, bytes: &mut Vec<u8>) {
        let mut delimiter = [0; 4];
        let delimiter = self.delimiter.encode_utf8(&mut delimiter);
        let (begin, mut count) = (bytes.len(), 0);
        for value in values {
            if count > 0 {
                bytes.extend_from_slice(delimiter.as_bytes());
            }
            self.value(value, bytes);
            count += 1;
        }
        // One empty value and no quotes would be a blank line, which is no record.
        if count == 1 && bytes.len() == begin {
            bytes.extend_from_slice(b"\"\"");
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
    let table = Table::new(Vec::new(), ',', Format::Csv, Safety::Exact);
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
        for (name, value) in self.table.names.iter().zip(self.table.values(self.row)) {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry(OWN_COLUMNS[0], &ledger.index.row())?;
        map.serialize_entry(OWN_COLUMNS[1], ledger.outcome.word())?;
        map.serialize_entry(OWN_COLUMNS[2], &ledger.code)?;
        map.serialize_entry(OWN_COLUMNS[3], &ledger.message)?;
        let extra: Vec<&str> = self.table.extra(self.row).collect();
        if !extra.is_empty() {
            map.serialize_entry(EXTRA, &extra)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(safety: Safety, delimiter: char, values: &[&str]) -> String {
        let table = Table::new(Vec::new(), delimiter, Format::Csv, safety);
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
    fn one_empty_value_is_no_blank_line() {
        assert_eq!(line(Safety::Exact, ',', &[""]), "\"\"\r\n");
        assert_eq!(line(Safety::Exact, ',', &["", ""]), ",\r\n");
    }

    fn row(fields: &[(&str, &str)]) -> RowDetail {
        let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect();
        RowDetail { ledger: crate::web::sample_views::record(0), fields, line: None }
    }

    #[test]
    fn cells_beyond_the_header_are_kept_and_columns_of_one_name_told_apart() {
        let columns = ["city", "city", ""].map(str::to_owned).to_vec();
        let row = row(&[("city", "a"), ("city", "b"), ("", "c"), ("column_4", "more")]);
        let write = |format| {
            let mut bytes = Vec::new();
            Table::new(columns.clone(), ',', format, Safety::Exact).write(&row, &mut bytes);
            String::from_utf8(bytes).expect("UTF-8")
        };
        let csv = write(Format::Csv);
        assert!(csv.starts_with("a,b,c,") && csv.ends_with(",more\r\n"), "{csv}");
        let json: serde_json::Value = serde_json::from_str(&write(Format::Ndjson)).expect("JSON");
        assert_eq!(
            (&json["city"], &json["city_2"], &json["column_3"]),
            (&"a".into(), &"b".into(), &"c".into())
        );
        assert_eq!(json["onward_extra"], serde_json::json!(["more"]));
    }

    #[test]
    fn formulas_are_disarmed_for_spreadsheets_only() {
        let values = ["=1+1", "-5", "@name", "plain"];
        assert_eq!(line(Safety::Exact, ',', &values), "=1+1,-5,@name,plain\r\n");
        assert_eq!(line(Safety::Spreadsheet, ',', &values), "\"'=1+1\",\"'-5\",\"'@name\",plain\r\n");
    }
}
