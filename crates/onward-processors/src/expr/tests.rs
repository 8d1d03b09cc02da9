//! What expressions mean: one table per question.

use super::*;
use serde_json::{Map, Value as Json, json};

struct Names<'a> {
    names: &'a [Arc<str>],
    values: &'a Map<String, Json>,
}

impl<'a> Scope<'a> for Names<'a> {
    fn variable(&self, slot: usize, what: &'a str) -> Value<'a> {
        let value = self.values.get(&*self.names[slot]);
        value.map_or(Value::Missing(what), |json| Value::of_json(json, what))
    }
}

fn values() -> Map<String, Json> {
    let values = json!({
        "handle": "anna", "platform": "tiktok", "followers": "13.8M", "empty": "", "age": 31, "share": 0.5,
        "big": 18_446_744_073_709_551_615u64,
        "status": 200, "headers": { "x-plan": "gold" },
        "body": { "followers": 1200, "country": null, "tags": ["a", "b"], "none": [], "ok": true,
                  "stats": { "views": "845.8K" }, "items": [{ "n": 1 }, { "n": 5 }, {}] },
    });
    let Json::Object(values) = values else { unreachable!("an object is written above") };
    values
}

/// `Ok(json)`, where what is missing is `{"missing": its name}`; or the fault.
fn value_of(source: &str) -> Result<Json, String> {
    let expression = compile(vec![source.to_owned()]).remove(0).map_err(|error| error.message)?;
    let values = values();
    let scope = Names { names: expression.variables(), values: &values };
    match expression.evaluate(&scope) {
        Ok(Value::Missing(name)) => Ok(json!({ "missing": name })),
        Ok(value) => Ok(value.to_json()),
        Err(fault) => Err(fault.message),
    }
}

#[test]
fn present_values_follow_cel() {
    for (source, value) in [
        ("1 + 2 * 3", json!(7)),
        ("7 / 2", json!(3)),
        ("-7 % 3", json!(-1)),
        ("7.0 / 2", json!(3.5)),
        ("age >= 18 && age < 65", json!(true)),
        ("share == 0.5", json!(true)),
        ("age == 31.0", json!(true)),
        ("'a' + 'b'", json!("ab")),
        ("'a' < 'b'", json!(true)),
        ("platform in ['instagram', 'tiktok']", json!(true)),
        ("handle in ['x']", json!(false)),
        ("'a' in body.tags", json!(true)),
        ("'stats' in body", json!(true)),
        ("body.ok ? 'yes' : 'no'", json!("yes")),
        ("!body.ok", json!(false)),
        ("size(body.tags) == 2 && size(handle) == 4", json!(true)),
        ("body.tags[1]", json!("b")),
        ("body['stats'].views", json!("845.8K")),
        ("headers['x-plan']", json!("gold")),
        ("handle.startsWith('an') && handle.endsWith('na') && handle.contains('nn')", json!(true)),
        ("handle.matches('^[a-z]+$')", json!(true)),
        ("matches(handle, '^b')", json!(false)),
        ("'Ab'.lowerAscii() + 'Ab'.upperAscii() + ' x '.trim()", json!("abABx")),
        ("string(age) + string(true) + string(0.5)", json!("31true0.5")),
        ("body.items.exists(i, i.n > 4)", json!(true)),
        ("body.tags.all(t, size(t) == 1)", json!(true)),
        ("body.tags.exists_one(t, t == 'a')", json!(true)),
        ("body.tags.map(t, t + '!')", json!(["a!", "b!"])),
        ("[1, 2, 3].filter(n, n > 1)", json!([2, 3])),
        ("body.tags == ['a', 'b']", json!(true)),
        ("body.stats == body.stats", json!(true)),
        ("body.ok == 1", json!(false)),
        ("double('2')", json!(2.0)),
        ("big > 9223372036854775807", json!(true)),
    ] {
        assert_eq!(value_of(source), Ok(value), "{source}");
    }
}

#[test]
fn numbers_in_text_compare_as_numbers() {
    for (source, value) in [
        ("number(followers)", json!(13_800_000)),
        ("int(followers) >= 1000", json!(true)),
        ("int(body.stats.views) == 845800", json!(true)),
        ("number('12,345')", json!(12_345)),
        ("int('12.9') == 12 && int(-0.5) == 0", json!(true)),
        ("number(body.followers) == 1200", json!(true)),
        ("number('n/a') == null", json!(true)),
        ("int('9223372036854775808')", json!({ "missing": "int('9223372036854775808')" })),
    ] {
        assert_eq!(value_of(source), Ok(value), "{source}");
    }
}

#[test]
fn what_is_missing_is_unknown_and_named() {
    let missing = |name: &str| json!({ "missing": name });
    for (source, value) in [
        ("body.nothing > 5", missing("body.nothing")),
        ("body.country == 'NO'", missing("body.country")),
        ("body.country != 'NO'", missing("body.country")),
        ("body.nothing.deeper.still", missing("body.nothing")),
        ("handle.first", missing("handle.first")),
        ("nobody == 1", missing("nobody")),
        ("number(handle) > 5", missing("number(handle)")),
        ("number(empty)", missing("number(empty)")),
        ("number(body.nothing)", missing("body.nothing")),
        ("body.tags[7]", missing("body.tags[7]")),
        ("body.tags[-1]", missing("body.tags[-1]")),
        ("!body.nothing", missing("body.nothing")),
        ("-body.nothing", missing("body.nothing")),
        ("body.nothing + 1", missing("body.nothing")),
        ("body.nothing ? 1 : 2", missing("body.nothing")),
        ("body.nothing in ['a']", missing("body.nothing")),
        ("'x' in ['a', body.nothing]", missing("body.nothing")),
        ("size(body.nothing) == 0", missing("body.nothing")),
        ("body.nothing.contains('a')", missing("body.nothing")),
        ("body.nothing.exists(i, i > 4)", missing("body.nothing")),
        ("body.items.exists(i, i.n > 9)", missing("i.n")),
        ("body.items.all(i, i.n < 9)", missing("i.n")),
    ] {
        assert_eq!(value_of(source), Ok(value), "{source}");
    }
}

#[test]
fn unknown_gives_way_to_the_side_that_decides() {
    for (source, value) in [
        ("body.nothing > 5 && false", json!(false)),
        ("false && body.nothing > 5", json!(false)),
        ("body.nothing > 5 || true", json!(true)),
        ("true || body.nothing > 5", json!(true)),
        ("body.nothing > 5 && true", json!({ "missing": "body.nothing" })),
        ("body.nothing > 5 || false", json!({ "missing": "body.nothing" })),
        ("body.items.exists(i, i.n > 4)", json!(true)),
        ("body.items.all(i, i.n < 4)", json!(false)),
        ("'a' in ['a', body.nothing]", json!(true)),
    ] {
        assert_eq!(value_of(source), Ok(value), "{source}");
    }
}

#[test]
fn presence_can_be_asked_for() {
    for (source, value) in [
        ("has(body.followers)", true),
        ("has(body.nothing)", false),
        ("has(body.country)", false),
        ("has(body.nothing.deeper)", false),
        ("has(handle.first)", false),
        ("body.country == null", true),
        ("null != body.followers", true),
        ("nobody == null", true),
        ("empty == null", false),
        ("empty == ''", true),
        ("has(body.country) && body.country == 'NO'", false),
    ] {
        assert_eq!(value_of(source), Ok(json!(value)), "{source}");
    }
}

#[test]
fn mistakes_are_told_in_words() {
    for (source, told) in [
        (
            "followers >= 1000",
            "`followers` is the text \"13.8M\", which does not go with a number; write number(followers)",
        ),
        ("status == '404'", "does not go with a number"),
        ("age + 'x'", "write number('x')"),
        ("handle && true", "the text \"anna\" stands where true or false is needed"),
        ("!age", "the number 31 stands where true or false is needed"),
        ("age ? 1 : 2", "true or false is needed"),
        ("body.tags > 1", "`body.tags` is a list"),
        ("1 / 0", "divided by zero"),
        ("9223372036854775807 + 1", "too large"),
        ("size(age)", "cannot tell the size of a number"),
        ("number(body.tags)", "cannot make a number of a list"),
        ("age.contains('3')", "`age.contains('3')` works on text, and found a number"),
        ("age in handle", "`in` needs a list"),
        ("age.exists(a, a)", "is a number, not a list"),
        ("body.tags['a']", "cannot look into a list with text"),
    ] {
        let fault = value_of(source).expect_err(source);
        assert!(fault.contains(told), "{source}: {fault}");
    }
    assert_eq!(value_of("followers >= 1000 || true"), Ok(json!(true)), "a side that decides, decides");
    assert_eq!(value_of("followers >= 1000 && false"), Ok(json!(false)));
}

#[test]
fn what_is_no_expression_is_refused_before_any_row() {
    for (source, told) in [
        ("followers >", "line 1, column"),
        ("", "line 1"),
        ("nmber(followers)", "did you mean `number`?"),
        ("followers.contain('x')", "did you mean `contains`?"),
        ("timestamp('2024')", "there is no function `timestamp`"),
        ("number()", "takes 1 value(s), not 0"),
        ("{'a': 1}", "cannot be written"),
        ("handle.matches(platform)", "written in quotes"),
        ("handle.matches('(')", "the pattern of `matches` is wrong"),
        ("b'ab'", "bytes"),
        ("Thing{a: 1}", "cannot be written"),
    ] {
        let error = value_of(source).expect_err(source);
        assert!(error.contains(told), "{source}: {error}");
    }
}

#[test]
fn nothing_a_recipe_says_stops_the_process() {
    for source in [
        "(".repeat(4_000),
        format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{}true", "!".repeat(4_000)),
        format!("{}1", "-".repeat(4_000)),
        format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000)),
        format!("1{}", " + 1".repeat(1_000)),
        format!("a{}", ".a".repeat(2_000)),
        format!("true{}", " ? true".repeat(500)),
        "x".repeat(5_000),
        "'\u{0}\u{feff}é".to_owned(),
    ] {
        let _ = value_of(&source);
    }
    let many = format!("handle in ['x'{}]", ", 'y'".repeat(600));
    assert_eq!(value_of(&many), Ok(json!(false)), "long is fine where it is not deep");
    let either = vec!["handle == 'x'"; 200].join(" || ");
    assert_eq!(value_of(&either), Ok(json!(false)));
}

#[test]
fn an_evaluation_has_a_budget() {
    let list = format!("[{}]", vec!["1"; 60].join(","));
    let nested =
        format!("{list}.all(a, {list}.all(b, {list}.all(c, {list}.all(d, a == b || c == d || true))))");
    assert!(value_of(&nested).unwrap_err().contains("steps"));
    let growing = format!("[{}].map(x, x + x).map(x, x + x).size()", vec!["'abc'"; 100].join(","));
    assert_eq!(value_of(&growing), Ok(json!(100)));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_makes_the_compiler_panic(text in "[a-c0-9 ()\\[\\]{}.,?:!&|<>=+*/%'\"-]{0,60}") {
        let _ = value_of(&text);
    }
}
