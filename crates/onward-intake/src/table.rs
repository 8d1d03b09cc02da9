//! A file as a table: its header, its columns, and row after row with what is decided about it.

use std::io::Read;

use onward_core::input::{Columns, FileFormat};
use onward_core::problem::{Code, Problem};
use onward_core::recipe::{InputOptions, Recipe, WorkKind};
use onward_core::row::Verdict;

use crate::fields::Fields;
use crate::header;
use crate::judge::{Judge, is_blank};
use crate::limits::Limits;
use crate::notes::Note;
use crate::records::{Extent, Record, Records};
use crate::rowkey::RowKey;

/// A row; its fields and key are in [`Table::fields`] and [`Table::key`].
pub(crate) struct Row {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// What is decided about it, if it needs no work.
    pub(crate) decided: Option<Verdict>,
}

/// A file being read.
pub(crate) struct Table<'a> {
    records: Records<'a>,
    judge: Judge,
    header: Vec<String>,
    columns: Columns,
    has_header: bool,
}

impl<'a> Table<'a> {
    /// Reads the header and maps the recipe on it.
    pub(crate) fn open(
        reader: &'a mut dyn Read,
        recipe: Option<&Recipe>,
        limits: &Limits,
        extent: Extent,
        block_bytes: usize,
    ) -> Result<Self, Problem> {
        let none = InputOptions::default();
        let options = recipe.map_or(&none, |recipe| &recipe.input);
        let mut records = Records::open(reader, options, limits, extent, block_bytes)?;
        let mut fields = Fields::new(records.dialect().delimiter);
        let has_header = options.header.unwrap_or(true);
        let header = if has_header {
            read_header(&mut records, &mut fields, limits)?
        } else {
            header::made_up(&options.names, records.dialect().width)
        };
        if header.len() > limits.columns {
            return Err(records.too_many_columns(header.len(), 1));
        }
        let columns = match recipe {
            Some(recipe) => header::columns(&header, recipe)?,
            None => header::plain_columns(&header),
        };
        let names = recipe.map_or(&[][..], |recipe| &recipe.key[..]);
        let parts = names.iter().filter_map(|name| Some((name.clone(), columns.position(name)?))).collect();
        let key = RowKey::new(parts, recipe.map_or(WorkKind::Command, |recipe| recipe.work.kind));
        let key_name = names.first().cloned().unwrap_or_default();
        let shown: &[String] = if has_header { &header } else { &[] };
        let judge = Judge::new(fields, key, key_name, shown, header.len(), *limits);
        let mut table = Self { records, judge, header, columns, has_header };
        if has_header {
            table.note_header();
        }
        Ok(table)
    }

    /// The next row, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Problem> {
        let Some(record) = self.records.next()? else { return Ok(None) };
        let decided = self.judge.decide(&mut self.records, record);
        Ok(Some(Row { line: record.line, decided }))
    }

    /// The fields of the row last read.
    pub(crate) fn fields(&self) -> &Fields {
        &self.judge.fields
    }

    /// The key of the row last read.
    pub(crate) fn key(&self) -> &str {
        self.judge.key.get()
    }

    /// The header as it stands in the file, or made-up names.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Fields and where they are.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Whether the first record is a header.
    pub(crate) fn has_header(&self) -> bool {
        self.has_header
    }

    /// How the file is written. Final once all rows were read.
    pub(crate) fn format(&self) -> FileFormat {
        FileFormat {
            encoding: self.records.encoding().to_owned(),
            delimiter: self.records.dialect().written(),
            header: self.has_header,
        }
    }

    /// The records below, for what is known of the whole file.
    pub(crate) fn records(&mut self) -> &mut Records<'a> {
        &mut self.records
    }

    /// The problem of a file in which there is no record.
    pub(crate) fn nothing(&self) -> Problem {
        self.records.nothing()
    }

    fn note_header(&mut self) {
        let notes = &mut self.records.notes;
        let names: Vec<String> =
            self.header.iter().map(|name| onward_core::input::normalised(name)).collect();
        for (at, name) in names.iter().enumerate() {
            if name.is_empty() {
                notes.add_with(Note::EmptyHeader, None, &header::column_name(at));
            } else if names[..at].contains(name) {
                notes.add_with(Note::DuplicateHeader, None, self.header[at].trim());
            }
        }
        let width = self.records.dialect().width;
        if names.len() == 1 && width > 1 {
            let detail = format!("1 and {width}");
            self.records.notes.add_with(Note::HeaderNarrow, None, &detail);
        }
    }
}

fn read_header(
    records: &mut Records<'_>,
    fields: &mut Fields,
    limits: &Limits,
) -> Result<Vec<String>, Problem> {
    loop {
        let Some(record) = records.next()? else { return Err(records.nothing()) };
        if record.fields > limits.columns {
            return Err(records.too_many_columns(record.fields, record.line));
        }
        if !fields.parse(records.content(), record.fields) || records.content().contains(&0) {
            return Err(unreadable(record, records.encoding()));
        }
        if is_blank(records.content()) {
            records.count_blank();
            continue;
        }
        return Ok(fields.iter().map(str::to_owned).collect());
    }
}

fn unreadable(record: Record, encoding: &str) -> Problem {
    let line = record.line;
    let detail =
        format!("the header on line {line} is not readable as {encoding}; save the file as CSV UTF-8");
    Problem::new(Code::CsvMalformed, detail).with("line", line)
}
