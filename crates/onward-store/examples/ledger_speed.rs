//! How fast the SQLite ledger takes records, beside bare SQLite inserting the same ones in the same run.
//!
//! `cargo run --release -p onward-store --example ledger_speed -- [ROWS] [WORKERS] [sorted|mixed]`
//!
//! Each record is an outcome with a key and a creator. `mixed` keys come in no order, as real ones do.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use onward_core::clock::UnixMs;
use onward_core::id::{InputId, JobId, RowIndex, WorkerId};
use onward_core::input::{Chunk, Duplicates, FileFormat, InputSummary, spans};
use onward_core::row::{NewCreator, RowRecord, Verdict};
use onward_core::store::{Claim, Commit, NewJob, Store};
use onward_store::open::{Mode, open};
use rusqlite::{Connection, params};
use uuid::Uuid;

const ROWS: u64 = 1_000_000;
const WORKERS: usize = 8;
const BARE_ROWS_PER_TRANSACTION: u64 = 1_000;
const NOW: UnixMs = UnixMs(1_700_000_000_000);

#[derive(Debug, Clone, Copy)]
enum Keys {
    Sorted,
    Mixed,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "its output is what it is for")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows = arguments.next().map_or(ROWS, |rows| rows.parse().expect("a number of rows"));
    let workers = arguments.next().map_or(WORKERS, |workers| workers.parse().expect("a number of workers"));
    let keys = match arguments.next().as_deref() {
        None | Some("mixed") => Keys::Mixed,
        Some("sorted") => Keys::Sorted,
        Some(other) => panic!("keys are sorted or mixed, not {other}"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let idle = cpu_s();
    let bare = bare(&folder.path().join("bare.db"), rows, keys);
    let bare_cpu = (cpu_s() - idle) * 1e6 / rows as f64;
    println!(
        "bare SQLite, {BARE_ROWS_PER_TRANSACTION} rows a transaction: {bare:>9.0} rows/s, {bare_cpu:.2} us of CPU a row"
    );
    let idle = cpu_s();
    let ours = ledger(&folder.path().join("onward.db"), rows, workers, keys).await;
    let ours_cpu = (cpu_s() - idle) * 1e6 / rows as f64;
    println!(
        "the ledger, {workers} workers:               {ours:>9.0} rows/s, {ours_cpu:.2} us of CPU a row"
    );
    println!("ratio {:.2}, peak memory {} MB", ours / bare, peak_mb());
}

/// Rows per second of the plainest program that keeps the same records.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn bare(path: &Path, rows: u64, keys: Keys) -> f64 {
    let db = Connection::open(path).expect("a database");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -49152;
         CREATE TABLE outcomes (job INTEGER, row INTEGER, outcome INTEGER, key TEXT, finished_at INTEGER,
             epoch INTEGER, generation INTEGER, tries INTEGER, duration_ms INTEGER,
             PRIMARY KEY (job, row)) WITHOUT ROWID;
         CREATE TABLE creators (list TEXT, key TEXT, data TEXT, job INTEGER, row INTEGER, added_at INTEGER,
             PRIMARY KEY (list, key)) WITHOUT ROWID;",
    )
    .expect("tables");
    let begin = Instant::now();
    for first in (0..rows).step_by(BARE_ROWS_PER_TRANSACTION as usize) {
        db.execute_batch("BEGIN").expect("a transaction");
        let mut outcome = db
            .prepare_cached("INSERT INTO outcomes VALUES (1, ?1, 0, ?2, ?3, 1, 0, 1, 150)")
            .expect("a statement");
        let mut creator = db
            .prepare_cached("INSERT INTO creators VALUES ('creators', ?1, ?2, 1, ?3, ?4)")
            .expect("a statement");
        for row in first..rows.min(first + BARE_ROWS_PER_TRANSACTION) {
            let (key, data) = (key(row, keys), data(row));
            outcome.execute(params![row as i64, key, NOW.0]).expect("an insert");
            creator.execute(params![key, data, row as i64, NOW.0]).expect("an insert");
        }
        db.execute_batch("COMMIT").expect("a commit");
    }
    rows as f64 / begin.elapsed().as_secs_f64()
}

/// Rows per second through the store, from the first claim to the completed job.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn ledger(path: &Path, rows: u64, workers: usize, keys: Keys) -> f64 {
    let store = open(&format!("sqlite:{}", path.display()), Mode::Serve).expect("a store");
    let job = submit(&store, rows).await;
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..workers {
        tasks.spawn(work(Arc::clone(&store), job, WorkerId(format!("w{worker}")), keys));
    }
    tasks.join_all().await;
    let took = begin.elapsed().as_secs_f64();
    let done = store.job(job).await.expect("a read").expect("the job");
    assert_eq!(done.tally.added, rows, "every row is added");
    rows as f64 / took
}

async fn work(store: Arc<dyn Store>, job: JobId, worker: WorkerId, keys: Keys) {
    let claim = Claim { job, worker, window: 1_000, now: NOW };
    while let Some(claimed) = store.claim(&claim).await.expect("a claim") {
        let (first, end) = (claimed.done.first().0, claimed.done.end().0);
        let rows = (first..end).map(|row| record(row, keys)).collect();
        let commit = Commit {
            job,
            span: claimed.span,
            epoch: claimed.epoch,
            rows: Arc::new(rows),
            low_water: RowIndex(end),
            claimed_until: RowIndex(end),
            waiting: None,
            rests_until: None,
            trial: onward_core::doubt::Trial::AsBefore,
            now: NOW,
        };
        store.commit(commit).await.expect("a commit");
    }
}

async fn submit(store: &Arc<dyn Store>, rows: u64) -> JobId {
    let input = InputId(Uuid::now_v7());
    for (no, first, rows) in spans(rows) {
        let chunk = Chunk { no, first, rows, digest: String::new(), packed: vec![0; 64] };
        store.put_chunk(input, chunk).await.expect("a chunk");
    }
    let format = FileFormat { encoding: String::from("UTF-8"), delimiter: ',', header: true };
    let summary = InputSummary {
        id: input,
        filename: String::from("creators.csv"),
        sha256: String::new(),
        bytes: 0,
        rows,
        blank_lines: 0,
        columns: vec![String::from("handle")],
        format,
        warnings: Vec::new(),
        decided: Vec::new(),
        compared: None,
    };
    store.seal_input(&summary, &Duplicates::default(), NOW).await.expect("a sealed input");
    let id = JobId(Uuid::now_v7());
    let job = NewJob {
        id,
        name: String::from("speed"),
        input,
        recipe: Arc::from("{}"),
        work_digest: String::from("speed"),
        first: None,
        actor: String::from("bench"),
        now: NOW,
    };
    store.create_job(job).await.expect("a job").id
}

fn record(row: u32, keys: Keys) -> RowRecord {
    let key = key(u64::from(row), keys);
    let creator = NewCreator {
        table: Arc::from("creators"),
        key: key.as_str().into(),
        data: data(u64::from(row)).into(),
    };
    RowRecord {
        index: RowIndex(row),
        key: key.into(),
        verdict: Verdict { creator: Some(creator), ..Verdict::added() },
        tries: 1,
        duration_ms: 150,
        finished_at: NOW,
    }
}

fn key(row: u64, keys: Keys) -> String {
    match keys {
        Keys::Sorted => format!("creator_{row:09}"),
        // An odd factor visits every 64-bit number once: no two rows share a key.
        Keys::Mixed => format!("creator_{:016x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    }
}

fn data(row: u64) -> String {
    format!(r#"{{"handle":"creator_{row}","followers":{},"country":"DE","platform":"instagram"}}"#, row * 7)
}

/// CPU time of this process so far, in seconds, as Linux counts it (100 ticks a second).
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory this process ever had, as Linux counts it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
