//! Durations as people write them (`500ms`, `30s`, `5min`), as milliseconds.

use serde::{Deserialize, Deserializer, Serializer};

/// Reads `500ms`, `30s`, `5min` or `2h`.
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Writes milliseconds so that [`parse`] reads them back.
#[must_use]
pub fn format(ms: u64) -> String {
    if ms > 0 && ms.is_multiple_of(1_000) { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}

pub(super) fn serialize<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*ms))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is no duration; write 500ms, 30s, 5min or 2h"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for ms in [0, 1, 999, 1_000, 1_500, 60_000, 3_600_000] {
            assert_eq!(parse(&format(ms)), Some(ms));
        }
        assert_eq!(parse("2h"), Some(7_200_000));
        for bad in ["", "5", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
