//! Finds out what separates the fields, by trying every candidate on the first block.
//!
//! A candidate is good when most records have the same number of fields with it, the header among
//! them, and when no quote closes in the middle of a field. Sniffers that count characters find
//! delimiters in ordinary words; only a trial parse sees quotes.

use onward_core::problem::{Code, Problem};
use onward_core::recipe::InputOptions;

use crate::judge::is_blank;
use crate::split::{Rules, Splitter, Step};

/// Characters that may separate fields, the likeliest first. No colon: lists of addresses have one
/// in every line. A recipe may name any other.
const CANDIDATES: [u8; 6] = [b',', b';', b'\t', b'|', b'\x1e', b'\x1f'];
/// Stands for "no delimiter": a record that contains it fails anyway.
const NONE: u8 = 0;
/// Records that are looked at. A file that has not shown its shape by then will not.
const TRIAL_RECORDS: usize = 2_000;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Between fields; 0 when every line is one field whatever it contains.
    pub(crate) delimiter: u8,
    /// How many fields most records have.
    pub(crate) width: usize,
    /// The file or the recipe says so.
    pub(crate) named: bool,
}

impl Dialect {
    /// The delimiter to write such a file with.
    pub(crate) fn written(self) -> char {
        if self.delimiter == NONE { ',' } else { char::from(self.delimiter) }
    }

    /// The delimiter in words.
    pub(crate) fn words(self) -> &'static str {
        match self.delimiter {
            b';' => "semicolons",
            b'\t' => "tabs",
            b'|' => "vertical bars",
            b',' => "commas",
            _ => "control characters",
        }
    }
}

/// The delimiter a recipe names, checked.
pub(crate) fn named_delimiter(options: &InputOptions) -> Result<Option<u8>, Problem> {
    let Some(delimiter) = options.delimiter else { return Ok(None) };
    let fits = delimiter.is_ascii() && !matches!(delimiter, '"' | '\n' | '\r' | '\0');
    let byte = u8::try_from(delimiter).ok().filter(|_| fits);
    byte.map(Some).ok_or_else(|| {
        let detail = format!("{delimiter:?} cannot separate fields; name one ASCII character such as \";\"");
        Problem::new(Code::RecipeInvalid, detail)
    })
}

/// The bytes of a first line `sep=;`, and the delimiter it names.
pub(crate) fn sep_line(head: &[u8]) -> Option<(usize, u8)> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let marks = head.len() - text.len();
    let quoted = text.first() == Some(&b'"');
    let text = text.strip_prefix(b"\"").unwrap_or(text);
    let begins = text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"sep="));
    let delimiter = *text.get(4).filter(|byte| begins && byte.is_ascii() && !b"\r\n\"".contains(byte))?;
    let close = usize::from(quoted);
    let rest = text.get(5..)?;
    let rest = if quoted { rest.strip_prefix(b"\"")? } else { rest };
    let end = match (rest.first(), rest.get(1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\r' | b'\n'), _) => 1,
        (None, _) => 0,
        (Some(_), _) => return None,
    };
    Some((marks + 5 + 2 * close + end, delimiter))
}

/// Tries the candidates on the first block of decoded text. `whole` says that the text is all there is.
pub(crate) fn detect(head: &[u8], whole: bool, rules: &Rules, options: &InputOptions) -> Dialect {
    let header = options.header.unwrap_or(true);
    let trials: Vec<Trial> =
        CANDIDATES.iter().map(|delimiter| trial(head, whole, rules, *delimiter)).collect();
    let mut best: Option<&Trial> = None;
    for trial in trials.iter().filter(|trial| trial.plausible()) {
        if best.is_none_or(|best| trial.score(header) > best.score(header)) {
            best = Some(trial);
        }
    }
    if let Some(best) = best {
        return Dialect { delimiter: best.delimiter, width: best.width, named: false };
    }
    // Nothing separates most records: one column. A list without a header is taken line by line; with
    // a header, a row with more columns is more likely a mistake, and fails where a person sees it.
    if !header && options.names.len() < 2 {
        return Dialect { delimiter: NONE, width: 1, named: false };
    }
    let widest = trials.iter().rev().max_by_key(|trial| trial.first_width);
    let delimiter = widest.filter(|trial| trial.first_width > 1).map_or(b',', |trial| trial.delimiter);
    Dialect { delimiter, width: 1, named: false }
}

/// The number of fields most records have with a delimiter that is known.
pub(crate) fn measure(head: &[u8], whole: bool, rules: &Rules, delimiter: u8) -> Dialect {
    let width = trial(head, whole, rules, delimiter).width;
    Dialect { delimiter, width, named: true }
}

struct Trial {
    delimiter: u8,
    records: usize,
    /// The commonest number of fields, and how many records have it.
    width: usize,
    fitting: usize,
    first_width: usize,
    /// Records with a quote that closes in the middle of a field.
    dirty: usize,
}

impl Trial {
    fn plausible(&self) -> bool {
        self.width > 1 && self.fitting * 5 >= self.records * 2
    }

    /// Higher is better: the share of records that fit, less those with broken quotes, in thousandths.
    fn score(&self, header: bool) -> (i64, usize) {
        let share = |count: usize| i64::try_from(count * 1_000 / self.records.max(1)).unwrap_or(0);
        let header_fits = header && self.first_width == self.width;
        (share(self.fitting) - share(self.dirty) + if header_fits { 250 } else { 0 }, self.width)
    }
}

fn trial(head: &[u8], whole: bool, rules: &Rules, delimiter: u8) -> Trial {
    let mut splitter = Splitter::new(Rules { delimiter, ..rules.clone() }, 1);
    let mut widths: Vec<usize> = Vec::new();
    let mut dirty = 0;
    let mut rest = head;
    while widths.len() < TRIAL_RECORDS {
        let bytes = match splitter.next(rest, whole) {
            Step::Mark(bytes) | Step::Blank(bytes) | Step::Comment(bytes) => bytes,
            Step::Record(found) if is_blank(&rest[..found.content]) => found.bytes,
            Step::Record(found) => {
                widths.push(found.fields);
                dirty += usize::from(found.hints.text_after_quote || found.hints.backslash_quote);
                found.bytes
            }
            // A record without an end still shows how many fields it has.
            Step::Unclosed(_) | Step::TooLarge(_) => {
                dirty += 1;
                widths.push(splitter.fields());
                break;
            }
            Step::More => {
                if widths.is_empty() {
                    widths.push(splitter.fields());
                }
                break;
            }
            Step::End => break,
        };
        rest = &rest[bytes..];
    }
    let first_width = widths.first().copied().unwrap_or(1);
    let records = widths.len();
    widths.sort_unstable();
    let commonest = widths.chunk_by(|a, b| a == b).max_by_key(|group| group.len());
    let (width, fitting) = commonest.map_or((1, 0), |group| (group[0], group.len()));
    Trial { delimiter, records, width, fitting, first_width, dirty }
}
