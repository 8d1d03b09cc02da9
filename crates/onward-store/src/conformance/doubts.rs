//! Rows in doubt: known after a loss, as the recipe wants them, and settled by a person.

use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::doubt::{Doubt, Stand, Trial};
use onward_core::id::{JobId, RowIndex};
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::{Claim, Settle, Store};

use super::Subject;
use super::build::{Hand, at, claim, command, job_with, run_to_end};

const HTTP: &str = r#"{"work": {"kind": "http"}}"#;
const HELD: &str = r#"{"work": {"kind": "http"}, "in_doubt": {"policy": "hold"}}"#;

/// A worker that may call so many rows beyond the first missing one.
async fn take(store: &Arc<dyn Store>, job: JobId, window: u32, now: UnixMs) -> Hand {
    let claimed = store.claim(&Claim { window, ..claim(job, "w", now) }).await.expect("the store answers");
    Hand::of(store, job, claimed.expect("a span is free"))
}

/// The rows in doubt; the job says how many there are.
async fn doubts(store: &Arc<dyn Store>, job: JobId) -> Vec<Doubt> {
    let doubts = store.doubts(job, None, 1_000).await.expect("the store answers");
    let now = store.job(job).await.expect("the store answers").expect("the job is there");
    assert_eq!(now.in_doubt, doubts.len() as u64, "the job counts its rows in doubt");
    doubts
}

fn rows(doubts: &[Doubt]) -> Vec<u32> {
    doubts.iter().map(|doubt| doubt.row.0).collect()
}

fn blamed(doubts: &[Doubt]) -> Vec<(u32, bool)> {
    doubts.iter().map(|doubt| (doubt.deaths, doubt.died_alone)).collect()
}

fn settle(job: JobId, rows: &[u32], stand: Stand) -> Settle {
    let rows = rows.iter().copied().map(RowIndex).collect();
    Settle { job, rows, stand, actor: "you".to_owned(), now: at(50) }
}

/// What was claimed and has no outcome; nothing before it and nothing beyond.
pub async fn what_may_have_been_called_is_in_doubt_after_a_loss(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 150, HTTP).await;
    let mut hand = take(&store, id, 5, at(1)).await;
    hand.finish([1, 3], Outcome::Added, at(2)).await.expect("the holder may write");
    assert_eq!(doubts(&store, id).await, [], "nothing while the holder lives");
    store.rescue(at(60)).await.expect("it rescues");
    let known = doubts(&store, id).await;
    assert_eq!(rows(&known), [0, 2, 4]);
    let as_expected =
        |doubt: &&Doubt| (doubt.deaths, doubt.stand, doubt.died_alone) == (1, Stand::Again, false);
    assert!(known.iter().filter(as_expected).count() == 3 && known[0].since == at(60), "{known:?}");
    assert_eq!(store.doubts(id, Some(RowIndex(0)), 1).await.map(|page| rows(&page)), Ok(vec![2]));

    let mut next = take(&store, id, 5, at(61)).await;
    assert_eq!(rows(&next.claimed.doubts), [0, 2, 4], "whoever comes next is told");
    next.finish([0], Outcome::Added, at(62)).await.expect("the holder may write");
    assert_eq!(rows(&doubts(&store, id).await), [2, 4], "one with an outcome is in doubt no more");
    store.command(&command(id, Step::Restart, at(63))).await.expect("it is restarted");
    let known = doubts(&store, id).await;
    assert!(known.iter().all(|doubt| doubt.deaths <= 1), "a restart is no death: {known:?}");
    run_to_end(&store, id, at(64)).await;
    assert_eq!(doubts(&store, id).await, []);
}

/// Given back by its holder, or of work that only computes: nothing can have happened.
pub async fn nothing_is_in_doubt_that_was_given_back_or_only_computed(
    Subject { store, keep: _keep, .. }: Subject,
) {
    let id = job_with(&store, 10, HTTP).await;
    take(&store, id, 5, at(1)).await.release().await.expect("the holder may give it back");
    assert_eq!(doubts(&store, id).await, []);
    let computed = job_with(&store, 10, r#"{"work": {"kind": "creators"}}"#).await;
    take(&store, computed, 5, at(1)).await;
    store.rescue(at(60)).await.expect("it rescues");
    assert_eq!(doubts(&store, computed).await, []);
}

/// Held rows are nobody's until a person speaks; a span of which only such are left cannot be claimed.
pub async fn held_rows_wait_for_a_person(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 4, HELD).await;
    take(&store, id, 2, at(1)).await;
    store.rescue(at(60)).await.expect("it rescues");
    let mut hand = take(&store, id, 2, at(61)).await;
    assert!(hand.claimed.doubts.iter().all(|doubt| doubt.stand == Stand::Held));
    hand.finish([2, 3], Outcome::Added, at(62)).await.expect("the holder may write");
    hand.release().await.expect("the holder may give it back");
    assert_eq!(store.claimable(10).await, Ok(Vec::new()));
    assert_eq!(store.claim(&claim(id, "w", at(63))).await, Ok(None));
    assert_eq!(store.settle(&settle(id, &[1], Stand::Done)).await, Ok(1));
    assert_eq!(store.settle(&settle(id, &[1, 2], Stand::Again)).await, Ok(0), "only rows that wait");
    assert_eq!(store.claimable(10).await, Ok(vec![id]));
    assert_eq!(store.settle(&settle(id, &[], Stand::Again)).await, Ok(1), "all that wait");
    let mut hand = take(&store, id, 9, at(64)).await;
    let stands: Vec<Stand> = hand.claimed.doubts.iter().map(|doubt| doubt.stand).collect();
    assert_eq!(stands, [Stand::Again, Stand::Done]);
    let told = store.events(Some(id), 0, 100).await.expect("it answers");
    assert_eq!(told.iter().filter(|event| event.detail.contains("in doubt")).count(), 2);

    // What a person settled stays so, and what was called again is in doubt again.
    store.rescue(at(120)).await.expect("it rescues");
    let stands: Vec<Stand> = doubts(&store, id).await.iter().map(|doubt| doubt.stand).collect();
    assert_eq!(stands, [Stand::Held, Stand::Done]);
    assert!(hand.finish([0], Outcome::Added, at(121)).await.is_err());
}

/// The row that was alone when the process died, and no other.
pub async fn a_row_that_was_tried_alone_is_the_only_one_to_blame(
    Subject { store, keep: _keep, .. }: Subject,
) {
    let id = job_with(&store, 10, HTTP).await;
    for death in 1..=3 {
        take(&store, id, 3, at(100 * death)).await;
        store.rescue(at(100 * death + 50)).await.expect("it rescues");
    }
    assert!(doubts(&store, id).await.iter().all(|doubt| doubt.deaths == 3 && !doubt.died_alone));
    let mut hand = take(&store, id, 3, at(400)).await;
    for trial in [
        Trial::Begins(RowIndex(0)),
        Trial::AsBefore,
        Trial::Begins(RowIndex(1)),
        Trial::Over(RowIndex(0)),
        Trial::Begins(RowIndex(0)),
    ] {
        let commit = hand.commit(Vec::new(), at(401));
        store.commit(onward_core::store::Commit { trial, ..commit }).await.expect("the holder may write");
    }
    store.rescue(at(450)).await.expect("it rescues");
    assert_eq!(blamed(&doubts(&store, id).await), [(3, false), (4, true), (3, false)]);

    let mut hand = take(&store, id, 3, at(500)).await;
    for trial in [Trial::Begins(RowIndex(2)), Trial::Over(RowIndex(2)), Trial::Begins(RowIndex(2))] {
        let commit = hand.commit(Vec::new(), at(501));
        store.commit(onward_core::store::Commit { trial, ..commit }).await.expect("the holder may write");
    }
    store.rescue(at(550)).await.expect("it rescues");
    assert_eq!(
        blamed(&doubts(&store, id).await),
        [(4, false), (5, true), (4, false)],
        "no row was alone any more"
    );
}

/// A failure that is in the ledger is sure; what is opened again begins anew.
pub async fn a_retry_forgets_what_was_in_doubt(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 3, HTTP).await;
    take(&store, id, 9, at(1)).await;
    store.rescue(at(60)).await.expect("it rescues");
    let mut hand = take(&store, id, 9, at(61)).await;
    hand.finish([0, 1, 2], Outcome::Failed, at(62)).await.expect("the holder may write");
    store.retry(&super::retry::all_failed(id)).await.expect("there are failed rows");
    assert_eq!(doubts(&store, id).await, []);
}
