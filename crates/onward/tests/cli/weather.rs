//! A target that misbehaves in every way there is: each row ends as it must, and none harms another.

use std::collections::HashMap;

use onward_testkit::upstream::{Behaviour, Reply, Reset};
use onward_testkit::{Script, Upstream};
use serde_json::Value;

use super::desk::Desk;

const RUN: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];

fn rules(upstream: &Upstream) -> String {
    format!(
        "key = ['handle']\n[work]\nkind = 'http'\nmethod = 'GET'\nurl = '{}/creators/{{{{ handle }}}}'\nredirects = 1\n\
         timeout = '1s'\nretry = {{ attempts = 2, base = '20ms' }}\n[answer]\nnot_found = 'size(body.items) == 0'\n\
         failed = 'body.error == true'\nadded = 'has(body.handle)'\n",
        upstream.url()
    )
}

/// Outcome, code and message by key.
fn outcomes(desk: &Desk) -> HashMap<String, (String, String)> {
    let listed = desk.type_in(&["rows", "last", "--limit", "1000", "--json"]).ends_with(0).out;
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("key"), (text("outcome"), text("code")))
    };
    listed.lines().map(row).collect()
}

#[test]
fn every_way_to_misbehave_ends_in_the_right_outcome() {
    let desk = Desk::new();
    let cases = [
        ("fine", Reply::Found, "added", "added", 1),
        ("once", Reply::NotFoundOnce, "added", "added", 2),
        ("nobody", Reply::NotFound, "failed", "not-found", 2),
        ("sick", Reply::ServerError { times: 1 }, "added", "added", 2),
        ("dead", Reply::ServerError { times: 9 }, "failed", "http-5xx", 2),
        ("lost", Reply::Lost { times: 1 }, "added", "added", 2),
        ("inside", Reply::ErrorInside, "failed", "failed", 1),
        ("private", Reply::Forbidden, "failed", "not-allowed", 1),
        ("page", Reply::Html, "failed", "unexpected-answer", 1),
        ("short", Reply::Truncated, "failed", "unexpected-answer", 1),
        ("endless", Reply::Endless, "failed", "answer-too-large", 1),
        ("bomb", Reply::Bomb, "failed", "answer-too-large", 1),
        ("drips", Reply::Dripping, "failed", "timeout", 2),
        ("hangs", Reply::Hang, "failed", "timeout", 2),
        ("moved", Reply::Moved, "added", "added", 2),
    ];
    let storms = Reset::ALL.map(|reset| (format!("storm-{reset:?}").to_lowercase(), Reply::Storm(reset)));
    let mut script = Script::default();
    for (handle, reply, ..) in cases {
        script = script.handle(handle, Behaviour::reply(reply));
    }
    for (handle, reply) in &storms {
        script = script.handle(handle, Behaviour::reply(*reply));
    }
    let upstream = Upstream::start(script).unwrap();
    desk.write("recipe.toml", &rules(&upstream));
    let handles = cases.iter().map(|case| case.0).chain(storms.iter().map(|storm| storm.0.as_str()));
    let csv: String = std::iter::once("handle").chain(handles).map(|line| format!("{line}\n")).collect();
    desk.write("creators.csv", &csv);
    desk.type_in(RUN).ends_with(3);
    let found = outcomes(&desk);
    let calls = |handle: &str| upstream.calls().iter().filter(|call| call.handle == handle).count();
    for (handle, _, outcome, code, count) in cases {
        assert_eq!(found[handle], (outcome.to_owned(), code.to_owned()), "{handle}");
        assert_eq!(calls(handle), count, "{handle}");
    }
    for (handle, _) in &storms {
        assert_eq!(found[handle].0, "added", "being throttled costs no row its outcome: {handle}");
        assert_eq!(calls(handle), 2, "{handle} was asked again before it was allowed");
    }
    desk.type_in(&["verify", "last"]).ends_with(0);
}

#[test]
fn an_answer_that_is_lost_gives_no_second_effect_where_the_key_is_honoured() {
    let desk = Desk::new();
    let handle = |row: u32| format!("creator-{row}");
    let mut script = Script::default().honours_keys();
    for row in (1..=200).step_by(20) {
        script = script.handle(handle(row), Behaviour::reply(Reply::Lost { times: 1 }));
    }
    let upstream = Upstream::start(script).unwrap();
    let retry = "retry = { base = '10ms' }";
    desk.write(
        "recipe.toml",
        &format!("key = ['handle']\n[work]\nkind = 'http'\nurl = '{}/rows'\n{retry}\n", upstream.url()),
    );
    let csv: String = (1..=200).map(|row| format!("{}\n", handle(row))).collect();
    desk.write("creators.csv", &format!("handle\n{csv}"));
    desk.type_in(RUN).ends_with(0);
    assert_eq!(upstream.count(), 210, "ten answers were lost, and those rows were asked again");
    assert!((1..=200).all(|row| upstream.effects(&handle(row)) == 1), "one effect each");
}
