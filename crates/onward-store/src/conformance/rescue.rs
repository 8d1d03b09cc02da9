//! Rescue: what a dead worker held is given back, what a living one holds is not.

use onward_core::event::EventKind;
use onward_core::id::{SpanNo, WorkerId};
use onward_core::lease::LEASE_MS;
use onward_core::row::Outcome;
use onward_core::store::{Rescued, StoreError};

use super::Subject;
use super::build::{Hand, assert_sums, at, job, ledger, look, run_to_end};

/// The lease decides who is rescued; the epoch moves with it.
pub async fn only_lapsed_leases_are_rescued(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    let mut dead = Hand::take(&store, id, "dead", at(1)).await;
    let mut alive = Hand::take(&store, id, "alive", at(1)).await;
    dead.finish([0, 1], Outcome::Added, at(2)).await.expect("the holder may write");
    let lapse = at(2).plus_ms(LEASE_MS);
    alive.write(Vec::new(), at(10)).await.expect("the holder may renew");
    assert_eq!(store.rescue(at(2).plus_ms(LEASE_MS - 1)).await, Ok(Vec::new()));

    let before = look(&store, id).await;
    let rescued = store.rescue(lapse).await.expect("it rescues");
    assert_eq!(rescued, [Rescued { job: id, span: SpanNo(0), worker: WorkerId("dead".into()) }]);
    let after = look(&store, id).await;
    assert_eq!((after.epoch, after.leases.len()), (before.epoch.next(), 1));
    assert_eq!((after.tally, after.attempt), (before.tally, 1), "nothing is lost, nothing starts over");
    assert_eq!(dead.finish([2], Outcome::Added, lapse).await, Err(StoreError::Fenced { found: after.epoch }));
    alive.finish([100], Outcome::Added, lapse).await.expect("the living one goes on");
    assert_eq!(store.claimable(10).await, Ok(vec![id]));
    run_to_end(&store, id, lapse).await;
    assert_eq!(store.rescue(lapse).await, Ok(Vec::new()), "it is done once");
}

/// One line on the timeline per job and worker, however many spans.
pub async fn a_dead_worker_is_told_once_per_job(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 350).await;
    for worker in ["w1", "w1", "w2"] {
        Hand::take(&store, id, worker, at(1)).await;
    }
    assert_eq!(store.rescue(at(60)).await.map(|rescued| rescued.len()), Ok(3));
    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    let rescues: Vec<_> = events.iter().filter(|event| event.kind == EventKind::Rescued).collect();
    assert_eq!(rescues.len(), 2);
    let now = look(&store, id).await.epoch;
    assert!(rescues.iter().all(|event| event.at == at(60) && event.epoch <= now));
}

/// A process that knows it is alone waits for nobody's lease.
pub async fn release_all_gives_back_what_nobody_can_hold(Subject { store, keep: _keep, .. }: Subject) {
    let (first, second) = (job(&store, 10).await, job(&store, 150).await);
    let mut old = Hand::take(&store, first, "before", at(1)).await;
    Hand::take(&store, second, "before", at(1)).await;
    Hand::take(&store, second, "before", at(1)).await;
    assert_eq!(store.release_all(at(2)).await.map(|rescued| rescued.len()), Ok(3));
    assert!(matches!(old.finish([0], Outcome::Added, at(2)).await, Err(StoreError::Fenced { .. })));
    assert_eq!(store.claimable(10).await, Ok(vec![first, second]));
    for id in [first, second] {
        run_to_end(&store, id, at(3)).await;
        assert_sums(&store, id).await;
    }
}

/// A process that knows of another's end waits for the lease of that one no more, and leaves all others alone.
pub async fn release_of_gives_back_what_one_worker_held(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 350).await;
    let mut dead = Hand::take(&store, id, "dead", at(1)).await;
    let mut alive = Hand::take(&store, id, "alive", at(1)).await;
    Hand::take(&store, id, "dead", at(1)).await;
    let worker = WorkerId("dead".into());
    let released = store.release_of(&worker, at(2)).await.expect("it releases");
    let spans: Vec<SpanNo> = released.iter().map(|released| released.span).collect();
    assert_eq!(spans, [SpanNo(0), SpanNo(2)]);
    assert!(matches!(dead.finish([0], Outcome::Added, at(2)).await, Err(StoreError::Fenced { .. })));
    alive.finish([100], Outcome::Added, at(2)).await.expect("the living one goes on");
    assert_eq!(store.release_of(&worker, at(2)).await, Ok(Vec::new()), "it is done once");
    run_to_end(&store, id, at(60)).await;
    assert_sums(&store, id).await;
}

/// A lease that ends further away than any can was written before the clock was set back.
pub async fn a_clock_set_back_holds_nothing_up(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(86_400)).await;
    hand.finish([0], Outcome::Added, at(86_401)).await.expect("the holder may write");
    assert_eq!(store.rescue(at(1)).await.map(|rescued| rescued.len()), Ok(1));
    run_to_end(&store, id, at(2)).await;
    assert_eq!(ledger(&store, id).await.len(), 10);
}
