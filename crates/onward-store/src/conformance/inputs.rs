//! Inputs: what was put comes back, whole or not at all.

use onward_core::clock::UnixMs;
use onward_core::id::{InputId, RowIndex, SpanNo};
use onward_core::input::Duplicates;
use onward_core::store::StoreError;

use super::Subject;
use super::build::{T0, at, chunk, job, look, new_job, new_uuid, sealed, summary};

/// Chunks and facts are given back to the byte.
pub async fn an_input_comes_back_as_it_was_put(Subject { store, keep: _keep, .. }: Subject) {
    let facts = sealed(&store, 313).await;
    assert_eq!(store.input(facts.id).await, Ok(Some(facts.clone())));
    let (third, _) = store.chunk(facts.id, SpanNo(3)).await.expect("it answers").expect("it is there");
    assert_eq!(third, chunk(SpanNo(3), RowIndex(300), 13));
    assert_eq!(store.chunk(facts.id, SpanNo(4)).await, Ok(None), "313 rows have four spans");
    assert_eq!(store.chunk(InputId(new_uuid()), SpanNo(0)).await, Ok(None));
}

/// Duplicates are found over the whole file and read with the chunk they are in.
pub async fn duplicates_come_with_the_chunk_they_are_in(Subject { store, keep: _keep, .. }: Subject) {
    let facts = summary(InputId(new_uuid()), 150);
    let pairs = vec![(RowIndex(7), RowIndex(2)), (RowIndex(99), RowIndex(0)), (RowIndex(100), RowIndex(7))];
    for (no, first, rows) in onward_core::input::spans(150) {
        store.put_chunk(facts.id, chunk(no, first, rows)).await.expect("a chunk is stored");
    }
    let all = Duplicates { pairs: pairs.clone() };
    store.seal_input(&facts, &all, T0).await.expect("the input is sealed");
    let (_, first) = store.chunk(facts.id, SpanNo(0)).await.expect("it answers").expect("it is there");
    let (_, second) = store.chunk(facts.id, SpanNo(1)).await.expect("it answers").expect("it is there");
    assert_eq!(first.pairs, pairs[..2]);
    assert_eq!(second.pairs, pairs[2..]);
    for (after, repeats) in [(None, 3), (Some(SpanNo(0)), 1), (Some(SpanNo(1)), 0)] {
        assert_eq!(store.repeats(facts.id, after).await, Ok(repeats), "after {after:?}");
    }
    assert_eq!(store.repeats(InputId(new_uuid()), None).await, Ok(0), "nothing repeats in no file");
}

/// Nothing refers to an input before its last row was read.
pub async fn no_job_is_made_over_an_unsealed_input(Subject { store, keep: _keep, .. }: Subject) {
    let input = InputId(new_uuid());
    store.put_chunk(input, chunk(SpanNo(0), RowIndex(0), 10)).await.expect("a chunk is stored");
    assert_eq!(store.input(input).await, Ok(None));
    let new = new_job(input);
    assert!(matches!(store.create_job(new.clone()).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.job(new.id).await, Ok(None));
}

/// An answer that got lost is asked for again.
pub async fn a_chunk_put_twice_is_stored_once(Subject { store, keep: _keep, .. }: Subject) {
    let facts = summary(InputId(new_uuid()), 10);
    for _ in 0..2 {
        store.put_chunk(facts.id, chunk(SpanNo(0), RowIndex(0), 10)).await.expect("a chunk is stored");
    }
    store.seal_input(&facts, &Duplicates::default(), T0).await.expect("the input is sealed");
    assert!(store.chunk(facts.id, SpanNo(0)).await.expect("it answers").is_some());
}

/// Sweeping takes what nobody needs, and only when it is old enough.
pub async fn an_input_is_swept_when_no_job_needs_it(Subject { store, keep: _keep, .. }: Subject) {
    let needed = look(&store, job(&store, 10).await).await.input.id;
    let lonely = sealed(&store, 10).await.id;
    let unsealed = InputId(new_uuid());
    store.put_chunk(unsealed, chunk(SpanNo(0), RowIndex(0), 10)).await.expect("a chunk is stored");

    store.sweep_inputs(UnixMs(T0.0 - 1)).await.expect("it sweeps");
    assert!(store.input(lonely).await.expect("it answers").is_some(), "it is too young");
    store.sweep_inputs(UnixMs(i64::MAX)).await.expect("it sweeps");
    assert_eq!(store.input(lonely).await, Ok(None));
    assert_eq!(store.chunk(lonely, SpanNo(0)).await, Ok(None));
    assert_eq!(store.chunk(unsealed, SpanNo(0)).await, Ok(None));
    assert!(store.chunk(needed, SpanNo(0)).await.expect("it answers").is_some());
}

/// The facts outlive the rows, so that a person is told what to attach again.
pub async fn a_dropped_input_keeps_its_facts_and_shows_as_gone(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let input = look(&store, id).await.input;
    assert!(input.available);
    store.drop_input(input.id).await.expect("it is dropped");
    let after = look(&store, id).await.input;
    assert!(!after.available);
    assert_eq!((after.filename, after.sha256), (input.filename, input.sha256));
    assert!(store.input(input.id).await.expect("it answers").is_some());
    assert_eq!(store.chunk(input.id, SpanNo(0)).await, Ok(None));
}

/// A chunk that does not match its digest is refused, when it is put or when it is loaded (G13).
pub async fn a_damaged_chunk_is_never_handed_out(Subject { store, keep: _keep, .. }: Subject) {
    let facts = summary(InputId(new_uuid()), 10);
    let mut damaged = chunk(SpanNo(0), RowIndex(0), 10);
    damaged.packed[0] ^= 1;
    if store.put_chunk(facts.id, damaged).await.is_ok() {
        store.seal_input(&facts, &Duplicates::default(), at(0)).await.expect("the input is sealed");
        assert!(matches!(store.chunk(facts.id, SpanNo(0)).await, Err(StoreError::Corrupt(_))));
    }
}
