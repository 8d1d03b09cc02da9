//! What a person sees before starting.

use onward_intake::preview;
use serde_json::json;

use crate::support::{creators, recipe};

#[test]
fn a_preview_shows_what_the_file_would_become() {
    let file = b"Instagram name;Follower\nJos\xe9;1,5\n;2\n@Anna;3\n";
    let recipe = recipe(json!({"key": ["handle"], "columns": {"handle": ["instagram name"]}}));
    let shown = serde_json::to_value(preview(file, Some(&recipe)).unwrap()).unwrap();
    assert_eq!(shown["encoding"], "windows-1252");
    assert_eq!(shown["delimiter"], ";");
    assert_eq!(shown["header"], true);
    assert_eq!(shown["columns"], json!(["Instagram name", "Follower"]));
    assert_eq!(shown["samples"][0], json!({"row": 1, "line": 2, "fields": ["José", "1,5"]}));
    assert_eq!(shown["samples"][1]["decided"]["code"], "empty-key");
    let codes: Vec<&str> =
        shown["warnings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["encoding-guessed", "delimiter"]);
    assert_eq!(shown["mapping"][0], json!({"field": "handle", "column": "Instagram name", "position": 1}));
    assert_eq!(shown["mapping"][2], json!({"field": "follower", "column": "Follower", "position": 2}));
}

#[test]
fn a_head_that_is_cut_off_is_no_mistake() {
    let rows: String = (0..20_000).map(|n| format!("user{n},\"a\nb\"\n")).collect();
    let file = format!("handle,bio\n{rows}");
    for len in (256 << 10)..(256 << 10) + 24 {
        let shown = preview(&file.as_bytes()[..len], Some(&creators())).unwrap();
        assert_eq!(shown.samples.len(), 20);
        assert_eq!(shown.warnings, []);
    }
}

#[test]
fn a_short_head_is_the_whole_file() {
    let shown = preview(b"a,b\n1,2\n3,4", None).unwrap();
    assert_eq!(shown.samples.len(), 2);
    assert_eq!(preview(b"a,b\n1,\"2", None).unwrap_err().code.word(), "unclosed-quote");
    assert_eq!(preview(b"", None).unwrap_err().code.word(), "csv-empty");
    assert_eq!(preview(b"x\n1\n", Some(&creators())).unwrap_err().code.word(), "missing-column");
}

#[test]
fn a_header_alone_can_be_previewed() {
    let shown = preview(b"a,b\n", None).unwrap();
    assert_eq!(shown.columns, ["a", "b"]);
    assert!(shown.samples.is_empty());
}
