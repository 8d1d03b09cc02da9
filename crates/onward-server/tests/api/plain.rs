//! The actions without the prefix, for forms and for scripts.

use axum::body::Body;
use axum::http::{Method, Request, header};

use crate::support::{RECIPE, Reply, Server, csv, multipart, request};

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn form(path: &str, fields: &str) -> Request<Body> {
    let request = request(Method::POST, path)
        .header(header::ACCEPT, BROWSER)
        .header("sec-fetch-site", "same-origin")
        .header(header::REFERER, "http://127.0.0.1:7313/?status=failed")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(fields.to_owned())).unwrap()
}

/// The message in the cookie, still percent-encoded but for what the tests look for.
fn flash(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("onward_flash=%7B"), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    cookie.replace("%20", " ").replace("%22", "\"").replace("%3A", ":")
}

#[tokio::test]
async fn a_script_gets_the_same_answer_as_under_the_prefix() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    let cancel = server.post(&format!("/jobs/{job}/force-cancel"), "").await;
    assert_eq!((cancel.status.as_u16(), cancel.json()["message"].as_str()), (200, Some("Job cancelled")));
    let resume = server.post(&format!("/jobs/{job}/resume"), "").await;
    assert_eq!((resume.status.as_u16(), resume.json()["resumed_from_row"].as_u64()), (202, Some(1)));
    let again = server.post(&format!("/jobs/{job}/resume"), "").await;
    assert_eq!(again.problem(), (409, "job-already-running".to_owned()));
    let unforced = server.post(&format!("/jobs/{job}/restart"), "{}").await;
    assert_eq!(unforced.problem(), (409, "job-not-stuck".to_owned()));
    let restart = server.post(&format!("/jobs/{job}/restart"), "{\"force\": true}").await;
    assert_eq!(restart.json()["message"], "Job restarted successfully");
}

#[tokio::test]
async fn a_form_is_sent_back_to_its_page_with_a_message() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    server.act(&job, "force-cancel").await;
    let reply = server.send(form(&format!("/jobs/{job}/resume"), "")).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/?status=failed"));
    let message = flash(&reply);
    assert!(
        message.contains("\"kind\":\"success\"") && message.contains("Job resumed successfully"),
        "{message}"
    );
    assert!(message.contains("goes on from row 1 of 3"), "{message}");
    let again = server.send(form(&format!("/jobs/{job}/resume"), "")).await;
    assert_eq!(again.status, 303);
    let message = flash(&again);
    assert!(message.contains("\"kind\":\"error\"") && message.contains("already running"), "{message}");
    assert!(message.contains(again.header("x-request-id")), "{message}");
    let restart = server.send(form(&format!("/jobs/{job}/restart"), "force=true")).await;
    assert!(flash(&restart).contains("Job restarted successfully"));
}

#[tokio::test]
async fn the_next_page_shows_the_message_once() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    let reply = server.send(form(&format!("/jobs/{job}/force-cancel"), "")).await;
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = request(Method::GET, "/").header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let page = server.send(page).await;
    assert!(page.text.contains("Job cancelled"), "{}", page.text);
    assert!(page.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_form_retries_the_failed_rows() {
    let server = Server::open().await;
    let job = server.job("handle\nanna\nbad1\n").await;
    server.until_status(&job, "completed").await;
    let reply = server.send(form(&format!("/jobs/{job}/retry"), "outcome=failed")).await;
    assert!(flash(&reply).contains("1 row is tried again"));
}

#[tokio::test]
async fn the_form_of_the_new_job_page_leads_to_the_job() {
    let server = Server::open().await;
    let send = |file: &str, recipe: &str| {
        let body = multipart(&[("file", Some("a.csv"), file), ("recipe", None, recipe), ("name", None, "")]);
        let request = request(Method::POST, "/jobs")
            .header(header::ACCEPT, BROWSER)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut-here");
        server.send(request.body(Body::from(body)).unwrap())
    };
    let made = send(&csv(3), RECIPE).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let page = server.get(made.header("location")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let refused = send(&csv(3), "kee = 1").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("kee = 1</textarea>"), "what was typed is kept");
}
