//! The server crashes, ends connections, goes away and comes back; processes die between two steps.

use std::sync::Arc;
use std::time::Duration;

use onward_core::id::WorkerId;
use onward_core::row::Outcome;
use onward_core::state::JobState;
use onward_core::store::{Claim, Store, StoreError};
use onward_testkit::postgres::{Disk, Stop, left_out};
use onward_testkit::{Postgres, Proxy, Weather, until};

use crate::conformance::build::{Hand, T0, all_rows, assert_sums, at, job, ledger, look, record};
use crate::postgres::tests::{PLANTED, SqlBug, server, subject, within};
use crate::postgres::{PostgresStore, head, open};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rows that were acknowledged before the server was killed, and how many of them are there after it
/// has come up again. The database is set to answer before anything is written, as some are.
async fn acknowledged_and_kept(schema: &str) -> (usize, usize) {
    let mut server = Postgres::start(Disk::Quick).unwrap();
    server.sql("ALTER SYSTEM SET synchronous_commit = off").unwrap();
    server.sql("ALTER SYSTEM SET wal_writer_delay = '10s'").unwrap();
    server.stop(Stop::Fast).unwrap();
    server.launch().unwrap();
    let url = within(&server.url(), schema);
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&url).await.unwrap());
    let id = job(&store, 1_000).await;
    let mut hand = Hand::take(&store, id, "w", T0).await;
    for row in 0..50 {
        hand.finish([row], Outcome::Added, T0).await.unwrap();
    }
    server.stop(Stop::Immediate).unwrap();
    server.launch().unwrap();
    let rows =
        until("the server to answer", PATIENCE, async || Ok(store.rows(&all_rows(id)).await.ok())).await;
    (50, rows.unwrap().len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_crashes() {
    if left_out() {
        return;
    }
    let (acknowledged, kept) = acknowledged_and_kept("onward").await;
    assert_eq!(kept, acknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_does_not_wait_for_the_disk_is_caught() {
    if left_out() {
        return;
    }
    let bug = SqlBug { sound: "set_config('synchronous_commit', 'on', true)", planted: "''::text" };
    PLANTED.lock().unwrap().insert(String::from("hasty"), bug);
    let (acknowledged, kept) = acknowledged_and_kept("hasty").await;
    assert!(kept < acknowledged, "{kept} of {acknowledged} are there: the test would not notice");
}

/// What no statement of ours does, the database would not keep.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_that_contradicts_itself_is_refused_by_the_database() {
    let Some(server) = server() else { return };
    let subject = subject(server.clone(), server.url()).await;
    job(&subject.store, 100).await;
    let schema = server.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'case%'").unwrap();
    for wrong in [
        "added = -1",
        "added = row_count + 1",
        "added = row_count",
        "state = 'done'",
        "state = 'lost'",
        "state = 'leased'",
        "worker = 'w'",
        "lease_until_ms = 1",
        "low_water = first_row - 1",
        "claimed_until = first_row + row_count + 1",
    ] {
        let refused = server.sql(&format!("UPDATE {schema}.spans SET {wrong}")).unwrap_err().to_string();
        assert!(refused.contains("would contradict itself"), "{wrong}: {refused}");
    }
    server.sql(&format!("UPDATE {schema}.spans SET added = 1")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_its_connections_were_ended_the_store_goes_on_by_itself() {
    let Some(server) = server() else { return };
    let subject = subject(server.clone(), server.url()).await;
    let store = &subject.store;
    let id = job(store, 100).await;
    let mut hand = Hand::take(store, id, "w", at(1)).await;
    for row in 0..100 {
        if row % 10 == 0 {
            server.terminate_backends().unwrap();
        }
        let mut commit = hand.commit(vec![record(row, Outcome::Added)], at(2));
        let (span, epoch) = (commit.span, commit.epoch);
        loop {
            match store.commit(commit.clone()).await {
                Ok(_) => break,
                Err(StoreError::Unavailable(_)) => {}
                // What the run loop does: the ledger says what became of it.
                Err(StoreError::Unknown(_)) => {
                    let truth = until("the ledger to be read", PATIENCE, async || {
                        Ok(store.reread(id, span, epoch).await.ok())
                    });
                    let truth = truth.await.unwrap();
                    Arc::make_mut(&mut commit.rows).retain(|row| !truth.done.contains(row.index));
                    if truth.done.is_full() {
                        break;
                    }
                }
                Err(other) => panic!("row {row}: {other}"),
            }
        }
    }
    assert_eq!(ledger(store, id).await.len(), 100);
    store.rescue(at(3)).await.unwrap();
    assert_eq!(look(store, id).await.state, JobState::Completed);
    assert_sums(store, id).await;
}

/// The sums of spans are derived: what somebody else wrote there is found, and summed up anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_that_are_not_those_of_the_spans_are_found_and_made_anew() {
    let Some(server) = server() else { return };
    let store: Arc<dyn Store> =
        Arc::new(PostgresStore::open(&within(&server.url(), "tenant")).await.unwrap());
    let id = job(&store, 250).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish(0..30, Outcome::Added, at(2)).await.unwrap();
    hand.release().await.unwrap();
    assert_sums(&store, id).await;
    server.sql("UPDATE tenant.span_sums SET added = added + 1 WHERE part = 0").unwrap();
    let found = store.verify(id).await.unwrap();
    let said = found.problems.concat();
    assert!(said.contains("31 rows are done; its spans say 30"), "{said}");
    let repair = said.split('`').nth(1).unwrap();
    server.sql(repair).unwrap();
    assert_sums(&store, id).await;
    let latest = store.spans(id).await.unwrap().iter().filter_map(|span| span.saved_at).max();
    assert_eq!(look(&store, id).await.checkpoint.saved_at, latest);
}

/// Ends the connection of whoever asks, in the middle of it; all connections that the store keeps, too.
async fn cut_off<T: Send + 'static>(
    server: &Postgres,
    asking: impl Future<Output = T> + Send + 'static,
) -> T {
    let holder = open::session(&server.url()).await.unwrap();
    holder.begin().await.unwrap();
    holder.execute("LOCK TABLE onward.jobs IN ACCESS EXCLUSIVE MODE", &[]).await.unwrap();
    let asking = tokio::spawn(asking);
    wait_for_a_lock(server).await;
    server.terminate_backends().unwrap();
    asking.await.unwrap()
}

async fn wait_for_a_lock(server: &Postgres) {
    until("somebody to wait for the lock", PATIENCE, async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        Ok(server.sql(waiting)?.trim().parse::<usize>().ok().filter(|waiting| *waiting > 0))
    })
    .await
    .unwrap();
}

/// The server, or a pooler before it, ends connections when it likes; who asks at that moment is not told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_as_its_connection_ends_is_done_on_a_new_one() {
    let Some(server) = server() else { return };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&server.url()).await.unwrap());
    let id = job(&store, 10).await;
    let asked = Arc::clone(&store);
    let read = cut_off(&server, async move { asked.job(id).await }).await;
    assert!(read.as_ref().is_ok_and(Option::is_some), "{read:?}");
    // The reader may have been answered before its connection was ended; what breaks next is to be a kept one.
    assert!(store.job(id).await.is_ok());
    let asked = Arc::clone(&store);
    let tuned = cut_off(&server, async move { asked.tune(id, Some("other"), None, "you", T0).await }).await;
    assert_eq!(tuned.map(|job| job.name), Ok(String::from("other")));
    // Of what was one statement nobody knows whether it was carried out: the ledger is to be asked.
    let claim = Claim { job: id, worker: WorkerId(String::from("w")), window: 8, now: T0 };
    let asked = Arc::clone(&store);
    let claimed = cut_off(&server, async move { asked.claim(&claim).await.map(drop) }).await;
    assert!(matches!(claimed, Err(StoreError::Unknown(_))), "{claimed:?}");
}

/// The last two spans are filled at the same moment; neither statement sees the other, and the job is
/// completed all the same, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_fill_the_last_spans_at_once_one_completes_the_job() {
    let Some(server) = server() else { return };
    let subject = subject(server.clone(), server.url()).await;
    for _ in 0..20 {
        let id = job(&subject.store, 200).await;
        let mut hands = Vec::new();
        for worker in ["a", "b"] {
            hands.push(Hand::take(&subject.store, id, worker, at(1)).await);
        }
        let fill = |mut hand: Hand| {
            let open: Vec<u32> = hand.open().collect();
            tokio::spawn(async move { hand.finish(open, Outcome::Added, at(2)).await })
        };
        let tasks: Vec<_> = hands.into_iter().map(fill).collect();
        let mut completed = 0;
        for task in tasks {
            completed += u32::from(task.await.unwrap().unwrap().job_done);
        }
        assert!(completed >= 1, "nobody completed it");
        assert_eq!(look(&subject.store, id).await.state, JobState::Completed);
        assert_sums(&subject.store, id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_last_worker_died_before_its_end_is_completed_by_the_rescue() {
    let Some(server) = server() else { return };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&server.url()).await.unwrap());
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", T0).await;
    hand.finish(0..10, Outcome::Added, T0).await.unwrap();
    // As it stands when the process ends right after its last commit.
    server.sql("UPDATE onward.jobs SET state = 'running', finished_at = NULL").unwrap();
    assert_eq!(store.rescue(T0).await, Ok(Vec::new()));
    assert_eq!(look(&store, id).await.state, JobState::Completed);
}

/// A process that is frozen inside a transaction holds the job's row; others wait five seconds, not for
/// ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_transaction_is_ended_by_the_server() {
    let Some(server) = server() else { return };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&server.url()).await.unwrap());
    let id = job(&store, 10).await;
    let frozen = open::session(&server.url()).await.unwrap();
    frozen.begin().await.unwrap();
    head::lock(&frozen, id, T0).await.unwrap();
    let tuned = store.tune(id, Some("other"), None, "you", T0).await.map(|job| job.name);
    assert_eq!(tuned, Ok(String::from("other")));
    assert!(frozen.commit().await.is_err(), "the one that fell silent has lost");
}

/// Whatever holds up those who write, whoever only looks has a connection left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_does_not_wait_for_commits_that_wait() {
    let Some(server) = server() else { return };
    for connections in [2, 5] {
        let joint = if server.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}max_connections={connections}", server.url());
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&url).await.unwrap());
        let id = job(&store, 10).await;
        let holder = open::session(&server.url()).await.unwrap();
        holder.begin().await.unwrap();
        head::lock(&holder, id, T0).await.unwrap();
        let writers: Vec<_> = (0..2 * connections)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.tune(id, Some("other"), None, "you", T0).await })
            })
            .collect();
        wait_for_a_lock(&server).await;
        // Less than the five seconds after which the server ends whoever holds the lock.
        let read = tokio::time::timeout(Duration::from_secs(3), store.job(id)).await;
        assert!(read.expect("it waits for those who write").is_ok_and(|job| job.is_some()));
        holder.roll_back().await.unwrap();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
    }
}

/// What the program says arrives, what the server answers does not: the claim is carried out and nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_is_lost_on_the_way_is_found_on_a_new_connection() {
    let Some(server) = server() else { return };
    let witness: Arc<dyn Store> = Arc::new(PostgresStore::open(&server.url()).await.unwrap());
    let id = job(&witness, 200).await;
    let proxy = Proxy::before(server.port()).await.unwrap();
    let url = server.url().replace(&server.port().to_string(), &proxy.port().to_string());
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&url).await.unwrap());
    look(&store, id).await;
    let worker = WorkerId(String::from("cut off"));
    let claim = Claim { job: id, worker: worker.clone(), window: 8, now: T0 };

    proxy.set(Weather::OneWay);
    let (claiming, asked) = (store.clone(), claim.clone());
    let claiming = tokio::spawn(async move { claiming.claim(&asked).await });
    until("the claim to be carried out", PATIENCE, async || {
        Ok((!look(&witness, id).await.leases.is_empty()).then_some(()))
    })
    .await
    .unwrap();
    proxy.set(Weather::Reset);
    let lost = claiming.await.unwrap();
    assert!(matches!(lost, Err(StoreError::Unknown(_))), "{lost:?}");

    proxy.set(Weather::Fair);
    let held =
        until("the database to be asked", PATIENCE, async || Ok(store.held_by(id, &worker).await.ok()));
    let held = held.await.unwrap();
    let [(span, epoch)] = held[..] else { panic!("one span is held: {held:?}") };
    assert_eq!(store.held_by(id, &WorkerId(String::from("another"))).await, Ok(Vec::new()));
    store.release(id, span, epoch).await.unwrap();
    let again = store.claim(&claim).await.unwrap().unwrap();
    assert_eq!(
        (again.span, again.doubts.len()),
        (span, 0),
        "it is taken anew, and nothing of it is in doubt"
    );
}
