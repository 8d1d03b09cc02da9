//! Resume, restart, cancel, pause, retry and live limits.

use onward_core::problem::Code;
use onward_core::row::Outcome;
use onward_core::state::JobState;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::kit::{Act, Kit};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_done_row_by_row_and_completed() {
    let kit = Kit::new();
    kit.work.told("a3", Some(Act::Fail));
    kit.work.let_pass(1_000);
    let job = kit.submit(313, "").await.job.id;
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tally.failed), (312, 1));
    assert_eq!(done.resume_from_row(), None);
    assert_eq!(kit.work.all_calls(), 313);
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_goes_on_from_row_229() {
    let kit = Kit::new();
    kit.work.let_pass(228);
    let job = kit.submit(313, "concurrency = 1").await.job.id;
    kit.until(job, |snapshot| snapshot.job.tally.processed() == 228).await;
    let cancelled = kit.engine.force_cancel(job, "you").await.unwrap().job;
    assert_eq!(cancelled.state, JobState::Cancelled);
    assert_eq!(cancelled.resume_from_row(), Some(229));
    kit.until_true("the call in flight is aborted", || kit.work.aborted.load(Ordering::SeqCst) == 1).await;
    kit.work.let_pass(85);
    let (row, _) = kit.engine.resume(job, None, "you").await.unwrap();
    assert_eq!(row, 229);
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!(done.tally.added, 313);
    assert_eq!(done.attempt, 2);
    let repeated: Vec<_> = (1..=313).filter(|row| kit.work.calls_of(&format!("a{row}")) > 1).collect();
    assert_eq!(repeated, [229], "only the row in flight at the cancel is called again");
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn force_cancel_aborts_the_calls_and_silence_follows() {
    let kit = Kit::new();
    let job = kit.submit(50, "concurrency = 8").await.job.id;
    kit.until_true("eight calls are under way", || kit.work.all_calls() == 8).await;
    kit.engine.force_cancel(job, "you").await.unwrap();
    kit.until_true("the calls are aborted", || kit.work.aborted.load(Ordering::SeqCst) == 8).await;
    kit.work.let_pass(1_000);
    let again = kit.engine.force_cancel(job, "you").await.unwrap().job;
    assert_eq!(again.state, JobState::Cancelled);
    assert_eq!(again.tally.processed(), 0);
    assert_eq!(kit.work.all_calls(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_of_a_hung_job_goes_on_and_repeats_only_what_hung() {
    let kit = Kit::new();
    kit.work.told("a5", Some(Act::Hang));
    kit.work.let_pass(1_000);
    let recipe = "concurrency = 1\ntimeout = \"10min\"\nstuck_after = \"1s\"";
    let job = kit.submit(20, recipe).await.job.id;
    let refused = kit.engine.restart(job, false, "you").await;
    let stuck = kit.until(job, |snapshot| snapshot.stuck.is_some()).await;
    assert_eq!(stuck.job.checkpoint.low_water, 4);
    if let Err(problem) = refused {
        assert!(matches!(problem.code, Code::JobNotStuck | Code::JobNotRunning), "{problem}");
    }
    kit.work.told("a5", None);
    let begin = tokio::time::Instant::now();
    let (row, _) = kit.engine.restart(job, false, "you").await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "restart waited for the worker");
    assert_eq!(row, 5);
    kit.until_state(job, JobState::Completed).await;
    assert_eq!((kit.work.calls_of("a4"), kit.work.calls_of("a5"), kit.work.calls_of("a6")), (1, 2, 1));
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_resumes_one_starts_the_job() {
    let kit = Kit::new();
    let job = kit.submit(20, "").await.job.id;
    kit.engine.force_cancel(job, "you").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let engine = kit.engine.clone();
        tasks.spawn(async move { engine.resume(job, None, "you").await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for problem in answers.into_iter().filter_map(Result::err) {
        assert_eq!(problem.code, Code::JobAlreadyRunning);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_holds_and_resume_goes_on() {
    let kit = Kit::new();
    kit.work.let_pass(5);
    let job = kit.submit(20, "concurrency = 2").await.job.id;
    kit.until(job, |snapshot| snapshot.job.tally.processed() == 5).await;
    let paused = kit.engine.pause(job, "you").await.unwrap().job;
    assert_eq!(paused.state, JobState::Paused);
    kit.work.let_pass(100);
    kit.engine.resume(job, None, "you").await.unwrap();
    kit.until_state(job, JobState::Completed).await;
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_does_the_failed_rows_once_more_and_totals_stay_true() {
    let kit = Kit::new();
    for key in ["a2", "a7"] {
        kit.work.told(key, Some(Act::Fail));
    }
    kit.work.let_pass(100);
    let job = kit.submit(10, "").await.job.id;
    kit.until_state(job, JobState::Completed).await;
    kit.work.told("a2", None);
    let (count, reopened) =
        kit.engine.retry(job, Outcome::Failed, None, None, Vec::new(), "you").await.unwrap();
    assert_eq!((count, reopened.job.state, reopened.job.generation), (2, JobState::Running, 1));
    assert_eq!(reopened.job.tally.processed(), 8);
    let done = kit.until_state(job, JobState::Completed).await.job;
    assert_eq!((done.tally.added, done.tally.failed), (9, 1));
    assert_eq!(kit.work.calls_of("a1"), 1);
    let none =
        kit.engine.retry(job, Outcome::Failed, Some("no-such".to_owned()), None, Vec::new(), "you").await;
    assert_eq!(none.unwrap_err().code, Code::NothingToRetry);
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrency_can_be_changed_while_the_job_runs() {
    let kit = Kit::new();
    let job = kit.submit(50, "concurrency = 2").await.job.id;
    kit.until_true("two calls are under way", || kit.work.all_calls() == 2).await;
    kit.engine
        .tune(
            job,
            None,
            onward_engine::Limits { concurrency: Some(6), ..onward_engine::Limits::default() },
            "you",
        )
        .await
        .unwrap();
    kit.until_true("six calls are under way", || kit.work.all_calls() == 6).await;
    let refused = kit
        .engine
        .tune(
            job,
            None,
            onward_engine::Limits { concurrency: Some(0), ..onward_engine::Limits::default() },
            "you",
        )
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::InvalidLimit);
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_that_make_no_sense_are_refused_with_the_state() {
    let kit = Kit::new();
    kit.work.let_pass(100);
    let job = kit.submit(3, "").await.job.id;
    kit.until_state(job, JobState::Completed).await;
    let codes = [
        kit.engine.resume(job, None, "you").await.unwrap_err(),
        kit.engine.restart(job, true, "you").await.unwrap_err(),
        kit.engine.force_cancel(job, "you").await.unwrap_err(),
        kit.engine.pause(job, "you").await.unwrap_err(),
    ];
    let expected = [Code::JobNotResumable, Code::JobNotRunning, Code::JobNotRunning, Code::JobNotRunning];
    assert_eq!(codes.clone().map(|problem| problem.code), expected);
    assert!(codes.iter().all(|problem| problem.facts["job_status"] == "completed"));
}
