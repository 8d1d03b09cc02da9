//! Http work at targets that are not the user's own: templates, rules, batches, redirects.

use crate::support::{Server, call, one, processor, settings, told, verdict};
use axum::body::Body;
use axum::http::Response;
use onward_core::processor::{Answer, Processor};
use onward_core::recipe::Recipe;
use onward_core::row::Outcome;
use onward_processors::{Outbound, Settings, build};
use serde_json::{Value, json};

const ANNA: [&str; 3] = ["anna", "tiktok", "13.8K"];

fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// Http work with these lines in `[work]` and these in `[answer]`.
fn work(url: &str, lines: &str, answer: &str) -> std::sync::Arc<dyn Processor> {
    processor(&format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{url}'\n{lines}\n[answer]\n{answer}\n"
    ))
}

/// What becomes of Anna under these rules when the target answers this.
async fn judged(answer: &str, status: u16, body: &'static str) -> Answer {
    let server = Server::start(move |_| reply(status, &[], body)).await;
    one(&*work(&format!("{}/x", server.base), "method = 'GET'", answer), ANNA).await
}

#[tokio::test]
async fn a_call_is_made_as_the_target_wants_it_and_no_value_leaves_its_place() {
    let server = Server::start(|_| reply(200, &[], "{}")).await;
    let lines = "method = 'PUT'\nbody = '''{\"name\":\"@{{ handle }}\",\"n\":{{ followers | number }}}'''\n\
                 headers = { authorization = 'Bearer {{ secret.API_KEY }}', x-platform = '{{ platform }}' }";
    let work = work(&format!("{}/c/{{{{ handle }}}}?p={{{{ platform }}}}", server.base), lines, "");
    assert_eq!(work.check().await, Ok(()));
    let evil = "a/../b?c#d\" \\";
    assert_eq!(told(one(&*work, [evil, "x y&z=1", "13.8K"]).await).0, Outcome::Added);
    let seen = server.seen().remove(0);
    assert_eq!(seen.uri, "/c/a%2F..%2Fb%3Fc%23d%22%20%5C?p=x%20y%26z%3D1");
    assert_eq!(
        serde_json::from_slice::<Value>(&seen.body).unwrap(),
        json!({ "name": format!("@{evil}"), "n": 13_800 })
    );
    assert_eq!(
        (&seen.headers["authorization"], &seen.headers["x-platform"]),
        (&"Bearer canary-42".parse().unwrap(), &"x y&z=1".parse().unwrap())
    );
    let (outcome, code, _) = told(one(&*work, ["anna", "a\r\nx-evil: 1", "1"]).await);
    assert_eq!((outcome, code.as_str(), server.seen().len()), (Outcome::Failed, "bad-header", 1));
}

#[tokio::test]
async fn rules_decide_and_the_status_alone_does_not() {
    let rules = "fatal = 'status == 402'\nquota = \"status == 403 && body.error.errors.exists(e, e.reason == 'quotaExceeded')\"\n\
                 throttled = 'body.slow == true'\nretry = 'body.status >= 500'\nnot_found = 'size(body.items) == 0'\n\
                 failed = 'has(body.error)'\nfiltered = 'body.small == true'\nskipped = 'status == 409'\nadded = 'size(body.items) > 0'\n\
                 message = 'body.why'\nresult = 'body.items[0]'";
    for (status, body, outcome, code, message) in [
        (200, r#"{"items":[{"id":7}]}"#, Outcome::Added, "added", "added"),
        (409, "", Outcome::Skipped, "skipped", "skipped"),
        (
            200,
            r#"{"error":true,"status":400,"message":"bad canary-42"}"#,
            Outcome::Failed,
            "failed",
            "bad (secret)",
        ),
        (200, r#"{"small":true,"why":"too\nsmall"}"#, Outcome::Filtered, "filtered", "too small"),
        (
            200,
            "<html>",
            Outcome::Failed,
            "unexpected-answer",
            "no rule of `[answer]` fits the answer (status 200)",
        ),
    ] {
        let found = told(judged(rules, status, body).await);
        assert_eq!(found, (outcome, code.to_owned(), message.to_owned()), "{status} {body}");
    }
    let kept = verdict(judged(rules, 200, r#"{"items":[{"id":7,"echo":"canary-42"}]}"#).await).result;
    assert_eq!(kept.as_deref(), Some(r#"{"echo":"(secret)","id":7}"#));
    let quota = r#"{"error":{"errors":[{"reason":"quotaExceeded"}],"message":"no quota"}}"#;
    for (status, body, code) in [(402, "", "fatal"), (403, quota, "quota-exhausted")] {
        let answer = judged(rules, status, body).await;
        assert!(matches!(&answer, Answer::Fatal { code: found, .. } if found == code), "{answer:?}");
    }
    assert!(matches!(judged(rules, 200, r#"{"slow":true}"#).await, Answer::Throttled { .. }));
    assert!(matches!(judged(rules, 200, r#"{"error":true,"status":503}"#).await, Answer::Retry { .. }));
    assert!(
        matches!(judged(rules, 500, "").await, Answer::Retry { .. }),
        "a status without a rule keeps its meaning"
    );
    assert!(matches!(judged(rules, 200, r#"{"items":[]}"#).await, Answer::Confirm(_)), "asked once more");
    assert_eq!(told(judged("added = 'status'", 200, "{}").await).1, "answer-error");
}

#[tokio::test]
async fn a_refused_key_of_the_recipe_s_own_stops_the_job() {
    let server = Server::start(|_| reply(401, &[], "")).await;
    let keyed = work(&server.base, "method = 'GET'\nheaders = { x = '{{ secret.API_KEY }}' }", "");
    assert!(matches!(one(&*keyed, ANNA).await, Answer::Fatal { code, .. } if code == "unauthorized"));
    let keyless = work(&server.base, "method = 'GET'", "");
    assert_eq!(told(one(&*keyless, ANNA).await).1, "http-4xx");
}

#[tokio::test]
async fn many_ids_go_out_in_one_call_and_each_row_finds_its_own_element() {
    let body = json!({ "items": [{ "id": "C" }, { "id": "a b", "n": 1 }, { "id": "X" }] }).to_string();
    let server = Server::start(move |_| reply(200, &[], body.clone())).await;
    let lines = "method = 'GET'\nbatch = 3\n";
    let answer = "items = 'body.items'\nmatch = 'item.id == handle'\nresult = 'item.n'";
    let rows = [["a b", "", ""], ["b", "", ""], ["C", "", ""]];
    let comma = work(&format!("{}/?id={{{{ handle }}}}", server.base), lines, answer);
    let answers = comma.process(&call(&rows)).await;
    assert!(
        matches!(&answers[..], [Answer::Done(a), Answer::Confirm(_), Answer::Done(_)] if a.result.as_deref() == Some("1")),
        "{answers:?}"
    );
    let twitch = format!("{lines}join = '&login='\nmissing = 'not-found'");
    let twitch = work(&format!("{}/?login={{{{ handle }}}}", server.base), &twitch, answer);
    let answers = twitch.process(&call(&rows)).await;
    assert!(matches!(&answers[1], Answer::Done(verdict) if verdict.code == "not-found"), "{answers:?}");
    let seen = server.seen();
    assert_eq!(
        (seen[0].uri.as_str(), seen[1].uri.as_str()),
        ("/?id=a%20b,b,C", "/?login=a%20b&login=b&login=C")
    );
    assert!(!seen[0].headers.contains_key("idempotency-key"), "a batch has no key as a whole");
    assert_eq!(comma.needs(), ["handle"]);
}

#[tokio::test]
async fn bodies_of_a_batch_are_a_list_and_a_bad_row_does_not_take_its_neighbours_with_it() {
    let server = Server::start(|seen| {
        let rows: Vec<Value> = serde_json::from_slice(&seen.body).unwrap();
        reply(201, &[], Value::Array(rows).to_string())
    })
    .await;
    let lines = "batch = 2\nbody = '{\"h\":\"{{ handle }}\"}'";
    let work = work(
        &format!("{}/?x={{{{ platform }}}}", server.base),
        lines,
        "items = 'body'\nmatch = 'item.h == handle'",
    );
    let answers = work.process(&call(&[["a", "p", ""], ["b", &"x".repeat(9_000), ""]])).await;
    let codes: Vec<_> = answers.into_iter().map(|answer| told(answer).1).collect();
    assert_eq!(codes, ["added", "bad-url"]);
}

#[tokio::test]
async fn a_target_of_ones_own_gets_the_rows_and_answers_by_row_or_by_key() {
    let answer =
        json!({ "rows": [{ "key": "b", "outcome": "skipped" }, { "row": 1, "outcome": "added", "result": 5 },
                                  { "row": 3, "outcome": "done" }, { "row": 99, "outcome": "added" }] })
        .to_string();
    let server = Server::start(move |_| reply(200, &[], answer.clone())).await;
    let work =
        processor(&format!("key = ['handle']\n[work]\nkind = 'http'\nurl = '{}/'\nbatch = 4\n", server.base));
    let answers = work.process(&call(&[["a", "", ""], ["b", "", ""], ["c", "", ""], ["d", "", ""]])).await;
    assert!(matches!(&answers[3], Answer::Confirm(_)), "left out: asked alone");
    let codes: Vec<_> = answers.into_iter().map(|answer| told(answer).1).collect();
    assert_eq!(codes, ["added", "skipped", "bad-answer", "not-found"]);
    let sent: Value = serde_json::from_slice(&server.seen()[0].body).unwrap();
    assert_eq!(sent["rows"][1]["row"], 2);
    assert_eq!(sent["rows"][1]["idempotency_key"], "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000/2/1");
}

#[tokio::test]
async fn an_answer_may_ask_for_another_try() {
    let server =
        Server::start(|_| reply(200, &[], r#"{"outcome":"retry","message":"busy","wait_ms":70}"#)).await;
    let work = processor(&format!("[work]\nkind = 'http'\nurl = '{}/'\n", server.base));
    assert!(matches!(one(&*work, ANNA).await, Answer::Retry { wait_ms: Some(70), .. }));
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_the_recipe_allows_and_secrets_stay_behind() {
    let elsewhere = Server::start(|_| reply(200, &[], "{}")).await;
    let base = elsewhere.base.clone();
    let server = Server::start(move |seen| match seen.uri.as_str() {
        "/here" => reply(302, &[("location", "/there")], ""),
        "/there" => reply(307, &[("location", &format!("{base}/end"))], ""),
        "/inside" => reply(302, &[("location", "http://169.254.169.254/latest")], ""),
        "/loop" => reply(302, &[("location", "/loop")], ""),
        "/file" => reply(302, &[("location", "file:///etc/passwd")], ""),
        _ => reply(404, &[], ""),
    })
    .await;
    let lines = "method = 'GET'\nredirects = 3\nheaders = { x-key = '{{ secret.API_KEY }}', authorization = 'plain', x-plain = 'stays' }";
    let get = |path: &str| work(&format!("{}{path}", server.base), lines, "");
    assert_eq!(told(one(&*get("/here"), ANNA).await).0, Outcome::Added);
    let end = elsewhere.seen().remove(0);
    assert_eq!((end.uri.as_str(), &end.headers["x-plain"]), ("/end", &"stays".parse().unwrap()));
    assert!(
        !end.headers.contains_key("x-key") && !end.headers.contains_key("authorization"),
        "{:?}",
        end.headers
    );
    assert!(server.seen()[1].headers.contains_key("x-key"), "the same host sees them");
    for (path, code) in [("/inside", "blocked-address"), ("/file", "blocked-address"), ("/loop", "http-3xx")]
    {
        assert_eq!(told(one(&*get(path), ANNA).await).1, code, "{path}");
    }
    assert_eq!(
        server.seen().iter().filter(|seen| seen.uri == "/loop").count(),
        4,
        "one call and three redirects"
    );
    let post = work(&format!("{}/here", server.base), "redirects = 3", "");
    assert_eq!(told(one(&*post, ANNA).await).1, "http-3xx", "what is sent is not turned into a question");
}

#[tokio::test]
async fn a_redirect_to_a_name_that_leads_inside_is_not_followed() {
    let server = Server::start(|_| reply(302, &[("location", "http://localhost:1/")], "")).await;
    let allow = vec!["127.0.0.1/32".parse().unwrap()];
    let public = Settings { outbound: Outbound::PublicOnly { allow }, ..settings() };
    let recipe = format!("[work]\nkind = 'http'\nmethod = 'GET'\nredirects = 3\nurl = '{}/'\n", server.base);
    let work = build(&Recipe::parse(&recipe).unwrap(), &public).unwrap();
    // `localhost` is 127.0.0.1 and, where the machine has it, ::1: one refused address refuses the name.
    let code = told_or_broken(one(&*work, ANNA).await);
    assert!(["blocked-address", "unreachable"].contains(&code.as_str()), "{code}");
    let private = format!("[work]\nkind = 'http'\nmethod = 'GET'\nredirects = 3\nurl = '{}/'\n", server.base);
    let inside = Server::start(|_| reply(302, &[("location", "http://10.255.255.1:1/")], "")).await;
    let private = private.replace(&server.base, &inside.base);
    let work = build(&Recipe::parse(&private).unwrap(), &public).unwrap();
    assert_eq!(told_or_broken(one(&*work, ANNA).await), "blocked-address");
}

fn told_or_broken(answer: Answer) -> String {
    if let Answer::Retry { code, .. } = answer { code.into_owned() } else { told(answer).1 }
}

#[tokio::test]
async fn headers_without_an_end_and_cookies_do_no_harm() {
    let cookies = Server::start(|_| reply(200, &[("set-cookie", "a=b")], "")).await;
    let work = processor(&format!("[work]\nkind = 'http'\nurl = '{}/'\n", cookies.base));
    one(&*work, ANNA).await;
    one(&*work, ANNA).await;
    assert!(cookies.seen().iter().all(|seen| !seen.headers.contains_key("cookie")), "cookies are not kept");
    let long = "x".repeat(600_000);
    let huge = Server::start(move |_| reply(200, &[("x-long", &long)], "")).await;
    let work = processor(&format!("[work]\nkind = 'http'\nurl = '{}/'\n", huge.base));
    let answer = one(&*work, ANNA).await;
    assert!(matches!(&answer, Answer::Retry { .. }), "{answer:?}");
}

#[test]
fn a_recipe_that_cannot_work_is_refused() {
    for (lines, path) in [
        ("body = '{\"a\":{{ handle }}}'", "work.body"),
        ("body = '{{ handle'", "work.body"),
        ("headers = { idempotency-key = 'x' }", "work.headers.idempotency-key"),
        ("method = 'GET'\nbatch = 2", "work.batch"),
        ("batch = 2\nheaders = { x = '{{ handle }}' }", "work.headers.x"),
    ] {
        let recipe = format!("[work]\nkind = 'http'\nurl = 'http://a.example/{{{{ secret.X }}}}'\n{lines}\n");
        let recipe = recipe.replace("/{{ secret.X }}", "/");
        let problem = build(&Recipe::parse(&recipe).unwrap(), &settings()).err().expect(lines);
        assert_eq!(problem.facts["errors"][0]["path"], path, "{lines}: {problem}");
    }
}
