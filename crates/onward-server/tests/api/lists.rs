//! Lists of jobs, creators, workers: pages, filters, and what is refused.

use crate::support::{Server, csv};

#[tokio::test]
async fn pages_of_jobs_follow_each_other_newest_first_without_gap_or_repeat() {
    let server = Server::open().await;
    let mut made = Vec::new();
    for rows in 1..=5 {
        made.push(server.job(&csv(rows)).await);
    }
    made.reverse();
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/api/v1/jobs?limit=2{next}")).await.json();
        let jobs = page["jobs"].as_array().unwrap();
        assert!(jobs.len() <= 2);
        seen.extend(jobs.iter().map(|job| job["job_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn the_main_page_goes_back_as_it_went_on() {
    let server = Server::open().await;
    for rows in 1..=45 {
        let job = server.job(&csv(rows)).await;
        server.until_status(&job, "completed").await;
    }
    let (mut seen, mut path) = (Vec::new(), "/".to_owned());
    for rel in ["next", "next", "prev", "prev"] {
        let page = server.get(&path).await.text;
        let jobs = page.split("article class=\"job").skip(1);
        let jobs: Vec<String> = jobs
            .filter_map(|card| Some(card.split("data-job=\"").nth(1)?.split('"').next()?.to_owned()))
            .collect();
        seen.push(jobs);
        let link = page
            .split(&format!("rel=\"{rel}\" href=\""))
            .nth(1)
            .unwrap_or_else(|| panic!("no {rel}: {path}"));
        path = link.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 5, 20]);
    assert_eq!(seen[3], seen[1], "back from the third page");
    let first = server.get(&path).await.text;
    assert!(seen[0].iter().all(|job| first.contains(job.as_str())) && !first.contains("rel=\"prev\""));
}

#[tokio::test]
async fn jobs_are_found_by_status_and_by_name() {
    let server = Server::open().await;
    let job = server.job(&csv(2)).await;
    server.until_status(&job, "completed").await;
    let count = async |query: &str| {
        let reply = server.get(&format!("/api/v1/jobs?{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        reply.json()["jobs"].as_array().unwrap().len()
    };
    assert_eq!(count("status=completed").await, 1);
    assert_eq!(count("status=failed,completed").await, 1);
    assert_eq!(count("status=running").await, 0);
    assert_eq!(count("q=LIST").await, 1);
    assert_eq!(count("q=%25").await, 0, "a wildcard is only a character");
    assert_eq!(count("q=%27%20OR%201%3D1--").await, 0);
}

#[tokio::test]
async fn parameters_out_of_range_are_400_and_named() {
    let server = Server::open().await;
    let job = server.job(&csv(3)).await;
    let cursor = {
        server.job(&csv(4)).await;
        let page = server.get("/api/v1/jobs?limit=1").await.json();
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let last = if cursor.ends_with('0') { '1' } else { '0' };
    let tampered = format!("{}{last}", &cursor[..cursor.len() - 1]);
    let rows = format!("/api/v1/jobs/{job}/rows");
    for (path, code) in [
        ("/api/v1/jobs?limit=0".to_owned(), "invalid-parameter"),
        ("/api/v1/jobs?limit=1000000000".to_owned(), "invalid-parameter"),
        ("/api/v1/jobs?limit=-1".to_owned(), "invalid-parameter"),
        ("/api/v1/jobs?limit=1.5".to_owned(), "invalid-parameter"),
        ("/api/v1/jobs?status=done".to_owned(), "invalid-parameter"),
        ("/api/v1/jobs?sort=password".to_owned(), "invalid-parameter"),
        ("/api/v1/jobs?q=%00".to_owned(), "invalid-parameter"),
        (format!("/api/v1/jobs?cursor={tampered}"), "invalid-cursor"),
        (format!("{rows}?cursor={cursor}"), "invalid-cursor"),
        (format!("{rows}?outcome=lost"), "invalid-parameter"),
        (format!("{rows}?limit=1001"), "invalid-parameter"),
        ("/api/v1/creators?cursor=ff".to_owned(), "invalid-cursor"),
    ] {
        let reply = server.get(&path).await;
        assert_eq!(reply.problem(), (400, code.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_worker_is_listed_with_what_it_holds_and_drains() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    server.until(&job, |snapshot| !snapshot.job.leases.is_empty()).await;
    let workers = server.get("/api/v1/workers").await.json();
    let worker = workers["workers"][0]["worker_id"].as_str().unwrap().to_owned();
    assert_eq!(workers["workers"][0]["spans"][0]["job_id"], job.as_str());
    let unknown = server.post("/api/v1/workers/nobody/drain", "").await;
    assert_eq!(unknown.problem(), (404, "worker-not-found".to_owned()));
    server.gate.add_permits(100);
    assert_eq!(workers["workers"][0]["status"], "working");
    assert_eq!(server.post(&format!("/api/v1/workers/{worker}/drain"), "").await.status, 202);
    server.until(&job, |snapshot| snapshot.job.leases.is_empty()).await;
}

#[tokio::test]
async fn creators_are_empty_before_any_were_added() {
    let server = Server::open().await;
    let page = server.get("/api/v1/creators?table=creators").await.json();
    assert_eq!(page, serde_json::json!({ "creators": [], "next_cursor": null }));
}

#[tokio::test]
async fn a_parameter_without_a_value_is_one_that_was_left_out() {
    let server = Server::open().await;
    let job = server.job(&csv(2)).await;
    server.until_status(&job, "completed").await;
    for path in ["/api/v1/jobs?status=&q=&limit=&cursor=", "/api/v1/creators?limit=&q="] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}/export?format=&outcome=")).await.status, 200);
    let padded = server.get("/api/v1/jobs?cursor=abc=").await;
    assert_eq!(
        padded.problem(),
        (400, "invalid-cursor".to_owned()),
        "a value may end like a parameter without one"
    );
    assert_eq!(server.get("/api/v1/jobs?limit=none").await.problem(), (400, "invalid-parameter".to_owned()));
}

#[tokio::test]
async fn reasons_that_differ_in_a_number_are_one_group() {
    let server = Server::open().await;
    let job = server.job("handle\na\nb\na\na\nb\n").await;
    server.until_status(&job, "completed").await;
    let groups = server.get(&format!("/api/v1/jobs/{job}/errors?outcome=skipped")).await.json();
    let groups = groups["groups"].as_array().unwrap().clone();
    assert_eq!((groups.len(), groups[0]["count"].as_u64()), (1, Some(3)), "{groups:?}");
}
