//! The registry of workers, and the marks of shared rates.

use onward_core::clock::UnixMs;
use onward_core::id::WorkerId;
use onward_core::store::{
    BEAT_WRITTEN_MS, Beat, FORGOTTEN_MS, LOST_MS, Presence, StoreError, Turns, TurnsAsked, Wish, Worker,
};
use onward_core::turns;

use super::failure::{Answer, Fail};
use super::session::Session;
use super::sql;
use super::values::{clean, get, int, params, small_count, text};

/// A sign of life. It is written only when it is due: an answer alone costs no transaction.
pub(super) async fn beat(db: &Session, beat: &Beat) -> Answer<Presence> {
    let (before, last, now) = presence(db, beat).await?;
    if last.is_some_and(|last| now.ms_since(UnixMs(last)) < BEAT_WRITTEN_MS) {
        return Ok(before);
    }
    db.execute(sql::WORKERS_FORGET, params![now.0.saturating_sub(int(FORGOTTEN_MS))]).await?;
    let (host, pid) = (clean(&beat.host), i64::from(beat.pid));
    db.execute(sql::WORKER_BEAT, params![beat.worker.0, host, pid, beat.started_at.0, now.0]).await?;
    Ok(presence(db, beat).await?.0)
}

/// Ends a registration.
pub(super) async fn leave(db: &Session, worker: &WorkerId) -> Answer<()> {
    db.execute(sql::WORKER_LEAVE, params![worker.0]).await?;
    Ok(())
}

/// The workers heard of, by id.
pub(super) async fn workers(db: &Session, now: &UnixMs) -> Answer<Vec<Worker>> {
    let since = db.now(*now).await?.0.saturating_sub(int(FORGOTTEN_MS));
    let mut workers = Vec::new();
    for row in db.rows(sql::WORKERS_LIST, params![since]).await? {
        workers.push(Worker {
            id: WorkerId(get(&row, 0)?),
            host: text(&row, 1)?,
            pid: u32::try_from(get::<i64>(&row, 2)?).unwrap_or(0),
            started_at: UnixMs(get(&row, 3)?),
            beat_at: UnixMs(get(&row, 4)?),
            wish: wish(get(&row, 5)?),
        });
    }
    Ok(workers)
}

/// Asks a worker to be drained.
pub(super) async fn drain(db: &Session, worker: &WorkerId) -> Answer<bool> {
    Ok(db.execute(sql::WORKER_DRAIN, params![worker.0]).await? == 1)
}

/// Takes turns under the rate of a job.
pub(super) async fn take_turns(db: &Session, asked: &TurnsAsked) -> Answer<Turns> {
    // A question that takes none writes nothing.
    if asked.calls == 0 {
        return where_it_stands(db, asked).await;
    }
    db.execute(sql::TURNS_OPEN, params![asked.job.0]).await?;
    let row = db.first(sql::TURNS_GET, params![asked.job.0]).await?;
    let row = row.ok_or(Fail::Refused(StoreError::NotFound(asked.job)))?;
    let now_us =
        db.given(asked.now).map_or_else(|| get(&row, 2), |now_ms| Ok(now_ms.saturating_mul(1_000)))?;
    let (turns, moved) = turns::take(get(&row, 1)?, asked, now_us);
    if let Some(mark) = moved {
        db.execute(sql::TURNS_PUT, params![get::<i32>(&row, 0)?, mark]).await?;
    }
    Ok(turns)
}

async fn where_it_stands(db: &Session, asked: &TurnsAsked) -> Answer<Turns> {
    let row = db.first(sql::TURNS_LOOK, params![asked.job.0]).await?;
    let row = row.ok_or(Fail::Refused(StoreError::NotFound(asked.job)))?;
    Ok(turns::take(get(&row, 0)?, asked, moment_us(db, asked, get(&row, 1)?)).0)
}

fn moment_us(db: &Session, asked: &TurnsAsked, read_us: i64) -> i64 {
    db.given(asked.now).map_or(read_us, |now_ms| now_ms.saturating_mul(1_000))
}

/// Presence, when the last sign of life was written, and the moment that counts.
async fn presence(db: &Session, beat: &Beat) -> Answer<(Presence, Option<i64>, UnixMs)> {
    let row = db.one(sql::WORKER_PRESENCE, params![beat.worker.0, db.given(beat.now), int(LOST_MS)]).await?;
    let presence = Presence {
        wish: wish(get(&row, 2)?),
        rank: small_count(get(&row, 3)?),
        of: small_count(get(&row, 4)?),
    };
    Ok((presence, get(&row, 1)?, UnixMs(get(&row, 0)?)))
}

fn wish(draining: bool) -> Wish {
    if draining { Wish::Drain } else { Wish::Work }
}
