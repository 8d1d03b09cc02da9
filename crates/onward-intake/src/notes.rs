//! What a person should know about an accepted file: counted, each with the first line it is about.

use onward_core::input::Warning;
use onward_core::words::counted;

/// A kind of warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    EncodingGuessed,
    EncodingMixed,
    Transcoded,
    DelimiterFound,
    DoubleMark,
    MarkInside,
    MixedLineEnds,
    CtrlZ,
    Comments,
    EmptyHeader,
    DuplicateHeader,
    HeaderNarrow,
    RepeatedHeader,
    ExtraEmpty,
    SpaceBeforeQuote,
    TextAfterQuote,
    BackslashQuote,
}

/// All kinds, in the order in which they are shown.
const ALL: [Note; 17] = [
    Note::EncodingGuessed,
    Note::EncodingMixed,
    Note::Transcoded,
    Note::DelimiterFound,
    Note::DoubleMark,
    Note::MarkInside,
    Note::MixedLineEnds,
    Note::CtrlZ,
    Note::Comments,
    Note::EmptyHeader,
    Note::DuplicateHeader,
    Note::HeaderNarrow,
    Note::RepeatedHeader,
    Note::ExtraEmpty,
    Note::SpaceBeforeQuote,
    Note::TextAfterQuote,
    Note::BackslashQuote,
];

impl Note {
    fn code(self) -> &'static str {
        match self {
            Self::EncodingGuessed => "encoding-guessed",
            Self::EncodingMixed => "encoding-mixed",
            Self::Transcoded => "transcoded",
            Self::DelimiterFound => "delimiter",
            Self::DoubleMark => "double-bom",
            Self::MarkInside => "bom-inside",
            Self::MixedLineEnds => "mixed-line-ends",
            Self::CtrlZ => "ctrl-z",
            Self::Comments => "comments",
            Self::EmptyHeader => "empty-header",
            Self::DuplicateHeader => "duplicate-header",
            Self::HeaderNarrow => "header-narrow",
            Self::RepeatedHeader => "repeated-header",
            Self::ExtraEmpty => "extra-empty-columns",
            Self::SpaceBeforeQuote => "space-before-quote",
            Self::TextAfterQuote => "text-after-quote",
            Self::BackslashQuote => "backslash-quote",
        }
    }

    /// The sentence; `count` is how often, `detail` what was found first.
    fn sentence(self, count: u64, detail: &str) -> String {
        let of = |one: &'static str, many: &'static str| if count == 1 { one } else { many };
        match self {
            Self::EncodingGuessed => format!(
                "the file is not UTF-8 and does not say what it is; read as {detail}. If letters look wrong, \
                 name the encoding in the recipe: [input] encoding = \"…\""
            ),
            Self::EncodingMixed => "parts of the file are not UTF-8; rows that cannot be read fail as \
                                    invalid-utf8"
                .to_owned(),
            Self::Transcoded => format!("the file is {detail}; it was turned into UTF-8"),
            Self::DelimiterFound => format!("columns are separated by {detail}"),
            Self::DoubleMark => {
                "the file begins with more than one byte order mark; all were left out".to_owned()
            }
            Self::MarkInside => format!(
                "{} with a byte order mark, as in files glued together; {} left out",
                counted(count, "line begins", "lines begin"),
                of("it was", "they were")
            ),
            Self::MixedLineEnds => {
                "the file has more than one kind of line end; each ends a record".to_owned()
            }
            Self::CtrlZ => "the file ends with Ctrl-Z (0x1A); it was left out".to_owned(),
            Self::Comments => {
                format!("{} left out", counted(count, "comment line was", "comment lines were"))
            }
            Self::EmptyHeader => format!(
                "{} no header; {} called {detail}",
                counted(count, "column has", "columns have"),
                of("it is", "the first is")
            ),
            Self::DuplicateHeader => format!(
                "{} an earlier one; {} `{detail}`",
                counted(count, "header repeats", "headers repeat"),
                of("it is", "the first such is")
            ),
            Self::HeaderNarrow => format!(
                "the header has fewer columns than most rows ({detail}); is there a title above the header?"
            ),
            Self::RepeatedHeader => format!(
                "{} the header; {} skipped",
                counted(count, "row repeats", "rows repeat"),
                of("it is", "they are")
            ),
            Self::ExtraEmpty => format!(
                "{} empty columns beyond the header; they were left out",
                counted(count, "row has", "rows have")
            ),
            Self::SpaceBeforeQuote => format!(
                "{} with a space and a quote; such a quote is taken as text",
                counted(count, "field begins", "fields begin")
            ),
            Self::TextAfterQuote => format!(
                "{} text after {} closing quote; it was kept",
                counted(count, "field has", "fields have"),
                of("its", "their")
            ),
            Self::BackslashQuote => format!(
                "{} to write a quote as \\\"; in CSV it is written \"\". Check {}",
                counted(count, "field seems", "fields seem"),
                of("this row", "these rows")
            ),
        }
    }
}

/// The warnings of one file. Its size does not grow with the file.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    counts: [Entry; ALL.len()],
}

#[derive(Debug, Default)]
struct Entry {
    count: u64,
    line: Option<u64>,
    detail: String,
}

impl Notes {
    /// Notes something about a line, or about the whole file.
    pub(crate) fn add(&mut self, note: Note, line: Option<u64>) {
        self.add_with(note, line, "");
    }

    /// The same with what exactly was found; kept for the first time only.
    pub(crate) fn add_with(&mut self, note: Note, line: Option<u64>, detail: &str) {
        let entry = &mut self.counts[note as usize];
        if entry.count == 0 {
            entry.line = line;
            detail.clone_into(&mut entry.detail);
        }
        entry.count += 1;
    }

    /// The warnings, in a fixed order.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let noted = ALL.into_iter().zip(&self.counts).filter(|(_, entry)| entry.count > 0);
        noted
            .map(|(note, entry)| Warning {
                code: note.code().to_owned(),
                message: note.sentence(entry.count, &entry.detail),
                line: entry.line,
            })
            .collect()
    }
}
