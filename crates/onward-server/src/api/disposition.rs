//! The name of a file in `Content-Disposition` (RFC 6266), for a file that is the body itself.

use axum::http::{HeaderMap, header};

use crate::web::decoded;

/// The name, if the header has one that can be read: the encoded one before the plain one.
#[must_use]
pub(crate) fn filename(headers: &HeaderMap) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(header::CONTENT_DISPOSITION)?.as_bytes());
    let (mut plain, mut encoded) = (None, None);
    for (name, value) in parameters(&text) {
        if name.eq_ignore_ascii_case("filename*") {
            encoded = extended(&value).or(encoded);
        } else if name.eq_ignore_ascii_case("filename") {
            plain = Some(value);
        }
    }
    encoded.or(plain).filter(|name| !name.trim().is_empty())
}

/// What stands behind the first semicolon, as names and values; a quoted value without its quotes.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_start_matches([';', ' ', '\t']).trim().to_owned();
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, after) = value.split_once(';').unwrap_or((value, ""));
                (value.trim().to_owned(), after)
            }
        };
        found.push((name, value));
        rest = after;
    }
    found
}

/// A quoted text to its closing quote, and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

/// `UTF-8'en'na%C3%AFve.csv`; a plus is a plus there.
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = parts.next()?;
    let text = parts.nth(1)?;
    charset.eq_ignore_ascii_case("utf-8").then(|| decoded(&text.replace('+', "%2B"))).flatten()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_name_is_read_however_it_is_written() {
        for (text, name) in [
            ("attachment; filename=list.csv", Some("list.csv")),
            ("attachment; filename=\"my; \\\"list\\\".csv\"; size=3", Some("my; \"list\".csv")),
            ("attachment; filename=\"a_.csv\"; filename*=UTF-8''a%C3%A9+b.csv", Some("aé+b.csv")),
            ("inline;FILENAME=x.csv", Some("x.csv")),
            ("attachment; filename*=latin1''a%E9.csv; filename=a.csv", Some("a.csv")),
            ("attachment; filename*=UTF-8''%ZZ", None),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(text).unwrap());
            assert_eq!(filename(&headers).as_deref(), name, "{text}");
        }
        assert_eq!(filename(&HeaderMap::new()), None);
    }
}
