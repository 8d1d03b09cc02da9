//! Claims: one holder per span, in order, and nothing is called before it is claimed.

use std::collections::BTreeSet;

use onward_core::event::EventKind;
use onward_core::id::{JobId, RowIndex, SpanNo, WorkerId};
use onward_core::job::Tuning;
use onward_core::lease::LEASE_MS;
use onward_core::row::Outcome;
use onward_core::state::{JobState, Step};
use onward_core::store::{Claim, Glance, StoreError};

use super::Subject;
use super::build::{Hand, at, claim, command, job, look, new_uuid, run_to_end};

/// The first claim is the start of the job.
pub async fn the_first_claim_starts_the_job(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    let first = Hand::take(&store, id, "w1", at(5)).await.claimed;
    let running = look(&store, id).await;
    assert_eq!((running.state, running.attempt), (JobState::Running, 1));
    assert_eq!((running.started_at, running.attempt_at), (Some(at(5)), Some(at(5))));
    assert_eq!((first.span, first.epoch, first.done.count()), (SpanNo(0), running.epoch, 0));
    let lease = &running.leases[0];
    assert_eq!((lease.span, &lease.worker, lease.epoch), (SpanNo(0), &WorkerId("w1".into()), first.epoch));
    assert_eq!(lease.until, at(5).plus_ms(LEASE_MS));

    let second = Hand::take(&store, id, "w2", at(6)).await.claimed;
    assert_eq!((second.span, second.epoch), (SpanNo(1), first.epoch.next()));
    let running = look(&store, id).await;
    assert_eq!((running.attempt, running.started_at), (1, Some(at(5))), "it is started once");
    assert_eq!((running.epoch, running.leases.len()), (second.epoch, 2));
    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    let started = events.iter().filter(|event| event.kind == EventKind::Started);
    assert_eq!(started.count(), 1);
}

/// What a worker looks at each second says of its job what the whole job says: its own spans and no others.
pub async fn a_glance_sees_the_limits_and_the_own_spans(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 650).await;
    let worker = |name: &str| WorkerId(name.to_owned());
    let seen = async |name: &str| {
        let glance = store.glance(id, &worker(name)).await.expect("it answers").expect("the job is there");
        assert_eq!(glance, Glance::of(&look(&store, id).await, &worker(name)));
        glance
    };
    assert_eq!(seen("w1").await.held, Vec::new(), "nobody holds anything yet");
    let mut held = Vec::new();
    for name in ["w1", "w2", "w1"] {
        held.push(Hand::take(&store, id, name, at(1)).await.claimed);
    }
    let own = |at: &[usize]| -> Vec<_> { at.iter().map(|at| (held[*at].span, held[*at].epoch)).collect() };
    assert_eq!((seen("w1").await.held, seen("w2").await.held), (own(&[0, 2]), own(&[1])));
    assert_eq!(seen("w1").await.epoch, held[2].epoch);
    let slower = Tuning { concurrency: Some(3), ..Tuning::default() };
    store.tune(id, None, Some(slower), "you", at(2)).await.expect("a job may be tuned");
    store.release(id, held[0].span, held[0].epoch).await.expect("it is held");
    let glance = seen("w1").await;
    assert_eq!((glance.tuning.concurrency, glance.held), (Some(3), own(&[2])));
    store.command(&command(id, Step::ForceCancel, at(3))).await.expect("a running job may be cancelled");
    assert_eq!(seen("w1").await.held, Vec::new());
    assert_eq!(store.glance(JobId(new_uuid()), &worker("w1")).await, Ok(None));
}

/// Many workers, seven spans: each span has one holder, each holder an epoch of its own.
pub async fn claims_at_once_never_share_a_span(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 650).await;
    let wish = |worker: usize| {
        let (store, wish) = (store.clone(), claim(id, &format!("w{worker}"), at(1)));
        tokio::spawn(async move { store.claim(&wish).await })
    };
    let (mut spans, mut epochs, mut empty) = (BTreeSet::new(), BTreeSet::new(), 0);
    for task in (0..20).map(wish).collect::<Vec<_>>() {
        match task.await.expect("it does not panic").expect("the store answers") {
            Some(claimed) => {
                assert!(spans.insert(claimed.span), "span {} has two holders", claimed.span);
                assert!(epochs.insert(claimed.epoch), "epoch {} was given twice", claimed.epoch);
            }
            None => empty += 1,
        }
    }
    assert_eq!((spans.len(), empty), (7, 13));
}

/// What may be in flight is bounded and durable (G3).
pub async fn a_claim_reaches_as_far_as_its_window(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 150).await;
    let wish = |window| Claim { window, ..claim(id, "w", at(1)) };
    let first = store.claim(&wish(8)).await.expect("it answers").expect("a span is free");
    assert_eq!(first.claimed_until, RowIndex(8));
    let mut hand = Hand::of(&store, id, first);
    hand.finish([0, 1, 2, 5], Outcome::Added, at(2)).await.expect("the holder may write");
    hand.release().await.expect("the holder may give it back");
    let again = store.claim(&wish(8)).await.expect("it answers").expect("a span is free");
    assert_eq!((again.span, again.claimed_until), (SpanNo(0), RowIndex(11)), "from the first missing row");
    let second = store.claim(&wish(80)).await.expect("it answers").expect("a span is free");
    assert_eq!((second.span, second.claimed_until), (SpanNo(1), RowIndex(150)), "not beyond the span");
}

/// The next holder knows every row that is done and none that is not.
pub async fn a_span_given_back_is_taken_up_where_it_was(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut first = Hand::take(&store, id, "w1", at(1)).await;
    first.finish([0, 1, 2, 63, 64, 65, 98], Outcome::Added, at(2)).await.expect("the holder may write");
    first.release().await.expect("the holder may give it back");
    let free = look(&store, id).await;
    assert!(free.leases.is_empty());
    assert_eq!((free.tally.added, free.checkpoint.saved_at), (7, Some(at(2))));
    assert_eq!(store.claimable(10).await, Ok(vec![id]));
    let second = Hand::take(&store, id, "w2", at(3)).await.claimed;
    let held = look(&store, id).await;
    assert_eq!((held.tally.added, held.checkpoint.saved_at), (7, Some(at(2))), "each row counts once");
    assert!(second.epoch > first.claimed.epoch);
    let done: Vec<u32> = (0..100).filter(|row| second.done.contains(RowIndex(*row))).collect();
    assert_eq!(done, [0, 1, 2, 63, 64, 65, 98]);
}

/// Only queued and running jobs with a free span are offered, oldest first.
pub async fn only_work_that_is_free_can_be_claimed(Subject { store, keep: _keep, .. }: Subject) {
    let mut ids = Vec::new();
    for by in [Step::Pause, Step::ForceCancel, Step::Fail] {
        let id = job(&store, 10).await;
        store.command(&command(id, by, at(1))).await.expect("the step is legal");
        ids.push(id);
    }
    let completed = job(&store, 10).await;
    run_to_end(&store, completed, at(1)).await;
    let held = job(&store, 10).await;
    Hand::take(&store, held, "w", at(1)).await;
    ids.extend([completed, held]);
    let (running, queued) = (job(&store, 150).await, job(&store, 10).await);
    Hand::take(&store, running, "w", at(1)).await;

    assert_eq!(store.claimable(10).await, Ok(vec![running, queued]));
    assert_eq!(store.claimable(1).await, Ok(vec![running]));
    for id in ids {
        assert_eq!(store.claim(&claim(id, "w", at(2))).await, Ok(None));
    }
    let gone = JobId(new_uuid());
    assert_eq!(store.claim(&claim(gone, "w", at(2))).await, Err(StoreError::NotFound(gone)));
}

/// A lease that has run out is not taken over by the clock alone: `rescue` moves the epoch first.
pub async fn a_lapsed_span_is_claimable_only_after_rescue(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    Hand::take(&store, id, "w1", at(1)).await;
    assert_eq!(store.claim(&claim(id, "w2", at(3_600))).await, Ok(None));
    store.rescue(at(3_600)).await.expect("it rescues");
    Hand::take(&store, id, "w2", at(3_600)).await;
}
