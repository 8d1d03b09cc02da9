//! Finds where records begin and end, watching quotes and counting lines.
//!
//! csv-core takes a record apart but never says that a quote is not closed, nor on which line it was
//! opened, and it drops blank lines. So the bounds of a record are found here, by the same rules
//! (a quote opens only at the beginning of a field; after the closing quote anything is plain text),
//! and each record is handed to csv-core alone.
//!
//! The splitter can stop after any byte and go on when more is there: what it finds does not depend
//! on how the text is cut.

/// The mark that some programs put at the beginning of a file, and joined files have in the middle.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What separates fields, and which lines are left out.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Between fields.
    pub(crate) delimiter: u8,
    /// Lines that begin so are left out.
    pub(crate) comment: Option<Vec<u8>>,
    /// Bytes a record may have.
    pub(crate) record_bytes: usize,
}

/// What stands next in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// More text is needed to tell.
    More,
    /// Nothing follows.
    End,
    /// A byte order mark of this many bytes.
    Mark(usize),
    /// An empty line of this many bytes.
    Blank(usize),
    /// A comment line of this many bytes.
    Comment(usize),
    /// A record.
    Record(Found),
    /// A record larger than allowed; see [`Splitter::skip`].
    TooLarge(Large),
    /// The text ends within quotes that were opened on this line.
    Unclosed(u64),
}

/// A record of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its bytes without the line end.
    pub(crate) content: usize,
    /// Its bytes with the line end.
    pub(crate) bytes: usize,
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// How many fields it has.
    pub(crate) fields: usize,
    /// Oddities of its quotes.
    pub(crate) hints: Hints,
    /// Its beginning was thrown away, see [`Splitter::skip`].
    pub(crate) skipped: bool,
}

/// A record that is larger than allowed, as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Large {
    /// The line it begins on.
    pub(crate) line: u64,
    /// Fields so far.
    pub(crate) fields: usize,
    /// The line of the quote that is open.
    pub(crate) open_quote: Option<u64>,
}

/// Oddities of the quotes in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hints {
    /// ` "a`: a quote after spaces.
    pub(crate) space_before_quote: bool,
    /// `"a"b`: text after the closing quote.
    pub(crate) text_after_quote: bool,
    /// `"a\"b`: the same after a backslash.
    pub(crate) backslash_quote: bool,
}

/// Which kinds of line end have ended a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LineEnds {
    seen: [bool; 4],
}

impl LineEnds {
    /// Whether more than one kind was met.
    pub(crate) fn mixed(self) -> bool {
        self.seen.into_iter().filter(|seen| *seen).count() > 1
    }
}

#[derive(Debug, Clone, Copy)]
enum LineEnd {
    Lf,
    CrLf,
    Cr,
    LfCr,
}

impl LineEnd {
    fn bytes(self) -> usize {
        match self {
            Self::Lf | Self::Cr => 1,
            Self::CrLf | Self::LfCr => 2,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Start,
    /// Spaces at the beginning of a field.
    Spaces,
    /// In a field without quotes, or after them.
    Plain,
    /// Between quotes.
    Quoted,
    /// Just after a quote that closes, or doubles.
    Closed,
}

/// Walks over the text, record by record.
#[derive(Debug)]
pub(crate) struct Splitter {
    rules: Rules,
    /// Bytes that end a run of plain text.
    ends_plain: [bool; 256],
    line: u64,
    line_ends: LineEnds,
    /// Of the record in hand: how far it was scanned, and what was found so far.
    at: usize,
    state: State,
    fields: usize,
    begun: u64,
    quote_line: u64,
    hints: Hints,
    skipping: bool,
}

impl Splitter {
    /// Starts on line `line`.
    pub(crate) fn new(rules: Rules, line: u64) -> Self {
        let mut ends_plain = [false; 256];
        for byte in [rules.delimiter, b'\n', b'\r'] {
            ends_plain[usize::from(byte)] = true;
        }
        Self {
            rules,
            ends_plain,
            line,
            line_ends: LineEnds::default(),
            at: 0,
            state: State::Start,
            fields: 1,
            begun: line,
            quote_line: line,
            hints: Hints::default(),
            skipping: false,
        }
    }

    /// What stands at the beginning of `data`, the text from the end of the last step on. `ended`
    /// says that nothing follows `data`. After [`Step::More`] call it again with more of the same.
    pub(crate) fn next(&mut self, data: &[u8], ended: bool) -> Step {
        if self.at == 0 && !self.skipping {
            if let Some(step) = self.before_record(data, ended) {
                return step;
            }
            self.begun = self.line;
        }
        let limit = if self.skipping { data.len() } else { data.len().min(self.rules.record_bytes + 1) };
        while self.at < limit {
            let Some(advanced) = self.advance(data, limit, ended) else { return Step::More };
            if let Some(end) = advanced {
                return self.finish(self.at, end.bytes(), Some(end));
            }
        }
        if limit < data.len() {
            return Step::TooLarge(self.large());
        }
        match (ended, self.state) {
            (false, _) => Step::More,
            (true, State::Quoted) => Step::Unclosed(self.quote_line),
            (true, State::Start | State::Spaces | State::Plain | State::Closed) => {
                self.finish(data.len(), 0, None)
            }
        }
    }

    /// Throws away what was scanned of the record in hand and goes on to its end. The caller drops
    /// as many bytes from its text as this returns, and again after each [`Step::More`].
    pub(crate) fn skip(&mut self) -> usize {
        self.skipping = true;
        std::mem::take(&mut self.at)
    }

    /// Whether a record is being thrown away.
    pub(crate) fn skipping(&self) -> bool {
        self.skipping
    }

    /// Tells that the text became shorter at its end.
    pub(crate) fn cut(&mut self, len: usize) {
        self.at = self.at.min(len);
        if self.at == 0 && !self.skipping {
            self.state = State::Start;
        }
    }

    /// The line that comes next.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Fields of the record in hand, as far as it was scanned.
    pub(crate) fn fields(&self) -> usize {
        self.fields
    }

    /// The kinds of line end met so far.
    pub(crate) fn line_ends(&self) -> LineEnds {
        self.line_ends
    }

    /// Marks, blank lines and comments.
    fn before_record(&mut self, data: &[u8], ended: bool) -> Option<Step> {
        let Some(first) = data.first() else {
            return Some(if ended { Step::End } else { Step::More });
        };
        if data.starts_with(MARK) {
            return Some(Step::Mark(MARK.len()));
        }
        if matches!(first, b'\n' | b'\r') {
            let Some(end) = line_end(data, 0, ended) else { return Some(Step::More) };
            self.line += 1;
            return Some(Step::Blank(end.bytes()));
        }
        if !ended && MARK.starts_with(data) {
            return Some(Step::More);
        }
        let comment = self.rules.comment.as_deref()?;
        if data.starts_with(comment) {
            Some(self.comment(data, ended))
        } else {
            part_of(comment, data, ended)
        }
    }

    fn comment(&mut self, data: &[u8], ended: bool) -> Step {
        let Some(at) = data.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            if data.len() > self.rules.record_bytes {
                return Step::TooLarge(Large { line: self.line, fields: 1, open_quote: None });
            }
            return if ended { Step::Comment(data.len()) } else { Step::More };
        };
        let Some(end) = line_end(data, at, ended) else { return Step::More };
        self.line += 1;
        Step::Comment(at + end.bytes())
    }

    /// Takes at least one byte, or says which line end stands at `self.at`. `None`: more is needed.
    #[expect(clippy::option_option, reason = "outer: can it be told; inner: does the record end here")]
    fn advance(&mut self, data: &[u8], limit: usize, ended: bool) -> Option<Option<LineEnd>> {
        if self.state == State::Quoted {
            return self.advance_quoted(data, limit, ended).then_some(None);
        }
        if self.state == State::Plain {
            let run = data[self.at..limit].iter().position(|byte| self.ends_plain[usize::from(*byte)]);
            self.at = run.map_or(limit, |run| self.at + run);
            if self.at == limit {
                return Some(None);
            }
        }
        let byte = data[self.at];
        if byte == self.rules.delimiter {
            self.state = State::Start;
            self.fields += 1;
        } else if matches!(byte, b'\n' | b'\r') {
            return line_end(data, self.at, ended).map(Some);
        } else {
            self.enter(byte, data);
        }
        self.at += 1;
        Some(None)
    }

    /// Takes a byte that is neither delimiter nor line end, outside quotes.
    fn enter(&mut self, byte: u8, data: &[u8]) {
        self.state = match (self.state, byte) {
            (State::Start, b'"') => {
                self.quote_line = self.line;
                State::Quoted
            }
            (State::Closed, b'"') => State::Quoted,
            (State::Start | State::Spaces, b' ') => State::Spaces,
            (State::Spaces, b'"') => {
                self.hints.space_before_quote = true;
                State::Plain
            }
            (State::Closed, _) => {
                let before = self.at.checked_sub(2).and_then(|at| data.get(at));
                self.hints.backslash_quote |= before == Some(&b'\\');
                self.hints.text_after_quote |= before != Some(&b'\\');
                State::Plain
            }
            (State::Start | State::Spaces | State::Plain | State::Quoted, _) => State::Plain,
        };
    }

    /// Goes on to the next quote or line break within quotes. False: more is needed.
    fn advance_quoted(&mut self, data: &[u8], limit: usize, ended: bool) -> bool {
        let special = |byte: &u8| matches!(byte, b'"' | b'\n' | b'\r');
        let Some(run) = data[self.at..limit].iter().position(special) else {
            self.at = limit;
            return true;
        };
        self.at += run;
        match data[self.at] {
            b'"' => self.state = State::Closed,
            b'\r' => match data.get(self.at + 1) {
                // The line feed that follows counts the line.
                Some(b'\n') => {}
                None if !ended => return false,
                Some(_) | None => self.line += 1,
            },
            _ => self.line += 1,
        }
        self.at += 1;
        true
    }

    fn finish(&mut self, content: usize, line_end: usize, kind: Option<LineEnd>) -> Step {
        let found = Found {
            content,
            bytes: content + line_end,
            line: self.begun,
            fields: self.fields,
            hints: self.hints,
            skipped: self.skipping,
        };
        if let Some(kind) = kind {
            self.line_ends.seen[kind as usize] = true;
        }
        self.line += u64::from(line_end > 0);
        self.at = 0;
        self.state = State::Start;
        self.fields = 1;
        self.hints = Hints::default();
        self.skipping = false;
        Step::Record(found)
    }

    fn large(&self) -> Large {
        let open_quote = (self.state == State::Quoted).then_some(self.quote_line);
        Large { line: self.begun, fields: self.fields, open_quote }
    }
}

/// The line end at `at`, or `None` when the bytes that tell are not there yet.
fn line_end(data: &[u8], at: usize, ended: bool) -> Option<LineEnd> {
    match (data[at], data.get(at + 1), data.get(at + 2)) {
        (b'\r', Some(b'\n'), _) => Some(LineEnd::CrLf),
        (b'\r', Some(_), _) => Some(LineEnd::Cr),
        (b'\r', None, _) => ended.then_some(LineEnd::Cr),
        // LF CR is a line end of its own, unless the CR belongs to a CR LF that follows.
        (_, Some(b'\r'), Some(b'\n')) => Some(LineEnd::Lf),
        (_, Some(b'\r'), Some(_)) => Some(LineEnd::LfCr),
        (_, Some(b'\r'), None) => ended.then_some(LineEnd::LfCr),
        (_, Some(_), _) => Some(LineEnd::Lf),
        (_, None, _) => ended.then_some(LineEnd::Lf),
    }
}

fn part_of(comment: &[u8], data: &[u8], ended: bool) -> Option<Step> {
    (!ended && comment.starts_with(data)).then_some(Step::More)
}
