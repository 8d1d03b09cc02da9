//! Numbers in sentences that people read.

/// A number with a comma between thousands: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with its word: `1 row`, `12 rows`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 313, 1_234_567].map(count), ["0", "313", "1,234,567"]);
        assert_eq!(
            [0, 1, 12_345].map(|rows| counted(rows, "row", "rows")),
            ["0 rows", "1 row", "12,345 rows"]
        );
    }
}
