//! The pages over the rows of a job: pages both ways, searches, one row, and choosing rows.

use axum::body::Body;
use axum::http::{Method, Request, header};

use crate::support::{Reply, Server, csv, request};

/// 400 rows; every seventh fails.
async fn listed() -> (Server, String) {
    let server = Server::open().await;
    let handle = |row: usize| if row.is_multiple_of(7) { format!("bad{row}") } else { format!("anna{row}") };
    let csv =
        (1..=400).fold("handle,note\n".to_owned(), |csv, row| csv + &format!("{},n{row}\n", handle(row)));
    let job = server.job(&csv).await;
    server.until_status(&job, "completed").await;
    (server, job)
}

/// The rows of a page, in its order.
fn rows(page: &Reply) -> Vec<u64> {
    let cells = page.text.split("<tr id=\"row-").skip(1);
    cells.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

/// The address behind `rel="next"` or `rel="prev"`.
fn link(page: &Reply, rel: &str) -> Option<String> {
    let (_, rest) = page.text.split_once(&format!("rel=\"{rel}\" href=\""))?;
    Some(rest.split('"').next().unwrap().replace("&amp;", "&"))
}

async fn page(server: &Server, path: &str) -> Reply {
    let reply = server.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    reply
}

#[tokio::test]
async fn pages_lead_forwards_to_the_last_row_and_back_to_the_first() {
    let (server, job) = listed().await;
    let failed: Vec<u64> = (1..=400).filter(|row| row % 7 == 0).collect();
    let found: Vec<u64> = (1..=400).filter(|row| row.to_string().contains('3')).collect();
    for (query, expected) in
        [("", (1..=400).collect()), ("outcome=failed", failed), ("q=3", found), ("q=nobody", Vec::new())]
    {
        let mut at = Some(format!("/jobs/{job}/rows?{query}"));
        let (mut seen, mut last) = (Vec::new(), String::new());
        while let Some(path) = at {
            let shown = page(&server, &path).await;
            assert!(rows(&shown).len() <= 50);
            seen.extend(rows(&shown));
            at = link(&shown, "next");
            last = path;
        }
        assert_eq!(seen, expected, "{query}");
        let mut back = Vec::new();
        let mut at = Some(last);
        while let Some(path) = at {
            let shown = page(&server, &path).await;
            let mut these = rows(&shown);
            these.extend(back);
            back = these;
            at = link(&shown, "prev");
        }
        assert_eq!(back, expected, "{query}, backwards");
    }
}

#[tokio::test]
async fn a_row_has_a_page_of_its_own_with_its_input_and_its_end() {
    let (server, job) = listed().await;
    let row = page(&server, &format!("/jobs/{job}/rows/229")).await;
    for said in ["Row 229", "anna229", "n229", "<title>Row 229 of list.csv"] {
        assert!(row.text.contains(said), "{said}: {}", row.text);
    }
    let failed = page(&server, &format!("/jobs/{job}/rows/7")).await;
    assert!(
        failed.text.contains("the handle is bad") && failed.text.contains("Retry this row"),
        "{}",
        failed.text
    );
    for nowhere in ["0", "401", "x", "99999999999"] {
        assert_eq!(server.get(&format!("/jobs/{job}/rows/{nowhere}")).await.problem().0, 404);
    }
}

fn form(path: &str, fields: &str) -> Request<Body> {
    let request = request(Method::POST, path)
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(fields.to_owned())).unwrap()
}

#[tokio::test]
async fn all_that_a_search_finds_is_retried_in_one_step_on_every_page() {
    let (server, job) = listed().await;
    let path = format!("/jobs/{job}/retry");
    // Nothing chosen is nothing done; it never means everything.
    for fields in ["outcome=failed&scope=chosen", "outcome=failed&scope=chosen&rows=all"] {
        let reply = server.send(form(&path, fields)).await;
        assert!(reply.header("set-cookie").contains("error"), "{}", reply.header("set-cookie"));
    }
    let before = server.until_status(&job, "completed").await;
    assert_eq!((before.job.generation, before.job.tally.failed), (0, 57));
    let reply = server.send(form(&path, "outcome=failed&scope=all&q=bad3&rows=7")).await;
    assert_eq!(reply.status, 303);
    let cookie = reply.header("set-cookie").replace("%20", " ");
    // bad35 and the 15 from bad301 to bad399: on two pages of the list.
    assert!(cookie.contains("16 rows are tried again"), "{cookie}");
    let reply = server.until(&job, |snapshot| snapshot.job.state.word() == "completed").await;
    assert_eq!((reply.job.tally.processed(), reply.job.total), (400, 400));
    let row = page(&server, &format!("/jobs/{job}/rows/35")).await;
    assert!(row.text.contains("Before it was tried again"), "{}", row.text);
    let other = page(&server, &format!("/jobs/{job}/rows/7")).await;
    assert!(!other.text.contains("Before it was tried again"), "{}", other.text);
}

#[tokio::test]
async fn limits_are_changed_by_a_plain_form_and_a_job_is_deleted_by_one() {
    let (server, job) = listed().await;
    let wrong = server.send(form(&format!("/jobs/{job}/tune"), "rate=fast")).await;
    assert!(wrong.header("set-cookie").contains("error"), "{}", wrong.header("set-cookie"));
    let named = server.send(form(&format!("/jobs/{job}/tune"), "name=Spring")).await;
    assert_eq!(named.header("location"), format!("/jobs/{job}"));
    assert!(page(&server, &format!("/jobs/{job}")).await.text.contains(" % Spring – Onward</title>"));
    let gone = server.send(form(&format!("/jobs/{job}/delete"), "")).await;
    assert_eq!((gone.status.as_u16(), gone.header("location")), (303, "/"));
    assert_eq!(server.get(&format!("/jobs/{job}")).await.problem().0, 404);
}

#[tokio::test]
async fn a_rate_that_is_emptied_in_the_form_is_lifted_and_one_that_is_not_in_it_stays() {
    let server = Server::shut().await;
    let job = server.job(&csv(5)).await;
    let rate = async |fields: &str| {
        server.send(form(&format!("/jobs/{job}/tune"), fields)).await;
        server.get(&format!("/api/v1/jobs/{job}")).await.json()["rate"].clone()
    };
    assert_eq!(rate("rate=50/min&concurrency=2&breaker=").await, "50/min");
    assert_eq!(rate("concurrency=3").await, "50/min");
    assert!(rate("rate=&concurrency=2&breaker=").await.is_null());
}
