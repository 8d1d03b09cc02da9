//! Resume, restart, force-cancel, pause, retry, tune and delete, and what each refuses.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::json;

use crate::support::{Server, csv, request};

/// A cancelled job that has three of its ten rows done.
async fn cancelled(server: &Server) -> String {
    let job = server.job(&csv(10)).await;
    server.gate.add_permits(3);
    server.until(&job, |snapshot| snapshot.job.tally.processed() == 3).await;
    let reply = server.act(&job, "force-cancel").await;
    assert_eq!((reply.status.as_u16(), reply.json()["message"].as_str()), (200, Some("Job cancelled")));
    assert_eq!(reply.json()["job"]["status"], "cancelled");
    job
}

#[tokio::test]
async fn resume_goes_on_from_the_exact_row_and_ends_with_all_rows() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await.json();
    assert_eq!(shown["allowed_actions"], json!(["resume"]));
    let from = shown["resume_from_row"].as_u64().unwrap();
    let reply = server.act(&job, "resume").await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert_eq!(reply.json()["message"], "Job resumed successfully");
    assert_eq!(reply.json()["resumed_from_row"], from);
    assert_eq!(reply.json()["job"]["status"], "running");
    server.gate.add_permits(100);
    let done = server.until_status(&job, "completed").await;
    assert_eq!(done.job.tally.added, 10);
    let verify = server.get(&format!("/api/v1/jobs/{job}/verify")).await.json();
    assert_eq!((verify["ok"].as_bool(), verify["rows"].as_u64()), (Some(true), Some(10)));
    assert_eq!(verify["ledger"], verify["counters"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_parallel_resumes_exactly_one_wins() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let all = futures::future::join_all((0..64).map(|_| server.act(&job, "resume"))).await;
    let won = all.iter().filter(|reply| reply.status == 202).count();
    assert_eq!(won, 1);
    for lost in all.iter().filter(|reply| reply.status != 202) {
        assert_eq!(lost.problem(), (409, "job-already-running".to_owned()));
        let problem = lost.json();
        assert_eq!(
            (problem["job_status"].as_str(), problem["job_id"].as_str()),
            (Some("running"), Some(&*job))
        );
        assert_eq!(problem["allowed_actions"], json!(["restart", "force-cancel", "pause"]));
    }
}

#[tokio::test]
async fn restart_and_force_cancel_answer_at_once_while_every_row_hangs() {
    let server = Server::shut().await;
    let job = server.job(&csv(10)).await;
    server.until(&job, |snapshot| !snapshot.job.leases.is_empty()).await;
    let healthy = server.act(&job, "restart").await;
    assert_eq!(healthy.problem(), (409, "job-not-stuck".to_owned()));
    let path = format!("/api/v1/jobs/{job}/restart");
    let restart = tokio::time::timeout(Duration::from_secs(1), server.post(&path, "{\"force\": true}"));
    let reply = restart.await.expect("restart answers within a second");
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert_eq!(reply.json()["message"], "Job restarted successfully");
    assert_eq!(reply.json()["restarted_from_row"], 1);
    let cancel = tokio::time::timeout(Duration::from_secs(1), server.act(&job, "force-cancel"));
    assert_eq!(cancel.await.expect("cancel answers within a second").status, 200);
    let again = server.act(&job, "force-cancel").await;
    assert_eq!((again.status.as_u16(), again.json()["job"]["status"].as_str()), (200, Some("cancelled")));
}

#[tokio::test]
async fn what_does_not_fit_the_state_is_409_and_says_what_does() {
    let server = Server::open().await;
    let job = server.job(&csv(2)).await;
    server.until_status(&job, "completed").await;
    for (action, code) in [
        ("resume", "job-not-resumable"),
        ("restart", "job-not-running"),
        ("force-cancel", "job-not-running"),
        ("pause", "job-not-running"),
        ("retry", "nothing-to-retry"),
    ] {
        let reply = server.act(&job, action).await;
        assert_eq!(reply.problem(), (409, code.to_owned()), "{action}");
        assert_eq!(reply.json()["job_status"], "completed", "{action}");
    }
}

#[tokio::test]
async fn unknown_jobs_are_404_and_malformed_ids_400_for_every_verb() {
    let server = Server::shut().await;
    let unknown = "0199a6c2-7f00-7000-8000-000000000000";
    for (method, rest) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::DELETE, ""),
        (Method::POST, "/resume"),
        (Method::POST, "/restart"),
        (Method::POST, "/force-cancel"),
        (Method::POST, "/pause"),
        (Method::POST, "/retry"),
        (Method::GET, "/rows"),
        (Method::GET, "/errors"),
        (Method::GET, "/export"),
        (Method::GET, "/timeline"),
        (Method::GET, "/verify"),
        (Method::GET, "/events"),
    ] {
        for (id, expected) in [
            (unknown, (404, "job-not-found")),
            ("health", (400, "bad-id")),
            ("0199a6c27f0070008000000000000000", (400, "bad-id")),
            ("%00", (400, "bad-id")),
        ] {
            let path = format!("/api/v1/jobs/{id}{rest}");
            let reply = server.send(request(method.clone(), &path).body(Body::empty()).unwrap()).await;
            assert_eq!(reply.problem(), (expected.0, expected.1.to_owned()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn pause_holds_and_resume_goes_on() {
    let server = Server::shut().await;
    let job = server.job(&csv(5)).await;
    server.until_status(&job, "running").await;
    let reply = server.act(&job, "pause").await;
    assert_eq!((reply.status.as_u16(), reply.json()["job"]["pause"]["reason"].as_str()), (202, Some("user")));
    assert_eq!(server.act(&job, "resume").await.status, 202);
}

#[tokio::test]
async fn retry_opens_the_failed_rows_and_says_how_many() {
    let server = Server::open().await;
    let job = server.job("handle\nanna\nbad1\nbad2\n").await;
    server.until_status(&job, "completed").await;
    let path = format!("/api/v1/jobs/{job}/retry");
    let other = server.post(&path, "{\"outcome\": \"failed\", \"code\": \"timeout\"}").await;
    assert_eq!(other.problem(), (409, "nothing-to-retry".to_owned()));
    let one = server.post(&path, "{\"rows\": [3]}").await;
    assert_eq!((one.status.as_u16(), one.json()["count"].as_u64()), (202, Some(1)), "{}", one.text);
    server.until_status(&job, "completed").await;
    let all = server.post(&path, "").await;
    assert_eq!(all.json()["message"], "2 rows are tried again");
    let zero = server.post(&path, "{\"rows\": [0]}").await;
    assert_eq!(zero.problem(), (400, "invalid-parameter".to_owned()));
}

#[tokio::test]
async fn limits_change_live_and_only_within_their_range() {
    let server = Server::shut().await;
    let job = server.job(&csv(5)).await;
    let path = format!("/api/v1/jobs/{job}");
    let patch = |body: &str| {
        let request = request(Method::PATCH, &path).header(header::CONTENT_TYPE, "application/json");
        server.send(request.body(Body::from(body.to_owned())).unwrap())
    };
    let reply = patch("{\"name\": \"Again\", \"rate\": \"50/min\", \"concurrency\": 2}").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let view = reply.json();
    assert_eq!(
        (&view["name"], &view["rate"], &view["concurrency"]),
        (&json!("Again"), &json!("50/min"), &json!(2))
    );
    let left = patch("{\"concurrency\": 3}").await.json();
    assert_eq!((&left["rate"], &left["concurrency"]), (&json!("50/min"), &json!(3)));
    let lifted = patch("{\"rate\": null, \"concurrency\": null}").await.json();
    assert_eq!((&lifted["rate"], &lifted["concurrency"]), (&json!(null), &json!(3)), "only a rate is lifted");
    assert_eq!(patch("{\"rate\": \"50/min\"}").await.json()["rate"], "50/min");
    for bad in ["0", "-1", "1e9", "1.5"] {
        let reply = patch(&format!("{{\"concurrency\": {bad}}}")).await;
        assert_eq!(reply.problem(), (422, "invalid-limit".to_owned()), "{bad}");
    }
    assert_eq!(patch("{\"rate\": \"inf\"}").await.problem(), (422, "invalid-limit".to_owned()));
    assert_eq!(patch("{\"name\": \"\"}").await.problem(), (422, "invalid-limit".to_owned()));
    assert_eq!(patch("{\"status\": \"completed\"}").await.problem(), (400, "bad-request".to_owned()));
}

#[tokio::test]
async fn an_old_epoch_is_412_and_changes_nothing() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await;
    let tag = shown.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", shown.json()["epoch"]));
    let path = format!("/api/v1/jobs/{job}/resume");
    let resume = |tag: &str| {
        let request = request(Method::POST, &path).header(header::IF_MATCH, tag);
        server.send(request.body(Body::empty()).unwrap())
    };
    let old = resume("\"1\"").await;
    assert_eq!(old.problem(), (412, "epoch-moved".to_owned()));
    assert_eq!(old.json()["job_status"], "cancelled");
    assert_eq!(resume("seven").await.problem(), (400, "bad-request".to_owned()));
    assert_eq!(resume(&tag).await.status, 202);
}

#[tokio::test]
async fn a_running_job_is_not_deleted_and_a_finished_one_is() {
    let server = Server::shut().await;
    let job = server.job(&csv(2)).await;
    server.until_status(&job, "running").await;
    let path = format!("/api/v1/jobs/{job}");
    let delete = || server.send(request(Method::DELETE, &path).body(Body::empty()).unwrap());
    assert_eq!(delete().await.problem(), (409, "job-running".to_owned()));
    server.gate.add_permits(10);
    server.until_status(&job, "completed").await;
    assert_eq!(delete().await.status, 204);
    assert_eq!(delete().await.problem(), (404, "job-not-found".to_owned()));
}
