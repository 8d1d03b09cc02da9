//! Text that may go to a terminal, and how numbers and times read.

pub(crate) use onward_core::words::{count, counted};

/// Makes text of a file, an upstream or a server harmless: control characters and the marks that
/// reorder or hide text become a visible stand-in, so that a cell cannot repaint the screen.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter_map(harmless).collect()
}

fn harmless(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' => Some(' '),
        // The escape character itself goes; what followed it is left as harmless letters.
        '\u{1b}' => Some('\u{241b}'),
        c if c.is_control() => Some('\u{fffd}'),
        // Zero-width characters, and marks and overrides of writing direction.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => None,
        c => Some(c),
    }
}

/// Shortens text to at most `most` characters, with an ellipsis where something was cut.
pub(crate) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `27 s`, `3 min`, `2 h 5 min`.
pub(crate) fn span_of(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=5_400 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_repaint_the_screen() {
        assert_eq!(plain("a\u{1b}[31mred\u{7}\nb\u{202e}c"), "a\u{241b}[31mred\u{fffd} bc");
        assert_eq!(plain("žluťoučký 🐎"), "žluťoučký 🐎");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(span_of(27), "27 s");
        assert_eq!(span_of(170), "3 min");
        assert_eq!(span_of(7_500), "2 h 5 min");
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(short("abcd", 4), "abcd");
    }
}
