//! Answers kept for requests that are repeated.

use onward_core::clock::UnixMs;
use onward_core::store::Reservation;
use rusqlite::{Connection, params};

use super::failure::Answer;
use super::sql;

/// How long a key is remembered: a day, longer than any client goes on repeating a request.
const KEEP_MS: i64 = 86_400_000;

/// Reserves a key, or says what is known of it.
pub(super) fn reserve(db: &Connection, key: &str, fingerprint: &str, now: UnixMs) -> Answer<Reservation> {
    db.prepare_cached(sql::ANSWERS_FORGET)?.execute([now.0.saturating_sub(KEEP_MS) + 1])?;
    let mut insert = db.prepare_cached(sql::ANSWER_RESERVE)?;
    if insert.execute(params![key, fingerprint, now.0])? == 1 {
        return Ok(Reservation::Fresh);
    }
    let mut get = db.prepare_cached(sql::ANSWER_GET)?;
    let (kept, status, body): (String, Option<u16>, Option<String>) =
        get.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(match (kept == fingerprint, status) {
        (false, _) => Reservation::Other,
        (true, Some(status)) => Reservation::Answered(status, body.unwrap_or_default()),
        (true, None) => Reservation::Running,
    })
}

/// Keeps an answer, or frees the key.
pub(super) fn keep(db: &Connection, key: &str, answer: Option<&(u16, String)>) -> Answer<()> {
    match answer {
        Some((status, body)) => db.prepare_cached(sql::ANSWER_KEEP)?.execute(params![key, status, body])?,
        None => db.prepare_cached(sql::ANSWER_FREE)?.execute([key])?,
    };
    Ok(())
}

/// Frees the keys whose request died with its process: only for a process that knows it is alone.
pub(super) fn forget_open(db: &Connection) -> Answer<()> {
    db.prepare_cached(sql::ANSWERS_FORGET_OPEN)?.execute([])?;
    Ok(())
}
