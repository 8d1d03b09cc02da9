//! Jobs that come from another store: whole, and to be gone on with.

use std::sync::Arc;

use onward_core::id::RowIndex;
use onward_core::job::Job;
use onward_core::row::Outcome;
use onward_core::state::{JobState, Step};
use onward_core::store::{BEING_MOVED, CreatorQuery, Moving, NewJob, Retry, Store};

use super::Subject;
use super::build::{
    Hand, adding, assert_sums, at, claim, command, ledger, look, new_job, run_to_end, sealed,
};
use crate::memory::MemoryStore;

/// A cancelled job of the model with 228 of 313 rows, some of them retried once.
async fn over_there() -> (Arc<dyn Store>, Job, NewJob) {
    let model: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let input = sealed(&model, 313).await;
    let new = new_job(input.id);
    model.create_job(new.clone()).await.expect("the job is created");
    let mut first = Hand::take(&model, new.id, "w", at(1)).await;
    first.finish(0..3, Outcome::Failed, at(2)).await.expect("the holder may write");
    first.write(vec![adding(3, "ann")], at(2)).await.expect("the holder may write");
    model.command(&command(new.id, Step::ForceCancel, at(3))).await.expect("it is cancelled");
    let (job, now) = (new.id, at(4));
    let retry = Retry {
        job,
        outcome: Outcome::Failed,
        code: None,
        text: None,
        rows: Vec::new(),
        actor: "you".into(),
        now,
    };
    model.retry(&retry).await.expect("rows are opened");
    for (rows, skip) in [(100, 1), (100, 0), (28, 0)] {
        let mut hand = Hand::take(&model, new.id, "w", at(5)).await;
        let open: Vec<u32> = hand.open().take(rows - skip).collect();
        hand.finish(open, Outcome::Added, at(6)).await.expect("the holder may write");
    }
    let cancelled = model.command(&command(new.id, Step::ForceCancel, at(7))).await.expect("it is cancelled");
    assert_eq!(cancelled.resume_from_row(), Some(229));
    (model, cancelled, new)
}

pub(super) async fn copy_input(from: &Arc<dyn Store>, to: &Arc<dyn Store>, job: &Job) {
    for (no, _, _) in onward_core::input::spans(job.total) {
        let (chunk, _) = from.chunk(job.input.id, no).await.expect("it answers").expect("it is there");
        to.put_chunk(job.input.id, chunk).await.expect("it is stored");
    }
    let facts = from.input(job.input.id).await.expect("it answers").expect("it is there");
    to.seal_input(&facts, &Default::default(), at(8)).await.expect("it is sealed");
}

/// What was at 228 goes on at 229, with its ledger, its history, its timeline and its creators.
pub async fn a_job_that_moves_in_goes_on_where_it_was(Subject { store, keep: _keep, .. }: Subject) {
    let (model, job, new) = over_there().await;
    copy_input(&model, &store, &job).await;
    store.take_in(Moving::Begin(new.clone())).await.expect("it begins");
    let begun = look(&store, job.id).await;
    assert_eq!(
        (begun.state, begun.pause.expect("a reason").message.as_str()),
        (JobState::Paused, BEING_MOVED)
    );
    assert_eq!(store.claimable(10).await, Ok(Vec::new()), "nobody takes up what is not whole");

    let rows = ledger(&model, job.id).await;
    let history = model.history_page(job.id, None, 100).await.expect("it answers");
    assert_eq!(history.len(), 3);
    let events = model.events(Some(job.id), 0, 100).await.expect("it answers");
    let creators = CreatorQuery { limit: 10, ..CreatorQuery::default() };
    let creators = model.creators(&creators).await.expect("it answers");
    for _again in 0..2 {
        store.take_in(Moving::Rows(job.id, rows.clone())).await.expect("rows are taken in");
        store.take_in(Moving::History(job.id, history.clone())).await.expect("history is taken in");
        store.take_in(Moving::Creators(creators.clone())).await.expect("creators are taken in");
    }
    store.take_in(Moving::Events(job.id, events.clone())).await.expect("events are taken in");
    store.take_in(Moving::End(Box::new(job.clone()))).await.expect("it is whole");

    assert_eq!(look(&store, job.id).await, job);
    assert_eq!(ledger(&store, job.id).await, rows);
    assert_eq!(store.history_page(job.id, None, 100).await, Ok(history.clone()));
    let rest = store.history_page(job.id, Some((RowIndex(0), 0)), 1).await;
    assert_eq!(rest, Ok(history[1..2].to_vec()), "history is read page by page");
    let told: Vec<_> = store.events(Some(job.id), 0, 100).await.expect("it answers");
    let plain = |events: &[onward_core::event::Event]| {
        events.iter().map(|event| (event.at, event.kind, event.detail.clone())).collect::<Vec<_>>()
    };
    assert_eq!(plain(&told), plain(&events));
    assert_sums(&store, job.id).await;

    store.command(&command(job.id, Step::Resume, at(9))).await.expect("it is resumed");
    let next = store.claim(&claim(job.id, "w", at(9))).await.expect("it answers").expect("a span is free");
    assert_eq!(next.done.low_water(), RowIndex(228));
    store.release(job.id, next.span, next.epoch).await.expect("it is given back");
    run_to_end(&store, job.id, at(10)).await;
    assert_eq!(look(&store, job.id).await.state, JobState::Completed);
    assert_sums(&store, job.id).await;
}

/// A creator comes along although its job was deleted.
pub async fn a_creator_of_a_deleted_job_moves_too(Subject { store, keep: _keep, .. }: Subject) {
    let (model, job, _) = over_there().await;
    model.delete_job(job.id).await.expect("it is deleted");
    let all = CreatorQuery { limit: 10, ..CreatorQuery::default() };
    let creators = model.creators(&all).await.expect("it answers");
    assert_eq!(creators.len(), 1);
    store.take_in(Moving::Creators(creators.clone())).await.expect("they are taken in");
    assert_eq!(store.creators(&all).await, Ok(creators));
}
