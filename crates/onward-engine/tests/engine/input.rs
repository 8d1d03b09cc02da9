//! What becomes of a file: rows decided at intake, refusals that leave nothing, one active job per work.

use onward_core::problem::Code;
use onward_core::state::JobState;
use onward_core::store::{JobQuery, RowQuery};

use crate::kit::Kit;

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_are_skipped_without_a_call_whatever_finishes_first() {
    let kit = Kit::new();
    kit.work.let_pass(100);
    let csv = "handle\nanna\n@Anna \nbert\nhttps://www.instagram.com/anna/\nN/A\n";
    let job = kit.submit_text(csv, "").await.unwrap().job.id;
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tally.skipped), (2, 3));
    assert_eq!(kit.work.all_calls(), 2);
    let query = RowQuery { job, outcome: None, code: None, text: None, after: None, until: None, limit: 10 };
    let rows = kit.engine.rows(&query).await.unwrap();
    let said: Vec<_> = rows.iter().map(|row| row.ledger.message.as_str()).collect();
    assert_eq!(said[1], "duplicate of row 1");
    assert_eq!(said[3], "duplicate of row 1");
    assert_eq!(rows[3].fields, [("handle".into(), "https://www.instagram.com/anna/".to_owned())]);
    assert_eq!(rows[4].ledger.code, "empty-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_leaves_nothing_behind() {
    let kit = Kit::new();
    let refused = kit.submit_text("handle\n\"anna\nbert\n", "").await.unwrap_err();
    assert_eq!(refused.code, Code::UnclosedQuote);
    assert_eq!(refused.facts["line"], 2);
    assert!(kit.engine.jobs(&JobQuery { limit: 10, ..JobQuery::default() }).await.unwrap().is_empty());
    let db = rusqlite::Connection::open(kit.dir.path().join("onward.db")).unwrap();
    let chunks: i64 = db.query_row("SELECT count(*) FROM chunks", [], |row| row.get(0)).unwrap();
    assert_eq!(chunks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_work_cannot_be_active_twice() {
    let kit = Kit::new();
    let first = kit.submit(10, "").await.job.id;
    let second =
        kit.submit_text(&std::fs::read_to_string(kit.dir.path().join("creators.csv")).unwrap(), "").await;
    let refused = second.unwrap_err();
    assert_eq!(refused.code, Code::DuplicateRunningJob);
    assert_eq!(refused.facts["existing_job_id"], first.to_string());
    kit.engine.force_cancel(first, "you").await.unwrap();
    let again = kit.submit(10, "").await.job.id;
    let resumed = kit.engine.resume(first, None, "you").await.unwrap_err();
    assert_eq!(resumed.code, Code::DuplicateRunningJob);
    assert_ne!(again, first);
}
