//! What the database says, read with plain SQL beside the running server, as a user would.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::wait::now;

/// One look at a job: counters and ledger of one moment, and when it was taken.
#[derive(Debug, Clone)]
pub struct Look {
    /// After this moment everything in the look was durable.
    pub at: Instant,
    /// The counters, as the view `job_progress` shows them.
    pub counters: Counters,
    /// The ledger, as the view `rows` shows it.
    pub rows: Vec<Row>,
}

impl Look {
    /// Reads what the views say, as JSON.
    pub(crate) fn read(look: &Value) -> Result<Self> {
        let number = |value: &Value| value.as_u64().with_context(|| format!("{value} is no count"));
        let word = |value: &Value| value.as_str().map(str::to_owned).context("a text");
        let counters = &look["counters"];
        let mut results = BTreeMap::new();
        for outcome in ["added", "failed", "skipped", "filtered"] {
            results.insert(outcome.to_owned(), number(&counters[outcome])?);
        }
        let counters = Counters {
            status: word(&counters["status"])?,
            total: number(&counters["total_items"])?,
            processed: number(&counters["processed_items"])?,
            results,
        };
        let mut rows = Vec::new();
        for row in look["rows"].as_array().context("a list of rows")? {
            let (key, code) = (word(&row["key"])?, word(&row["code"])?);
            rows.push(Row { row: number(&row["row"])?, key, outcome: word(&row["outcome"])?, code });
        }
        Ok(Self { at: now(), counters, rows })
    }
}

/// The counters of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// The job's status.
    pub status: String,
    /// Rows of the input.
    pub total: u64,
    /// Rows with an outcome.
    pub processed: u64,
    /// Rows per outcome: added, failed, skipped, filtered.
    pub results: BTreeMap<String, u64>,
}

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Counts from 1.
    pub row: u64,
    /// The identity.
    pub key: String,
    /// How it ended.
    pub outcome: String,
    /// The code.
    pub code: String,
}

/// A read-only connection.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
}

impl Ledger {
    /// Opens the database beside whoever works on it.
    ///
    /// # Errors
    /// When there is none yet.
    pub fn open(database: &Path) -> Result<Self> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("cannot read {}", database.display()))?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(Self { connection })
    }

    /// Counters and ledger of a job in one read transaction: of one committed state.
    ///
    /// # Errors
    /// When the views are not there or have other columns: they are a public surface.
    pub fn look(&mut self, job: &str) -> Result<Look> {
        let transaction = self.connection.transaction()?;
        let counters = transaction.query_row(
            "SELECT status, total_items, processed_items, added, failed, skipped, filtered
             FROM job_progress WHERE job_id = ?1",
            [job],
            |row| {
                let mut results = BTreeMap::new();
                for (at, outcome) in ["added", "failed", "skipped", "filtered"].into_iter().enumerate() {
                    results.insert(outcome.to_owned(), number(row, at + 3)?);
                }
                Ok(Counters {
                    status: row.get(0)?,
                    total: number(row, 1)?,
                    processed: number(row, 2)?,
                    results,
                })
            },
        )?;
        let mut rows = Vec::new();
        let mut statement =
            transaction.prepare("SELECT row, key, outcome, code FROM rows WHERE job_id = ?1 ORDER BY row")?;
        let mut found = statement.query([job])?;
        while let Some(row) = found.next()? {
            rows.push(Row {
                row: number(row, 0)?,
                key: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                outcome: row.get(2)?,
                code: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            });
        }
        Ok(Look { at: now(), counters, rows })
    }
}

/// A column that is never negative: a negative one is an error here (G7).
fn number(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(at)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, value))
}
