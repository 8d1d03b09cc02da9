//! Verify: silent when all is well, and it finds what was planted.

use onward_core::id::JobId;
use onward_core::row::Outcome;
use onward_core::store::StoreError;

use super::build::{Hand, assert_sums, at, job, new_uuid, run_to_end};
use super::{Damage, Subject};

/// In every state of an honest life there is nothing to say.
pub async fn an_honest_job_has_no_problems(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    assert_sums(&store, id).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0, 5, 99], Outcome::Failed, at(2)).await.expect("the holder may write");
    assert_sums(&store, id).await;
    hand.release().await.expect("the holder may give it back");
    run_to_end(&store, id, at(3)).await;
    assert_sums(&store, id).await;
    let gone = JobId(new_uuid());
    assert_eq!(store.verify(gone).await, Err(StoreError::NotFound(gone)));
}

/// Every kind of damage the store lets us plant is found.
pub async fn planted_damage_is_found(Subject { store, planter, keep: _keep }: Subject) {
    let Some(plant) = planter else { return };
    for damage in Damage::ALL {
        let id = job(&store, 250).await;
        let mut hand = Hand::take(&store, id, "w", at(1)).await;
        hand.finish(0..30, Outcome::Added, at(2)).await.expect("the holder may write");
        assert_sums(&store, id).await;
        if !plant(id, damage) {
            continue;
        }
        let found = store.verify(id).await.expect("the job can be verified");
        assert!(!found.problems.is_empty(), "{damage:?} was not found");
        if matches!(damage, Damage::CounterRaised | Damage::RecordLost) {
            assert_ne!(found.ledger, found.counters, "{damage:?}");
        }
    }
}
