//! Work that hangs, crashes, fails for ever; rules that stop a job; an input that is damaged.

use std::sync::atomic::Ordering;

use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_core::row::Outcome;
use onward_core::state::{JobState, PauseReason};
use onward_core::store::Group;

use crate::kit::{Act, Kit};
use crate::lossy::Lossy;

const QUICK_RETRY: &str = "retry = { attempts = 2, base = \"1ms\", max = \"2ms\" }";

/// The job is completed and one of its five rows has failed: which, and why.
async fn one_failed(kit: &Kit, job: JobId) -> Group {
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tally.failed), (4, 1));
    kit.engine.store().groups(job, Outcome::Failed, 10).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_aborted_at_its_deadline_and_tried_again() {
    let kit = Kit::new();
    kit.work.told("a2", Some(Act::Hang));
    kit.work.let_pass(100);
    let job = kit.submit(5, &format!("timeout = \"50ms\"\n{QUICK_RETRY}")).await.job.id;
    let group = one_failed(&kit, job).await;
    assert_eq!(kit.work.calls_of("a2"), 2);
    assert_eq!(group.code, "timeout");
    assert_eq!(group.message, "no answer within 0.05 s (2 tries)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_work_costs_its_own_row_only() {
    let kit = Kit::new();
    kit.work.told("a2", Some(Act::Panic));
    kit.work.let_pass(100);
    let job = kit.submit(5, "").await.job.id;
    let group = one_failed(&kit, job).await;
    assert_eq!((group.code.as_str(), group.first.row()), ("crashed", 2));
}

/// Calls of a queue go out together, and each is looked at by itself all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_a_queue_or_a_call_it_forgets_costs_its_own_row_only() {
    let kit = Kit::queueing();
    kit.work.told("a2", Some(Act::Panic));
    kit.work.let_pass(100);
    let job = kit.submit(5, "concurrency = 5").await.job.id;
    let group = one_failed(&kit, job).await;
    assert_eq!(kit.work.sheaf.load(Ordering::SeqCst), 5, "all of them at once");
    assert_eq!((group.code.as_str(), group.first.row()), ("crashed", 2));

    kit.work.told("a2", None);
    kit.work.told("a4", Some(Act::Forget));
    let job = kit.submit(5, "concurrency = 5").await.job.id;
    let group = one_failed(&kit, job).await;
    assert_eq!((group.code.as_str(), group.first.row()), ("bad-answer", 4));
    assert_eq!(group.message, "the work gave 0 answers for 1 rows");
}

/// What is under way in a queue ends when its span is taken away.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_dropped_when_its_span_is_lost() {
    let kit = Kit::queueing();
    kit.work.told("a1", Some(Act::Hang));
    kit.work.let_pass(100);
    let job = kit.submit(3, "concurrency = 3").await.job.id;
    kit.until(job, |snapshot| snapshot.job.tally.added == 2).await;
    kit.engine.force_cancel(job, "you").await.unwrap();
    kit.until_true("the call was aborted", || kit.work.aborted.load(Ordering::SeqCst) == 1).await;
    assert_eq!(kit.job(job).await.job.tally.processed(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_row_blocks_neither_others_nor_their_durability() {
    let kit = Kit::new();
    kit.work.told("a1", Some(Act::Hang));
    kit.work.let_pass(1_000);
    let job = kit.submit(313, "concurrency = 4\ntimeout = \"10min\"").await.job.id;
    let ahead = kit.until(job, |snapshot| snapshot.job.tally.processed() == 312).await.job;
    assert_eq!((ahead.checkpoint.low_water, ahead.checkpoint.ahead), (0, 312));
    assert_eq!(ahead.resume_from_row(), Some(1));
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_holds_the_job_and_fails_none_of_its_rows() {
    let kit = Kit::new();
    kit.work.told("a4", Some(Act::Fatal));
    kit.work.let_pass(100);
    let job = kit.submit(10, "concurrency = 1").await.job.id;
    let held = kit.until_state(job, JobState::Paused).await.job;
    let pause = held.pause.unwrap();
    assert_eq!(pause.reason, PauseReason::Breaker);
    assert!(pause.message.contains("the token is dead"), "{}", pause.message);
    assert!(pause.probe_at.is_some(), "it is tried again by itself");
    assert_eq!((held.tally.added, held.tally.failed), (3, 0));
    kit.work.told("a4", None);
    assert_eq!(kit.engine.resume(job, None, "you").await.unwrap().0, 4);
    kit.until_state(job, JobState::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_holds_a_job_whose_target_is_down() {
    let kit = Kit::new();
    for row in 1..=20 {
        kit.work.told(&format!("a{row}"), Some(Act::Retry));
    }
    let recipe = format!("concurrency = 1\n{QUICK_RETRY}\n[breaker]\nfailures_in_a_row = 3");
    let job = kit.submit(20, &recipe).await.job.id;
    let paused = kit.until_state(job, JobState::Paused).await.job;
    let pause = paused.pause.unwrap();
    assert_eq!(pause.reason, PauseReason::Breaker);
    assert!(pause.probe_at.is_some(), "it is tried again by itself");
    assert_eq!(paused.tally.processed(), 0, "an outage fails no row");
    assert_eq!(kit.work.all_calls(), 6, "three rows, two tries each");
    for row in 1..=20 {
        kit.work.told(&format!("a{row}"), None);
    }
    kit.work.let_pass(20);
    kit.engine.resume(job, None, "you").await.unwrap();
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tally.failed), (20, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_probed_calls_one_row_and_goes_on_when_it_is_answered() {
    let kit = Kit::new();
    let quick = format!("concurrency = 1\n{QUICK_RETRY}\n[breaker]\nfailures_in_a_row = 1");
    for row in 1..=20 {
        kit.work.told(&format!("a{row}"), Some(Act::Retry));
    }
    let job = kit.submit(20, &quick).await.job.id;
    let held = kit.until_state(job, JobState::Paused).await.job;
    assert_eq!(held.tuning.probes(), 1);
    let calls = kit.work.all_calls();
    let raised = onward_engine::Limits { concurrency: Some(8), ..onward_engine::Limits::default() };
    kit.engine.tune(job, None, raised, "you").await.unwrap();
    for row in 1..=20 {
        kit.work.told(&format!("a{row}"), None);
    }
    kit.probe(job).await;
    kit.until_true("the probe", || kit.work.all_calls() > calls).await;
    assert_eq!(kit.work.most(), 1, "a probe is one row");
    kit.work.let_pass(20);
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tuning.probes()), (20, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_failed_for_their_own_sake_are_recorded_when_another_row_is_answered() {
    let kit = Kit::new();
    for row in [2, 3] {
        kit.work.told(&format!("a{row}"), Some(Act::Retry));
    }
    kit.work.let_pass(20);
    let job = kit.submit(5, &format!("concurrency = 1\n{QUICK_RETRY}")).await.job.id;
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tally.failed), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_are_done_exactly_and_a_person_is_asked() {
    let kit = Kit::new();
    kit.work.let_pass(1_000);
    let job = kit.submit_first(250, 10).await.job.id;
    let held = kit.until_state(job, JobState::Paused).await.job;
    assert_eq!(held.pause.unwrap().reason, PauseReason::User);
    assert_eq!((held.tally.processed(), held.checkpoint.low_water), (10, 10));
    assert_eq!(kit.work.all_calls(), 10);
    kit.engine.resume(job, Some(130), "you").await.unwrap();
    let held = kit.until(job, |snapshot| snapshot.job.tally.processed() == 140).await.job;
    let held =
        if held.state == JobState::Paused { held } else { kit.until_state(job, JobState::Paused).await.job };
    assert_eq!((held.tally.processed(), held.checkpoint.low_water), (140, 140));
    kit.engine.resume(job, None, "you").await.unwrap();
    kit.until_state(job, JobState::Completed).await;
    assert_eq!(kit.work.all_calls(), 250);
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_rule_fails_the_job_and_it_can_be_resumed() {
    let kit = Kit::new();
    for row in 1..=5 {
        kit.work.told(&format!("a{row}"), Some(Act::Fail));
    }
    let job = kit.submit(30, "concurrency = 1\n[stop]\nfailed_rows = 5").await.job.id;
    let work = std::sync::Arc::clone(&kit.work);
    let feeder = tokio::spawn(async move {
        for _ in 0..25 {
            // A slow target: the rule is met long before the last row is done.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            work.let_pass(1);
        }
    });
    let failed = kit.until_state(job, JobState::Failed).await.job;
    feeder.abort();
    assert_eq!(failed.error.unwrap().code, "stop-rule");
    assert!(failed.tally.added <= 6, "{} rows were done after the rule was met", failed.tally.added);
    assert_eq!(failed.tally.processed(), u64::from(kit.work.all_calls()), "the rows in hand are saved");
    assert_eq!(kit.job(job).await.job.allowed_actions(), [onward_core::state::Step::Resume]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_input_stops_resume_and_changes_nothing() {
    let kit = Kit::new();
    let job = kit.submit(20, "").await.job;
    kit.engine.force_cancel(job.id, "you").await.unwrap();
    let db = rusqlite::Connection::open(kit.dir.path().join("onward.db")).unwrap();
    db.execute("UPDATE chunks SET packed = zeroblob(length(packed))", []).unwrap();
    let corrupt = kit.engine.resume(job.id, None, "you").await.unwrap_err();
    assert_eq!(corrupt.code, Code::InputCorrupt);
    db.execute("DELETE FROM chunks", []).unwrap();
    let gone = kit.engine.resume(job.id, None, "you").await.unwrap_err();
    assert_eq!(gone.code, Code::InputGone);
    assert_eq!(gone.facts["resume_from_row"], 1);
    assert_eq!(kit.job(job.id).await.job.state, JobState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_is_lost_is_found_out_and_its_rows_are_done_at_once() {
    let mut lossy = None;
    let kit = Kit::over(|store| {
        let store = Lossy::over(store);
        lossy = Some(store.clone());
        store
    });
    let lossy = lossy.unwrap();
    lossy.lose("claim");
    kit.work.let_pass(100);
    let job = kit.submit(5, "").await.job.id;
    kit.until_state(job, JobState::Completed).await;
    assert!(lossy.has_lost_all(), "the answer was lost");
    assert_eq!(kit.work.all_calls(), 5);
    let kinds = kit.kinds(job).await;
    assert!(!kinds.contains(&"rescued"), "nobody waited for a lease to lapse: {kinds:?}");
}
