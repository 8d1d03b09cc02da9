//! Other hosts and other sites are kept out; every answer carries the security headers.

use axum::body::Body;
use axum::http::{Method, Request, header};

use crate::support::{Server, csv};

fn get(host: &str) -> Request<Body> {
    Request::get("/api/v1/jobs").header(header::HOST, host).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn another_host_name_is_421() {
    let server = Server::open().await;
    for host in ["evil.example", "evil.example:7313", "127.0.0.1.evil.example", "10.0.0.1:7313"] {
        assert_eq!(server.send(get(host)).await.problem(), (421, "wrong-host".to_owned()), "{host}");
    }
    for host in ["localhost:7313", "[::1]:7313", "127.0.0.1"] {
        assert_eq!(server.send(get(host)).await.status, 200, "{host}");
    }
    let absolute = Request::get("http://evil.example/api/v1/jobs").header(header::HOST, "127.0.0.1:7313");
    let reply = server.send(absolute.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.problem(), (421, "wrong-host".to_owned()));
}

#[tokio::test]
async fn state_changes_from_other_sites_are_403_and_change_nothing() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    let post = |path: String, name: &'static str, value: &'static str, kind: &'static str| {
        let request = crate::support::request(Method::POST, &path).header(name, value);
        let request = request.header(header::CONTENT_TYPE, kind).body(Body::empty()).unwrap();
        server.send(request)
    };
    for path in [format!("/api/v1/jobs/{job}/force-cancel"), format!("/jobs/{job}/force-cancel")] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "http://evil.example"),
            ("origin", "http://127.0.0.1:8000"),
            ("origin", "null"),
        ] {
            for kind in ["text/plain", "application/x-www-form-urlencoded"] {
                let reply = post(path.clone(), name, value, kind).await;
                assert_eq!(reply.problem(), (403, "cross-site".to_owned()), "{name}: {value}");
            }
        }
    }
    let job = server.get(&format!("/api/v1/jobs/{job}")).await.json();
    assert_ne!(job["status"], "cancelled");
}

#[tokio::test]
async fn our_own_pages_may_change_things() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    let request = crate::support::request(Method::POST, &format!("/api/v1/jobs/{job}/force-cancel"))
        .header("sec-fetch-site", "same-origin")
        .header("origin", "http://127.0.0.1:7313");
    assert_eq!(server.send(request.body(Body::empty()).unwrap()).await.status, 200);
    let timeline = server.get(&format!("/api/v1/jobs/{job}/timeline")).await.json();
    let cancelled = timeline["events"].as_array().unwrap().iter().find(|event| event["kind"] == "cancelled");
    assert_eq!(cancelled.unwrap()["actor"], "you");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::open().await;
    for path in ["/", "/api/v1/jobs", "/docs", "/nowhere", "/livez", "/problems/internal"] {
        let reply = server.get(path).await;
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self'; object-src 'none'; base-uri 'none'"),
            "{path}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
        assert!(reply.headers.get("access-control-allow-origin").is_none(), "{path}");
    }
}
