//! Pictures of a job: counters by span, single records, and what a row was before.

use onward_core::id::{RowIndex, SpanNo};
use onward_core::row::Outcome;
use onward_core::store::{HEARD_MINUTES, Heard, NO_ANSWER, Retry, SpanQuery, Walk};
use onward_core::tally::Tally;

use super::Subject;
use super::build::{Hand, at, job, look, new_uuid, record, run_to_end};

/// Spans come in row order, cover every row once, and add up to the job's own counters.
pub async fn spans_say_what_the_job_adds_up_to(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    let mut first = Hand::take(&store, id, "w", at(1)).await;
    let mut second = Hand::take(&store, id, "w", at(1)).await;
    second.finish([150, 101], Outcome::Failed, at(7)).await.expect("the holder may write");
    first.finish([99, 0], Outcome::Added, at(3)).await.expect("the holder may write");
    let spans = store.spans(id).await.expect("it answers");
    let places: Vec<_> = spans.iter().map(|span| (span.first.0, span.rows)).collect();
    assert_eq!(places, [(0, 100), (100, 100), (200, 50)]);
    assert_eq!(spans.iter().map(|span| span.tally).sum::<Tally>(), look(&store, id).await.tally);
    assert_eq!((spans[1].tally.failed, spans[1].saved_at), (2, Some(at(7))));
    assert_eq!((spans[2].tally, spans[2].saved_at), (Tally::default(), None));
    let nobody = onward_core::id::JobId(new_uuid());
    assert_eq!(store.spans(nobody).await, Ok(Vec::new()));
}

/// A search is led to the spans that hold what it looks for, either way, a few at a time.
pub async fn a_search_is_led_to_the_spans_that_hold_it(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 450).await;
    for (rows, outcome) in [
        ([0, 1], Outcome::Added),
        ([100, 101], Outcome::Failed),
        ([200, 201], Outcome::Skipped),
        ([300, 301], Outcome::Filtered),
    ] {
        let mut hand = Hand::take(&store, id, "w", at(1)).await;
        hand.finish(rows, outcome, at(2)).await.expect("the holder may write");
        hand.write(vec![record(rows[0] + 5, Outcome::Added)], at(3)).await.expect("the holder may write");
    }
    let all = store.spans(id).await.expect("it answers");
    let outcomes =
        [None, Some(Outcome::Added), Some(Outcome::Failed), Some(Outcome::Skipped), Some(Outcome::Filtered)];
    for outcome in outcomes {
        for no in 0..=5 {
            for (walk, limit) in [Walk::On(SpanNo(no)), Walk::Back(SpanNo(no))]
                .into_iter()
                .flat_map(|walk| [(walk, 2), (walk, 9)])
            {
                let query = SpanQuery { job: id, outcome, walk, limit };
                assert_eq!(store.spans_with(&query).await, Ok(query.of(&all)), "{query:?}");
            }
        }
    }
    let failed = SpanQuery { job: id, outcome: Some(Outcome::Failed), walk: Walk::On(SpanNo(0)), limit: 9 };
    assert_eq!(store.spans_with(&failed).await, Ok(vec![all[1]]));
    let back = SpanQuery { outcome: None, walk: Walk::Back(SpanNo(3)), limit: 2, ..failed };
    assert_eq!(store.spans_with(&back).await, Ok(vec![all[3], all[2]]));
    let nobody = SpanQuery { job: onward_core::id::JobId(new_uuid()), ..failed };
    assert_eq!(store.spans_with(&nobody).await, Ok(Vec::new()));
}

/// Marks are the records of every so-manieth row, and only where there is a record.
pub async fn marks_are_every_so_manieth_record(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0, 1, 30, 45, 60], Outcome::Filtered, at(2)).await.expect("the holder may write");
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.write(vec![record(120, Outcome::Failed)], at(2)).await.expect("the holder may write");
    let rows = async |every| {
        let marks = store.marks(id, every).await.expect("it answers");
        marks.iter().map(|mark| mark.index.0).collect::<Vec<_>>()
    };
    assert_eq!(rows(1).await, [0, 1, 30, 45, 60, 120]);
    assert_eq!(rows(30).await, [0, 30, 60, 120]);
    assert_eq!(rows(1_000).await, [0]);
    let last = *store.marks(id, 120).await.expect("it answers").last().expect("row 120 has a record");
    let expected = record(120, Outcome::Failed);
    assert_eq!((last.outcome, last.tries, last.duration_ms), (Outcome::Failed, 1, expected.duration_ms));
    assert_eq!(last.finished_at, expected.finished_at);
}

/// What a retry takes out of the ledger can still be read, oldest first.
pub async fn a_row_keeps_what_it_was_before_a_retry(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 5).await;
    for generation in 0..2 {
        let mut hand = Hand::take(&store, id, "w", at(1)).await;
        let others: Vec<u32> = hand.open().filter(|row| *row != 3).collect();
        hand.finish(others, Outcome::Added, at(2)).await.expect("the holder may write");
        hand.write(vec![record(3, Outcome::Failed)], at(3)).await.expect("the holder may write");
        assert_eq!(store.history(id, RowIndex(3)).await.map(|records| records.len()), Ok(generation));
        store.retry(&failed(id, None)).await.expect("row 3 is opened");
    }
    run_to_end(&store, id, at(30)).await;
    let records = store.history(id, RowIndex(3)).await.expect("it answers");
    let generations: Vec<_> = records.iter().map(|record| record.generation).collect();
    assert_eq!(generations.len(), 2);
    assert!(generations[0] < generations[1], "{generations:?}");
    assert_eq!((records[0].outcome, records[0].code.as_str()), (Outcome::Failed, "not-found"));
    assert_eq!(store.history(id, RowIndex(2)).await, Ok(Vec::new()));
}

/// Everything a search finds is opened in one step, and nothing else.
pub async fn a_retry_opens_what_a_search_finds(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 20).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([1, 11, 2], Outcome::Failed, at(2)).await.expect("the holder may write");
    let open: Vec<u32> = hand.open().collect();
    hand.finish(open, Outcome::Added, at(3)).await.expect("the holder may write");
    assert!(store.retry(&failed(id, Some("nobody"))).await.is_err());
    let (count, job) = store.retry(&failed(id, Some("CREATOR1"))).await.expect("rows 1 and 11 are opened");
    assert_eq!((count, job.tally.failed), (2, 1));
    run_to_end(&store, id, at(30)).await;
    let (count, _) = store.retry(&failed(id, Some("no such"))).await.expect("the words are found too");
    assert_eq!(count, 1);
}

fn failed(job: onward_core::id::JobId, text: Option<&str>) -> Retry {
    Retry {
        job,
        outcome: Outcome::Failed,
        code: None,
        text: text.map(str::to_owned),
        rows: Vec::new(),
        actor: String::from("you"),
        now: at(20),
    }
}

/// Counts by minute and status add up, whoever hands them in; a day of them is kept.
pub async fn what_was_heard_adds_up_and_a_day_of_it_is_kept(Subject { store, keep: _keep, .. }: Subject) {
    let (id, other) = (job(&store, 5).await, job(&store, 6).await);
    let heard = |minute, status, calls| Heard { minute, status, calls };
    let first = [heard(10, 503, 1), heard(10, 200, 7), heard(11, NO_ANSWER, 2)];
    store.hear(id, &first).await.expect("it takes it");
    store.hear(id, &[heard(10, 200, 3)]).await.expect("it takes it");
    store.hear(id, &[]).await.expect("nothing is fine");
    let known = store.heard(id).await.expect("it answers");
    assert_eq!(known, [heard(10, 200, 10), heard(10, 503, 1), heard(11, NO_ANSWER, 2)]);
    assert_eq!(store.heard(other).await, Ok(Vec::new()), "each job has its own");
    store.hear(id, &[heard(10 + HEARD_MINUTES, 200, 1)]).await.expect("it takes it");
    let known = store.heard(id).await.expect("it answers");
    assert_eq!(known, [heard(11, NO_ANSWER, 2), heard(10 + HEARD_MINUTES, 200, 1)]);
    store
        .command(&super::build::command(id, onward_core::state::Step::ForceCancel, at(9)))
        .await
        .expect("it stops");
    store.delete_job(id).await.expect("it is deleted");
    store.hear(id, &first).await.expect("what comes late is no error");
    assert_eq!(store.heard(id).await, Ok(Vec::new()));
}
