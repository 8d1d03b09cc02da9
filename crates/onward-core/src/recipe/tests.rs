//! What a recipe may say, and what people are told when it says something else.

use super::*;
use crate::retry::RetryPolicy;
use crate::stuck::STUCK_AFTER_MS;

const CONTRACT: &str = r#"
name = "creators"
key = ["handle"]
checkpoint_every = 5

[columns]
handle = ["Instagram name", "username", "handle"]
platform = "Platform"

[work]
kind = "creators"
concurrency = 8
rate = "50/min"
timeout = "30s"
retry = { attempts = 5, base = "500ms", max = "30s" }

[fetch]
url = "https://api.example.com/creators/{{ handle }}"
headers = { authorization = "Bearer {{ secret.CREATORS_API_KEY }}" }
not_found = "status == 404 || size(body.items) == 0"
[filter]
keep = "int(followers) >= 1000 && platform in ['instagram', 'tiktok']"
[add]
table = "creators"
columns = { followers = "number(body.followers)", country = "body.country" }
[breaker]
failures_in_a_row = 10
[stop]
failed_share = 0.5
"#;

/// (line, column, path, nearest) of each error.
fn errors(text: &str) -> Vec<(u64, u64, String, Option<String>)> {
    let problem = Recipe::parse(text).expect_err(text);
    assert_eq!(problem.code.word(), "recipe-invalid");
    let list = problem.facts["errors"].as_array().expect("a list").clone();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    list.iter()
        .map(|one| {
            let number = |name: &str| one[name].as_u64().expect("a number");
            (number("line"), number("column"), text(&one["path"]).expect("a path"), text(&one["nearest"]))
        })
        .collect()
}

fn messages(text: &str) -> Vec<String> {
    let problem = Recipe::parse(text).expect_err(text);
    let list = problem.facts["errors"].as_array().expect("a list").clone();
    list.iter().map(|one| one["message"].as_str().expect("a sentence").to_owned()).collect()
}

#[test]
fn the_recipe_of_the_contract_is_read_and_written_back() {
    let recipe = Recipe::parse(CONTRACT).unwrap();
    assert_eq!(recipe.work.timeout, 30_000);
    assert_eq!(recipe.work.retry, RetryPolicy { attempts: 5, base_ms: 500, max_ms: 30_000 });
    assert_eq!(recipe.columns["handle"].names().len(), 3);
    assert_eq!(recipe.stop.unwrap().failed_share, Some(0.5));
    let json = recipe.to_json();
    assert_eq!(Recipe::parse(&json).unwrap(), recipe);
    assert_eq!(Recipe::from_json(&json).unwrap().to_json(), json);
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe, "serde reads it as well");
}

#[test]
fn the_order_of_writing_does_not_change_the_canonical_form() {
    let one = Recipe::parse("key=['a']\n[work]\nkind='creators'\n[columns]\nb='B'\na='A'").unwrap();
    let json = r#"{"work":{"kind":"creators"},"columns":{"a":"A","b":"B"},"key":["a"]}"#;
    assert_eq!(one.to_json(), Recipe::parse(json).unwrap().to_json());
}

#[test]
fn the_least_recipe_has_the_documented_defaults() {
    let recipe = Recipe::parse("[work]\nkind = \"creators\"").unwrap();
    assert_eq!((recipe.checkpoint_every, recipe.work.concurrency, recipe.work.timeout), (5, 8, 30_000));
    assert_eq!(recipe.work.retry, RetryPolicy::default());
    assert_eq!(recipe.limit_ms(), STUCK_AFTER_MS);
    let patient = Recipe::parse("[work]\nkind = \"creators\"\ntimeout = \"5min\"").unwrap();
    assert_eq!(patient.limit_ms(), 330_000);
    let told = Recipe::parse("[work]\nkind = \"creators\"\nstuck_after = \"10s\"").unwrap();
    assert_eq!(told.limit_ms(), 10_000);
}

#[test]
fn unknown_keys_are_named_with_their_place_and_the_nearest() {
    let text = "kye = ['a']\n[work]\nkind = 'creators'\n  concurency = 3\nretry = { atempts = 2 }\n[fliter]\nkeep = 'true'\n";
    let near = |name: &str| Some(name.to_owned());
    assert_eq!(
        errors(text),
        [
            (1, 1, "kye".to_owned(), near("key")),
            (4, 3, "work.concurency".to_owned(), near("concurrency")),
            (5, 11, "work.retry.atempts".to_owned(), near("attempts")),
            (6, 2, "fliter".to_owned(), near("filter")),
        ]
    );
    assert!(messages("zzz = 1\n[work]\nkind='creators'")[0].contains("known here are name, key"));
}

#[test]
fn errors_in_json_have_places_too() {
    let text = "{\n \"work\": {\"kind\": \"creators\",\n  \"concurrency\": 0, \"tiemout\": \"1s\"}}";
    let found = errors(text);
    assert_eq!(found[0], (3, 18, "work.concurrency".to_owned(), None));
    assert_eq!(found[1], (3, 21, "work.tiemout".to_owned(), Some("timeout".to_owned())));
}

#[test]
fn values_out_of_range_are_told_the_allowed_range() {
    for (line, allowed) in [
        ("concurrency = 0", "from 1 to 10000"),
        ("concurrency = -1", "from 1 to 10000"),
        ("concurrency = 1_000_000_000", "from 1 to 10000"),
        ("concurrency = 1.5", "`work.concurrency` is 1.5; allowed is a whole number from 1 to 10000"),
        ("concurrency = '8'", "is text; allowed"),
        ("rate = 'inf'", "a rate is a whole number from 1 to 1,000,000"),
        ("timeout = '0s'", "from 1ms to 3600s"),
        ("timeout = '2h'", "out of range"),
        ("timeout = 30", "must be text, not a whole number"),
        ("timeout = 'soon'", "no duration"),
        ("retry = { attempts = 0 }", "from 1 to 100"),
        ("retry = { base = '2s', max = '1s' }", "shorter than"),
        ("stuck_after = '1ms'", "from 1s"),
        ("kind = 'creator'", "allowed are creators, http, command"),
    ] {
        let kind = if line.starts_with("kind") { "" } else { "kind = 'creators'\n" };
        let found = messages(&format!("[work]\n{kind}{line}\n"));
        assert!(found.len() == 1 && found[0].contains(allowed), "{line}: {found:?}");
    }
    for (text, allowed) in [
        ("checkpoint_every = 0\n", "from 1 to 10000"),
        ("[stop]\nfailed_share = 0\n", "above 0 and up to 1"),
        ("[stop]\nfailed_share = 1.5\n", "above 0 and up to 1"),
        ("[stop]\nfailed_share = nan\n", "above 0 and up to 1"),
        ("[stop]\nfailed_rows = 0\n", "from 1 to"),
        ("[breaker]\n", "needs `failures_in_a_row`"),
        ("[add]\ntable = 'Robert; drop'\n", "is no name for a list"),
        ("[add]\ntable = 'a23456789012345678901234567890123456789012345678x'\n", "at most 48"),
        ("[fetch]\n", "`fetch.url` is missing"),
        ("[filter]\nkeep = ''\n", "is empty"),
        ("[input]\ndelimiter = ';;'\n", "one character"),
        ("[columns]\n'my field' = 'x'\n", "no name for a field"),
        ("[columns]\nhandle = []\n", "names no header"),
        ("[columns]\nstatus = 'Status'\n[fetch]\nurl = 'http://a/'\n", "give the field another name"),
    ] {
        let found = messages(&format!("{text}[work]\nkind = 'creators'\n"));
        assert!(found.len() == 1 && found[0].contains(allowed), "{text}: {found:?}");
    }
}

#[test]
fn keys_of_another_kind_of_work_are_refused() {
    for (text, told) in [
        ("[work]\nkind = 'http'\n", "http work needs `work.url`"),
        ("[work]\nkind = 'command'\n", "command work needs `work.command`"),
        ("[work]\nkind = 'command'\ncommand = []\n", "is empty"),
        ("[work]\nkind = 'creators'\nurl = 'http://a/'\n", "`url` in `[fetch]`"),
        ("[work]\nkind = 'http'\nurl = 'http://a/'\nmode = 'row'\n", "does not belong to http work"),
        ("[work]\nkind = 'http'\nurl = 'http://a/'\n[filter]\nkeep = 'true'\n", "creators work only"),
        ("key = ['a']\n", "`[work]` is missing"),
        ("[work]\nconcurrency = 3\n", "`work.kind` is missing"),
    ] {
        let found = messages(text);
        assert!(found.len() == 1 && found[0].contains(told), "{text}: {found:?}");
    }
    let command = "[work]\nkind = 'command'\ncommand = ['python3', 'row.py']\nmode = 'lines'\n";
    assert_eq!(Recipe::parse(command).unwrap().work.mode, Some(CommandMode::Lines));
}

#[test]
fn text_that_is_no_recipe_at_all_says_where_it_ends_to_be_one() {
    assert_eq!(errors("[work]\nkind = creators\n")[0].0, 2);
    assert_eq!(errors("{\"work\": {\"kind\": \"creators\"},}")[0].0, 1);
    assert!(messages("{\"key\": [], \"key\": []}")[0].contains("twice"));
    assert!(messages("{} x")[0].starts_with("this is not JSON"));
    let deep = format!("{{\"work\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(Recipe::parse(&deep).is_err());
    let deep = format!("{{\"work\":{}1{}}}", "{\"a\":".repeat(100), "}".repeat(100));
    assert!(Recipe::parse(&deep).is_err());
    assert!(Recipe::parse(&"x".repeat(300_000)).is_err());
    assert!(Recipe::parse(&format!("a = {}{}", "[".repeat(5_000), "]".repeat(5_000))).is_err());
}

#[test]
fn a_byte_order_mark_before_a_recipe_is_no_error() {
    assert!(Recipe::parse("\u{feff}[work]\nkind = 'creators'\n").is_ok());
    assert!(Recipe::parse("\u{feff}{\"work\":{\"kind\":\"creators\"}}").is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]{}=\"'a-z0-9.,:\n #é-]{0,200}") {
        let _ = Recipe::from_toml(&text);
        let _ = Recipe::from_json(&text);
    }
}

#[test]
fn what_becomes_of_rows_in_doubt_is_said_with_all_it_needs() {
    let http = "[work]\nkind = \"http\"\nurl = \"http://x/\"\n";
    let read = |more: &str| Recipe::parse(&format!("{http}{more}")).unwrap().in_doubt.unwrap();
    assert_eq!(read("[in_doubt]\npolicy = \"hold\"").policy, Policy::Hold);
    assert_eq!(read("[in_doubt]\npolicy = \"ask\"\nurl = \"http://x/{{ id }}\"").policy, Policy::Ask);
    let wrong = |more: &str| messages(&format!("{http}{more}")).remove(0);
    assert!(wrong("[in_doubt]\npolicy = \"ask\"").contains("`in_doubt.url` is missing"));
    assert!(wrong("[in_doubt]\npolicy = \"hold\"\nurl = \"http://x/\"").contains("needs policy = \"ask\""));
    assert!(wrong("[in_doubt]\npolicy = \"wait\"").contains("allowed are retry, hold, ask"));
    let creators = "[work]\nkind = \"creators\"\n[in_doubt]\npolicy = \"hold\"";
    assert!(messages(creators).remove(0).contains("belongs to http and command work"));
}
