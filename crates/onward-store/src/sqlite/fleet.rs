//! The registry of workers, and the marks of shared rates.

use onward_core::clock::UnixMs;
use onward_core::id::WorkerId;
use onward_core::store::{
    BEAT_WRITTEN_MS, Beat, FORGOTTEN_MS, LOST_MS, Presence, Turns, TurnsAsked, Wish, Worker,
};
use onward_core::turns;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Answer;
use super::head::key;
use super::sql;
use super::values::int;

/// Whether a sign of life has to be written.
pub(super) fn beat_due(db: &Connection, beat: &Beat) -> Answer<bool> {
    let mut statement = db.prepare_cached(sql::WORKER_BEAT_AT)?;
    let last: Option<i64> = statement.query_row([&beat.worker.0], |row| row.get(0)).optional()?;
    Ok(last.is_none_or(|last| beat.now.ms_since(UnixMs(last)) >= BEAT_WRITTEN_MS))
}

/// Writes a sign of life and forgets who was not heard of for long.
pub(super) fn write_beat(db: &Connection, beat: &Beat) -> Answer<()> {
    db.prepare_cached(sql::WORKERS_FORGET)?.execute([beat.now.0.saturating_sub(int(FORGOTTEN_MS))])?;
    db.prepare_cached(sql::WORKER_BEAT)?.execute(params![
        beat.worker.0,
        beat.host,
        beat.pid,
        beat.started_at.0,
        beat.now.0,
    ])?;
    Ok(())
}

/// What a worker is asked to do, and its place among the living.
pub(super) fn presence(db: &Connection, beat: &Beat) -> Answer<Presence> {
    let since = beat.now.0.saturating_sub(int(LOST_MS));
    let mut statement = db.prepare_cached(sql::WORKER_PRESENCE)?;
    Ok(statement.query_row(params![beat.worker.0, since], |row| {
        Ok(Presence { wish: wish(row.get(0)?), rank: row.get(1)?, of: row.get(2)? })
    })?)
}

/// Ends a registration.
pub(super) fn leave(db: &Connection, worker: &WorkerId) -> Answer<()> {
    db.prepare_cached(sql::WORKER_LEAVE)?.execute([&worker.0])?;
    Ok(())
}

/// The workers heard of, by id.
pub(super) fn workers(db: &Connection, now: UnixMs) -> Answer<Vec<Worker>> {
    let mut statement = db.prepare_cached(sql::WORKERS_LIST)?;
    let since = now.0.saturating_sub(int(FORGOTTEN_MS));
    let workers = statement.query_map([since], |row| {
        Ok(Worker {
            id: WorkerId(row.get(0)?),
            host: row.get(1)?,
            pid: row.get(2)?,
            started_at: UnixMs(row.get(3)?),
            beat_at: UnixMs(row.get(4)?),
            wish: wish(row.get(5)?),
        })
    })?;
    Ok(workers.collect::<rusqlite::Result<_>>()?)
}

/// Asks a worker to be drained.
pub(super) fn drain(db: &Connection, worker: &WorkerId) -> Answer<bool> {
    Ok(db.prepare_cached(sql::WORKER_DRAIN)?.execute([&worker.0])? == 1)
}

/// Takes turns under the rate of a job.
pub(super) fn take_turns(db: &Connection, asked: &TurnsAsked) -> Answer<Turns> {
    let key = key(db, asked.job)?;
    let mut get = db.prepare_cached(sql::TURNS_GET)?;
    let mark: Option<i64> = get.query_row([key], |row| row.get(0)).optional()?;
    let (turns, moved) = turns::take(mark, asked, asked.now.0.saturating_mul(1_000));
    if let Some(mark) = moved {
        db.prepare_cached(sql::TURNS_PUT)?.execute([key, mark])?;
    }
    Ok(turns)
}

fn wish(draining: bool) -> Wish {
    if draining { Wish::Drain } else { Wish::Work }
}
