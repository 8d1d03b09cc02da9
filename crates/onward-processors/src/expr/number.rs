//! Numbers as people write them: `13.8M`, `845.8K`, `12,345`, `1.234,56`, ` 1 200 `.
//!
//! The rule, in the order in which it is applied:
//! 1. Blanks around it are dropped; one sign (`+`, `-` or `−`) may stand first.
//! 2. One last letter may scale it: `k` thousand, `m` million, `b` thousand million, either case; a
//!    blank may stand before it.
//! 3. Blanks, apostrophes and `_` between digits group digits by three.
//! 4. `,` and `.` in one number: the one that comes last, and only once, is the decimal mark; the
//!    other groups by three.
//! 5. Only `,`: several of them, or one with exactly three digits after it and one to three before it
//!    (not a lone `0`), group by three; otherwise it is the decimal mark.
//! 6. Only `.`: several of them group by three; one is the decimal mark.
//! 7. Plain exponents (`1e6`, `2.5E-3`) are read.
//!
//! Whatever does not fit is no number: `1,2,3`, `12 34`, `5 apples`, `50%`, `inf`, an empty text.

use std::borrow::Cow;

/// A number that was read: whole where it is whole and fits, so that it compares exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number within 64 bits.
    Whole(i64),
    /// Any other finite number.
    Decimal(f64),
}

/// Longer texts hold no number a person wrote; in bytes.
const MAX_TEXT: usize = 64;
/// Beyond this power of ten nothing is finite anyway.
const MAX_EXPONENT: i32 = 400;

/// Reads a number, or `None` where there is none.
#[must_use]
pub fn number(text: &str) -> Option<Number> {
    let text = text.trim_matches(is_blank);
    if text.is_empty() || text.len() > MAX_TEXT {
        return None;
    }
    if let Some(plain) = plain_digits(text) {
        return Some(Number::Whole(plain));
    }
    let (negative, rest) = sign(text);
    if rest.contains(['e', 'E']) {
        return exponent(rest).map(|value| Number::Decimal(if negative { -value } else { value }).simplify());
    }
    let (rest, scale) = scale(rest);
    let (whole, fraction) = parts(rest)?;
    assemble(negative, &whole, fraction, scale)
}

impl Number {
    /// A decimal that is whole and exactly so becomes whole.
    fn simplify(self) -> Self {
        match self {
            // Below 2^53 every whole f64 is exact, so nothing is lost.
            Self::Decimal(value) if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 => {
                Self::Whole(value as i64)
            }
            Self::Decimal(_) | Self::Whole(_) => self,
        }
    }
}

/// The common case, without any allocation: at most 18 digits and nothing else.
fn plain_digits(text: &str) -> Option<i64> {
    let digits = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn sign(text: &str) -> (bool, &str) {
    for (mark, negative) in [('-', true), ('\u{2212}', true), ('+', false)] {
        if let Some(rest) = text.strip_prefix(mark) {
            return (negative, rest);
        }
    }
    (false, text)
}

fn scale(text: &str) -> (&str, i32) {
    let power = match text.as_bytes().last() {
        Some(b'k' | b'K') => 3,
        Some(b'm' | b'M') => 6,
        Some(b'b' | b'B') => 9,
        _ => return (text, 0),
    };
    (text[..text.len() - 1].trim_end_matches(is_blank), power)
}

fn exponent(text: &str) -> Option<f64> {
    let (mantissa, power) = text.split_once(['e', 'E'])?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
    let plain = mantissa.starts_with(|c: char| c.is_ascii_digit()) && digits(mantissa);
    if !plain || unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// The digits before and after the decimal mark.
fn parts(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let count = |mark: char| text.matches(mark).count();
    let (commas, dots) = (count(','), count('.'));
    let decimal = match (commas, dots) {
        (0, 0) => None,
        (0, 1) => Some('.'),
        (1, 0) if !groups_by_three(text) => Some(','),
        (_, 0) | (0, _) => None,
        (_, _) => Some(if text.rfind(',') > text.rfind('.') { ',' } else { '.' }),
    };
    let Some(mark) = decimal else { return Some((grouped(text)?, "")) };
    let (whole, fraction) = text.split_once(mark)?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // `.5` is a number; `,5` is not written by anybody.
    let whole = if whole.is_empty() && mark == '.' { Cow::Borrowed("") } else { grouped(whole)? };
    Some((whole, fraction))
}

fn groups_by_three(text: &str) -> bool {
    text.split_once(',')
        .is_some_and(|(before, after)| after.len() == 3 && (1..=3).contains(&before.len()) && before != "0")
}

/// The digits of a number whose only marks are those between groups of three.
fn grouped(text: &str) -> Option<Cow<'_, str>> {
    let is_mark = |c: char| matches!(c, ',' | '.' | '\'' | '\u{2019}' | '_') || is_blank(c);
    let mut marks = text.chars().filter(|c| is_mark(*c));
    let Some(mark) = marks.next() else {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        return plain.then_some(Cow::Borrowed(text));
    };
    let mut digits = String::with_capacity(text.len());
    for (at, group) in text.split(mark).enumerate() {
        let fits = if at == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
        if !fits || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.push_str(group);
    }
    Some(Cow::Owned(digits))
}

/// Puts it together exactly where it is whole, and correctly rounded where it is not.
fn assemble(negative: bool, whole: &str, fraction: &str, scale: i32) -> Option<Number> {
    let fraction = fraction.trim_end_matches('0');
    let power = scale - i32::try_from(fraction.len()).ok()?;
    if let Some(value) = exact(negative, whole, fraction, power) {
        return Some(Number::Whole(value));
    }
    if power.abs() > MAX_EXPONENT {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    let value: f64 = format!("{sign}{whole}{fraction}e{power}").parse().ok()?;
    value.is_finite().then(|| Number::Decimal(value).simplify())
}

fn exact(negative: bool, whole: &str, fraction: &str, power: i32) -> Option<i64> {
    let mut size = 0u64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        size = size.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    size = size.checked_mul(10u64.checked_pow(u32::try_from(power).ok()?)?)?;
    if negative { 0i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, value) in [
            ("0", 0.0),
            ("007", 7.0),
            ("13.8M", 13_800_000.0),
            ("845.8K", 845_800.0),
            ("845,8 k", 845_800.0),
            ("5B", 5e9),
            ("12,345", 12_345.0),
            ("1,234,567", 1_234_567.0),
            ("1.234.567", 1_234_567.0),
            ("1.234,56", 1_234.56),
            ("1,234.56", 1_234.56),
            (" 1 200 ", 1_200.0),
            ("1\u{a0}200", 1_200.0),
            ("1'200'000", 1_200_000.0),
            ("1_000", 1_000.0),
            ("12.345", 12.345),
            ("0,345", 0.345),
            ("13,8", 13.8),
            ("-5", -5.0),
            ("\u{2212}5", -5.0),
            ("+39", 39.0),
            (".5", 0.5),
            ("1e6", 1e6),
            ("2.5E-3", 0.0025),
            ("1,234K", 1_234_000.0),
            ("1.10", 1.1),
        ] {
            let read = match number(text) {
                Some(Number::Whole(whole)) => whole as f64,
                Some(Number::Decimal(decimal)) => decimal,
                None => f64::NAN,
            };
            assert_eq!(read, value, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "",
            " ",
            "n/a",
            "N/A",
            "-",
            "abc",
            "K",
            "1,2,3",
            "12 34",
            "1,23,456",
            "5 apples",
            "50%",
            "$5",
            "inf",
            "NaN",
            "1e",
            "e5",
            "1e309",
            "1..2",
            "1,,2",
            "1.",
            "1,",
            ",5",
            "1.2.3",
            "1,234.567,8",
            "0x10",
            "--5",
            "1 2,345",
            "٣",
            "1-2",
            "12K5",
        ] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn large_whole_numbers_stay_exact() {
        assert_eq!(number("9007199254740993"), Some(Number::Whole(9_007_199_254_740_993)));
        assert_eq!(number("9,223,372,036,854,775,807"), Some(Number::Whole(i64::MAX)));
        assert_eq!(number("9223372036854775808"), Some(Number::Decimal(9_223_372_036_854_775_808.0)));
    }

    proptest::proptest! {
        #[test]
        fn every_whole_number_survives_every_way_of_grouping(value: i64, mark in proptest::sample::select(vec![',', ' ', '\'', '_', '\u{a0}'])) {
            let digits = value.unsigned_abs().to_string();
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    text.push(mark);
                }
                text.push(digit);
            }
            let sign = if value < 0 { "-" } else { "" };
            proptest::prop_assert_eq!(number(&format!("{sign}{text}")), Some(Number::Whole(value)));
            proptest::prop_assert_eq!(number(&value.to_string()), Some(Number::Whole(value)));
        }

        #[test]
        fn a_scaled_decimal_is_what_the_digits_say(whole in 0i64..1_000, tenths in 0i64..10) {
            proptest::prop_assert_eq!(number(&format!("{whole}.{tenths}K")), Some(Number::Whole(whole * 1_000 + tenths * 100)));
            proptest::prop_assert_eq!(number(&format!("{whole},{tenths}m")), Some(Number::Whole(whole * 1_000_000 + tenths * 100_000)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}", marks in "[-+0-9., kKmMbBeE']{0,20}") {
            let _ = (number(&text), number(&marks));
        }
    }
}
