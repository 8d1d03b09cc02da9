//! The records of the file, one after the other, with the line they begin on.

use std::io::Read;

use onward_core::problem::{Code, Problem};
use onward_core::recipe::InputOptions;

use crate::dialect::{self, Dialect};
use crate::kind;
use crate::limits::Limits;
use crate::notes::{Note, Notes};
use crate::source::Source;
use crate::split::{Found, Hints, Large, Rules, Splitter, Step};
use crate::text::{self, Text};

/// Left at the end of files by very old programs.
const CTRL_Z: u8 = 0x1a;

/// How much of the file there is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// Its beginning: a record that is cut off at the end is no mistake.
    Head,
}

/// A record; its bytes are in [`Records::content`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// How many fields it has.
    pub(crate) fields: usize,
    /// It has more columns than allowed and is larger than allowed: its content is not there.
    pub(crate) skipped: bool,
    /// Where it begins in the decoded text.
    pub(crate) offset: u64,
}

/// A record whose end is not in the head of a file.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The line it begins on; of one that ends within quotes, the line where these were opened.
    line: u64,
    fields: usize,
    quoted: bool,
}

/// Reads records off an upload.
pub(crate) struct Records<'a> {
    source: Source<'a>,
    text: Text,
    splitter: Splitter,
    dialect: Dialect,
    limits: Limits,
    extent: Extent,
    block_bytes: usize,
    block: Vec<u8>,
    /// Decoded text, from `start` on not yet handed out; `content` is the record last handed out.
    buffer: Vec<u8>,
    start: usize,
    content: std::ops::Range<usize>,
    /// Decoded bytes before `buffer`.
    dropped: u64,
    ended: bool,
    blank_lines: u64,
    any: bool,
    /// The record that is cut off where the head ends.
    cut: Option<Cut>,
    /// What was noticed.
    pub(crate) notes: Notes,
}

impl<'a> Records<'a> {
    /// Reads the first block and finds out how the file is written.
    pub(crate) fn open(
        reader: &'a mut dyn Read,
        options: &InputOptions,
        limits: &Limits,
        extent: Extent,
        block_bytes: usize,
    ) -> Result<Self, Problem> {
        let named = options.encoding.as_deref().map(text::named).transpose()?;
        let delimiter = dialect::named_delimiter(options)?;
        let mut source = Source::new(reader, limits.upload_bytes);
        let mut block = Vec::new();
        source.next_block(&mut block, block_bytes)?;
        kind::refuse_other_kinds(&block)?;
        let text = Text::new(&block, named);
        if !text.is_utf16() {
            kind::refuse_binary(&block)?;
        }
        let comment = options.comment.map(|comment| comment.to_string().into_bytes());
        let rules = Rules { delimiter: b',', comment, record_bytes: limits.record_bytes };
        let mut records = Self {
            source,
            text,
            splitter: Splitter::new(rules.clone(), 1),
            dialect: Dialect { delimiter: b',', width: 1, named: false },
            limits: *limits,
            extent,
            block_bytes,
            block,
            buffer: Vec::with_capacity(2 * block_bytes),
            start: 0,
            content: 0..0,
            dropped: 0,
            ended: false,
            blank_lines: 0,
            any: false,
            cut: None,
            notes: Notes::default(),
        };
        records.decode_first_block();
        records.find_dialect(rules, delimiter, options);
        Ok(records)
    }

    /// The next record, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Problem> {
        loop {
            match self.splitter.next(&self.buffer[self.start..], self.ended) {
                Step::More => {
                    if self.splitter.skipping() {
                        self.start += self.splitter.skip();
                    }
                    if self.ended {
                        return Ok(None);
                    }
                    self.read_more()?;
                }
                Step::End => return Ok(None),
                Step::Mark(bytes) => {
                    self.note_mark();
                    self.start += bytes;
                }
                Step::Blank(bytes) => {
                    self.start += bytes;
                    self.blank_lines += 1;
                }
                Step::Comment(bytes) => {
                    self.start += bytes;
                    self.notes.add(Note::Comments, None);
                }
                Step::Record(found) => {
                    if self.cut_off_at(found) {
                        self.cut = Some(Cut { line: found.line, fields: found.fields, quoted: false });
                        return Ok(None);
                    }
                    return Ok(Some(self.hand_out(found)));
                }
                Step::TooLarge(large) => {
                    if !self.any && large.fields > self.limits.columns {
                        return Err(self.too_many_columns(large.fields, large.line));
                    }
                    if large.open_quote.is_some() || large.fields <= self.limits.columns {
                        return Err(self.too_large(large));
                    }
                    self.start += self.splitter.skip();
                }
                Step::Unclosed(line) if self.extent == Extent::Head => {
                    self.cut = Some(Cut { line, fields: self.splitter.fields(), quoted: true });
                    return Ok(None);
                }
                Step::Unclosed(line) => return Err(unclosed(line)),
            }
        }
    }

    /// The bytes of the record last handed out, without its line end.
    pub(crate) fn content(&self) -> &[u8] {
        &self.buffer[self.content.clone()]
    }

    /// Where the first broken sequence of the record stands in the file, from 0.
    pub(crate) fn broken_at(&self, record: Record) -> Option<u64> {
        let valid = std::str::from_utf8(self.content()).err()?.valid_up_to();
        self.text.file_offset(record.offset + valid as u64)
    }

    /// How the file is written.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The encoding's name.
    pub(crate) fn encoding(&self) -> &'static str {
        self.text.name()
    }

    /// Blank lines met so far.
    pub(crate) fn blank_lines(&self) -> u64 {
        self.blank_lines
    }

    /// Counts a line of blanks as a blank line.
    pub(crate) fn count_blank(&mut self) {
        self.blank_lines += 1;
    }

    /// Bytes uploaded, and their SHA-256.
    pub(crate) fn uploaded(&self) -> (u64, String) {
        (self.source.bytes(), self.source.sha256())
    }

    /// Notes what is known of the whole file once it was read.
    pub(crate) fn note_whole_file(&mut self) {
        if self.text.guessed() {
            self.notes.add_with(Note::EncodingGuessed, None, self.text.name());
        } else if self.text.name() != "UTF-8" {
            self.notes.add_with(Note::Transcoded, None, self.text.name());
        }
        if self.text.mixed() {
            self.notes.add(Note::EncodingMixed, None);
        }
        if self.splitter.line_ends().mixed() {
            self.notes.add(Note::MixedLineEnds, None);
        }
        if !self.dialect.named && !matches!(self.dialect.delimiter, b',' | 0) {
            self.notes.add_with(Note::DelimiterFound, None, self.dialect.words());
        }
    }

    fn decode_first_block(&mut self) {
        self.ended = self.source.ended();
        let last = self.ended && self.extent == Extent::Whole;
        let marks = self.text.bom_bytes();
        self.text.push(&self.block[marks..], last, &mut self.buffer);
        if self.ended {
            self.drop_ctrl_z();
        }
    }

    fn find_dialect(&mut self, mut rules: Rules, named: Option<u8>, options: &InputOptions) {
        let sep = dialect::sep_line(&self.buffer);
        self.start = sep.map_or(0, |(bytes, _)| bytes);
        let head = &self.buffer[self.start..];
        let whole = self.ended && self.extent == Extent::Whole;
        self.dialect = match named.or(sep.map(|(_, delimiter)| delimiter)) {
            Some(delimiter) => dialect::measure(head, whole, &rules, delimiter),
            None => dialect::detect(head, whole, &rules, options),
        };
        rules.delimiter = self.dialect.delimiter;
        self.splitter = Splitter::new(rules, 1 + u64::from(sep.is_some()));
    }

    fn read_more(&mut self) -> Result<(), Problem> {
        self.buffer.drain(..self.start);
        self.dropped += self.start as u64;
        self.start = 0;
        self.source.next_block(&mut self.block, self.block_bytes)?;
        self.ended = self.source.ended();
        let last = self.ended && self.extent == Extent::Whole;
        self.text.push(&self.block, last, &mut self.buffer);
        if self.ended {
            self.drop_ctrl_z();
        }
        Ok(())
    }

    fn drop_ctrl_z(&mut self) {
        let kept =
            self.buffer.iter().rposition(|byte| *byte != CTRL_Z).map_or(0, |at| at + 1).max(self.start);
        if kept < self.buffer.len() {
            self.buffer.truncate(kept);
            self.splitter.cut(kept - self.start);
            self.notes.add(Note::CtrlZ, None);
        }
    }

    fn note_mark(&mut self) {
        let at_start = self.dropped == 0 && !self.any;
        if !at_start {
            self.notes.add(Note::MarkInside, Some(self.splitter.line()));
        } else if self.start > 0 || self.text.bom_bytes() > 0 {
            self.notes.add(Note::DoubleMark, Some(1));
        }
    }

    /// Whether a record is the cut-off end of a file of which only the head is there.
    fn cut_off_at(&self, found: Found) -> bool {
        self.extent == Extent::Head && self.ended && found.bytes == found.content
    }

    fn hand_out(&mut self, found: Found) -> Record {
        let offset = self.dropped + self.start as u64;
        self.content = self.start..self.start + found.content;
        self.start += found.bytes;
        self.any = true;
        self.note_hints(found.hints, found.line);
        Record { line: found.line, fields: found.fields, skipped: found.skipped, offset }
    }

    fn note_hints(&mut self, hints: Hints, line: u64) {
        if hints == Hints::default() {
            return;
        }
        let notes = [
            (hints.space_before_quote, Note::SpaceBeforeQuote),
            (hints.text_after_quote, Note::TextAfterQuote),
            (hints.backslash_quote, Note::BackslashQuote),
        ];
        for (_, note) in notes.into_iter().filter(|(found, _)| *found) {
            self.notes.add(note, Some(line));
        }
    }

    fn too_large(&self, large: Large) -> Problem {
        let limit = self.limits.record_bytes;
        let (line, detail) = match large.open_quote {
            Some(line) => (
                line,
                format!(
                    "the quote opened on line {line} is not closed within {limit} bytes; close it or remove it"
                ),
            ),
            None => (
                large.line,
                format!("the record that begins on line {} has more than {limit} bytes", large.line),
            ),
        };
        Problem::new(Code::RecordTooLarge, detail).with("line", line).with("limit_bytes", limit)
    }

    /// The problem of a file, or of the head of one, in which there is no whole record.
    pub(crate) fn nothing(&self) -> Problem {
        let head = self.source.bytes();
        let Some(cut) = self.cut else {
            let place = if self.extent == Extent::Head {
                format!("the first {head} bytes of the file")
            } else {
                "the file".to_owned()
            };
            let detail = format!("there is nothing in {place} but blank lines, if that; choose another file");
            return Problem::new(Code::CsvEmpty, detail);
        };
        let line = cut.line;
        if cut.fields > self.limits.columns {
            return self.too_many_columns(cut.fields, line);
        }
        let what = if cut.quoted {
            format!("quote opened on line {line}")
        } else {
            format!("first record, begun on line {line},")
        };
        let detail = format!(
            "the {what} does not end within the first {head} bytes, and no more is looked at here; \
             is a quote not closed, or is this no CSV?"
        );
        Problem::new(Code::RecordTooLarge, detail).with("line", line).with("limit_bytes", head)
    }

    /// The problem of a first record with more columns than allowed; a later row fails alone.
    pub(crate) fn too_many_columns(&self, columns: usize, line: u64) -> Problem {
        let limit = self.limits.columns;
        let detail = format!("the first record has {columns} columns or more; {limit} are allowed");
        Problem::new(Code::TooManyColumns, detail).with("line", line).with("limit", limit)
    }
}

fn unclosed(line: u64) -> Problem {
    let detail = format!("the quote opened on line {line} is never closed; close it or remove it");
    Problem::new(Code::UnclosedQuote, detail).with("line", line)
}
