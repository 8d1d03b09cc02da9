//! What holds for every file: the cuts of the reader do not matter, nothing panics, nothing is lost.

use std::io::{self, Read};

use onward_core::input::InputRow;
use onward_intake::{Limits, preview};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Taken, plain, recipe, take, take_from};

/// Gives the bytes in pieces of the given sizes, over and over.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: &'a [usize],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].min(buffer.len()).min(self.bytes.len());
        self.turn += 1;
        buffer[..size].copy_from_slice(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        Ok(size)
    }
}

/// Text made of what matters to a CSV reader.
fn csv_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-c]{1,3}",
        3 => Just(",".to_owned()),
        2 => Just("\n".to_owned()),
        1 => prop_oneof![
            Just("\r\n"), Just("\r"), Just("\""), Just("\"\""), Just(" "), Just(";"), Just("\t"), Just("é"),
            Just("\u{feff}"), Just("\0"), Just("\u{1a}"), Just("\\"), Just("#"), Just("🎬"), Just("\n\r"),
        ].prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_cuts_of_the_reader_do_not_matter(text in csv_like(), sizes in proptest::collection::vec(1_usize..9, 1..5)) {
        let key = recipe(json!({"input": {"header": false, "comment": "#"}, "key": ["column_1"]}));
        for recipe in [plain(), key] {
            let whole = take(&text, &recipe);
            let mut pieces = Pieces { bytes: text.as_bytes(), sizes: &sizes, turn: 0 };
            prop_assert_eq!(take_from(&mut pieces, &recipe, &Limits::default()), whole);
        }
    }

    #[test]
    fn the_bounds_of_blocks_do_not_matter(text in csv_like(), before in 0_usize..40) {
        let commas = recipe(json!({"input": {"delimiter": ","}}));
        let alone = take(format!("a,b\n1,2\n{text}"), &commas);
        // Five long rows bring the text to lie across the end of the first block of 256 KiB.
        let mut file = "a,b\n1,2\n".to_owned();
        for left in (0..5).rev() {
            let end = (256 << 10) - before - left * 50_000;
            file += &format!("{},2\n", "x".repeat(end - file.len() - 3));
        }
        let moved = take(file + &text, &commas);
        let rows = |taken: Taken, from: usize, lines: u64| -> Vec<_> {
            let rows = taken.rows.into_iter().skip(from);
            let code = |row: &InputRow| row.decided.as_ref().map(|verdict| verdict.code.clone());
            rows.map(|row| (row.line - lines, code(&row), row.fields)).collect()
        };
        match (alone, moved) {
            (Ok(alone), Ok(moved)) => prop_assert_eq!(rows(alone, 1, 0), rows(moved, 6, 5)),
            (Err(alone), Err(moved)) => prop_assert_eq!(alone.code, moved.code),
            (alone, moved) => prop_assert!(false, "{:?} but {:?}", alone.err(), moved.err()),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = take(&bytes, &plain());
        let _ = take(&bytes, &recipe(json!({"input": {"header": false}})));
        let _ = preview(&bytes, None);
    }

    #[test]
    fn no_legacy_text_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for encoding in ["utf-16le", "shift_jis", "gb18030", "windows-1252", "iso-2022-jp"] {
            let _ = take(&bytes, &recipe(json!({"input": {"encoding": encoding, "header": false}})));
        }
    }

    #[test]
    fn every_field_written_by_the_rules_comes_back(
        rows in proptest::collection::vec(proptest::collection::vec("[a-z,;\"\n\r é🎬\t]{0,8}", 3), 1..20),
    ) {
        let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
        let file = format!("one,two,three\n{}", rows.iter().map(line).collect::<String>());
        let taken = take(&file, &recipe(json!({"input": {"delimiter": ","}}))).unwrap();
        let back: Vec<Vec<String>> = taken.rows.into_iter().map(|row| row.fields.iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(back, rows);
    }

    #[test]
    fn every_line_of_a_list_is_a_row_or_a_blank_line(lines in proptest::collection::vec("[a-z,]{0,4}", 1..200)) {
        let file = lines.join("\n") + "\n";
        let recipe = recipe(json!({"input": {"header": false, "delimiter": ",", "names": ["a", "b"]}}));
        match take(&file, &recipe) {
            Ok(taken) => {
                prop_assert_eq!(taken.summary.rows + taken.summary.blank_lines, lines.len() as u64);
                for row in &taken.rows {
                    let fields: Vec<&str> = lines[row.line as usize - 1].split(',').collect();
                    prop_assert_eq!(&row.fields[0], fields[0]);
                }
            }
            Err(problem) => prop_assert_eq!(problem.code.word(), "csv-empty"),
        }
    }
}
