//! Line ends, blank lines, comments, and the numbers of lines and rows.

use serde_json::json;

use crate::support::{accepted, headerless, plain, recipe, refused, take};

#[test]
fn a_last_row_without_a_line_end_counts() {
    assert_eq!(accepted("a,b\n1,2\n3,4").fields(), [["1", "2"], ["3", "4"]]);
}

#[test]
fn carriage_returns_alone_end_lines() {
    let taken = accepted("a,b\r1,2\r3,4\r");
    assert_eq!(taken.fields(), [["1", "2"], ["3", "4"]]);
    assert_eq!(taken.lines(), [2, 3]);
    assert!(taken.warnings().is_empty());
}

#[test]
fn line_numbers_are_right_with_carriage_return_and_line_feed() {
    let taken = accepted("a,b\r\n1,2\r\n\r\n3,\"x\r\ny\"\r\n5,6\r\n");
    assert_eq!(taken.lines(), [2, 4, 6]);
    assert_eq!(taken.summary.blank_lines, 1);
}

#[test]
fn mixed_line_ends_are_accepted_with_a_warning() {
    let taken = accepted("a,b\n1,2\r\n3,4\r5,6\n\r7,8\n");
    assert_eq!(taken.fields(), [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]]);
    assert_eq!(taken.lines(), [2, 3, 4, 5]);
    assert_eq!(taken.warnings(), ["mixed-line-ends"]);
}

#[test]
fn blank_lines_are_counted_and_are_no_rows() {
    let taken = accepted("\n\na,b\n\n1,2\n\n\n3,4\n\n");
    assert_eq!(taken.fields(), [["1", "2"], ["3", "4"]]);
    assert_eq!(taken.lines(), [5, 8]);
    assert_eq!(taken.summary.blank_lines, 6);
}

#[test]
fn an_empty_line_in_a_list_of_one_column_does_not_shift_the_row_numbers() {
    let taken = take("handle\nanna\n\nberta\n\"\"\ncarla\n", &recipe(json!({"key": ["handle"]}))).unwrap();
    assert_eq!(taken.fields(), [["anna"], ["berta"], [""], ["carla"]]);
    assert_eq!(taken.codes(), ["", "", "empty-key", ""]);
    assert_eq!(taken.lines(), [2, 4, 5, 6]);
    assert_eq!(taken.summary.blank_lines, 1);
}

#[test]
fn a_line_of_blanks_is_a_skipped_row() {
    let taken = accepted("a,b\n1,2\n \t \n3,4\n");
    assert_eq!(taken.codes(), ["", "blank", ""]);
    assert_eq!(taken.summary.rows, 3);
}

#[test]
fn a_line_of_blanks_above_the_header_is_no_header() {
    let taken = accepted("   \na,b\n1,2\n");
    assert_eq!(taken.summary.columns, ["a", "b"]);
    assert_eq!(taken.summary.blank_lines, 1);
}

#[test]
fn ctrl_z_at_the_end_is_dropped_with_a_warning() {
    for file in ["a,b\n1,2\n\x1a", "a,b\n1,2\x1a"] {
        let taken = accepted(file);
        assert_eq!(taken.fields(), [["1", "2"]]);
        assert_eq!(taken.warnings(), ["ctrl-z"]);
    }
}

#[test]
fn line_breaks_of_unicode_are_text() {
    let taken = accepted("a,b\nx\u{2028}y,x\u{85}y\n");
    assert_eq!(taken.fields(), [["x\u{2028}y", "x\u{85}y"]]);
}

#[test]
fn comments_are_rows_unless_the_recipe_says_otherwise() {
    let file = "# made by hand\na,b\n# one,\"two\n1,2\n";
    assert_eq!(refused(file).0, "unclosed-quote");
    let taken = take(file, &recipe(json!({"input": {"comment": "#"}}))).unwrap();
    assert_eq!(taken.fields(), [["1", "2"]]);
    assert_eq!(taken.lines(), [4]);
    assert_eq!(taken.warnings(), ["comments"]);
    assert_eq!(accepted("a\n#1\n").fields(), [["#1"]]);
}

#[test]
fn a_file_with_nothing_in_it_is_refused_as_empty() {
    for file in ["", "\u{feff}", "\n\n\r\n", "  \n\t\n", "\x1a", "\u{feff}\u{feff}"] {
        assert_eq!(refused(file).0, "csv-empty", "{file:?}");
    }
    assert_eq!(take("\n", &headerless()).unwrap_err().code.word(), "csv-empty");
}

#[test]
fn a_header_without_rows_is_refused_unless_the_recipe_allows_it() {
    for file in ["a,b\n", "a,b", "a,b\n\n"] {
        assert_eq!(refused(file).0, "no-rows", "{file:?}");
        let taken = take(file, &recipe(json!({"input": {"allow_empty": true}}))).unwrap();
        assert_eq!(taken.summary.rows, 0);
    }
    assert_eq!(take("a,b\n", &plain()).unwrap_err().code.word(), "no-rows");
}

#[test]
fn what_is_told_of_a_file_reads_well_of_one_and_of_many() {
    let told = |file: &str| -> Vec<String> {
        let recipe = recipe(json!({"input": {"comment": "#"}}));
        take(file, &recipe).unwrap().summary.warnings.into_iter().map(|warning| warning.message).collect()
    };
    let of_one =
        "a,,a,d\n# c\n\u{feff}1,2,3,4\na,,a,d\n1,2,3,4,\n \"1\",2,3,4\n\"1\"x,2,3,4\n\"1\\\"x,2,3,4\n";
    assert_eq!(
        told(of_one),
        [
            "1 line begins with a byte order mark, as in files glued together; it was left out",
            "1 comment line was left out",
            "1 column has no header; it is called column_2",
            "1 header repeats an earlier one; it is `a`",
            "1 row repeats the header; it is skipped",
            "1 row has empty columns beyond the header; they were left out",
            "1 field begins with a space and a quote; such a quote is taken as text",
            "1 field has text after its closing quote; it was kept",
            "1 field seems to write a quote as \\\"; in CSV it is written \"\". Check this row",
        ]
    );
    let (header, rows) = ("a,,,a,a\n", of_one.split_once('\n').unwrap().1.replace(",4", ",4,5"));
    let rows = rows.replace("a,,a,d\n", header);
    assert_eq!(
        told(&format!("{header}{rows}{rows}")),
        [
            "2 lines begin with a byte order mark, as in files glued together; they were left out",
            "2 comment lines were left out",
            "2 columns have no header; the first is called column_2",
            "2 headers repeat an earlier one; the first such is `a`",
            "2 rows repeat the header; they are skipped",
            "2 rows have empty columns beyond the header; they were left out",
            "2 fields begin with a space and a quote; such a quote is taken as text",
            "2 fields have text after their closing quote; it was kept",
            "2 fields seem to write a quote as \\\"; in CSV it is written \"\". Check these rows",
        ]
    );
}
