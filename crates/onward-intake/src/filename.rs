//! The name of an uploaded file, made fit for showing. It is never used as a path.

/// Characters shown. 120 fit in a line of a card; file systems allow 255 bytes.
const MAX_CHARS: usize = 120;
/// Characters of the ending that are kept when the name is cut.
const MAX_ENDING: usize = 12;
/// What a file without a usable name is called.
const UNNAMED: &str = "unnamed.csv";
/// Names that mean a device on Windows, whatever their ending.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The last part of a file name, without control and direction characters, quotes, and what file
/// systems refuse; at most 120 characters, the ending kept.
#[must_use]
pub fn display_name(filename: &str) -> String {
    let last = filename.rsplit(['/', '\\']).next().unwrap_or(filename);
    let clean: String = last.chars().filter(|c| !is_hidden(*c)).map(harmless).collect();
    let name = clean.trim_matches(|c: char| c.is_whitespace() || c == '.');
    if name.is_empty() {
        return UNNAMED.to_owned();
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let device = DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    shorten(&if device { format!("_{name}") } else { name.to_owned() })
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn harmless(c: char) -> char {
    match c {
        '"' | '\'' | '`' | '<' | '>' | ':' | '|' | '?' | '*' | ';' => '_',
        other => other,
    }
}

fn shorten(name: &str) -> String {
    let count = name.chars().count();
    if count <= MAX_CHARS {
        return name.to_owned();
    }
    let ending =
        name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.chars().count() <= MAX_ENDING);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let kept = MAX_CHARS - 1 - ending.chars().count();
    name.chars().take(kept).chain(['…']).chain(ending.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_paths_and_tricks() {
        for (given, shown) in [
            ("creators.csv", "creators.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Anna\\list.csv", "list.csv"),
            ("a\0b\r\nSet-Cookie: x.csv", "abSet-Cookie_ x.csv"),
            ("CON", "_CON"),
            ("nul.csv", "_nul.csv"),
            ("console.csv", "console.csv"),
            ("Créateurs 🎬.csv", "Créateurs 🎬.csv"),
            ("say \"hi\".csv", "say _hi_.csv"),
            ("evil\u{202e}vsc.exe", "evilvsc.exe"),
            ("", UNNAMED),
            ("..", UNNAMED),
            ("dir/", UNNAMED),
        ] {
            assert_eq!(display_name(given), shown, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let shown = display_name(&format!("{}.csv", "é".repeat(300)));
        assert_eq!(shown.chars().count(), MAX_CHARS);
        assert!(shown.ends_with("….csv"));
    }
}
