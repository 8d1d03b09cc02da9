//! The commit: the one way outcomes come into the ledger.
//!
//! One statement and one round trip: the span is held under its epoch, the outcomes and creators are
//! inserted from arrays, what was inserted is counted, and counters, checkpoint and lease are written,
//! or nothing is. A function of the schema does it, so that the server plans its steps once for each
//! connection. Whether the job has another unfinished span cannot be said by that statement, which
//! does not see the commits beside it; the holder who fills a span asks afterwards, so that of two
//! who fill the last ones at the same moment at least one sees both. Should he die before he asks, the
//! rescue duty of anybody completes the job.

use std::borrow::Cow;
use std::collections::HashSet;

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::lease::LEASE_MS;
use onward_core::row::{ALREADY_THERE, ALREADY_THERE_MESSAGE, Outcome, RowRecord};
use onward_core::state::JobState;
use onward_core::store::{Commit, Committed, StoreError};
use onward_core::tally::Tally;
use tokio_postgres::Row;

use super::failure::{Answer, Fail, unreadable};
use super::session::Session;
use super::values::{Param, clean, epoch, get, int, outcome_code, params, small};
use super::{doubts, head, sql};
use crate::stored::reason;

/// Records outcomes under the fence.
pub(super) async fn commit(db: &Session, commit: &Commit) -> Answer<Committed> {
    let columns = Columns::of(&commit.rows);
    let row = write(db, commit, &columns).await?;
    let Some(answer) = get::<Option<Vec<Option<&str>>>>(&row, 0)? else {
        return Err(why_refused(db, commit).await?);
    };
    let mut done = committed(&answer)?;
    doubts::note_trial(db, commit).await?;
    if done.span_done {
        // The commit is durable; what goes wrong from here on must not make it look undone.
        let actor = format!("worker {}", said(&answer, 6)?);
        match complete_if_done(db, commit.job, &actor, commit.now).await {
            Ok(job_done) => done.job_done = job_done,
            Err(error) => tracing::warn!(job.id = %commit.job, ?error, "a job was not completed at once"),
        }
    }
    Ok(done)
}

/// Completes a running job whose every span is done. Answers whether it is completed.
pub(super) async fn complete_if_done(db: &Session, id: JobId, actor: &str, now: UnixMs) -> Answer<bool> {
    let open = db.first(sql::JOB_HAS_OPEN_SPAN, params![id.0]).await?;
    if open.is_none_or(|row| get(&row, 0).unwrap_or(true)) {
        return Ok(false);
    }
    db.begin().await?;
    match complete(db, id, actor, now).await {
        Ok(done) => db.commit().await.map(|()| done),
        Err(error) => {
            db.roll_back().await?;
            Err(error)
        }
    }
}

async fn complete(db: &Session, id: JobId, actor: &str, now: UnixMs) -> Answer<bool> {
    let now = head::lock(db, id, now).await?;
    let mut head = head::existing(db, id).await?;
    if head.job.state == JobState::Running && head.next_row().is_none() {
        head.complete(db, actor, now).await?;
    }
    Ok(head.job.state == JobState::Completed)
}

async fn write(db: &Session, commit: &Commit, columns: &Columns<'_>) -> Answer<Row> {
    let (waiting, since) = commit.waiting.map(|waiting| (i64::from(waiting.row.0), waiting.since.0)).unzip();
    let (no, under, now) = (small(commit.span.0.into()), int(commit.epoch.0), db.given(commit.now));
    let (low_water, claimed_until) = (i64::from(commit.low_water.0), i64::from(commit.claimed_until.0));
    let head: &[Param<'_>] = params![commit.job.0, no, under, now, low_water, claimed_until, waiting, since];
    let rows = columns.params();
    let rests_until = commit.rests_until.map(|until| until.0);
    let tail: &[Param<'_>] = params![ALREADY_THERE, ALREADY_THERE_MESSAGE, int(LEASE_MS), rests_until];
    db.one(sql::SPAN_COMMIT, &[head, &rows, tail].concat()).await
}

/// What the function answers: how many rows it inserted, the counters of the span by outcome, whether the span is
/// full, and who held it.
fn committed(answer: &[Option<&str>]) -> Answer<Committed> {
    let number = |at| said(answer, at)?.parse::<u64>().map_err(|error| unreadable("a counter", &error));
    Ok(Committed {
        inserted: u32::try_from(number(0)?).unwrap_or(u32::MAX),
        tally: Tally { added: number(1)?, failed: number(2)?, skipped: number(3)?, filtered: number(4)? },
        span_done: said(answer, 5)? == "true",
        job_done: false,
    })
}

fn said<'a>(answer: &[Option<&'a str>], at: usize) -> Answer<&'a str> {
    answer
        .get(at)
        .copied()
        .flatten()
        .ok_or_else(|| unreadable("the answer to a commit", &"a part is missing"))
}

/// Nothing was written: the fence, or a row of another span. Tried again should neither be so any more.
async fn why_refused(db: &Session, commit: &Commit) -> Answer<Fail> {
    let row = db.first(sql::SPAN_HELD, params![commit.job.0, small(commit.span.0.into())]).await?;
    let row = row.ok_or(Fail::Refused(StoreError::NotFound(commit.job)))?;
    let held = get::<Option<&str>>(&row, 0)? == Some("leased");
    let found: Option<i64> = get(&row, 1)?;
    let found = epoch(found.map_or_else(|| get(&row, 4), Ok)?);
    if !held || found != commit.epoch {
        return Ok(StoreError::Fenced { found }.into());
    }
    let (first, len): (i64, i32) = (get(&row, 2)?, get(&row, 3)?);
    let outside = |row: &&RowRecord| {
        let index = i64::from(row.index.0);
        index < first || index >= first + i64::from(len)
    };
    match commit.rows.iter().find(outside) {
        Some(row) => {
            let (row, no) = (row.index.row(), commit.span);
            Ok(StoreError::Corrupt(format!("row {row} is not of span {no}; nothing was written")).into())
        }
        None => Ok(Fail::Again),
    }
}

/// Records as the columns of arrays; of a row that stands there twice, the first.
#[derive(Default)]
struct Columns<'a> {
    first: Option<i64>,
    last: Option<i64>,
    rows: Vec<i32>,
    outcomes: Vec<i16>,
    keys: Vec<Option<Cow<'a, str>>>,
    finished_at: Vec<i64>,
    tries: Vec<i32>,
    durations: Vec<i32>,
    codes: Vec<Option<Cow<'a, str>>>,
    messages: Vec<Option<Cow<'a, str>>>,
    results: Vec<Option<Cow<'a, str>>>,
    creator_rows: Vec<i32>,
    lists: Vec<Cow<'a, str>>,
    creator_keys: Vec<Cow<'a, str>>,
    data: Vec<Cow<'a, str>>,
}

impl<'a> Columns<'a> {
    fn of(records: &'a [RowRecord]) -> Self {
        let rows = || records.iter().map(|record| i64::from(record.index.0));
        let mut columns = Self { first: rows().min(), last: rows().max(), ..Self::default() };
        let in_order = records.windows(2).all(|pair| pair[0].index < pair[1].index);
        let mut seen = HashSet::new();
        for record in records {
            if in_order || seen.insert(record.index) {
                columns.push(record);
            }
        }
        columns
    }

    fn push(&mut self, record: &'a RowRecord) {
        let verdict = &record.verdict;
        let (code, message) = reason(verdict.outcome, &verdict.code, &verdict.message);
        let row = small(record.index.0.into());
        self.rows.push(row);
        self.outcomes.push(outcome_code(verdict.outcome));
        self.keys.push((!record.key.is_empty()).then(|| clean(&record.key)));
        self.finished_at.push(record.finished_at.0);
        self.tries.push(small(record.tries.into()));
        self.durations.push(small(record.duration_ms));
        self.codes.push(code.map(clean));
        self.messages.push(message.map(clean));
        self.results.push(verdict.result.as_deref().map(clean));
        if let (Outcome::Added, Some(creator)) = (verdict.outcome, &verdict.creator) {
            self.creator_rows.push(row);
            self.lists.push(clean(&creator.table));
            self.creator_keys.push(clean(&creator.key));
            self.data.push(clean(&creator.data));
        }
    }

    fn params(&self) -> Vec<Param<'_>> {
        vec![
            &self.first,
            &self.last,
            &self.rows,
            &self.outcomes,
            &self.keys,
            &self.finished_at,
            &self.tries,
            &self.durations,
            &self.codes,
            &self.messages,
            &self.results,
            &self.creator_rows,
            &self.lists,
            &self.creator_keys,
            &self.data,
        ]
    }
}
