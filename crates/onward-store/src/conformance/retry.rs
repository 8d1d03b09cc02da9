//! Retry: failed rows are opened again under a new generation, and the totals stay one job's totals.

use std::sync::Arc;

use onward_core::event::EventKind;
use onward_core::id::{JobId, RowIndex};
use onward_core::row::Outcome;
use onward_core::state::{JobState, Step};
use onward_core::store::{Retry, Store, StoreError};
use onward_core::tally::Tally;

use super::Subject;
use super::build::{
    Hand, adding, assert_sums, at, command, job, ledger, look, new_job, record, run_to_end, sealed,
};

pub(super) fn all_failed(job: JobId) -> Retry {
    Retry {
        job,
        outcome: Outcome::Failed,
        code: None,
        text: None,
        rows: Vec::new(),
        actor: String::from("you"),
        now: at(20),
    }
}

/// 250 rows: 3, 107 and 108 failed, the last as `timeout`.
async fn completed(store: &Arc<dyn Store>) -> JobId {
    let id = job(store, 250).await;
    let mut first = Hand::take(store, id, "w", at(1)).await;
    first.finish([3], Outcome::Failed, at(2)).await.expect("the holder may write");
    let mut second = Hand::take(store, id, "w", at(1)).await;
    let mut timeout = record(108, Outcome::Failed);
    timeout.verdict.code = "timeout".into();
    second.write(vec![record(107, Outcome::Failed), timeout], at(2)).await.expect("the holder may write");
    for mut hand in [first, second] {
        let open: Vec<u32> = hand.open().collect();
        hand.finish(open, Outcome::Added, at(3)).await.expect("the holder may write");
    }
    run_to_end(store, id, at(3)).await;
    id
}

/// The failed rows are open again, and only they.
pub async fn failed_rows_are_opened_under_a_new_generation(Subject { store, keep: _keep, .. }: Subject) {
    let id = completed(&store).await;
    let before = look(&store, id).await;
    assert_eq!((before.state, before.tally.failed), (JobState::Completed, 3));
    let (count, after) = store.retry(&all_failed(id)).await.expect("three rows failed");
    assert_eq!((count, after.state, after.generation), (3, JobState::Running, 1));
    assert_eq!(after.tally, Tally { added: 247, ..Tally::default() });
    assert_eq!((after.resume_from_row(), after.checkpoint.ahead), (Some(4), 244));
    assert_eq!((after.epoch, after.attempt), (before.epoch.next(), before.attempt + 1));
    assert_eq!((after.attempt_at, after.finished_at), (Some(at(20)), None));
    assert_eq!(look(&store, id).await, after);
    assert_sums(&store, id).await;
    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    let last = events.last().expect("it has events");
    assert_eq!((last.kind, last.from_row, last.epoch), (EventKind::Retried, Some(4), after.epoch));

    let hand = Hand::take(&store, id, "w", at(21)).await;
    assert_eq!((hand.claimed.generation, hand.open().collect::<Vec<_>>()), (1, vec![3]));
}

/// After the second go every row has one outcome again, and the ledger says which go it was.
pub async fn a_retried_job_completes_with_the_totals_of_one_job(Subject { store, keep: _keep, .. }: Subject) {
    let id = completed(&store).await;
    store.retry(&all_failed(id)).await.expect("three rows failed");
    run_to_end(&store, id, at(30)).await;
    let done = look(&store, id).await;
    assert_eq!((done.state, done.tally.added, done.finished_at), (JobState::Completed, 250, Some(at(30))));
    let again = ledger(&store, id).await.into_iter().filter(|row| row.generation == 1);
    assert_eq!(again.map(|row| row.index.0).collect::<Vec<_>>(), [3, 107, 108]);
    assert_sums(&store, id).await;
    assert_eq!(store.retry(&all_failed(id)).await, Err(StoreError::NothingToRetry));
}

/// A code, or rows, narrow it down.
pub async fn retry_opens_only_what_was_asked_for(Subject { store, keep: _keep, .. }: Subject) {
    let id = completed(&store).await;
    let none = Retry { code: Some(String::from("no-such-code")), ..all_failed(id) };
    assert_eq!(store.retry(&none).await, Err(StoreError::NothingToRetry));
    let added = Retry { rows: vec![RowIndex(0), RowIndex(9_999)], ..all_failed(id) };
    assert_eq!(store.retry(&added).await, Err(StoreError::NothingToRetry), "row 1 was added, not failed");
    assert_eq!(look(&store, id).await.state, JobState::Completed);

    let timeout = Retry { code: Some(String::from("timeout")), ..all_failed(id) };
    assert_eq!(store.retry(&timeout).await.map(|(count, job)| (count, job.tally.failed)), Ok((1, 2)));
    run_to_end(&store, id, at(30)).await;
    let one = Retry { rows: vec![RowIndex(3), RowIndex(0)], ..all_failed(id) };
    let (count, after) = store.retry(&one).await.expect("row 4 failed");
    assert_eq!((count, after.generation, after.tally.failed), (1, 2, 1));
    assert_sums(&store, id).await;
}

/// A job that is at work is not reopened under its workers.
pub async fn an_active_job_is_not_retried(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0], Outcome::Failed, at(2)).await.expect("the holder may write");
    assert!(matches!(store.retry(&all_failed(id)).await, Err(StoreError::Illegal(_))));
    store.command(&command(id, Step::Pause, at(3))).await.expect("the step is legal");
    assert!(matches!(store.retry(&all_failed(id)).await, Err(StoreError::Illegal(_))));
    assert_eq!(look(&store, id).await.tally.failed, 1);
}

/// A job that gave up goes on with its failed rows open again.
pub async fn a_stopped_job_is_retried_and_goes_on(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 150).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0, 1], Outcome::Failed, at(2)).await.expect("the holder may write");
    hand.finish([2], Outcome::Added, at(2)).await.expect("the holder may write");
    store.command(&command(id, Step::Fail, at(3))).await.expect("the step is legal");
    let (count, after) = store.retry(&all_failed(id)).await.expect("two rows failed");
    assert_eq!((count, after.resume_from_row(), after.error), (2, Some(1), None));
    let late = hand.finish([0], Outcome::Added, at(21)).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "the old holder stays out: {late:?}");
    run_to_end(&store, id, at(22)).await;
    assert_eq!(look(&store, id).await.tally.added, 150);
    assert_sums(&store, id).await;
}

/// A retry makes a job active, and of equal work one may be.
pub async fn retry_is_refused_while_the_same_work_is_active(Subject { store, keep: _keep, .. }: Subject) {
    let input = sealed(&store, 10).await.id;
    let first = new_job(input);
    let second = onward_core::store::NewJob { id: new_job(input).id, ..first.clone() };
    store.create_job(first.clone()).await.expect("the job is created");
    let mut hand = Hand::take(&store, first.id, "w", at(1)).await;
    hand.finish(0..10, Outcome::Failed, at(2)).await.expect("the holder may write");
    store.create_job(second.clone()).await.expect("the first is completed");
    assert_eq!(store.retry(&all_failed(first.id)).await, Err(StoreError::Duplicate(second.id)));
    assert_eq!(look(&store, first.id).await.tally.failed, 10);
}

/// A row that once added its creator finds it there when it is opened again.
pub async fn a_retried_row_does_not_add_its_creator_twice(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 1).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.write(vec![adding(0, "anna")], at(2)).await.expect("the holder may write");
    let again = Retry { outcome: Outcome::Added, ..all_failed(id) };
    store.retry(&again).await.expect("one row was added");
    let mut hand = Hand::take(&store, id, "w", at(21)).await;
    hand.write(vec![adding(0, "anna")], at(22)).await.expect("the holder may write");
    assert_eq!(look(&store, id).await.tally, Tally { skipped: 1, ..Tally::default() });
    assert_sums(&store, id).await;
}
