//! Commits: counted is what was inserted, once, whatever is sent how often.

use onward_core::id::RowIndex;
use onward_core::job::Waiting;
use onward_core::lease::LEASE_MS;
use onward_core::row::{ALREADY_THERE, ALREADY_THERE_MESSAGE, Outcome, Verdict};
use onward_core::state::JobState;
use onward_core::store::{CreatorQuery, StoreError};
use onward_core::tally::Tally;

use super::Subject;
use super::build::{Hand, adding, assert_sums, at, job, ledger, look, record};

/// What was committed is read back to the letter.
pub async fn a_record_comes_back_as_it_was_committed(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let mut odd = record(4, Outcome::Failed);
    odd.verdict = Verdict::new(Outcome::Failed, "http-404", "not there: \u{1f50d} \"x\" 'y' \0");
    odd.verdict.result = Some("{\"status\":404}".into());
    odd.tries = 5;
    let mut bare = record(7, Outcome::Added);
    bare.key = "".into();
    hand.write(vec![odd, bare], at(2)).await.expect("the holder may write");

    let rows = ledger(&store, id).await;
    assert_eq!(rows.len(), 2);
    let (odd, bare) = (&rows[0], &rows[1]);
    assert_eq!((odd.index, odd.key.as_str(), odd.outcome), (RowIndex(4), "creator4", Outcome::Failed));
    assert_eq!((odd.code.as_str(), odd.message.as_str()), ("http-404", "not there: \u{1f50d} \"x\" 'y' \0"));
    assert_eq!((odd.result.as_deref(), odd.tries, odd.duration_ms), (Some("{\"status\":404}"), 5, 150));
    assert_eq!((odd.finished_at, odd.epoch, odd.generation), (at(1), hand.claimed.epoch, 0));
    assert_eq!((bare.key.as_str(), bare.code.as_str(), bare.message.as_str()), ("", "added", "added"));
    assert_eq!(bare.result, None);
}

/// The four counters add up to the ledger at every step.
pub async fn outcomes_are_counted_by_kind(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 313).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    for (outcome, rows) in Outcome::ALL.into_iter().zip([0..40, 40..60, 60..65, 65..68]) {
        hand.finish(rows, outcome, at(2)).await.expect("the holder may write");
        assert_sums(&store, id).await;
    }
    let tally = Tally { added: 40, failed: 20, skipped: 5, filtered: 3 };
    assert_eq!(look(&store, id).await.tally, tally);
}

/// A commit that is sent again changes nothing (G9).
pub async fn a_commit_repeated_inserts_nothing(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let rows = (0..5).map(|row| record(row, Outcome::Added)).collect();
    let commit = hand.commit(rows, at(2));
    let first = store.commit(commit.clone()).await.expect("the holder may write");
    assert_eq!((first.inserted, first.tally.added), (5, 5));
    let again = store.commit(commit).await.expect("it is still the holder");
    assert_eq!((again.inserted, again.tally.added), (0, 5));
    assert_sums(&store, id).await;
}

/// Of several records for one row the first stays (G1).
pub async fn the_first_outcome_of_a_row_stays(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let twice = vec![record(3, Outcome::Failed), record(3, Outcome::Added)];
    assert_eq!(hand.write(twice, at(2)).await.map(|done| done.inserted), Ok(1));
    let later = hand.finish([3, 4], Outcome::Added, at(3)).await.expect("the holder may write");
    assert_eq!((later.inserted, later.tally), (1, Tally { added: 1, failed: 1, ..Tally::default() }));
    assert_eq!(ledger(&store, id).await[0].outcome, Outcome::Failed);
    assert_sums(&store, id).await;
}

/// "All rows up to 1, and these 3 beyond": never a count, never the highest (G15).
pub async fn the_checkpoint_is_the_first_missing_row(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 313).await;
    let mut slow = Hand::take(&store, id, "w1", at(1)).await;
    let mut fast = Hand::take(&store, id, "w2", at(1)).await;
    slow.finish([0, 7, 50], Outcome::Added, at(2)).await.expect("the holder may write");
    fast.finish(100..200, Outcome::Added, at(3)).await.expect("the holder may write");
    let now = look(&store, id).await;
    assert_eq!((now.checkpoint.low_water, now.checkpoint.ahead), (1, 102));
    assert_eq!((now.checkpoint.saved_at, now.resume_from_row()), (Some(at(3)), Some(2)));
    slow.finish(1..7, Outcome::Added, at(4)).await.expect("the holder may write");
    assert_eq!(look(&store, id).await.checkpoint.low_water, 8);
    slow.finish(8..100, Outcome::Added, at(5)).await.expect("the holder may write");
    let now = look(&store, id).await;
    assert_eq!((now.checkpoint.low_water, now.checkpoint.ahead), (200, 0));
}

/// An old commit that arrives again after a newer one takes nothing back.
pub async fn a_late_repeat_does_not_move_the_checkpoint_back(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let old = hand.commit(vec![record(0, Outcome::Added)], at(2));
    store.commit(old.clone()).await.expect("the holder may write");
    hand.finish(1..20, Outcome::Added, at(3)).await.expect("the holder may write");
    store.commit(old).await.expect("it is still the holder");
    assert_eq!(look(&store, id).await.checkpoint.low_water, 20);
    assert_sums(&store, id).await;
}

/// The mark below which rows may be called is durable and only grows while a span is held (G3).
pub async fn claimed_until_moves_with_the_commits(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let wish = onward_core::store::Claim { window: 8, ..super::build::claim(id, "w", at(1)) };
    let claimed = store.claim(&wish).await.expect("it answers").expect("a span is free");
    let mut hand = Hand::of(&store, id, claimed);
    let mut commit = hand.commit((0..5).map(|row| record(row, Outcome::Added)).collect(), at(2));
    commit.claimed_until = RowIndex(13);
    store.commit(commit).await.expect("the holder may write");
    let held = store.reread(id, hand.claimed.span, hand.claimed.epoch).await.expect("it is held");
    assert_eq!((held.claimed_until, held.done.low_water()), (RowIndex(13), RowIndex(5)));
}

/// A renewal keeps the lease and says what is waited for; it is no progress.
pub async fn an_empty_commit_renews_the_lease(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0], Outcome::Added, at(2)).await.expect("the holder may write");
    let mut renewal = hand.commit(Vec::new(), at(6));
    renewal.waiting = Some(Waiting { row: RowIndex(1), since: at(3) });
    renewal.rests_until = Some(at(9));
    let done = store.commit(renewal).await.expect("the holder may renew");
    assert_eq!((done.inserted, done.span_done, done.job_done), (0, false, false));
    let now = look(&store, id).await;
    assert_eq!(now.leases[0].until, at(6).plus_ms(LEASE_MS));
    assert_eq!(now.leases[0].waiting, Some(Waiting { row: RowIndex(1), since: at(3) }));
    assert_eq!(now.checkpoint.rests_until, Some(at(9)));
    let renewal = hand.commit(Vec::new(), at(7));
    store.commit(renewal).await.expect("the holder may renew");
    assert_eq!(look(&store, id).await.checkpoint.rests_until, Some(at(9)), "a rest is not forgotten");
    assert_eq!(now.checkpoint.saved_at, Some(at(2)), "no row was saved since");
}

/// The last row of the last span completes the job in the same transaction.
pub async fn the_last_row_completes_the_job(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 150).await;
    let mut first = Hand::take(&store, id, "w1", at(1)).await;
    let mut second = Hand::take(&store, id, "w2", at(1)).await;
    let done = second.finish(100..150, Outcome::Failed, at(2)).await.expect("the holder may write");
    assert_eq!((done.span_done, done.job_done), (true, false));
    assert_eq!(look(&store, id).await.leases.len(), 1, "a full span is held by nobody");
    first.finish(0..99, Outcome::Added, at(3)).await.expect("the holder may write");
    let before = look(&store, id).await;
    let done = first.finish([99], Outcome::Added, at(4)).await.expect("the holder may write");
    assert_eq!((done.span_done, done.job_done, done.tally.added), (true, true, 100));
    let after = look(&store, id).await;
    assert_eq!((after.state, after.finished_at), (JobState::Completed, Some(at(4))));
    assert_eq!((after.epoch, after.tally.processed()), (before.epoch.next(), 150));
    assert_eq!((after.resume_from_row(), after.checkpoint.low_water), (None, 150));
    assert!(after.leases.is_empty());
    assert_sums(&store, id).await;
}

/// A creator comes with the row that adds it; a second one under the same key is skipped.
pub async fn a_creator_is_added_once_and_the_second_row_skipped(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let rows = vec![adding(0, "anna"), adding(1, "anna"), adding(2, "ben")];
    let done = hand.write(rows, at(2)).await.expect("the holder may write");
    assert_eq!((done.inserted, done.tally), (3, Tally { added: 2, skipped: 1, ..Tally::default() }));
    let second = &ledger(&store, id).await[1];
    assert_eq!((second.outcome, second.code.as_str()), (Outcome::Skipped, ALREADY_THERE));
    assert_eq!(second.message, ALREADY_THERE_MESSAGE);

    let other = job(&store, 10).await;
    let mut hand = Hand::take(&store, other, "w", at(3)).await;
    hand.write(vec![adding(0, "ben"), adding(1, "cleo")], at(4)).await.expect("the holder may write");
    assert_eq!(look(&store, other).await.tally, Tally { added: 1, skipped: 1, ..Tally::default() });
    let query = CreatorQuery { limit: 10, ..CreatorQuery::default() };
    let there = store.creators(&query).await.expect("it answers");
    let there: Vec<_> = there.iter().map(|creator| (creator.key.as_str(), creator.job)).collect();
    assert_eq!(there, [("anna", id), ("ben", id), ("cleo", other)]);
    assert_sums(&store, other).await;
}

/// A record that is not inserted adds no creator, and neither does one that was not added.
pub async fn no_creator_without_its_record(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0], Outcome::Failed, at(2)).await.expect("the holder may write");
    hand.write(vec![adding(0, "late")], at(3)).await.expect("the holder may write");
    let mut filtered = adding(1, "small");
    filtered.verdict.outcome = Outcome::Filtered;
    hand.write(vec![filtered], at(4)).await.expect("the holder may write");
    let query = CreatorQuery { limit: 10, ..CreatorQuery::default() };
    assert_eq!(store.creators(&query).await, Ok(Vec::new()));
    assert_eq!(look(&store, id).await.tally, Tally { failed: 1, filtered: 1, ..Tally::default() });
}

/// A record of a row that the holder does not hold is refused with all that came with it.
pub async fn a_row_of_another_span_is_refused(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 313).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let answer = hand.finish([0, 100], Outcome::Added, at(2)).await;
    assert!(matches!(answer, Err(StoreError::Corrupt(_))), "{answer:?}");
    assert!(ledger(&store, id).await.is_empty());
    assert_sums(&store, id).await;
}
