//! Says what a file is that is no CSV: by its first bytes, never by its name.

use onward_core::problem::{Code, Problem};

/// First bytes, where they stand, and what the file then is.
const MAGIC: [(&[u8], &str); 22] = [
    (b"\x1f\x8b", "a gzip file (.gz); unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file (.zst); unpack it first"),
    (b"\xfd7zXZ\0", "an xz file; unpack it first"),
    (b"BZh91AY&SY", "a bzip2 file; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (b"%PDF-", "a PDF; export the table as CSV"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"PAR1\x15", "a Parquet file; export it as CSV"),
    (b"ARROW1\0", "an Arrow file; export it as CSV"),
    (b"Obj\x01", "an Avro file; export it as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls or .doc); save it as CSV UTF-8"),
    (b"SQLite format 3\0", "an SQLite database; export the table as CSV"),
    (b"{\\rtf", "a rich text file (.rtf); save it as CSV"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"\0\0\xfe\xff", "UTF-32 text; save it as CSV UTF-8"),
    (b"\xff\xfe\0\0", "UTF-32 text; save it as CSV UTF-8"),
    (b"<?xml", "XML; export the table as CSV"),
];

/// How a web page begins, in lower case.
const HTML: [&str; 7] = ["<!doctype", "<html", "<head", "<body", "<script", "<meta", "<!--"];

/// Refuses a file whose first bytes say that it is no CSV.
pub(crate) fn refuse_other_kinds(head: &[u8]) -> Result<(), Problem> {
    if let Some(what) = named_kind(head) {
        let problem = Problem::new(Code::UnsupportedType, format!("this is {what}"));
        return Err(problem.with("found", what.split(';').next().unwrap_or(what)));
    }
    let text = after_marks(head);
    let start = String::from_utf8_lossy(&text[..text.len().min(16)]).to_ascii_lowercase();
    if HTML.iter().any(|tag| start.starts_with(tag)) {
        let detail = "this is a web page, often the log-in page of the site the CSV should come from; \
                      download the file again while logged in";
        return Err(Problem::new(Code::LooksLikeHtml, detail));
    }
    if is_json(text) {
        let detail = "this is JSON; export the list as CSV, one record per line";
        return Err(Problem::new(Code::LooksLikeJson, detail));
    }
    Ok(())
}

/// Refuses binary data, and UTF-16 that does not say so. Only for files without a byte order mark.
pub(crate) fn refuse_binary(head: &[u8]) -> Result<(), Problem> {
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    if zeros == 0 {
        return Ok(());
    }
    let units = (head.len() / 2).max(1);
    let little = head.chunks_exact(2).filter(|unit| unit[1] == 0 && is_text(unit[0])).count();
    let big = head.chunks_exact(2).filter(|unit| unit[0] == 0 && is_text(unit[1])).count();
    // ASCII in UTF-16 is one zero per unit, all on one side. Two in five leaves room for other scripts.
    if little.max(big) * 5 >= units * 2 {
        let side = if little > big { "UTF-16LE" } else { "UTF-16BE" };
        let detail = format!(
            "this looks like {side} without a byte order mark; save it as CSV UTF-8, or name the encoding \
             in the recipe: [input] encoding = \"{}\"",
            side.to_ascii_lowercase()
        );
        return Err(Problem::new(Code::LooksLikeUtf16, detail).with("encoding", side));
    }
    // A CSV with a stray NUL has few of them: one in ten bytes is another kind of file.
    if head.len() >= 64 && zeros * 10 >= head.len() {
        let detail = "this is binary data, not text; export the list as CSV";
        return Err(Problem::new(Code::UnsupportedType, detail).with("found", "binary data"));
    }
    Ok(())
}

fn named_kind(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip_kind(head));
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some("a WebP image");
    }
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

fn zip_kind(head: &[u8]) -> &'static str {
    let has = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    if has(b"xl/") {
        "an Excel file (.xlsx); save it as CSV UTF-8"
    } else if has(b"word/") {
        "a Word file (.docx); save the table as CSV UTF-8"
    } else if has(b"opendocument.spreadsheet") {
        "an OpenDocument spreadsheet (.ods); save it as CSV UTF-8"
    } else {
        "a zip archive; unpack it first"
    }
}

fn after_marks(head: &[u8]) -> &[u8] {
    let mut text = head;
    while let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
        text = rest;
    }
    text.trim_ascii_start()
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

/// Whether the text is a JSON object or array, or a line of such, or the beginning of one.
fn is_json(text: &[u8]) -> bool {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return false;
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<serde::de::IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => text.get(values.byte_offset()).is_none_or(u8::is_ascii_whitespace),
        // `[` alone is cut off too, but says nothing yet.
        Some(Err(error)) => error.is_eof() && text.len() > 2,
        None => false,
    }
}
