//! Quotes: line breaks within them, doubled, unclosed, misplaced.

use crate::support::{accepted, headerless, plain, refused, take};

#[test]
fn a_line_break_between_quotes_makes_one_row() {
    let taken = accepted("a,b\n1,\"x\ny\"\n2,z\n");
    assert_eq!(taken.fields(), [["1", "x\ny"], ["2", "z"]]);
    assert_eq!(taken.lines(), [2, 4]);
}

#[test]
fn doubled_quotes_are_one_quote() {
    assert_eq!(accepted("a\n\"say \"\"hi\"\"\"\n").fields(), [["say \"hi\""]]);
}

#[test]
fn an_unclosed_quote_is_refused_with_the_line_where_it_opened() {
    let problem = take("a,b\n1,2\n3,\"open\n4,5\n6,7\n", &plain()).unwrap_err();
    assert_eq!(problem.code.word(), "unclosed-quote");
    assert_eq!(problem.facts["line"], 3);
    assert!(problem.detail.contains("line 3"), "{}", problem.detail);
}

#[test]
fn the_line_of_an_unclosed_quote_counts_breaks_within_earlier_quotes() {
    let problem = take("a,b\r\n1,\"x\r\ny\r\nz\"\r\n3,\"open\r\n", &plain()).unwrap_err();
    assert_eq!(problem.facts["line"], 5);
}

#[test]
fn an_unclosed_quote_with_a_mebibyte_after_it_is_refused_at_the_quote() {
    let mut file = b"a,b\n1,2\n3,\"open\n".to_vec();
    file.extend(b"4,5\n".repeat(300_000));
    let problem = take(file, &plain()).unwrap_err();
    assert_eq!(problem.code.word(), "record-too-large");
    assert_eq!(problem.facts["line"], 3);
    assert!(problem.detail.contains("quote opened on line 3"), "{}", problem.detail);
}

#[test]
fn a_quote_in_the_middle_of_a_bare_field_is_text() {
    let taken = accepted("a,b\nx\"y,z\n");
    assert_eq!(taken.fields(), [["x\"y", "z"]]);
    assert!(taken.warnings().is_empty());
}

#[test]
fn text_after_a_closing_quote_is_kept_with_a_warning() {
    let taken = accepted("a,b\n\"x\"y,z\n");
    assert_eq!(taken.fields(), [["xy", "z"]]);
    assert_eq!(taken.warnings(), ["text-after-quote"]);
    assert_eq!(taken.summary.warnings[0].line, Some(2));
}

#[test]
fn a_quote_escaped_with_a_backslash_gets_a_hint() {
    assert_eq!(accepted("a,b\n\"x\\\"y\",z\n").warnings(), ["backslash-quote"]);
}

#[test]
fn a_space_before_a_quote_gets_a_hint() {
    let taken = accepted("a,b\n1,2\n \"x,y\",z\n");
    assert_eq!(taken.warnings(), ["space-before-quote"]);
    assert_eq!(taken.codes(), ["", "extra-columns"]);
}

#[test]
fn a_quote_that_ends_with_the_file_is_closed() {
    assert_eq!(accepted("a,b\n1,\"2\"").fields(), [["1", "2"]]);
}

#[test]
fn an_unclosed_header_is_refused_too() {
    assert_eq!(refused("\"a,b\n1,2\n").0, "unclosed-quote");
}

#[test]
fn an_unclosed_quote_in_the_first_line_of_a_list_is_refused_as_well() {
    let problem = take("a,\"b,c\nd,e,f", &headerless()).unwrap_err();
    assert_eq!(problem.code.word(), "unclosed-quote");
    assert_eq!(problem.facts["line"], 1);
}
