//! Whatever goes wrong is a problem document.

use axum::body::Body;
use axum::http::{Method, header};
use onward_core::problem::Code;

use crate::support::{Server, csv, request};

#[tokio::test]
async fn unknown_addresses_and_wrong_methods_are_problem_documents() {
    let server = Server::open().await;
    for path in
        ["/nowhere", "/api/v1/nowhere", "/api/v1/jobs/", "/api/v1//jobs", "/api/v2/jobs", "/API/v1/jobs"]
    {
        assert_eq!(server.get(path).await.problem(), (404, "not-found".to_owned()), "{path}");
    }
    for (method, path) in [
        (Method::DELETE, "/api/v1/jobs"),
        (Method::PUT, "/livez"),
        (Method::POST, "/"),
        (Method::TRACE, "/api/v1/jobs"),
    ] {
        let reply = server.send(request(method.clone(), path).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.problem(), (405, "method-not-allowed".to_owned()), "{method} {path}");
        assert!(!reply.header("allow").is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_that_are_not_the_json_expected_are_refused() {
    let server = Server::shut().await;
    let job = server.job(&csv(2)).await;
    let path = format!("/api/v1/jobs/{job}/restart");
    let deep = "[".repeat(10_000);
    let large = format!("{{\"force\": true, \"x\": \"{}\"}}", "x".repeat(300_000));
    for (body, expected) in [
        ("{", (400, "bad-request")),
        ("{\"force\": \"yes\"}", (400, "bad-request")),
        ("{\"force\": NaN}", (400, "bad-request")),
        ("{\"force\": true} {}", (400, "bad-request")),
        ("{\"force\": true, \"force\": false}", (400, "bad-request")),
        ("{\"farce\": true}", (400, "bad-request")),
        ("[true]", (400, "bad-request")),
        ("[]", (400, "bad-request")),
        ("\u{0}", (400, "bad-request")),
        ("{\"force\": \"\\ud800\"}", (400, "bad-request")),
        (&deep, (400, "bad-request")),
        (&large, (413, "too-large")),
    ] {
        let reply = server.post(&path, body).await;
        assert_eq!(reply.problem(), (expected.0, expected.1.to_owned()), "{}", &body[..body.len().min(40)]);
    }
    let text = request(Method::POST, &path).header(header::CONTENT_TYPE, "text/plain");
    let text = server.send(text.body(Body::from("{\"force\": true}")).unwrap()).await;
    assert_eq!(text.problem(), (415, "unsupported-body".to_owned()));
}

#[tokio::test]
async fn a_request_id_is_taken_over_when_it_is_harmless() {
    let server = Server::open().await;
    let ask = |id: &'static str| {
        let request = request(Method::GET, "/nowhere").header("x-request-id", id);
        server.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("trace-7.a_b").await.json()["request_id"], "trace-7.a_b");
    for bad in ["<script>", "", "a b"] {
        assert_ne!(ask(bad).await.json()["request_id"], bad);
    }
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_script_the_document() {
    let server = Server::open().await;
    let browser = request(Method::GET, "/nowhere/%3Cscript%3E").header(header::ACCEPT, "text/html,*/*;q=0.8");
    let reply = server.send(browser.body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(
        reply.text.contains("There is nothing here") && !reply.text.contains("<script>"),
        "{}",
        reply.text
    );
    let api = request(Method::GET, "/api/v1/nowhere").header(header::ACCEPT, "text/html");
    assert_eq!(server.send(api.body(Body::empty()).unwrap()).await.problem().0, 404);
}

#[tokio::test]
async fn every_code_has_a_page_that_says_what_to_do() {
    let server = Server::open().await;
    let list = server.get("/problems").await.text;
    for code in Code::ALL {
        let path = format!("/problems/{code}");
        let page = request(Method::GET, &path).header(header::ACCEPT, "text/html");
        let page = server.send(page.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("What to do") && page.text.contains(code.word()), "{path}");
        assert!(list.contains(&format!("href=\"{path}\"")), "{path}");
        let json = server.get(&path).await.json();
        assert_eq!(
            (json["code"].as_str(), json["status"].as_u64()),
            (Some(code.word()), Some(code.status().into()))
        );
    }
    assert_eq!(server.get("/problems/none").await.problem(), (404, "not-found".to_owned()));
}
