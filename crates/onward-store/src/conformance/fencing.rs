//! Fencing: whoever lost a span writes nothing more, whatever the clocks say (G2, G11).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use onward_core::id::{Epoch, JobId};
use onward_core::retry::Dice;
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::{CreatorQuery, Store, StoreError};

use super::Subject;
use super::build::{Hand, adding, all_rows, assert_sums, at, claim, command, job, ledger, look};

/// Restart, cancel, pause and fail each take the span away for good.
pub async fn every_command_fences_the_holder(Subject { store, keep: _keep, .. }: Subject) {
    for by in [Step::Restart, Step::ForceCancel, Step::Pause, Step::Fail] {
        let id = job(&store, 10).await;
        let mut old = Hand::take(&store, id, "w1", at(1)).await;
        old.finish([0], Outcome::Added, at(2)).await.expect("the holder may write");
        let after = store.command(&command(id, by, at(3))).await.expect("the step is legal");
        assert!(after.leases.is_empty(), "{by:?} leaves nobody holding");
        let late = old.write(vec![adding(1, "late")], at(4)).await;
        assert_eq!(late, Err(StoreError::Fenced { found: after.epoch }), "{by:?}");
        assert_eq!(old.release().await, Err(StoreError::Fenced { found: after.epoch }), "{by:?}");
        let reread = store.reread(id, old.claimed.span, old.claimed.epoch).await;
        assert_eq!(reread, Err(StoreError::Fenced { found: after.epoch }), "{by:?}");
        assert_eq!(look(&store, id).await, after, "the refused write left no trace");
        assert_eq!(ledger(&store, id).await.len(), 1);
        let query = CreatorQuery { limit: 10, ..CreatorQuery::default() };
        assert_eq!(store.creators(&query).await, Ok(Vec::new()));
    }
}

/// The new holder writes, the old one does not, on one and the same span.
pub async fn the_old_holder_is_refused_and_the_new_one_is_not(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut old = Hand::take(&store, id, "w1", at(1)).await;
    store.rescue(at(100)).await.expect("it rescues");
    let mut new = Hand::take(&store, id, "w2", at(100)).await;
    let refused = StoreError::Fenced { found: new.claimed.epoch };
    assert_eq!(old.finish([0], Outcome::Failed, at(1)).await, Err(refused), "also with an old clock");
    new.finish([0], Outcome::Added, at(101)).await.expect("the holder may write");
    let rows = ledger(&store, id).await;
    assert_eq!((rows.len(), rows[0].outcome, rows[0].epoch), (1, Outcome::Added, new.claimed.epoch));
}

/// A span that was given back, or that is full, is nobody's.
pub async fn who_gave_a_span_back_writes_no_more(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 150).await;
    let mut first = Hand::take(&store, id, "w", at(1)).await;
    first.release().await.expect("the holder may give it back");
    assert!(matches!(first.finish([0], Outcome::Added, at(2)).await, Err(StoreError::Fenced { .. })));
    assert!(matches!(first.release().await, Err(StoreError::Fenced { .. })));

    let mut again = Hand::take(&store, id, "w", at(3)).await;
    again.finish(0..100, Outcome::Added, at(4)).await.expect("the holder may write");
    let after = again.finish([0], Outcome::Failed, at(5)).await;
    assert!(matches!(after, Err(StoreError::Fenced { .. })), "{after:?}");
    assert_sums(&store, id).await;
}

/// Two workers on one job leave each other alone.
pub async fn holders_of_two_spans_do_not_fence_each_other(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    let mut hands = Vec::new();
    for worker in ["w1", "w2", "w3"] {
        hands.push(Hand::take(&store, id, worker, at(1)).await);
    }
    for hand in &mut hands {
        let row = hand.open().next().expect("it is empty");
        hand.finish([row], Outcome::Added, at(2)).await.expect("the holder may write");
    }
    assert_eq!(look(&store, id).await.tally.added, 3);
}

/// What an unknown commit did is read, also when it was the one that filled the span (G9).
pub async fn reread_tells_what_an_unknown_commit_did(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 150).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish(0..60, Outcome::Added, at(2)).await.expect("the holder may write");
    let held = store.reread(id, hand.claimed.span, hand.claimed.epoch).await.expect("it is held");
    assert_eq!((held.epoch, held.done.count()), (hand.claimed.epoch, 60));
    hand.finish(60..100, Outcome::Added, at(3)).await.expect("the holder may write");
    let full = store.reread(id, hand.claimed.span, hand.claimed.epoch).await;
    assert_eq!(full.map(|claimed| claimed.done.is_full()), Ok(true), "a full span is no lost span");
}

/// Six writers with epochs that go stale while a mover takes the span away again and again: the
/// counters equal the ledger at every look, and nothing is accepted after the fence has moved.
pub async fn six_stale_writers_never_get_past_a_moving_fence(Subject { store, keep: _keep, .. }: Subject) {
    const MOVES: usize = 40;
    let id = job(&store, 100).await;
    let mover = Arc::new(Mover {
        moved_to: AtomicU64::new(0),
        hand: Mutex::new(Hand::take(&store, id, "w", at(1)).await),
    });
    let writers: Vec<_> = (0..6).map(|seed| tokio::spawn(write_on(mover.clone(), seed))).collect();
    for _ in 0..MOVES {
        let moved = store.command(&command(id, Step::Restart, at(2))).await.expect("it is running");
        mover.moved_to.store(moved.epoch.0, Ordering::SeqCst);
        let found = store.verify(id).await.expect("the job can be verified");
        assert_eq!(found.problems, Vec::<String>::new());
        assert_eq!(found.ledger, found.counters);
        let hand = take_soon(&store, id).await;
        *mover.hand.lock().unwrap_or_else(PoisonError::into_inner) = hand;
        tokio::task::yield_now().await;
    }
    mover.moved_to.store(u64::MAX, Ordering::SeqCst);
    store.command(&command(id, Step::ForceCancel, at(3))).await.expect("it is running");
    let mut inserted = 0;
    for writer in writers {
        inserted += writer.await.expect("no writer saw the law broken");
    }
    assert_sums(&store, id).await;
    assert_eq!(ledger(&store, id).await.len(), inserted, "what was answered is what is there");
}

/// A claim may pass over a span that a stale commit is looking at in this very moment: the next one gets it.
async fn take_soon(store: &Arc<dyn Store>, id: JobId) -> Hand {
    for _ in 0..1_000 {
        if let Some(claimed) = store.claim(&claim(id, "w", at(2))).await.expect("the store answers") {
            return Hand::of(store, id, claimed);
        }
        tokio::task::yield_now().await;
    }
    panic!("the span stays taken although the job was restarted");
}

struct Mover {
    /// The epoch of the last restart that was answered.
    moved_to: AtomicU64,
    hand: Mutex<Hand>,
}

/// Writes under whatever claim it picked up some time ago, until the mover is done.
async fn write_on(mover: Arc<Mover>, seed: u64) -> usize {
    let mut dice = Dice(seed);
    let mut inserted = 0;
    let pick_up = || mover.hand.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut hand = pick_up();
    loop {
        let moved_to = mover.moved_to.load(Ordering::SeqCst);
        // Never the first row: the writers know nothing of each other, and so nothing of a later checkpoint.
        let row = 1 + u32::try_from(dice.below(98)).expect("it is below 98");
        match hand.finish([row], Outcome::ALL[(seed % 4) as usize], at(2)).await {
            Ok(done) => {
                let last = Epoch(if moved_to == u64::MAX { 0 } else { moved_to });
                assert!(hand.claimed.epoch > last, "accepted after the fence had moved to {last}");
                inserted += done.inserted as usize;
            }
            Err(StoreError::Fenced { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        if moved_to == u64::MAX {
            return inserted;
        }
        if dice.below(3) == 0 {
            hand = pick_up();
        }
        tokio::task::yield_now().await;
    }
}

/// A page of the ledger that is read while rows are written is never torn.
pub async fn counters_and_ledger_are_read_as_of_one_moment(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let writer = tokio::spawn(async move {
        for row in 0..99 {
            hand.finish([row], Outcome::Added, at(2)).await.expect("the holder may write");
        }
    });
    let mut last = 0;
    while !writer.is_finished() {
        let now = look(&store, id).await;
        let processed = now.tally.processed();
        assert_eq!(now.checkpoint.low_water + now.checkpoint.ahead, processed);
        let rows = store.rows(&all_rows(id)).await.expect("the ledger can be read").len() as u64;
        assert!(last <= processed && processed <= rows, "{last}, {processed}, {rows}");
        last = processed;
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer does not panic");
}
