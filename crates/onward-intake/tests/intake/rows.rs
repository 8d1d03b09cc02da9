//! Rows that are decided at intake: ragged, empty, or without a usable key.

use onward_core::row::Outcome;
use serde_json::json;

use crate::support::{accepted, creators, recipe, take};

#[test]
fn a_row_with_too_few_columns_fails() {
    let taken = accepted("a,b,c\n1,2\n1,2,3\n");
    assert_eq!(taken.codes(), ["missing-columns", ""]);
    assert_eq!(taken.message(1), "the row has 2 columns and the header 3");
    assert_eq!(taken.fields()[0], ["1", "2", ""]);
    assert_eq!(taken.rows[0].decided.as_ref().unwrap().outcome, Outcome::Failed);
}

#[test]
fn a_row_with_too_many_columns_fails_and_keeps_them() {
    let taken = accepted("a,b\n1,2,3\n1,2\n");
    assert_eq!(taken.codes(), ["extra-columns", ""]);
    assert_eq!(taken.fields()[0], ["1", "2", "3"]);
}

#[test]
fn empty_columns_beyond_the_header_are_left_out_with_a_warning() {
    let taken = accepted("a,b\n1,2,, \n3,4\n");
    assert_eq!(taken.codes(), ["", ""]);
    assert_eq!(taken.fields(), [["1", "2"], ["3", "4"]]);
    assert_eq!(taken.warnings(), ["extra-empty-columns"]);
}

#[test]
fn rows_of_only_delimiters_are_skipped() {
    assert_eq!(
        take("handle,b\nanna,1\n,\n,,\n", &creators()).unwrap().codes(),
        ["", "empty-key", "empty-key"]
    );
    assert_eq!(accepted("a,b\n1,2\n,\n").codes(), ["", "blank"]);
}

#[test]
fn a_repeated_header_is_skipped() {
    let taken = accepted("a,b\n1,2\na,b\n3,4\n");
    assert_eq!(taken.codes(), ["", "repeated-header", ""]);
    assert_eq!(taken.rows[1].decided.as_ref().unwrap().outcome, Outcome::Skipped);
}

#[test]
fn keys_that_stand_for_nothing_are_skipped() {
    let file = "handle,n\n,1\nnull,2\nN/A,3\n#REF!,4\n@,5\n  ,6\n-,7\nanna,8\n";
    let taken = take(file, &creators()).unwrap();
    assert_eq!(taken.count("empty-key"), 7);
    assert_eq!(taken.codes()[7], "");
    assert_eq!(&*taken.rows[0].key, "");
    assert_eq!(taken.rows[0].decided.as_ref().unwrap().outcome, Outcome::Skipped);
}

#[test]
fn a_key_with_a_part_missing_is_no_identity() {
    let two = recipe(json!({"key": ["platform", "handle"]}));
    let taken = take("platform,handle\ntiktok,anna\ntiktok,\n,anna\n", &two).unwrap();
    assert_eq!(taken.codes(), ["", "empty-key", "empty-key"]);
    assert_eq!(&*taken.rows[0].key, "tiktok\u{1f}anna");
}

#[test]
fn parts_of_a_key_cannot_run_into_each_other() {
    let two = recipe(json!({"key": ["a", "b"]}));
    let taken = take("a,b\nx\u{1f}y,z\nx,\"y\u{1f}z\"\n", &two).unwrap();
    assert_eq!(taken.codes(), ["invalid-key", "invalid-key"]);
}

#[test]
fn overlong_and_scripted_keys_fail() {
    let long = "x".repeat(10_000);
    let file = format!("handle,n\n{long},1\nJavaScript:alert(1),2\n{},3\n", "x".repeat(512));
    let taken = take(file, &creators()).unwrap();
    assert_eq!(taken.codes(), ["invalid-key", "invalid-key", ""]);
    assert!(taken.message(1).contains("10000 characters"), "{}", taken.message(1));
}

#[test]
fn handles_are_known_however_they_are_written() {
    let file = "handle,n\n@Anna,1\nhttps://www.instagram.com/anna/,2\n anna ,3\nＡnna,4\n";
    let taken = take(file, &creators()).unwrap();
    assert_eq!(taken.codes(), ["", "duplicate", "duplicate", ""]);
    assert_eq!(&*taken.rows[0].key, "anna");
    assert_eq!(taken.fields()[0][0], "@Anna", "fields stay as they were written");
}

#[test]
fn formulas_numbers_and_tricks_are_stored_as_they_are() {
    let cells =
        ["=cmd|' /C calc'!A0", "+39 02", "-5", "@name", "1e309", "007", "9007199254740993", "1.234,56"];
    let more = ["\u{202e}evil", "\u{1b}[31mred", "<script>alert(1)</script>", "zero\u{200b}width", "👩‍👩‍👧"];
    let all: Vec<&str> = cells.into_iter().chain(more).collect();
    let file: String = all.iter().map(|cell| format!("\"{cell}\",x\n")).collect();
    let taken = accepted(format!("a,b\n{file}"));
    let kept: Vec<&str> = taken.rows.iter().map(|row| &row.fields[0]).collect();
    assert_eq!(kept, all);
    assert!(taken.codes().iter().all(|code| code.is_empty()));
}
