//! Spans changing hands: claim, release, rescue, and reading again what one holds.

use std::collections::BTreeMap;

use onward_core::checkpoint::DoneSet;
use onward_core::clock::UnixMs;
use onward_core::doubt::Loss;
use onward_core::event::EventKind;
use onward_core::id::{Epoch, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::lease::{is_lapsed, lease_until};
use onward_core::state::{JobState, Step};
use onward_core::store::{Claim, Claimed, Rescued, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::{Answer, Fail};
use super::head::{Head, head, key};
use super::values::{epoch, int, row_index, uuid};
use super::{doubts, events, sql};

/// Which held spans are given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// Those whose lease has lapsed.
    Lapsed,
    /// All: the caller knows that no holder lives.
    All,
    /// Those of one worker: the caller knows that it does not live.
    Of(WorkerId),
}

/// Jobs with a span nobody holds, oldest first.
pub(super) fn claimable(db: &Connection, limit: usize) -> Answer<Vec<JobId>> {
    let mut statement = db.prepare_cached(sql::JOBS_CLAIMABLE)?;
    let mut rows = statement.query([int(limit as u64)])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(uuid(&row.get::<_, String>(0)?)?);
    }
    Ok(jobs)
}

/// Takes the first free span under the next epoch.
pub(super) fn claim(db: &Connection, claim: &Claim) -> Answer<Option<Claimed>> {
    let mut head = existing_head(db, claim.job)?;
    let starts = match head.job.state {
        JobState::Queued => true,
        JobState::Running => false,
        JobState::Paused | JobState::Completed | JobState::Failed | JobState::Cancelled => return Ok(None),
    };
    let mut first_free = db.prepare_cached(sql::SPAN_FIRST_FREE)?;
    let free = first_free.query_row([head.key], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?)));
    let Some((no, first, len)) = free.optional()? else { return Ok(None) };
    if head.job.tuning.is_alone() && head.is_held(db)? {
        return Ok(None);
    }
    let no = SpanNo(no);

    let mut next = head.job.clone();
    next.epoch = next.epoch.next();
    next.updated_at = next.updated_at.max(claim.now);
    next.started_at = next.started_at.or(Some(claim.now));
    if starts {
        next.state = head.stepped(Step::Start)?;
        next.attempt += 1;
        next.attempt_at = Some(claim.now);
    }
    head.write(db, next)?;

    let done = done_rows(db, head.key, row_index(first), len)?;
    let low_water = done.low_water();
    let claimed_until = RowIndex(low_water.0.saturating_add(claim.window)).min(done.end());
    let leased = db.prepare_cached(sql::SPAN_LEASE)?.execute(params![
        head.key,
        no.0,
        int(head.job.epoch.0),
        claim.worker.0,
        lease_until(claim.now).0,
        low_water.0,
        claimed_until.0,
    ])?;
    if leased != 1 {
        return Err(StoreError::Corrupt(format!("span {no} of job {} was free and is not", claim.job)).into());
    }
    if starts {
        let actor = format!("worker {}", claim.worker);
        let from_row = head.next_row(db)?;
        events::note(db, &head, claim.now, EventKind::Started, &actor, from_row, "")?;
    }
    let (input, generation, reach) = (head.job.input.id, head.job.generation, head.reach(db)?);
    let doubts = doubts::within(db, head.key, done.first(), done.end(), len as usize)?;
    let epoch = head.job.epoch;
    Ok(Some(Claimed { span: no, epoch, input, done, claimed_until, generation, reach, doubts }))
}

/// The truth about a span one holds, or has just finished: the commit whose fate is unknown may be the
/// one that finished it.
pub(super) fn reread(db: &Connection, job: JobId, no: SpanNo, under: Epoch) -> Answer<Claimed> {
    let head = existing_head(db, job)?;
    let mut statement = db.prepare_cached(sql::SPAN_HELD)?;
    let held = statement.query_row(params![head.key, no.0], |row| {
        let held = row.get::<_, String>(0)? != "free";
        Ok((held, epoch(row.get(1)?), row_index(row.get(2)?), row.get(3)?, row_index(row.get(5)?)))
    });
    let fenced = |found| Fail::Refused(StoreError::Fenced { found });
    let (held, found, first, len, claimed_until) = held.optional()?.ok_or_else(|| fenced(head.job.epoch))?;
    if !held || found != under {
        return Err(fenced(found));
    }
    let done = done_rows(db, head.key, first, len)?;
    let (input, generation, reach) = (head.job.input.id, head.job.generation, head.reach(db)?);
    Ok(Claimed { span: no, epoch: under, input, done, claimed_until, generation, reach, doubts: Vec::new() })
}

/// Gives a span back.
pub(super) fn release(db: &Connection, job: JobId, no: SpanNo, under: Epoch) -> Answer<()> {
    let key = key(db, job)?;
    let freed = db.prepare_cached(sql::SPAN_RELEASE)?.execute(params![key, no.0, int(under.0)])?;
    if freed == 1 { Ok(()) } else { Err(fenced(db, job, key, no)?) }
}

/// Takes spans from holders that are gone.
pub(super) fn rescue(db: &Connection, which: &Which, now: UnixMs) -> Answer<Vec<Rescued>> {
    let mut rescued = Vec::new();
    let mut heads: BTreeMap<JobId, Head> = BTreeMap::new();
    let mut lost: BTreeMap<(JobId, WorkerId), u32> = BTreeMap::new();
    for (job, span, worker, until) in leased(db)? {
        let is_over = match which {
            Which::Lapsed => is_lapsed(until, now),
            Which::All => true,
            Which::Of(dead) => worker == *dead,
        };
        if !is_over {
            continue;
        }
        let head = match heads.entry(job) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(existing_head(db, job)?),
        };
        let mut next = head.job.clone();
        next.epoch = next.epoch.next();
        next.updated_at = next.updated_at.max(now);
        head.write(db, next)?;
        doubts::lose(db, head, span, Loss::Death, now)?;
        db.prepare_cached(sql::SPAN_FREE)?.execute(params![head.key, span.0, int(head.job.epoch.0)])?;
        *lost.entry((job, worker.clone())).or_default() += 1;
        rescued.push(Rescued { job, span, worker });
    }
    for ((job, worker), spans) in lost {
        let head = &heads[&job];
        let detail = format!("worker {worker} is gone; {spans} of its spans given back");
        events::note(db, head, now, EventKind::Rescued, "rescue", head.next_row(db)?, &detail)?;
    }
    Ok(rescued)
}

/// Which rows of a span have an outcome: read from the ledger, row by row.
pub(super) fn done_rows(db: &Connection, key: i64, first: RowIndex, len: u32) -> Answer<DoneSet> {
    let mut done = DoneSet::new(first, len);
    let mut statement = db.prepare_cached(sql::OUTCOME_ROWS)?;
    let mut rows = statement.query(params![key, first.0, done.end().0])?;
    while let Some(row) = rows.next()? {
        done.insert(row_index(row.get(0)?));
    }
    Ok(done)
}

/// The refusal for a span that is not held under the caller's epoch, with the epoch it has.
pub(super) fn fenced(db: &Connection, job: JobId, key: i64, no: SpanNo) -> Answer<Fail> {
    let mut statement = db.prepare_cached(sql::SPAN_HELD)?;
    let span = statement.query_row(params![key, no.0], |row| Ok(epoch(row.get(1)?))).optional()?;
    let found = match span {
        Some(found) => found,
        None => existing_head(db, job)?.job.epoch,
    };
    Ok(Fail::Refused(StoreError::Fenced { found }))
}

fn existing_head(db: &Connection, id: JobId) -> Answer<Head> {
    head(db, id)?.ok_or(Fail::Refused(StoreError::NotFound(id)))
}

fn leased(db: &Connection) -> Answer<Vec<(JobId, SpanNo, WorkerId, UnixMs)>> {
    let mut statement = db.prepare_cached(sql::SPANS_LEASED)?;
    let mut rows = statement.query([])?;
    let mut leased = Vec::new();
    while let Some(row) = rows.next()? {
        let job = uuid(&row.get::<_, String>(1)?)?;
        leased.push((job, SpanNo(row.get(2)?), WorkerId(row.get(3)?), UnixMs(row.get(4)?)));
    }
    Ok(leased)
}
