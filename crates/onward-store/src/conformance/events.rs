//! The timeline: every change of state, in order, with who, when and from which row.

use onward_core::event::{EventKind, NewEvent};
use onward_core::id::JobId;
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::StoreError;

use super::Subject;
use super::build::{Hand, T0, at, command, job, look, new_uuid, run_to_end};

/// A life with every turn in it is told turn by turn.
pub async fn a_life_is_told_in_order(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0, 1, 2], Outcome::Added, at(2)).await.expect("the holder may write");
    let turns = [
        (Step::Pause, EventKind::Paused),
        (Step::Resume, EventKind::Resumed),
        (Step::Restart, EventKind::Restarted),
        (Step::Fail, EventKind::Failed),
        (Step::Resume, EventKind::Resumed),
        (Step::ForceCancel, EventKind::Cancelled),
        (Step::Resume, EventKind::Resumed),
    ];
    let mut expected = vec![(EventKind::Created, T0, None), (EventKind::Started, at(1), None)];
    for ((by, kind), second) in turns.into_iter().zip(10..) {
        let after = store.command(&command(id, by, at(second))).await.expect("the step is legal");
        expected.push((kind, at(second), Some(after.epoch)));
    }
    run_to_end(&store, id, at(60)).await;
    expected.push((EventKind::Completed, at(60), Some(look(&store, id).await.epoch)));

    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    assert_eq!(events.len(), expected.len());
    for (event, (kind, at, epoch)) in events.iter().zip(expected) {
        assert_eq!((event.kind, event.at, event.job), (kind, at, id));
        assert!(epoch.is_none_or(|epoch| event.epoch == epoch), "{event:?}");
        if matches!(kind, EventKind::Resumed | EventKind::Restarted) {
            assert_eq!((event.from_row, event.actor.as_str()), (Some(4), "you"));
        }
    }
    assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq && pair[0].epoch <= pair[1].epoch));
}

/// Who begins to watch begins at the end.
pub async fn the_last_number_is_known_without_reading_all(Subject { store, keep: _keep, .. }: Subject) {
    assert_eq!(store.last_event().await.expect("it answers"), 0);
    job(&store, 10).await;
    job(&store, 10).await;
    let events = store.events(None, 0, 100).await.expect("it answers");
    let last = events.last().expect("two jobs were created").seq;
    assert_eq!(store.last_event().await.expect("it answers"), last);
}

/// Numbers grow over all jobs; a reader goes on after the last one it saw.
pub async fn events_are_read_on_from_a_number(Subject { store, keep: _keep, .. }: Subject) {
    let (first, second) = (job(&store, 10).await, job(&store, 10).await);
    store.command(&command(first, Step::Pause, at(1))).await.expect("the step is legal");
    let all = store.events(None, 0, 100).await.expect("it answers");
    assert_eq!(all.iter().map(|event| event.job).collect::<Vec<_>>(), [first, second, first]);
    assert_eq!(store.events(None, all[0].seq, 1).await, Ok(vec![all[1].clone()]));
    assert_eq!(store.events(Some(first), all[0].seq, 100).await, Ok(vec![all[2].clone()]));
    assert_eq!(store.events(None, all[2].seq, 100).await, Ok(Vec::new()));
}

/// What others find out is told under the job's epoch of that moment.
pub async fn a_recorded_fact_is_on_the_timeline(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    Hand::take(&store, id, "w", at(1)).await;
    let fact = NewEvent {
        job: id,
        at: at(2),
        kind: EventKind::LateResult,
        actor: String::from("worker w"),
        from_row: Some(7),
        detail: String::from("the result of row 7 came too late and was refused"),
    };
    let told = store.record(fact.clone()).await.expect("it is recorded");
    assert_eq!((told.kind, told.from_row, told.epoch), (fact.kind, Some(7), look(&store, id).await.epoch));
    assert_eq!((told.actor.as_str(), told.detail.as_str()), ("worker w", fact.detail.as_str()));
    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    assert_eq!(events.last(), Some(&told));
    let gone = NewEvent { job: JobId(new_uuid()), ..fact };
    assert_eq!(store.record(gone.clone()).await, Err(StoreError::NotFound(gone.job)));
}

/// A reader that remembers a number must never be handed it again for something else.
pub async fn a_number_is_not_given_again_after_a_deletion(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 0).await;
    let last = store.events(None, 0, 100).await.expect("it answers").last().map(|event| event.seq);
    store.delete_job(id).await.expect("it is completed");
    job(&store, 0).await;
    let events = store.events(None, 0, 100).await.expect("it answers");
    assert!(events.iter().all(|event| Some(event.seq) > last));
}
