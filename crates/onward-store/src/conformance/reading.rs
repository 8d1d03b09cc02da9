//! Reading: pages in order, searches taken literally, and a number that moves with every change.

use onward_core::id::RowIndex;
use onward_core::row::{Outcome, Verdict};
use onward_core::state::Step;
use onward_core::store::{CreatorQuery, RowQuery, Sums, Totals};

use super::Subject;
use super::build::{Hand, T0, adding, all_rows, at, command, job, record, run_to_end};

/// Rows are read in row order whatever the order in which they finished (G15).
pub async fn rows_are_read_in_row_order_page_by_page(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 250).await;
    let mut first = Hand::take(&store, id, "w", at(1)).await;
    let mut second = Hand::take(&store, id, "w", at(1)).await;
    second.finish([150, 101, 199], Outcome::Added, at(2)).await.expect("the holder may write");
    first.finish([99, 0, 42], Outcome::Failed, at(3)).await.expect("the holder may write");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = RowQuery { after, limit: 2, ..all_rows(id) };
        let page = store.rows(&query).await.expect("it answers");
        after = page.last().map(|row| row.index);
        seen.extend(page.iter().map(|row| row.index.0));
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [0, 42, 99, 101, 150, 199]);
    let query = RowQuery { until: Some(RowIndex(101)), outcome: Some(Outcome::Added), ..all_rows(id) };
    let rows = store.rows(&query).await.expect("it answers");
    assert_eq!(rows.iter().map(|row| row.index.0).collect::<Vec<_>>(), [101]);
}

/// Outcome, code and text narrow a page; a text means itself, not a pattern.
pub async fn rows_are_found_by_outcome_code_and_text(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let mut rate = record(5, Outcome::Failed);
    rate.verdict = Verdict::new(Outcome::Failed, "rate", "slower: 100% of the QUOTA");
    hand.write(vec![record(4, Outcome::Failed), rate], at(2)).await.expect("the holder may write");
    hand.finish([6, 7], Outcome::Filtered, at(2)).await.expect("the holder may write");
    let mut far = record(8, Outcome::Failed);
    far.key = "Ärzte".into();
    far.verdict = Verdict::new(Outcome::Failed, "closed", "Heute GESCHLOSSEN: Straße gesperrt, Ωmega");
    hand.write(vec![far], at(2)).await.expect("the holder may write");
    let find = async |outcome, code: Option<&str>, text: Option<&str>| {
        let (code, text) = (code.map(str::to_owned), text.map(str::to_owned));
        let rows = store.rows(&RowQuery { outcome, code, text, ..all_rows(id) }).await.expect("it answers");
        rows.iter().map(|row| row.index.0).collect::<Vec<_>>()
    };
    assert_eq!(find(Some(Outcome::Failed), None, None).await, [4, 5, 8]);
    for part in ["ärz", "ÄRZTE", "rzT", "geschlossen: S", "STRAß", "ωMEGA"] {
        assert_eq!(find(None, None, Some(part)).await, [8], "{part}");
    }
    assert_eq!(find(Some(Outcome::Skipped), None, None).await, [0u32; 0]);
    assert_eq!(find(None, Some("rate"), None).await, [5]);
    assert_eq!(find(None, Some("added"), None).await, [0u32; 0]);
    assert_eq!(find(None, None, Some("0% OF the quota")).await, [5]);
    assert_eq!(find(None, None, Some("%")).await, [5]);
    assert_eq!(find(None, None, Some("CREATOR7")).await, [7]);
    assert_eq!(find(None, None, Some("r_")).await, [0u32; 0]);
}

/// A plain success is found by its outcome, its code and its words like any other record.
pub async fn a_plain_success_is_found_too(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([1, 2], Outcome::Added, at(2)).await.expect("the holder may write");
    hand.finish([3], Outcome::Failed, at(2)).await.expect("the holder may write");
    for query in [
        RowQuery { outcome: Some(Outcome::Added), ..all_rows(id) },
        RowQuery { code: Some(String::from("added")), ..all_rows(id) },
        RowQuery { text: Some(String::from("added")), ..all_rows(id) },
    ] {
        let rows = store.rows(&query).await.expect("it answers");
        assert_eq!(rows.iter().map(|row| row.index.0).collect::<Vec<_>>(), [1, 2], "{query:?}");
    }
}

/// Rows with one cause stand together, the largest group first.
pub async fn groups_name_each_cause_once(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let mut rows: Vec<_> = [9, 2, 30].map(|row| record(row, Outcome::Failed)).into();
    let mut timeout = record(1, Outcome::Failed);
    timeout.verdict = Verdict::new(Outcome::Failed, "timeout", "no answer");
    rows.push(timeout);
    hand.write(rows, at(2)).await.expect("the holder may write");
    hand.finish([50], Outcome::Skipped, at(2)).await.expect("the holder may write");
    let groups = store.groups(id, Outcome::Failed, 200).await.expect("it answers");
    let found: Vec<_> = groups.iter().map(|group| (group.code.as_str(), group.count)).collect();
    assert_eq!(found, [("not-found", 3), ("timeout", 1)]);
    assert_eq!((groups[0].first, groups[0].last), (RowIndex(2), RowIndex(30)));
    assert_eq!(groups[0].message, "there is no such creator");
    assert_eq!(store.groups(id, Outcome::Skipped, 200).await.map(|groups| groups.len()), Ok(1));
    assert_eq!(store.groups(id, Outcome::Filtered, 200).await, Ok(Vec::new()));
}

/// However many causes there are, a page stays a page.
pub async fn groups_are_at_most_so_many(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 300).await;
    for _ in 0..3 {
        let mut hand = Hand::take(&store, id, "w", at(1)).await;
        let rows = hand.open().map(|row| {
            let mut failed = record(row, Outcome::Failed);
            failed.verdict.message = format!("cause {row}").into();
            failed
        });
        let rows = rows.collect();
        hand.write(rows, at(2)).await.expect("the holder may write");
    }
    assert_eq!(store.groups(id, Outcome::Failed, 200).await.map(|groups| groups.len()), Ok(200));
}

/// Creators come in order of list and key, page by page.
pub async fn creators_are_read_in_order_of_their_key(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let mut rows: Vec<_> =
        ["dora", "anna", "Ben_1", "cleo"].iter().zip(0..).map(|(key, row)| adding(row, key)).collect();
    let mut other = adding(10, "anna");
    other.verdict.creator.as_mut().expect("it adds one").table = "agencies".into();
    rows.push(other);
    hand.write(rows, at(2)).await.expect("the holder may write");

    let read = async |query: CreatorQuery| {
        let page = store.creators(&query).await.expect("it answers");
        page.into_iter().map(|creator| (creator.table, creator.key)).collect::<Vec<_>>()
    };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = read(CreatorQuery { after, limit: 2, ..CreatorQuery::default() }).await;
        seen.extend(page.iter().map(|(_, key)| key.clone()));
        after = page.last().cloned();
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["anna", "Ben_1", "anna", "cleo", "dora"]);
    let table = |table: &str| CreatorQuery { table: Some(table.into()), limit: 9, ..CreatorQuery::default() };
    assert_eq!(read(table("agencies")).await.len(), 1);
    let text = CreatorQuery { text: Some(String::from("N_")), limit: 9, ..CreatorQuery::default() };
    assert_eq!(read(text).await, [(String::from("creators"), String::from("Ben_1"))]);
    let first = store.creators(&table("agencies")).await.expect("it answers").remove(0);
    assert_eq!((first.job, first.row, first.added_at), (id, RowIndex(10), at(2)));
    assert_eq!(first.data, "{\"handle\":\"anna\"}");
}

/// Whoever changes something, the number is another one afterwards; looking does not move it.
pub async fn the_version_moves_with_every_change(Subject { store, keep: _keep, .. }: Subject) {
    let mut last = store.version().await.expect("it answers");
    let id = job(&store, 100).await;
    let mut moved = async |what: &str| {
        let now = store.version().await.expect("it answers");
        assert_ne!(now, last, "{what}");
        last = now;
    };
    moved("a new job").await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    moved("a claim").await;
    hand.finish([0], Outcome::Added, at(2)).await.expect("the holder may write");
    moved("a commit").await;
    store.tune(id, Some("other"), None, "you", at(3)).await.expect("it is changed");
    moved("a new name").await;
    store.command(&command(id, Step::Pause, at(4))).await.expect("the step is legal");
    moved("a command").await;
    store.job(id).await.expect("it answers");
    store.rows(&all_rows(id)).await.expect("it answers");
    assert_eq!(store.version().await, Ok(last), "looking changes nothing");
}

/// The tiles of the main page.
pub async fn totals_count_jobs_by_state(Subject { store, keep: _keep, .. }: Subject) {
    assert_eq!(store.totals().await, Ok(Totals::default()));
    assert_eq!(store.sums(T0).await, Ok(Sums::default()));
    let running = job(&store, 100).await;
    let mut hand = Hand::take(&store, running, "w", at(1)).await;
    hand.finish([0, 1, 2], Outcome::Failed, at(100)).await.expect("the holder may write");
    let done = job(&store, 5).await;
    let mut hand = Hand::take(&store, done, "w", at(1)).await;
    hand.finish([0], Outcome::Failed, at(2)).await.expect("the holder may write");
    hand.finish(1..5, Outcome::Added, at(3)).await.expect("the holder may write");
    for by in [Step::Pause, Step::Fail, Step::Fail, Step::ForceCancel] {
        let id = job(&store, 5).await;
        store.command(&command(id, by, at(1))).await.expect("the step is legal");
    }
    job(&store, 5).await;
    assert_eq!(store.totals().await, Ok(Totals { running: 1, queued: 1, paused: 1, failed: 2 }));
    assert_eq!(store.sums(T0).await, Ok(Sums { jobs: 7, failed_rows_today: 4 }));
    assert_eq!(store.sums(at(50)).await, Ok(Sums { jobs: 7, failed_rows_today: 3 }));
    run_to_end(&store, running, at(101)).await;
    assert_eq!(store.sums(at(200)).await, Ok(Sums { jobs: 7, failed_rows_today: 0 }));
}

/// The health check writes, and leaves nothing behind that anybody sees.
pub async fn a_ping_is_answered(Subject { store, keep: _keep, .. }: Subject) {
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.ping().await, Ok(()));
    assert!(!store.kind().is_empty());
}
