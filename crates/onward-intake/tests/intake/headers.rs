//! Headers, the mapping of the recipe on them, and delimiters.

use onward_intake::columns;
use serde_json::{Value, json};

use crate::support::{accepted, headerless, plain, recipe, take};

fn mapped(header: &[&str], parts: Value) -> Result<Vec<(String, usize)>, onward_core::problem::Problem> {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let columns = columns(&header, &recipe(parts))?;
    Ok(columns.fields().iter().map(|(name, at)| (name.to_string(), *at)).collect())
}

fn pair(name: &str, at: usize) -> (String, usize) {
    (name.to_owned(), at)
}

#[test]
fn a_mapped_column_that_is_there_twice_is_refused() {
    let problem = mapped(&["handle", "Handle "], json!({"key": ["HANDLE"]})).unwrap_err();
    assert_eq!(problem.code.word(), "duplicate-header");
    assert_eq!(problem.facts["positions"], json!(["1", "2"]));
    assert!(problem.detail.starts_with("columns 1 and 2 both have"), "{}", problem.detail);
    let thrice = mapped(&["handle", "Handle ", " handle"], json!({"key": ["HANDLE"]})).unwrap_err();
    assert!(thrice.detail.starts_with("columns 1, 2 and 3 all have"), "{}", thrice.detail);
    let exact = mapped(&["handle", "Handle"], json!({"key": ["handle"]})).unwrap();
    assert_eq!(exact[0], pair("handle", 0));
}

#[test]
fn other_columns_may_be_there_twice() {
    let taken = accepted("a,b,b\n1,2,3\n");
    assert_eq!(taken.warnings(), ["duplicate-header"]);
    let fields = mapped(&["a", "b", "b", "b_2"], json!({})).unwrap();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "b_2", "b_2_2"]);
}

#[test]
fn a_column_without_a_header_has_a_name_by_its_place() {
    let taken = accepted("a,,c\n1,2,3\n");
    assert_eq!(taken.warnings(), ["empty-header"]);
    assert!(taken.summary.warnings[0].message.contains("column_2"));
    assert_eq!(mapped(&["a", "", "c"], json!({"key": ["column_2"]})).unwrap()[0], pair("column_2", 1));
}

#[test]
fn headers_match_without_regard_to_case_blanks_and_invisible_characters() {
    for header in
        ["instagram name", "\u{a0}Instagram  Name ", "\u{200b}INSTAGRAM\u{a0}NAME", "Instagram_Name"]
    {
        let fields = mapped(&["x", header], json!({"columns": {"handle": "Instagram name"}})).unwrap();
        assert_eq!(fields[0], pair("handle", 1), "{header:?}");
        assert!(fields.contains(&pair("instagram_name", 1)), "{fields:?}");
    }
}

#[test]
fn the_first_header_of_a_list_that_is_there_is_taken() {
    let parts = json!({"key": ["handle"], "columns": {"handle": ["Instagram name", "username", "handle"]}});
    assert_eq!(mapped(&["handle", "username"], parts.clone()).unwrap()[0], pair("handle", 1));
    assert_eq!(mapped(&["handle"], parts).unwrap()[0], pair("handle", 0));
}

#[test]
fn a_missing_column_is_refused_with_the_nearest_names() {
    let problem = mapped(&["Name", "Handel", "city"], json!({"key": ["handle"]})).unwrap_err();
    assert_eq!(problem.code.word(), "missing-column");
    assert_eq!(problem.facts["column"], "handle");
    assert_eq!(problem.facts["nearest"][0], "Handel");
    assert!(problem.detail.contains("did you mean `Handel`"), "{}", problem.detail);
    let problem = mapped(&["x", "y"], json!({"columns": {"handle": ["user", "login"]}})).unwrap_err();
    assert_eq!(problem.facts["nearest"], json!([]));
    assert!(problem.detail.contains("x, y"), "{}", problem.detail);
}

#[test]
fn a_missing_column_is_found_out_before_any_row_is_read() {
    let problem = take("name\nanna\n\"open", &recipe(json!({"key": ["handle"]}))).unwrap_err();
    assert_eq!(problem.code.word(), "missing-column");
}

#[test]
fn delimiters_are_found_by_trial() {
    for (delimiter, name) in [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")] {
        let file = "name,bio,n\nanna,\"a;b|c\td\",1,5\nberta,x,2,5\n".replace(',', &delimiter.to_string());
        let file = file.replace(&format!("1{delimiter}5"), "1,5").replace(&format!("2{delimiter}5"), "2,5");
        let taken = accepted(&file);
        assert_eq!(taken.summary.format.delimiter, delimiter);
        assert_eq!(taken.codes(), ["", ""]);
        assert_eq!(taken.fields()[0], ["anna", "a;b|c\td", "1,5"]);
        assert_eq!(taken.warnings(), ["delimiter"]);
        assert!(taken.summary.warnings[0].message.contains(name));
    }
}

#[test]
fn letters_and_colons_are_no_delimiters() {
    let taken = accepted("Seite\nHEINE\nPEER\nhttp://a.example/x\n");
    assert_eq!(taken.summary.columns, ["Seite"]);
    assert_eq!(taken.fields(), [["HEINE"], ["PEER"], ["http://a.example/x"]]);
}

#[test]
fn the_sep_line_of_spreadsheets_is_honoured() {
    for file in ["sep=;\na;b,c\n1;2,5\n", "\u{feff}sep=;\r\na;b,c\r\n1;2,5\r\n", "\"sep=;\"\na;b,c\n1;2,5\n"]
    {
        let taken = accepted(file);
        assert_eq!(taken.summary.columns, ["a", "b,c"], "{file:?}");
        assert_eq!(taken.fields(), [["1", "2,5"]]);
        assert_eq!(taken.lines(), [3]);
        assert!(taken.warnings().is_empty(), "{:?}", taken.warnings());
    }
}

#[test]
fn a_delimiter_in_the_recipe_wins_and_must_be_one_ascii_character() {
    let with = |delimiter: &str| recipe(json!({"input": {"delimiter": delimiter}}));
    assert_eq!(take("a:b\n1:2\n", &with(":")).unwrap().fields(), [["1", "2"]]);
    assert_eq!(take("a b\n1 2\n", &with("\"")).unwrap_err().code.word(), "recipe-invalid");
    assert_eq!(take("aéb\n1é2\n", &with("é")).unwrap_err().code.word(), "recipe-invalid");
}

#[test]
fn a_file_without_a_header_has_given_or_made_up_names() {
    let taken = take("anna,1\nberta,2\n", &headerless()).unwrap();
    assert_eq!(taken.summary.columns, ["column_1", "column_2"]);
    assert_eq!(taken.fields(), [["anna", "1"], ["berta", "2"]]);
    let named = recipe(json!({"key": ["handle"], "input": {"header": false, "names": ["handle"]}}));
    let taken = take("anna,1\nberta,2\n", &named).unwrap();
    assert_eq!(taken.summary.columns, ["handle", "column_2"]);
    assert_eq!(&*taken.rows[1].key, "berta");
}

#[test]
fn a_bare_list_is_taken_line_by_line_whatever_is_in_a_line() {
    let taken = take("http://a/1\nhttp://a/2,x,y\nhttp://a/3\n", &headerless()).unwrap();
    assert_eq!(taken.fields(), [["http://a/1"], ["http://a/2,x,y"], ["http://a/3"]]);
    assert_eq!(taken.codes(), ["", "", ""]);
    assert_eq!(taken.summary.format.delimiter, ',');
}

#[test]
fn a_title_above_the_header_is_noticed() {
    let taken = accepted("Our creators\nname,city\nanna,Berlin\nberta,Köln\n");
    assert_eq!(taken.warnings(), ["header-narrow"]);
    assert_eq!(taken.count("extra-columns"), 3);
}

#[test]
fn a_single_column_is_a_table() {
    assert_eq!(take("handle\nanna\n", &plain()).unwrap().fields(), [["anna"]]);
}
