//! What the hooks of a job were told: the list, its pages, sending again, and the panel of the job's page.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use crate::support::{RECIPE, Server, csv, request, upload};

const HOOK: &str = "[[hooks]]\nurl = \"https://a.example/onward\"\nsecret = \"{{ secret.A }}\"\n";

/// A server at which nobody sends anything, and a job with a hook.
async fn hooked(rows: usize) -> (Server, String) {
    let server = Server::shut().await;
    let recipe = format!("{RECIPE}{HOOK}");
    let parts = [("file", Some("list.csv"), &*csv(rows)), ("recipe", None, &*recipe)];
    let made = server.send(upload("/api/v1/jobs", &parts)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let job = made.json()["job_id"].as_str().unwrap().to_owned();
    (server, job)
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page_and_sent_again() {
    let (server, job) = hooked(3).await;
    let list = format!("/api/v1/jobs/{job}/deliveries");
    let none = server.get(&list).await.json();
    assert_eq!(
        (none["deliveries"].as_array().unwrap().len(), &none["next_cursor"]),
        (0, &serde_json::Value::Null)
    );
    for _ in 0..3 {
        server.act(&job, "pause").await;
        server.act(&job, "resume").await;
    }
    let first = server.get(&format!("{list}?limit=2")).await.json();
    assert_eq!(first["deliveries"].as_array().unwrap().len(), 2);
    let newest = &first["deliveries"][0];
    assert_eq!((newest["event"].as_str(), newest["state"].as_str()), (Some("paused"), Some("waiting")));
    assert_eq!(newest["url"], "https://a.example/onward");
    assert_eq!((&newest["tries"], &newest["last_message"]), (&0.into(), &serde_json::Value::Null));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("{list}?limit=2&cursor={cursor}")).await.json();
    assert_eq!(second["deliveries"].as_array().unwrap().len(), 1);
    assert!(second["next_cursor"].is_null());
    let wrong = server.get(&format!("{list}?cursor=00")).await;
    assert_eq!(wrong.problem(), (400, "invalid-cursor".to_owned()));

    let id = newest["delivery_id"].as_str().unwrap();
    let again = server.post(&format!("{list}/{id}/send"), "").await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.text);
    assert_eq!(
        (again.json()["message"].as_str(), &again.json()["delivery"]["delivery_id"]),
        (Some("It is sent again"), &newest["delivery_id"])
    );
    let nobody = server.post(&format!("{list}/msg_nobody/send"), "").await;
    assert_eq!(nobody.problem(), (404, "delivery-not-found".to_owned()));
    let other = server.get("/api/v1/jobs/0199a6c2-7f00-7000-8000-000000000000/deliveries").await;
    assert_eq!(other.problem(), (404, "job-not-found".to_owned()));
}

#[tokio::test]
async fn the_page_shows_hooks_only_where_there_are_some_and_sends_again_without_scripts() {
    let (server, job) = hooked(3).await;
    let plain = server.job(&csv(4)).await;
    let page = |job: &str| format!("/jobs/{job}");
    assert!(!server.get(&page(&plain)).await.text.contains("id=\"deliveries\""));
    let empty = server.get(&page(&job)).await.text;
    assert!(
        empty.contains("Nobody was told anything yet") && empty.contains("https://a.example/onward"),
        "{empty}"
    );
    server.act(&job, "pause").await;
    let shown = server.get(&page(&job)).await.text;
    let panel = shown.split("id=\"deliveries\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(
        panel.contains("paused") && panel.contains("0 calls") && panel.contains("Send again now"),
        "{panel}"
    );
    let id = panel.split("name=\"delivery\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = request(Method::POST, &format!("/jobs/{job}/deliver"))
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin")
        .header(header::REFERER, format!("http://127.0.0.1:7313/jobs/{job}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let back = server.send(form.body(Body::from(format!("delivery={id}"))).unwrap()).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, &*page(&job)));
    assert!(back.header("set-cookie").contains("sent%20again"), "{}", back.header("set-cookie"));
    let script = server.post(&format!("/jobs/{job}/deliver"), &format!("{{\"delivery\": \"{id}\"}}")).await;
    assert_eq!(script.status, StatusCode::ACCEPTED, "{}", script.text);
}
