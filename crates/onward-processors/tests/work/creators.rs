//! The creators work against real servers, well-behaved and not.

use crate::support::{Server, call, creators, one, processor, settings, told, verdict};
use axum::body::Body;
use axum::http::Response;
use onward_core::pace::MAX_WAIT_MS;
use onward_core::processor::Answer;
use onward_core::recipe::Recipe;
use onward_core::row::Outcome;
use onward_processors::{Outbound, Settings, build};
use serde_json::json;
use tokio::io::AsyncReadExt;

const ANNA: [&str; 3] = ["@Anna.Lee", "tiktok", "13.8M"];

fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// What becomes of Anna when the server always answers this.
async fn answered(status: u16, headers: &'static [(&str, &str)], body: &'static str) -> Answer {
    let server = Server::start(move |_| reply(status, headers, body)).await;
    one(&*creators(&server, ""), ANNA).await
}

#[tokio::test]
async fn without_a_fetch_the_row_s_own_fields_are_added_to_the_usual_list() {
    let work = processor("key = ['handle']\n[work]\nkind = 'creators'\n");
    assert!(!work.calls_out());
    let verdict = verdict(one(&*work, ANNA).await);
    let creator = verdict.creator.unwrap();
    assert_eq!((verdict.outcome, &*verdict.code), (Outcome::Added, "added"));
    assert_eq!((&*creator.table, &*creator.key), ("creators", "@anna.lee"));
    assert_eq!(&*creator.data, r#"{"handle":"@Anna.Lee","platform":"tiktok","followers":"13.8M"}"#);
}

#[tokio::test]
async fn without_a_key_every_row_stands_for_itself() {
    let work = processor("[work]\nkind = 'creators'\n");
    let mut call = call(&[ANNA]);
    let mut row = (*call.rows[0]).clone();
    row.key = "".into();
    call.rows[0] = row.into();
    let creator = verdict(work.process(&call).await.remove(0)).creator.unwrap();
    assert_eq!(&*creator.key, "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000/1");
}

#[tokio::test]
async fn rows_are_filtered_by_what_people_write_and_what_is_missing_is_unknown() {
    let work = processor(
        "key = ['handle']\n[work]\nkind = 'creators'\n[filter]\nkeep = \"int(followers) >= 1000 && platform in ['instagram', 'tiktok']\"\n",
    );
    let rows = [
        ANNA,
        ["bo", "tiktok", "999"],
        ["cy", "twitch", "12,345"],
        ["di", "tiktok", "n/a"],
        ["ed", "twitch", "n/a"],
    ];
    let answers = work.process(&call(&rows)).await;
    let found: Vec<_> =
        answers.into_iter().map(told).map(|(outcome, code, _)| (outcome.word(), code)).collect();
    let expected = [
        ("added", "added"),
        ("filtered", "filtered"),
        ("filtered", "filtered"),
        ("filtered", "filter-unknown"),
        ("filtered", "filtered"),
    ];
    assert_eq!(found, expected.map(|(outcome, code)| (outcome, code.to_owned())));
    let (_, _, message) = told(one(&*work, ["di", "tiktok", "n/a"]).await);
    assert_eq!(message, "the filter cannot tell: `int(followers)` has no value");
}

#[tokio::test]
async fn a_filter_that_compares_text_with_a_number_fails_the_row_and_names_the_way_out() {
    let work = processor("[work]\nkind = 'creators'\n[filter]\nkeep = 'followers >= 1000'\n");
    let (outcome, code, message) = told(one(&*work, ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "filter-error"));
    assert!(message.contains("number(followers)"), "{message}");
    let work = processor("[work]\nkind = 'creators'\n[filter]\nkeep = 'followers'\n");
    let (outcome, code, _) = told(one(&*work, ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "filter-error"));
}

#[tokio::test]
async fn columns_are_made_of_the_row_and_the_answer() {
    let body = json!({ "followers": "845.8K", "country": "NO", "tags": ["a"] }).to_string();
    let server = Server::start(move |_| reply(200, &[], body.clone())).await;
    let more = "[add]\ntable = 'people'\ncolumns = { followers = 'number(body.followers)', country = 'body.country', city = 'body.city', tags = 'body.tags', 'a \"b\"' = 'platform' }\n[filter]\nkeep = \"number(body.followers) > 800000\"";
    let work = creators(&server, more);
    assert!(work.calls_out());
    let creator = verdict(one(&*work, ANNA).await).creator.unwrap();
    let data: serde_json::Value = serde_json::from_str(&creator.data).unwrap();
    assert_eq!(&*creator.table, "people");
    assert_eq!(
        data,
        json!({ "followers": 845_800, "country": "NO", "city": null, "tags": ["a"], "a \"b\"": "tiktok" })
    );
    let wrong = creators(&server, "[add]\ncolumns = { x = 'body.tags + 1' }");
    let (outcome, code, _) = told(one(&*wrong, ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "column-error"));
}

#[tokio::test]
async fn a_look_up_sends_the_clean_handle_the_secret_and_the_stable_key() {
    let server = Server::start(|_| reply(200, &[], "{}")).await;
    let recipe = format!(
        "key = ['handle']\n[work]\nkind = 'creators'\n[fetch]\nurl = '{}/c/{{{{ handle }}}}?p={{{{ platform }}}}'\nheaders = {{ authorization = 'Bearer {{{{ secret.API_KEY }}}}', x-platform = '{{{{ platform }}}}' }}\n",
        server.base
    );
    let work = processor(&recipe);
    assert_eq!(work.check().await, Ok(()));
    assert_eq!(
        told(one(&*work, ["https://www.instagram.com/Anna.Lee/", "a b/c?", "1"]).await).0,
        Outcome::Added
    );
    let seen = server.seen().remove(0);
    assert_eq!(seen.uri, "/c/Anna.Lee?p=a%20b%2Fc%3F");
    assert_eq!(seen.headers["authorization"], "Bearer canary-42");
    assert_eq!(seen.headers["x-platform"], "a b/c?");
    assert_eq!(seen.headers["idempotency-key"], "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000/1/1");
    assert!(seen.headers["user-agent"].to_str().unwrap().starts_with("onward/"));
    let (outcome, code, message) = told(one(&*work, ["anna", "a\r\nx-evil: 1", "1"]).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "bad-header"), "{message}");
    for handle in ["..", "@", "https://www.instagram.com/../"] {
        assert_eq!(told(one(&*work, [handle, "x", "1"]).await).0, Outcome::Failed, "{handle}");
    }
    assert_eq!(server.seen().len(), 1, "none of these was called");
}

#[tokio::test]
async fn a_missing_secret_is_told_before_the_job_starts_and_never_by_value() {
    let recipe = "[work]\nkind = 'creators'\n[fetch]\nurl = 'http://127.0.0.1:1/{{ handle }}'\nheaders = { a = '{{ secret.OTHER }}' }\n";
    let work = processor(recipe);
    let error = work.check().await.unwrap_err();
    assert_eq!(error.code.word(), "secret-missing");
    assert!(error.message.contains("ONWARD_SECRET_OTHER"), "{error}");
    assert!(matches!(one(&*work, ANNA).await, Answer::Fatal { .. }));
}

#[tokio::test]
async fn statuses_decide_what_becomes_of_the_row() {
    for (status, body, code, message) in [
        (404, "", "not-found", "does not know it"),
        (403, r#"{"error":"this profile is private"}"#, "not-allowed", "this profile is private"),
        (403, "<html>", "not-allowed", "does not show it"),
        (400, r#"{"message":"no such platform"}"#, "http-4xx", "answered 400: no such platform"),
        (410, "", "http-4xx", "410"),
        (301, "", "http-3xx", "a redirect that is not followed"),
        (200, "not json", "bad-answer", "not JSON"),
        (200, "{\"a\":", "bad-answer", "not JSON"),
    ] {
        let (outcome, found, told) = told(answered(status, &[], body).await);
        assert_eq!((outcome, found.as_str()), (Outcome::Failed, code), "{status} {body}");
        assert!(told.contains(message), "{status} {body}: {told}");
    }
    for status in [200, 204] {
        assert_eq!(told(answered(status, &[], "").await).0, Outcome::Added, "an empty answer is an answer");
    }
    let dead = answered(401, &[], r#"{"error":"canary-42"}"#).await;
    assert!(matches!(&dead, Answer::Fatal { code, .. } if code == "unauthorized"), "{dead:?}");
    let echo = told(answered(403, &[], r#"{"error":"bad key canary-42"}"#).await).2;
    assert_eq!(echo, "bad key (secret)");
}

#[tokio::test]
async fn what_may_work_later_is_tried_again() {
    for (status, headers, wait) in [
        (500, &[][..], None),
        (502, &[], None),
        (503, &[], None),
        (408, &[], None),
        (425, &[], None),
        (500, &[("retry-after", "3")], Some(3_000)),
    ] {
        let answer = answered(status, headers, "oops").await;
        let Answer::Retry { wait_ms, message, .. } = answer else { panic!("{status}: {answer:?}") };
        assert_eq!(wait_ms, wait, "{status}");
        assert!(message.contains(&status.to_string()), "{message}");
    }
}

#[tokio::test]
async fn being_throttled_costs_no_try_and_waits_as_long_as_asked() {
    for (status, headers, wait) in [
        (429, &[][..], 1_000),
        (429, &[("retry-after", "2")], 2_000),
        (429, &[("retry-after", "0")], 100),
        (429, &[("retry-after", "-1")], 100),
        (429, &[("retry-after", "99999999999")], MAX_WAIT_MS),
        (429, &[("retry-after", "gibberish")], 1_000),
        (429, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], 100),
        (429, &[("ratelimit-reset", "7")], 7_000),
        (429, &[("x-ratelimit-reset", "8")], 8_000),
        (503, &[("retry-after", "4")], 4_000),
    ] {
        let answer = answered(status, headers, "").await;
        let Answer::Throttled { wait_ms, .. } = answer else { panic!("{status} {headers:?}: {answer:?}") };
        assert_eq!(wait_ms, wait, "{status} {headers:?}");
    }
}

#[tokio::test]
async fn a_200_that_says_not_found_is_not_found() {
    let server = Server::start(|seen| match seen.uri.as_str() {
        "/creators/gone" => reply(200, &[], r#"{"error":"not found"}"#),
        "/creators/empty" => reply(200, &[], r#"{"items":[]}"#),
        "/creators/private" => reply(403, &[], r#"{"error":"this profile is private"}"#),
        "/creators/teapot" => reply(418, &[], r#"{"error":"unknown here"}"#),
        _ => reply(200, &[("x-kind", "real")], r#"{"items":[1]}"#),
    })
    .await;
    let recipe = format!(
        "key = ['handle']\n[work]\nkind = 'creators'\n[filter]\nkeep = \"headers['x-kind'] == 'real'\"\n[fetch]\nurl = '{}/creators/{{{{ handle }}}}'\nnot_found = 'status == 404 || has(body.error) || size(body.items) == 0'\n",
        server.base
    );
    let work = processor(&recipe);
    for (handle, code) in [
        ("gone", "not-found"),
        ("empty", "not-found"),
        ("private", "not-allowed"),
        ("teapot", "not-found"),
        ("anna", "added"),
    ] {
        assert_eq!(told(one(&*work, [handle, "", ""]).await).1, code, "{handle}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut() {
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    let server = Server::start(move |_| reply(200, &[], huge.clone())).await;
    let (outcome, code, _) = told(one(&*creators(&server, ""), ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "answer-too-large"));
    let endless = Server::start(|_| {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 16 * 1024]));
        Response::new(Body::from_stream(chunks))
    })
    .await;
    let (outcome, code, _) = told(one(&*creators(&endless, ""), ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "answer-too-large"));
}

#[tokio::test]
async fn a_packed_answer_is_measured_unpacked() {
    // 2 MiB of `x`, packed by gzip to 2 kB: the shape of a bomb, small enough for a test.
    let packed: &'static [u8] = include_bytes!("two_mib_of_x.gz");
    let headers = [("content-encoding", "gzip")];
    let server = Server::start(move |_| reply(200, &headers, packed)).await;
    let (outcome, code, _) = told(one(&*creators(&server, ""), ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "answer-too-large"));
}

#[tokio::test]
async fn a_target_that_is_not_there_or_hangs_up_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = socket.read(&mut buffer).await;
        }
    });
    for base in [base.as_str(), "http://127.0.0.1:1"] {
        let work =
            processor(&format!("[work]\nkind = 'creators'\n[fetch]\nurl = '{base}/{{{{ handle }}}}'\n"));
        let answer = one(&*work, ANNA).await;
        assert!(matches!(&answer, Answer::Retry { wait_ms: None, .. }), "{base}: {answer:?}");
        assert!(!format!("{answer:?}").contains("Anna"), "no row contents in messages: {answer:?}");
    }
}

#[tokio::test]
async fn dropping_the_call_closes_the_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let work = processor(&format!("[work]\nkind = 'creators'\n[fetch]\nurl = '{base}/{{{{ handle }}}}'\n"));
    let hanging = tokio::spawn(async move { one(&*work, ANNA).await });
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut buffer = vec![0; 4096];
    assert!(socket.read(&mut buffer).await.unwrap() > 0, "the request is under way");
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    assert_eq!(socket.read(&mut buffer).await.unwrap(), 0, "the server sees the end of the connection");
}

#[tokio::test]
async fn addresses_inside_are_refused_before_and_during_the_job() {
    let recipe = |url: &str| {
        Recipe::parse(&format!("[work]\nkind = 'creators'\n[fetch]\nurl = '{url}/{{{{ handle }}}}'\n"))
            .unwrap()
    };
    let public = Settings { outbound: Outbound::PublicOnly { allow: vec![] }, ..settings() };
    for url in ["http://127.0.0.1:1", "http://2130706433", "http://0x7f.1", "http://[::ffff:10.0.0.1]"] {
        let problem = build(&recipe(url), &public).err().expect(url);
        assert_eq!(problem.code.word(), "blocked-address", "{url}");
    }
    let work = build(&recipe("http://localhost:1"), &public).unwrap();
    let (outcome, code, _) = told(one(&*work, ANNA).await);
    assert_eq!(
        (outcome, code.as_str()),
        (Outcome::Failed, "blocked-address"),
        "a name is checked when resolved"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(|_| reply(200, &[], "{}")).await;
    let location = elsewhere.base.clone();
    let server = Server::start(move |_| reply(302, &[("location", &location)], "")).await;
    assert_eq!(told(one(&*creators(&server, ""), ANNA).await).1, "http-3xx");
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_recipe_that_cannot_work_is_refused_with_every_reason() {
    for (more, paths) in [
        ("[filter]\nkeep = 'nmber(followers) >'", &["filter.keep"][..]),
        (
            "[filter]\nkeep = 'nmber(followers)'\n[add]\ncolumns = { a = '1 +' }",
            &["filter.keep", "add.columns.a"],
        ),
        ("[fetch]\nurl = 'ftp://x/'", &["fetch.url"]),
        ("[fetch]\nurl = 'http://{{ handle }}/'", &["fetch.url"]),
        ("[fetch]\nurl = 'http://x/{{ handle'", &["fetch.url"]),
        ("[fetch]\nurl = 'http://x/{{ secret.API_KEY }}'", &["fetch.url"]),
        (
            "[fetch]\nurl = 'http://x/'\nheaders = { 'a b' = 'x' }\nnot_found = ')'",
            &["fetch.not_found", "fetch.headers.a b"],
        ),
    ] {
        let recipe = Recipe::parse(&format!("[work]\nkind = 'creators'\n{more}\n")).unwrap();
        let problem = build(&recipe, &settings()).err().expect(more);
        assert_eq!(problem.code.word(), "recipe-invalid");
        let errors = problem.facts["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| error["path"].as_str().unwrap()).collect();
        assert_eq!(found, paths, "{more}");
    }
}

#[test]
fn the_sample_recipe_can_be_built() {
    let recipe = Recipe::parse(include_str!("../../../../examples/creators/recipe.toml")).unwrap();
    assert!(build(&recipe, &settings()).is_ok());
}
