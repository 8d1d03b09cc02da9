//! What a person sees before starting.

use onward_intake::preview;
use serde_json::json;

use crate::support::{creators, headerless, recipe};

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

#[test]
fn blank_lines_are_counted_in_a_preview() {
    let shown = preview(b"\na,b\n\n1,2\n\n\n3,4\n", None).unwrap();
    assert_eq!((shown.samples.len(), shown.blank_lines), (2, 4));
    assert_eq!(serde_json::to_value(shown).unwrap()["blank_lines"], 4);
}

#[test]
fn a_head_without_an_end_of_its_first_record_says_what_is_so() {
    let head = 256 << 10;
    let refused = |file: String, recipe| {
        let problem = preview(&file.as_bytes()[..head], recipe).unwrap_err();
        (problem.code.word(), problem.facts.get("line").and_then(serde_json::Value::as_u64), problem.detail)
    };
    let headerless = headerless();
    let bombs =
        ["c,".repeat(head), format!("\n\n{}", "\"c\",".repeat(head)), format!("{}\"", ",".repeat(head - 1))];
    for (file, line) in bombs.into_iter().zip([1, 3, 1]) {
        assert_eq!(refused(file.clone(), Some(&headerless)).0, "too-many-columns");
        let (code, at, detail) = refused(file, None);
        assert_eq!((code, at), ("too-many-columns", Some(line)), "{detail}");
    }
    let (code, line, detail) = refused(format!("a\tb\t{}", "x".repeat(head)), None);
    assert_eq!((code, line), ("record-too-large", Some(1)));
    assert!(
        detail.contains("the first record, begun on line 1, does not end within the first 262144 bytes"),
        "{detail}"
    );
    let (code, line, detail) = refused(format!("\n\"b\n{}", "x\n".repeat(head)), Some(&headerless));
    assert_eq!((code, line), ("record-too-large", Some(2)), "{detail}");
    let (code, _, detail) = refused("\n".repeat(head), None);
    assert_eq!(code, "csv-empty");
    assert!(detail.contains("nothing in the first 262144 bytes of the file"), "{detail}");
}
