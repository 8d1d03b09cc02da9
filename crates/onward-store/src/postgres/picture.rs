//! What pictures of a job are made of, and how large the database is.

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::store::{Mark, SpanFact};
use onward_core::tally::Tally;

use super::failure::Answer;
use super::session::Session;
use super::sql;
use super::values::{count, get, moment, outcome_of, params, row_index, small_count};

/// The spans of a job in row order.
pub(super) async fn spans(db: &Session, job: &JobId) -> Answer<Vec<SpanFact>> {
    let mut spans = Vec::new();
    for row in db.rows(sql::SPANS_FACTS, params![job.0]).await? {
        let counter = |at| get::<i32>(&row, at).map(|column| count(column.into()));
        spans.push(SpanFact {
            first: row_index(get(&row, 0)?),
            rows: small_count(get(&row, 1)?),
            saved_at: moment(get(&row, 2)?),
            tally: Tally {
                added: counter(3)?,
                failed: counter(4)?,
                skipped: counter(5)?,
                filtered: counter(6)?,
            },
        });
    }
    Ok(spans)
}

/// Every so-manieth row that has an outcome.
pub(super) async fn marks(db: &Session, (job, every): &(JobId, u32)) -> Answer<Vec<Mark>> {
    let mut marks = Vec::new();
    for row in db.rows(sql::OUTCOME_MARKS, params![job.0, i64::from((*every).max(1))]).await? {
        marks.push(Mark {
            index: row_index(get::<i32>(&row, 0)?.into()),
            outcome: outcome_of(get(&row, 1)?)?,
            tries: small_count(get(&row, 2)?),
            duration_ms: count(get::<i32>(&row, 3)?.into()),
            finished_at: UnixMs(get(&row, 4)?),
        });
    }
    Ok(marks)
}

/// The parts of the schema, and the whole database they are in.
pub(super) async fn sizes(db: &Session) -> Answer<Vec<(String, u64)>> {
    let row = db.one(sql::SIZES, &[]).await?;
    let part = |name: &str, at| Answer::Ok((String::from(name), count(get(&row, at)?)));
    Ok(vec![
        part("ledger", 0)?,
        part("input files", 1)?,
        part("creators", 2)?,
        part("the whole database", 3)?,
    ])
}
