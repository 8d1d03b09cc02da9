//! Another file under a job that stands still: what is done stays done, wherever it now stands.

use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::EventKind;
use onward_core::id::{JobId, RowIndex};
use onward_core::job::{Job, JobError, Pause};
use onward_core::row::Outcome;
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::store::{Attach, Command, CreatorQuery, GONE_FROM, Move, Result, Store, StoreError};

use super::Subject;
use super::build::{Hand, adding, assert_sums, at, command, job, job_with, ledger, look, run_to_end, sealed};

fn kept(from: u32, to: u32, rows: u32) -> Move {
    Move { from: RowIndex(from), to: RowIndex(to), rows }
}

/// Attaches an input of so many rows.
async fn attach(
    store: &Arc<dyn Store>,
    before: &Job,
    rows: u64,
    moves: Vec<Move>,
    open: &[u32],
    now: UnixMs,
) -> Result<Job> {
    let input = sealed(store, rows).await.id;
    let attach = Attach {
        job: before.id,
        epoch: before.epoch,
        input,
        work_digest: Some(format!("work over {input}")),
        moves,
        open: open.iter().copied().map(RowIndex).collect(),
        anew: true,
        detail: String::from("another file"),
        actor: String::from("you"),
        now,
    };
    store.attach(&attach).await
}

/// Cancelled with 150 of 313 rows: row 0 added a creator, 1 to 9 failed, the others were added; 120 is open.
async fn stopped(store: &Arc<dyn Store>) -> JobId {
    let id = job_with(store, 313, r#"{"work": {"kind": "http"}}"#).await;
    let mut first = Hand::take(store, id, "w", at(1)).await;
    first.write(vec![adding(0, "ann")], at(2)).await.expect("the holder may write");
    first.finish(1..10, Outcome::Failed, at(2)).await.expect("the holder may write");
    first.finish(10..100, Outcome::Added, at(2)).await.expect("the holder may write");
    let mut second = Hand::take(store, id, "w", at(3)).await;
    second.finish((100..150).filter(|row| *row != 120), Outcome::Added, at(3)).await.expect("written");
    store.command(&command(id, Step::ForceCancel, at(4))).await.expect("it is cancelled");
    id
}

/// 20 rows in front and 5 taken out: each record is found at its row's new number, and the rest is done.
pub async fn outcomes_go_along_to_where_their_rows_now_stand(Subject { store, keep: _keep, .. }: Subject) {
    let id = stopped(&store).await;
    let before = look(&store, id).await;
    let moves = vec![kept(0, 20, 50), kept(55, 70, 258)];
    let after = attach(&store, &before, 328, moves, &[], at(5)).await.expect("it is attached");
    assert_eq!((after.state, after.total), (JobState::Cancelled, 328));
    assert!(after.epoch > before.epoch && after.generation == before.generation + 1);
    assert_ne!(after.input.id, before.input.id);
    assert_eq!(store.input(before.input.id).await.expect("it answers"), None, "nothing needs the old input");
    assert_eq!(after.resume_from_row(), Some(1));
    let doubts = |all: Vec<Doubt>| all.iter().map(|doubt| doubt.row.0).collect::<Vec<_>>();
    let in_doubt = doubts(store.doubts(id, None, 500).await.expect("it answers"));
    let moved = |row: u32| if row < 50 { row + 20 } else { row + 15 };
    let expected: Vec<u32> = (100..200).filter(|row| *row == 120 || *row >= 150).map(moved).collect();
    assert_eq!(in_doubt, expected, "what may have been called is in doubt at its new number");
    assert_sums(&store, id).await;
    let rows = ledger(&store, id).await;
    assert_eq!(rows.len(), 144, "149 less the five that are gone");
    for row in &rows {
        let was = if row.index.0 < 70 { row.index.0 - 20 } else { row.index.0 - 15 };
        assert_eq!(row.key, format!("creator{was}"), "at row {}", row.index.row());
    }
    let creators = store.creators(&CreatorQuery { limit: 9, ..CreatorQuery::default() }).await;
    assert_eq!(creators.expect("it answers")[0].row, RowIndex(20));
    let told = store.events(Some(id), 0, 100).await.expect("it answers").pop().expect("it is told");
    assert_eq!((told.kind, told.detail.as_str()), (EventKind::Attached, "another file"));

    store.command(&command(id, Step::Resume, at(6))).await.expect("it is resumed");
    run_to_end(&store, id, at(7)).await;
    assert_eq!(look(&store, id).await.state, JobState::Completed);
    assert_sums(&store, id).await;
}

/// The failed rows were mended, and one stands elsewhere now.
pub async fn what_is_open_is_done_again_under_a_new_generation(Subject { store, keep: _keep, .. }: Subject) {
    let id = stopped(&store).await;
    let before = look(&store, id).await;
    let moves = vec![kept(0, 0, 5), kept(5, 6, 1), kept(6, 5, 1), kept(7, 7, 306)];
    let after = attach(&store, &before, 313, moves, &[1, 5], at(5)).await.expect("it is attached");
    assert_eq!((before.tally.failed, after.tally.failed), (9, 7));
    assert_sums(&store, id).await;
    for row in [1, 6] {
        let history = store.history(id, RowIndex(row)).await.expect("it answers");
        assert_eq!(history.len(), 1, "row {row}");
        assert_eq!(history[0].outcome, Outcome::Failed);
    }
    store.command(&command(id, Step::Resume, at(6))).await.expect("it is resumed");
    let mut hand = Hand::take(&store, id, "w", at(7)).await;
    assert_eq!(hand.open().collect::<Vec<_>>(), [1, 6]);
    assert_eq!(hand.claimed.generation, before.generation + 1);
    assert_eq!(hand.claimed.input, after.input.id);
    hand.finish([1, 6], Outcome::Added, at(7)).await.expect("the holder may write");
    assert_sums(&store, id).await;
}

/// Also when other rows go the next time; and the creator of a row that is gone stays accounted for.
pub async fn records_of_rows_that_are_gone_stay_in_the_history(Subject { store, keep: _keep, .. }: Subject) {
    let id = stopped(&store).await;
    let before = look(&store, id).await;
    let after = attach(&store, &before, 312, vec![kept(1, 0, 312)], &[], at(5)).await.expect("attached");
    let after = attach(&store, &after, 310, vec![kept(0, 0, 10), kept(12, 10, 300)], &[], at(6)).await;
    assert_eq!(after.expect("attached").total, 310);
    assert_sums(&store, id).await;
    let gone = store.history_page(id, None, 100).await.expect("it answers");
    let gone: Vec<(u32, &str)> = gone.iter().map(|row| (row.index.0 - GONE_FROM, row.key.as_str())).collect();
    assert_eq!(gone, [(0, "creator0"), (1, "creator11"), (2, "creator12")]);
}

/// A person need not press anything: a worker takes it up.
pub async fn a_completed_job_with_a_new_row_is_queued(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 120).await;
    run_to_end(&store, id, at(1)).await;
    let before = look(&store, id).await;
    assert_eq!(before.state, JobState::Completed);
    let same = attach(&store, &before, 120, vec![kept(0, 0, 120)], &[], at(2)).await.expect("attached");
    assert_eq!((same.state, same.finished_at), (JobState::Completed, before.finished_at));
    let more = attach(&store, &same, 121, vec![kept(0, 0, 120)], &[], at(3)).await.expect("attached");
    assert_eq!((more.state, more.finished_at), (JobState::Queued, None));
    assert_eq!(more.resume_from_row(), Some(121));
    assert_eq!(store.claimable(10).await.expect("it answers"), [id]);
    run_to_end(&store, id, at(4)).await;
    assert_eq!(look(&store, id).await.state, JobState::Completed);
    assert_sums(&store, id).await;
}

/// What was open is not in the new file: then every row is done, whatever had stopped the job.
pub async fn a_file_that_leaves_nothing_to_do_completes_the_job(Subject { store, keep: _keep, .. }: Subject) {
    for step in [Step::Pause, Step::Fail, Step::ForceCancel] {
        let id = job(&store, 120).await;
        let mut hand = Hand::take(&store, id, "w", at(1)).await;
        hand.finish(0..60, Outcome::Failed, at(2)).await.expect("the holder may write");
        let stop = Command { error: Some(no_way()), pause: Some(held()), ..command(id, step, at(3)) };
        store.command(&stop).await.expect("the step is legal");
        let before = look(&store, id).await;
        let after = attach(&store, &before, 60, vec![kept(0, 0, 60)], &[], at(4)).await.expect("attached");
        assert_eq!((after.state, after.finished_at), (JobState::Completed, Some(at(4))), "{step:?}");
        assert_eq!((after.resume_from_row(), after.error, after.pause), (None, None, None));
        assert_eq!(look(&store, id).await.state, JobState::Completed);
        let told = store.events(Some(id), 0, 100).await.expect("it answers");
        let told: Vec<_> =
            told.iter().rev().take(2).map(|event| (event.kind, event.detail.as_str())).collect();
        let expected =
            [(EventKind::Completed, "all 60 rows have an outcome"), (EventKind::Attached, "another file")];
        assert_eq!(told, expected);
        assert_sums(&store, id).await;
    }
}

fn no_way() -> JobError {
    JobError { code: String::from("upstream-down"), message: String::from("it answers no more") }
}

fn held() -> Pause {
    Pause { reason: PauseReason::User, message: String::from("held by you"), probe_at: None }
}

/// Nothing is changed under a worker's hands, nor after somebody else's change.
pub async fn a_job_at_work_or_changed_since_keeps_its_input(Subject { store, keep: _keep, .. }: Subject) {
    let id = stopped(&store).await;
    let before = look(&store, id).await;
    store.command(&command(id, Step::Resume, at(5))).await.expect("it is resumed");
    let moves = vec![kept(0, 0, 313)];
    let refused = attach(&store, &before, 313, moves.clone(), &[], at(6)).await;
    assert!(matches!(refused, Err(StoreError::Illegal(_))), "{refused:?}");
    store.command(&command(id, Step::Pause, at(7))).await.expect("it is held");
    let refused = attach(&store, &before, 313, moves.clone(), &[], at(8)).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    let now = look(&store, id).await;
    assert_eq!((now.input.id, now.tally), (before.input.id, before.tally));
    let attached = attach(&store, &now, 313, moves, &[], at(9)).await.expect("it is attached");
    assert_eq!(attached.state, JobState::Paused);
    assert_sums(&store, id).await;
}
