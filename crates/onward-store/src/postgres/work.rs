//! Spans changing hands: claim, release, rescue, and reading again what one holds.

use std::collections::BTreeMap;

use onward_core::checkpoint::DoneSet;
use onward_core::clock::UnixMs;
use onward_core::doubt::Loss;
use onward_core::event::EventKind;
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::lease::{LEASE_MS, is_lapsed};
use onward_core::store::{Claim, Claimed, Glance, Reach, Rescued, StoreError};

use super::failure::{Answer, Fail};
use super::head::{existing, lock};
use super::session::Session;
use super::values::{epoch, get, int, json, params, row_index, small, small_count};
use super::{commit, doubts, events, sql};

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

/// A span and the epoch under which somebody believes to hold it.
pub(super) type Held = (JobId, SpanNo, Epoch);

/// Jobs with a span nobody holds, oldest first.
pub(super) async fn claimable(db: &Session, limit: &usize) -> Answer<Vec<JobId>> {
    let rows = db.rows(sql::JOBS_CLAIMABLE, params![int(*limit as u64)]).await?;
    rows.iter().map(|row| get(row, 0).map(JobId)).collect()
}

/// Takes the first free span under the next epoch. What is done of it is read after the claim: from
/// then on nobody else can write to it.
pub(super) async fn claim(db: &Session, claim: &Claim) -> Answer<Option<Claimed>> {
    if let Some(claimed) = take(db, claim, Company::Others).await? {
        return Ok(Some(claimed));
    }
    let alone = db.first(sql::JOB_IS_ALONE, params![claim.job.0]).await?;
    let alone = alone.ok_or(Fail::Refused(StoreError::NotFound(claim.job)))?;
    if get(&alone, 0)? { claim_alone(db, claim).await } else { Ok(None) }
}

/// Who may hold other spans of the job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Company {
    Others,
    /// Nobody: the caller has made sure of it, and holds the job's row.
    Nobody,
}

/// The same for a job that one worker at a time may work on: with its row held, whoever holds a span of
/// it is seen.
async fn claim_alone(db: &Session, claim: &Claim) -> Answer<Option<Claimed>> {
    db.begin().await?;
    match take_alone(db, claim).await {
        Ok(claimed) => db.commit().await.map(|()| claimed),
        Err(error) => {
            db.roll_back().await?;
            Err(error)
        }
    }
}

async fn take_alone(db: &Session, claim: &Claim) -> Answer<Option<Claimed>> {
    lock(db, claim.job, claim.now).await?;
    if get(&db.one(sql::JOB_IS_HELD, params![claim.job.0]).await?, 0)? {
        return Ok(None);
    }
    let mut claimed = take(db, claim, Company::Nobody).await?;
    if let Some(claimed) = &mut claimed {
        claimed.reach = existing(db, claim.job).await?.reach();
    }
    Ok(claimed)
}

async fn take(db: &Session, claim: &Claim, company: Company) -> Answer<Option<Claimed>> {
    let (now, window) = (db.given(claim.now), i64::from(claim.window));
    let alone = company == Company::Nobody;
    let wish = params![claim.job.0, claim.worker.0, now, int(LEASE_MS), window, alone];
    let Some(row) = db.first(sql::SPAN_CLAIM, wish).await? else { return Ok(None) };
    let (first, len) = (row_index(get(&row, 1)?), small_count(get(&row, 2)?));
    let none_done = get::<i32>(&row, 4)? == 0;
    let done =
        if none_done { DoneSet::new(first, len) } else { done_rows(db, claim.job, first, len).await? };
    let doubted: bool = get(&row, 7)?;
    let doubts = if doubted {
        doubts::within(db, claim.job, first, done.end(), len as usize).await?
    } else {
        Vec::new()
    };
    Ok(Some(Claimed {
        span: SpanNo(small_count(get(&row, 0)?)),
        epoch: epoch(get(&row, 5)?),
        input: InputId(get(&row, 8)?),
        done,
        claimed_until: row_index(get(&row, 3)?),
        generation: small_count(get(&row, 6)?),
        reach: Reach::default(),
        doubts,
    }))
}

/// The truth about a span one holds, or has just finished: the commit whose fate is unknown may be the
/// one that finished it. It may even be under way still; then this waits for its end.
pub(super) async fn reread(db: &Session, (job, no, under): &Held) -> Answer<Claimed> {
    let asked = params![job.0, small(no.0.into())];
    let Some(row) = db.first(sql::SPAN_REREAD, asked).await? else {
        return Err(fenced(db, *job, *no).await?);
    };
    let (held, found) = (get::<&str>(&row, 0)? != "free", epoch(get(&row, 1)?));
    if !held || found != *under {
        return Err(StoreError::Fenced { found }.into());
    }
    let (first, len) = (row_index(get(&row, 2)?), small_count(get(&row, 3)?));
    Ok(Claimed {
        span: *no,
        epoch: *under,
        input: InputId(get(&row, 6)?),
        done: done_rows(db, *job, first, len).await?,
        claimed_until: row_index(get(&row, 4)?),
        generation: small_count(get(&row, 5)?),
        reach: existing(db, *job).await?.reach(),
        doubts: Vec::new(),
    })
}

/// What a worker has to know of a job.
pub(super) async fn glance(db: &Session, (job, worker): &(JobId, WorkerId)) -> Answer<Option<Glance>> {
    let rows = db.rows(sql::JOB_GLANCE, params![job.0, worker.0]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut held = Vec::new();
    for row in &rows {
        // Without any that it holds, the job stands alone.
        let Some(no) = get::<Option<i32>>(row, 2)? else { continue };
        held.push((SpanNo(small_count(no)), epoch(get(row, 3)?)));
    }
    let tuning = json("the live limits", get(first, 1)?)?;
    Ok(Some(Glance { epoch: epoch(get(first, 0)?), tuning, held }))
}

/// What a worker holds of a job. A claim holds the job's row, so with that row held none is under way.
pub(super) async fn held_by(db: &Session, (job, worker): &(JobId, WorkerId)) -> Answer<Vec<(SpanNo, Epoch)>> {
    lock(db, *job, UnixMs::default()).await?;
    let leases = leased(db, Some(*job)).await?;
    let own = leases.into_iter().filter(|lease| lease.worker == *worker);
    Ok(own.map(|lease| (lease.span, lease.held_under)).collect())
}

/// Gives a span back.
pub(super) async fn release(db: &Session, (job, no, under): &Held) -> Answer<()> {
    let freed = db.execute(sql::SPAN_RELEASE, params![job.0, small(no.0.into()), int(under.0)]).await?;
    if freed == 1 { Ok(()) } else { Err(fenced(db, *job, *no).await?) }
}

/// What a rescue begins with: jobs in which somebody holds a lapsed span, and those that only lack
/// their end.
pub(super) async fn to_rescue(
    db: &Session,
    (which, now): &(Which, UnixMs),
) -> Answer<(Vec<JobId>, Vec<JobId>)> {
    let mut lapsed: Vec<JobId> = Vec::new();
    for lease in leased(db, None).await? {
        if lease.is_over(which, db.moment(*now, lease.clock_ms)) && lapsed.last() != Some(&lease.job) {
            lapsed.push(lease.job);
        }
    }
    let rows = db.rows(sql::JOBS_TO_END, &[]).await?;
    let to_end = rows.iter().map(|row| get(row, 0).map(JobId)).collect::<Answer<Vec<_>>>()?;
    Ok((lapsed, to_end))
}

/// Takes the spans of one job from holders that are gone.
pub(super) async fn rescue(db: &Session, (id, which, now): &(JobId, Which, UnixMs)) -> Answer<Vec<Rescued>> {
    let now = lock(db, *id, *now).await?;
    let mut head = existing(db, *id).await?;
    let mut next = head.job.clone();
    let mut rescued = Vec::new();
    let mut lost: BTreeMap<WorkerId, u32> = BTreeMap::new();
    // A span that is given back is summed up, and whoever holds sums must not wait for another span.
    db.rows(sql::SPANS_HOLD, params![head.key]).await?;
    for lease in leased(db, Some(*id)).await? {
        if !lease.is_over(which, now) {
            continue;
        }
        let Lease { job, span, worker, until, held_under, .. } = lease;
        let under = int(next.epoch.next().0);
        // A holder who has renewed since this was read lives, and keeps it.
        let freed = params![head.key, small(span.0.into()), under, worker.0, until.0];
        if db.execute(sql::SPAN_FREE, freed).await? == 1 {
            next.epoch = next.epoch.next();
            doubts::lose(db, &head, span, held_under, Loss::Death, now).await?;
            *lost.entry(worker.clone()).or_default() += 1;
            rescued.push(Rescued { job, span, worker });
        }
    }
    if rescued.is_empty() {
        return Ok(rescued);
    }
    next.updated_at = head.touched_at.max(now);
    head.write(db, next).await?;
    let head = existing(db, *id).await?;
    for (worker, spans) in lost {
        let detail = format!("worker {worker} is gone; {spans} of its spans given back");
        events::note(db, &head, now, EventKind::Rescued, "rescue", head.next_row(), &detail).await?;
    }
    Ok(rescued)
}

/// Completes a job whose last holder did not live to do it.
pub(super) async fn end(db: &Session, (id, now): &(JobId, UnixMs)) -> Answer<bool> {
    commit::complete_if_done(db, *id, "rescue", *now).await
}

/// Which rows of a span have an outcome: read from the ledger, row by row.
async fn done_rows(db: &Session, job: JobId, first: RowIndex, len: u32) -> Answer<DoneSet> {
    let mut done = DoneSet::new(first, len);
    let asked = params![job.0, small(first.0.into()), small(done.end().0.into())];
    let rows: Vec<i32> = get(&db.one(sql::OUTCOME_ROWS, asked).await?, 0)?;
    for row in rows {
        done.insert(row_index(row.into()));
    }
    Ok(done)
}

/// The refusal for a span that is not held under the caller's epoch, with the epoch it has.
async fn fenced(db: &Session, job: JobId, no: SpanNo) -> Answer<Fail> {
    let row = db.first(sql::SPAN_HELD, params![job.0, small(no.0.into())]).await?;
    let row = row.ok_or(Fail::Refused(StoreError::NotFound(job)))?;
    let found: Option<i64> = get(&row, 1)?;
    Ok(StoreError::Fenced { found: epoch(found.map_or_else(|| get(&row, 4), Ok)?) }.into())
}

struct Lease {
    job: JobId,
    span: SpanNo,
    worker: WorkerId,
    until: UnixMs,
    held_under: Epoch,
    clock_ms: i64,
}

impl Lease {
    fn is_over(&self, which: &Which, now: UnixMs) -> bool {
        match which {
            Which::Lapsed => is_lapsed(self.until, now),
            Which::All => true,
            Which::Of(dead) => self.worker == *dead,
        }
    }
}

async fn leased(db: &Session, job: Option<JobId>) -> Answer<Vec<Lease>> {
    let rows = db.rows(sql::SPANS_LEASED, params![job.map(|job| job.0)]).await?;
    let lease = |row: &tokio_postgres::Row| {
        Ok(Lease {
            job: JobId(get(row, 0)?),
            span: SpanNo(small_count(get(row, 1)?)),
            worker: WorkerId(get(row, 2)?),
            until: UnixMs(get(row, 3)?),
            clock_ms: get(row, 4)?,
            held_under: epoch(get(row, 5)?),
        })
    };
    rows.iter().map(lease).collect()
}
