//! Encodings and byte order marks.

use serde_json::json;

use crate::support::{accepted, plain, recipe, refused, take};

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn utf8_with_a_mark_is_read_without_it() {
    let taken = accepted("\u{feff}\"a\",b\nä,2\n");
    assert_eq!(taken.summary.columns, ["a", "b"]);
    assert_eq!(taken.fields(), [["ä", "2"]]);
    assert_eq!(taken.summary.format.encoding, "UTF-8");
    assert!(taken.warnings().is_empty());
}

#[test]
fn a_double_mark_is_stripped_with_a_warning() {
    let taken = accepted("\u{feff}\u{feff}handle\nanna\n");
    assert_eq!(taken.summary.columns, ["handle"]);
    assert_eq!(taken.warnings(), ["double-bom"]);
}

#[test]
fn files_glued_together_lose_the_mark_and_skip_the_second_header() {
    let taken = accepted("\u{feff}a,b\n1,2\n\u{feff}a,b\n3,4\n\u{feff}\"5\",6\n");
    assert_eq!(taken.codes(), ["", "repeated-header", "", ""]);
    assert_eq!(taken.fields()[3], ["5", "6"]);
    assert_eq!(taken.warnings(), ["bom-inside", "repeated-header"]);
}

#[test]
fn utf16_with_a_mark_is_transcoded_with_a_warning() {
    for (to_bytes, name) in
        [(u16::to_le_bytes as fn(u16) -> [u8; 2], "UTF-16LE"), (u16::to_be_bytes, "UTF-16BE")]
    {
        let taken = accepted(utf16("\u{feff}name,b\r\n安娜 🎬,2\r\n", to_bytes));
        assert_eq!(taken.fields(), [["安娜 🎬", "2"]]);
        assert_eq!(taken.lines(), [2]);
        assert_eq!(taken.summary.format.encoding, name);
        assert_eq!(taken.warnings(), ["transcoded"]);
    }
}

#[test]
fn utf16_without_a_mark_is_refused_unless_named() {
    let file = utf16("name,b\r\nanna,2\r\n", u16::to_le_bytes);
    let (code, message) = refused(&file);
    assert_eq!(code, "looks-like-utf16");
    assert!(message.contains("utf-16le"), "{message}");
    let taken = take(&file, &recipe(json!({"input": {"encoding": "utf-16le"}}))).unwrap();
    assert_eq!(taken.fields(), [["anna", "2"]]);
    assert_eq!(refused(utf16("name,b\r\nanna,2\r\n", u16::to_be_bytes)).0, "looks-like-utf16");
}

#[test]
fn half_a_surrogate_pair_fails_its_row_only() {
    let mut file = utf16("\u{feff}name,b\nanna,", u16::to_le_bytes);
    file.extend([0x3d, 0xd8]);
    file.extend(utf16("\nberta,2\n", u16::to_le_bytes));
    assert_eq!(accepted(file).codes(), ["invalid-utf8", ""]);
}

#[test]
fn latin1_is_guessed_and_said_so() {
    let taken = accepted(b"name,city\nJos\xe9,M\xe1laga\nBj\xf6rn,K\xf6ln\n");
    assert_eq!(taken.fields(), [["José", "Málaga"], ["Björn", "Köln"]]);
    assert_eq!(taken.summary.format.encoding, "windows-1252");
    assert_eq!(taken.warnings(), ["encoding-guessed"]);
    assert!(taken.summary.warnings[0].message.contains("windows-1252"));
}

#[test]
fn a_byte_that_is_no_ascii_may_come_late_and_still_decides() {
    let mut file = b"name,city\n".to_vec();
    file.extend(b"anna,berlin\n".repeat(60_000));
    file.extend(b"Jos\xe9,M\xe1laga\n");
    let taken = accepted(&file);
    assert_eq!(taken.fields()[60_000], ["José", "Málaga"]);
    assert_eq!(taken.warnings(), ["encoding-guessed"]);
}

#[test]
fn a_sequence_cut_by_a_block_is_whole_again() {
    // The blocks end at 256 KiB; the letter is moved over that place byte by byte.
    for at in 262_140..262_146 {
        let mut file = b"a\n".to_vec();
        file.resize(at, b'x');
        for gap in (1_000..at).step_by(1_000) {
            file[gap] = b'\n';
        }
        file.extend("é🎬\n".as_bytes());
        let taken = accepted(&file);
        assert!(taken.rows.last().unwrap().fields[0].ends_with("é🎬"), "{at}");
        assert!(taken.warnings().is_empty(), "{:?}", taken.warnings());
    }
}

#[test]
fn a_row_in_another_encoding_fails_with_the_byte_where_it_breaks() {
    let mut file = "name,b\nZoë,1\nAnaïs,2\n".as_bytes().to_vec();
    let broken = file.len() as u64 + 3;
    file.extend(b"Jos\xe9,3\nanna,4\n");
    let taken = accepted(&file);
    assert_eq!(taken.codes(), ["", "", "invalid-utf8", ""]);
    assert!(taken.message(3).contains(&format!("byte {broken} ")), "{}", taken.message(3));
    assert_eq!(taken.fields()[2], ["Jos\u{fffd}", "3"]);
    assert_eq!(taken.warnings(), ["encoding-mixed"]);
}

#[test]
fn a_named_encoding_is_used_and_an_unknown_one_refused() {
    let named = |name: &str| recipe(json!({"input": {"encoding": name}}));
    assert_eq!(take(b"a\n\xb3\n", &named("windows-1250")).unwrap().fields(), [["ł"]]);
    assert_eq!(take(b"a\n\xe9\nb\n", &named("utf-8")).unwrap().codes(), ["invalid-utf8", ""]);
    assert_eq!(take("a\n1\n", &named("klingon")).unwrap_err().code.word(), "recipe-invalid");
}

#[test]
fn utf32_is_refused() {
    let file: Vec<u8> = "\u{feff}a,b\n".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    assert_eq!(refused(file).0, "unsupported-type");
}

#[test]
fn a_nul_fails_its_row_only() {
    let taken = take("name,b\nanna,1\nbe\0rta,2\n", &plain()).unwrap();
    assert_eq!(taken.codes(), ["", "nul-byte"]);
}
