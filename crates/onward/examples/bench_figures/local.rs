//! No calls: a large list, filtered and added, every outcome durable against power loss.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::measure::{Cost, Keys, Length, cost, creators, onward, say};

const ROWS: u64 = 1_000_000;
const ROWS_PER_TRANSACTION: u64 = 1_000;
pub(crate) const RECIPE: &str = r#"key = ["handle"]
[work]
kind = "creators"
[filter]
keep = "int(followers) >= 1000"
[add]
table = "creators"
"#;

pub(crate) fn bench(length: Length) -> Result<()> {
    let sizes: &[u64] = match length {
        Length::Short => &[100_000, ROWS],
        Length::Long => &[100_000, ROWS, 5_000_000],
    };
    for keys in [Keys::InOrder, Keys::Mixed] {
        let dir = tempfile::tempdir()?;
        let bare = bare(&dir.path().join("bare.db"), ROWS, keys)?;
        say(&format!(
            "keys {keys:?}: bare SQLite, {ROWS} rows, {ROWS_PER_TRANSACTION} a transaction, synchronous=FULL: {bare:.0} rows/s"
        ));
        for rows in sizes {
            let cost = run(dir.path(), *rows, keys)?;
            let rate = *rows as f64 / cost.wall_s;
            say(&format!(
                "keys {keys:?}: onward run, {rows} rows, from start to completed: {rate:.0} rows/s, {:.2} of bare SQLite, {:.4} CPU s per 1,000 rows, peak {} MB",
                rate / bare,
                cost.cpu_s * 1_000.0 / *rows as f64,
                cost.peak_mb
            ));
        }
    }
    Ok(())
}

fn run(dir: &Path, rows: u64, keys: Keys) -> Result<Cost> {
    let (csv, recipe) = (dir.join(format!("{rows}.csv")), dir.join("recipe.toml"));
    std::fs::write(&csv, creators(rows, keys))?;
    std::fs::write(&recipe, RECIPE)?;
    let data = dir.join(format!("data-{rows}"));
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    cost(onward(&data, &["run", &csv, "--recipe", &recipe])?)
}

/// Rows per second of the plainest program that keeps the same records.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn bare(path: &Path, rows: u64, keys: Keys) -> Result<f64> {
    let db = plain_ledger(path)?;
    let begin = Instant::now();
    for first in (0..rows).step_by(ROWS_PER_TRANSACTION as usize) {
        db.execute_batch("BEGIN")?;
        let mut outcome = db.prepare_cached(PLAIN_OUTCOME)?;
        let mut creator = db.prepare_cached("INSERT INTO creators VALUES ('creators', ?1, ?2, 1, ?3, 0)")?;
        for row in first..rows.min(first + ROWS_PER_TRANSACTION) {
            let key = keys.handle(row);
            let data =
                format!(r#"{{"handle":"{key}","followers":"{}","country":"DE"}}"#, 1_000 + row % 90_000);
            outcome.execute(params![row as i64, key])?;
            creator.execute(params![key, data, row as i64])?;
        }
        db.execute_batch("COMMIT")?;
    }
    Ok(rows as f64 / begin.elapsed().as_secs_f64())
}

/// Writes an outcome into a [`plain_ledger`].
pub(crate) const PLAIN_OUTCOME: &str = "INSERT INTO outcomes VALUES (1, ?1, 0, ?2, 0)";

/// An empty database for the plainest records of rows.
pub(crate) fn plain_ledger(path: &Path) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.execute_batch(
        // The same durability and the same memory as the ledger has.
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -49152;
         CREATE TABLE outcomes (job INTEGER, row INTEGER, outcome INTEGER, key TEXT, finished_at INTEGER,
             PRIMARY KEY (job, row)) WITHOUT ROWID;
         CREATE TABLE creators (list TEXT, key TEXT, data TEXT, job INTEGER, row INTEGER, added_at INTEGER,
             PRIMARY KEY (list, key)) WITHOUT ROWID;",
    )?;
    Ok(db)
}
