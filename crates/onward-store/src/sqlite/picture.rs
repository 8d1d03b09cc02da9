//! What pictures of a job are made of, and how large the database is.

use onward_core::clock::UnixMs;
use onward_core::id::{JobId, RowIndex};
use onward_core::store::{HEARD_MINUTES, Heard, Mark, SpanFact, SpanQuery, Walk};
use rusqlite::{Connection, params};

use super::failure::Answer;
use super::values::{count, int, moment, outcome_code, outcome_of, row_index, tally};
use super::{jobs, sql};

/// The spans of a job in row order.
pub(super) fn spans(db: &Connection, job: JobId) -> Answer<Vec<SpanFact>> {
    let Some(key) = jobs::key_if_there(db, job)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(sql::SPANS_FACTS)?;
    Ok(statement.query_map([key], span)?.collect::<rusqlite::Result<_>>()?)
}

/// The next spans that hold rows of an outcome.
pub(super) fn spans_with(db: &Connection, query: &SpanQuery) -> Answer<Vec<SpanFact>> {
    let Some(key) = jobs::key_if_there(db, query.job)? else { return Ok(Vec::new()) };
    let (statement, no) = match query.walk {
        Walk::On(no) => (sql::SPANS_WITH, no),
        Walk::Back(no) => (sql::SPANS_WITH_BACK, no),
    };
    let mut statement = db.prepare_cached(statement)?;
    let asked = params![key, no.0, query.outcome.map(outcome_code), int(query.limit as u64)];
    Ok(statement.query_map(asked, span)?.collect::<rusqlite::Result<_>>()?)
}

fn span(row: &rusqlite::Row<'_>) -> rusqlite::Result<SpanFact> {
    Ok(SpanFact {
        first: row_index(row.get(0)?),
        rows: row.get(1)?,
        saved_at: moment(row.get(2)?),
        tally: tally(row, 3)?,
    })
}

/// Every so-manieth row that has an outcome.
pub(super) fn marks(db: &Connection, job: JobId, every: u32) -> Answer<Vec<Mark>> {
    let Some(key) = jobs::key_if_there(db, job)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(sql::OUTCOME_MARKS)?;
    let mut rows = statement.query(params![key, every.max(1)])?;
    let mut marks = Vec::new();
    while let Some(row) = rows.next()? {
        marks.push(Mark {
            index: RowIndex(row.get(0)?),
            outcome: outcome_of(row.get(1)?)?,
            tries: row.get(2)?,
            duration_ms: count(row.get(3)?),
            finished_at: UnixMs(row.get(4)?),
        });
    }
    Ok(marks)
}

/// The database file, the part of it that is free, and the log of what is not yet in it.
pub(super) fn sizes(db: &Connection) -> Answer<Vec<(String, u64)>> {
    let pragma =
        |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).map(count);
    let page = pragma("page_size")?;
    let log = db.path().and_then(|path| std::fs::metadata(format!("{path}-wal")).ok());
    Ok(vec![
        (String::from("database"), page * pragma("page_count")?),
        (String::from("free within it"), page * pragma("freelist_count")?),
        (String::from("write-ahead log"), log.map_or(0, |log| log.len())),
    ])
}

/// What the target of a job has answered.
pub(super) fn heard(db: &Connection, job: JobId) -> Answer<Vec<Heard>> {
    let mut statement = db.prepare_cached(sql::HEARD_OF_JOB)?;
    let told = |row: &rusqlite::Row<'_>| {
        Ok(Heard { minute: row.get(0)?, status: row.get(1)?, calls: count(row.get(2)?) })
    };
    Ok(statement.query_map([job.to_string()], told)?.collect::<rusqlite::Result<_>>()?)
}

/// Adds to it, and forgets what is a day old.
pub(super) fn hear(db: &Connection, job: JobId, heard: &[Heard]) -> Answer<()> {
    let mut add = db.prepare_cached(sql::HEARD_ADD)?;
    for told in heard {
        add.execute(params![job.to_string(), told.minute, told.status, int(told.calls)])?;
    }
    if let Some(newest) = heard.iter().map(|told| told.minute).max() {
        let old = params![job.to_string(), newest - HEARD_MINUTES];
        db.prepare_cached(sql::HEARD_FORGET)?.execute(old)?;
    }
    Ok(())
}
