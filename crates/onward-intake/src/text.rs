//! Makes UTF-8 of the bytes of the file, block by block.
//!
//! A byte order mark decides. Without one the file is ASCII until a byte says otherwise; the block
//! that holds that byte decides for the rest: UTF-8 when it is valid, or when valid sequences
//! outnumber broken ones (two files glued together); a guessed legacy encoding otherwise.
//! Whatever cannot be decoded is passed on as bytes that are no UTF-8, so that it costs its row and
//! is never replaced in silence.

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use onward_core::problem::{Code, Problem};

/// Stands for a sequence that the encoding does not know; no UTF-8 text contains it.
const UNDECODABLE: u8 = 0xff;

/// The decoder of one file.
pub(crate) struct Text {
    mode: Mode,
    encoding: &'static Encoding,
    /// Bytes of a sequence that the next block completes.
    carry: Vec<u8>,
    bom_bytes: usize,
    guessed: bool,
    mixed: bool,
}

enum Mode {
    /// Only ASCII so far.
    Ascii,
    /// Handed on as it is.
    Utf8,
    /// Decoded.
    Legacy(Box<Decoder>),
}

impl Text {
    /// Looks at the first block for a byte order mark; `named` is the encoding the recipe gives.
    pub(crate) fn new(head: &[u8], named: Option<&'static Encoding>) -> Self {
        let marked = Encoding::for_bom(head);
        let encoding = marked.map(|(encoding, _)| encoding).or(named);
        let bom_bytes = marked.map_or(0, |(_, bytes)| bytes);
        let mode = match encoding {
            None => Mode::Ascii,
            Some(encoding) if encoding == UTF_8 => Mode::Utf8,
            Some(encoding) => Mode::Legacy(Box::new(encoding.new_decoder_without_bom_handling())),
        };
        let encoding = encoding.unwrap_or(UTF_8);
        Self { mode, encoding, carry: Vec::new(), bom_bytes, guessed: false, mixed: false }
    }

    /// Decodes one block and appends it to `out`. `last` says that nothing follows.
    pub(crate) fn push(&mut self, block: &[u8], last: bool, out: &mut Vec<u8>) {
        if self.carry.is_empty() {
            self.decode(block, last, out);
        } else {
            let mut whole = std::mem::take(&mut self.carry);
            whole.extend_from_slice(block);
            self.decode(&whole, last, out);
        }
    }

    /// The encoding's name.
    pub(crate) fn name(&self) -> &'static str {
        self.encoding.name()
    }

    /// Whether the encoding is a guess.
    pub(crate) fn guessed(&self) -> bool {
        self.guessed
    }

    /// Whether the file begins with a UTF-16 byte order mark, or the recipe says UTF-16.
    pub(crate) fn is_utf16(&self) -> bool {
        self.encoding == UTF_16LE || self.encoding == UTF_16BE
    }

    /// Whether broken sequences were met among valid ones when the encoding was decided.
    pub(crate) fn mixed(&self) -> bool {
        self.mixed
    }

    /// Where byte `decoded` of the decoded text stands in the file, if that can be told.
    pub(crate) fn file_offset(&self, decoded: u64) -> Option<u64> {
        match self.mode {
            Mode::Ascii | Mode::Utf8 => Some(decoded + self.bom_bytes as u64),
            Mode::Legacy(_) => None,
        }
    }

    /// Bytes of the byte order mark; they are no text.
    pub(crate) fn bom_bytes(&self) -> usize {
        self.bom_bytes
    }

    fn decode(&mut self, block: &[u8], last: bool, out: &mut Vec<u8>) {
        if matches!(self.mode, Mode::Ascii) && !block.is_ascii() {
            self.decide(block, last);
        }
        match &mut self.mode {
            Mode::Utf8 => out.extend_from_slice(block),
            Mode::Legacy(decoder) => transcode(decoder, block, last, out),
            Mode::Ascii => {
                let whole = block.len() - if last { 0 } else { cut_off(block) };
                out.extend_from_slice(&block[..whole]);
                self.carry.extend_from_slice(&block[whole..]);
            }
        }
    }

    fn decide(&mut self, block: &[u8], last: bool) {
        let judged = if last { block } else { &block[..block.len() - cut_off(block)] };
        let (valid, broken) = sequences(judged);
        if valid == 0 && broken == 0 {
            return;
        }
        if valid >= broken {
            self.mixed = broken > 0;
            self.mode = Mode::Utf8;
            return;
        }
        self.encoding = guess(block, last);
        self.guessed = true;
        self.mode = Mode::Legacy(Box::new(self.encoding.new_decoder_without_bom_handling()));
    }
}

/// The encoding that a recipe names.
pub(crate) fn named(label: &str) -> Result<&'static Encoding, Problem> {
    Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        let detail =
            format!("`{label}` is no encoding; write a name such as utf-8, windows-1252 or utf-16le");
        Problem::new(Code::RecipeInvalid, detail)
    })
}

fn guess(block: &[u8], last: bool) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(block, last);
    let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
    // A guess that cannot decode the block is worse than the encoding that decodes everything.
    let decodes = guess.decode_without_bom_handling_and_without_replacement(block).is_some();
    if decodes || !last { guess } else { WINDOWS_1252 }
}

fn transcode(decoder: &mut Decoder, mut block: &[u8], last: bool, out: &mut Vec<u8>) {
    // Decoded in pieces: a file of nothing but broken sequences then costs no more than another.
    let mut piece = [0_u8; 4_096];
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(block, &mut piece, last);
        out.extend_from_slice(&piece[..written]);
        block = &block[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(_, _) => out.push(UNDECODABLE),
        }
    }
}

/// Non-ASCII sequences that are UTF-8, and places that are not.
fn sequences(bytes: &[u8]) -> (usize, usize) {
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    (valid, broken)
}

/// Bytes at the end that are the beginning of a UTF-8 sequence.
fn cut_off(bytes: &[u8]) -> usize {
    let begins = |back: &usize| {
        let tail = &bytes[bytes.len() - back..];
        std::str::from_utf8(tail).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..=bytes.len().min(3)).find(begins).unwrap_or(0)
}
