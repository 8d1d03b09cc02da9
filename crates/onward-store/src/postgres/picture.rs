//! What pictures of a job are made of, and how large the database is.

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::store::{HEARD_MINUTES, Heard, Mark, SpanFact, SpanQuery, Walk};
use onward_core::tally::Tally;
use tokio_postgres::Row;

use super::failure::Answer;
use super::session::Session;
use super::sql;
use super::values::{
    count, get, int, moment, outcome_code, outcome_of, params, row_index, small, small_count,
};

/// The spans of a job in row order.
pub(super) async fn spans(db: &Session, job: &JobId) -> Answer<Vec<SpanFact>> {
    db.rows(sql::SPANS_FACTS, params![job.0]).await?.iter().map(span).collect()
}

/// The next spans that hold rows of an outcome.
pub(super) async fn spans_with(db: &Session, query: &SpanQuery) -> Answer<Vec<SpanFact>> {
    let (statement, no) = match query.walk {
        Walk::On(no) => (sql::SPANS_WITH, no),
        Walk::Back(no) => (sql::SPANS_WITH_BACK, no),
    };
    let outcome = query.outcome.map(outcome_code);
    let asked = params![query.job.0, small(no.0.into()), outcome, int(query.limit as u64)];
    db.rows(statement, asked).await?.iter().map(span).collect()
}

fn span(row: &Row) -> Answer<SpanFact> {
    let counter = |at| get::<i32>(row, at).map(|column| count(column.into()));
    Ok(SpanFact {
        first: row_index(get(row, 0)?),
        rows: small_count(get(row, 1)?),
        saved_at: moment(get(row, 2)?),
        tally: Tally { added: counter(3)?, failed: counter(4)?, skipped: counter(5)?, filtered: counter(6)? },
    })
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

/// What the target of a job has answered.
pub(super) async fn heard(db: &Session, job: &JobId) -> Answer<Vec<Heard>> {
    let rows = db.rows(sql::HEARD_OF_JOB, params![job.0]).await?;
    let told = |row: &Row| {
        let status = u16::try_from(get::<i32>(row, 1)?).unwrap_or_default();
        Ok(Heard { minute: get(row, 0)?, status, calls: count(get(row, 2)?) })
    };
    rows.iter().map(told).collect()
}

/// Adds to it, and forgets what is a day old.
pub(super) async fn hear(db: &Session, (job, heard): &(JobId, Vec<Heard>)) -> Answer<()> {
    let Some(newest) = heard.iter().map(|told| told.minute).max() else { return Ok(()) };
    let told = params![
        job.0,
        heard.iter().map(|told| told.minute).collect::<Vec<i64>>(),
        heard.iter().map(|told| i32::from(told.status)).collect::<Vec<i32>>(),
        heard.iter().map(|told| int(told.calls)).collect::<Vec<i64>>(),
    ];
    db.execute(sql::HEARD_ADD, told).await?;
    db.execute(sql::HEARD_FORGET, params![job.0, newest - HEARD_MINUTES]).await?;
    Ok(())
}

/// Which transactions have ended: the server knows it without looking at a table. It moves with every
/// commit in the whole cluster, ours or not; who asks then looks once more than needed.
pub(super) async fn version(db: &Session) -> Answer<u64> {
    let version: i64 = get(&db.one(sql::VERSION, &[]).await?, 0)?;
    Ok(version.cast_unsigned())
}

/// Writes and deletes something.
pub(super) async fn ping(db: &Session) -> Answer<()> {
    db.execute(sql::PING_WRITE, &[]).await?;
    db.execute(sql::PING_DELETE, &[]).await?;
    Ok(())
}
