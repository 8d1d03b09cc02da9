//! Files with a known truth, written by others: csv-spectrum and the cases of PapaParse.

use onward_core::input::InputRow;
use onward_core::recipe::Recipe;
use serde_json::{Value, json};

use crate::support::{Taken, accepted, recipe, shared_data, take};

#[test]
fn the_shapes_of_csv_spectrum_come_out_as_their_truth_says() {
    // A synthetic twin with every shape in it: quotes, breaks, empties, two kinds of line end.
    let twin = "a,b\r\n1,\"x, \"\"y\"\"\r\nz\"\r\n\"\",ʤ\r\n";
    assert_eq!(accepted(twin).fields(), [["1", "x, \"y\"\r\nz"], ["", "ʤ"]]);
    let Some(data) = shared_data() else { return };
    let folder = data.join("nasty/csv-spectrum");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("csvs")).unwrap() {
        let path = entry.unwrap().path();
        let taken = accepted(std::fs::read(&path).unwrap());
        let name = path.file_stem().unwrap().to_str().unwrap();
        let truth = std::fs::read_to_string(folder.join(format!("json/{name}.json"))).unwrap();
        assert_eq!(objects(&taken), serde_json::from_str::<Value>(&truth).unwrap(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 11);
}

fn objects(taken: &Taken) -> Value {
    let columns = &taken.summary.columns;
    let object = |fields: Vec<&str>| {
        let pairs = columns.iter().zip(fields).map(|(name, field)| (name.clone(), Value::from(field)));
        Value::Object(pairs.collect())
    };
    taken.fields().into_iter().map(object).collect()
}

const BLANK: &str = "an empty line is counted and is no row";
const OPEN: &str = "a quote that is never closed refuses the file instead of swallowing it";
const LENIENT: &str = "after the closing quote the rest is plain text; PapaParse looks for another quote";
const SPACES: &str = "blanks after a closing quote are kept; nothing of a field is dropped in silence";
const EMPTY: &str = "a file without a record is refused";
const TYPED: &str = "values are never re-typed: 007, 1e3 and TRUE stay as they were written";
const FUNCTION: &str = "the case depends on a JavaScript function";
const RENAMED: &str = "headers stay as they stand in the file; other names are given to fields only";
const OPTION: &str = "the case depends on an option that does not exist here";
const LINE_ENDS: &str = "CR, LF and CRLF each end a record, also when mixed";
const DELIMITER: &str = "a delimiter is one ASCII character and no line end";
const FILLED: &str = "a short row is filled up with empty fields";
const GREEDY: &str = "a row of empty fields is a skipped row; it is not left out";

/// Cases in which the intake differs from PapaParse on purpose, by their place in the file.
const DIFFERENCES: &[(usize, &str)] = &[
    (19, OPEN),
    (20, LENIENT),
    (21, LENIENT),
    (22, LENIENT),
    (23, LENIENT),
    (35, EMPTY),
    (37, FILLED),
    (45, EMPTY),
    (48, OPTION),
    (49, EMPTY),
    (50, EMPTY),
    (54, BLANK),
    (56, OPTION),
    (58, BLANK),
    (59, RENAMED),
    (60, RENAMED),
    (61, RENAMED),
    (62, RENAMED),
    (68, SPACES),
    (69, SPACES),
    (70, SPACES),
    (72, LINE_ENDS),
    (81, FUNCTION),
    (87, DELIMITER),
    (88, DELIMITER),
    (89, DELIMITER),
    (90, FUNCTION),
    (91, TYPED),
    (92, TYPED),
    (94, TYPED),
    (96, TYPED),
    (97, FUNCTION),
    (98, FUNCTION),
    (99, TYPED),
    (100, FUNCTION),
    (101, FUNCTION),
    (102, FUNCTION),
    (105, BLANK),
    (106, BLANK),
    (107, BLANK),
    (112, EMPTY),
    (122, BLANK),
    (125, EMPTY),
    (135, OPTION),
    (136, OPTION),
    (137, OPTION),
    (148, OPTION),
    (149, OPTION),
    (152, GREEDY),
    (153, GREEDY),
    (154, SPACES),
    (155, SPACES),
    (156, OPTION),
    (157, OPTION),
    (158, OPTION),
    (160, OPTION),
];

#[test]
fn the_cases_of_papaparse_differ_only_where_a_reason_is_given() {
    // A synthetic twin of the difference that matters most.
    assert_eq!(take("a,b\n1,\"open\n2,3\n", &recipe(json!({}))).unwrap_err().code.word(), "unclosed-quote");
    let Some(data) = shared_data() else { return };
    let text = std::fs::read_to_string(data.join("nasty/papaparse/papaparse_cases.json")).unwrap();
    let groups: Value = serde_json::from_str(&text).unwrap();
    let cases: Vec<&Value> = ["CORE_PARSER_TESTS", "PARSE_TESTS"]
        .iter()
        .flat_map(|group| groups[group].as_array().unwrap())
        .collect();
    assert_eq!(cases.len(), 161);
    let mut wrong = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let listed = DIFFERENCES.iter().find(|(listed, _)| *listed == place);
        let found = outcome(case);
        let same = found.as_ref() == Ok(&expected(case));
        match (same, listed) {
            (true, Some((_, reason))) => wrong.push(format!("{place}: no longer differs ({reason})")),
            (false, None) => wrong.push(format!(
                "{place} {}: {}\n  config {}\n  expected {:?}\n  found    {found:?}",
                case["description"],
                case["input"],
                case["config"],
                expected(case)
            )),
            (true, None) | (false, Some(_)) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

type Records = Vec<Vec<String>>;

/// What PapaParse expects, as records; objects become a header and its records.
fn expected(case: &Value) -> Records {
    let data = case["expected"]["data"].as_array().unwrap();
    data.iter().map(|record| values(record).into_iter().map(text_of).collect()).collect()
}

fn values(record: &Value) -> Vec<Value> {
    record
        .as_object()
        .map_or_else(|| flattened(record), |fields| fields.values().flat_map(flattened).collect())
}

fn flattened(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn text_of(value: Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the intake makes of a case: its records, or the code of the refusal.
fn outcome(case: &Value) -> Result<Records, String> {
    let config = &case["config"];
    let input = case["input"].as_str().unwrap();
    // With `header: true` PapaParse keeps the header out of most of its answers, as the intake does;
    // where it gives arrays all the same, the header is the first of them.
    let as_objects = case["expected"]["data"].as_array().unwrap().iter().all(Value::is_object);
    let header = config["header"] == true && as_objects;
    let taken = take(input, &recipe_of(config, header)).map_err(|problem| problem.code.to_string())?;
    let limit = config["preview"].as_u64().filter(|limit| *limit > 0).unwrap_or(u64::MAX);
    let lines = taken.rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(lines.map(as_written).collect())
}

/// The fields of a row without those it was filled up with: PapaParse leaves short rows short.
fn as_written(row: &InputRow) -> Vec<String> {
    let mut fields: Vec<String> = row.fields.iter().map(str::to_owned).collect();
    let code = row.decided.as_ref().map_or("", |verdict| &verdict.code);
    let short = code == "missing-columns" || (code == "blank" && !fields[0].is_empty());
    while short && fields.len() > 1 && fields.last().is_some_and(String::is_empty) {
        fields.pop();
    }
    fields
}

fn recipe_of(config: &Value, header: bool) -> Recipe {
    let mut input = json!({"header": header, "allow_empty": true});
    if let Some(delimiter) = config["delimiter"].as_str().filter(|text| text.chars().count() == 1) {
        input["delimiter"] = delimiter.into();
    }
    let comments = &config["comments"];
    if comments == true {
        input["comment"] = "#".into();
    } else if let Some(one) = comments.as_str().filter(|text| text.chars().count() == 1) {
        input["comment"] = one.into();
    }
    recipe(json!({"input": input}))
}
