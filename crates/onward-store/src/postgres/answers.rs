//! Answers kept for requests that are repeated.

use onward_core::clock::UnixMs;
use onward_core::store::Reservation;

use super::failure::{Answer, Fail};
use super::session::Session;
use super::sql;
use super::values::{clean, get, optional_text, params};

/// How long a key is remembered: a day, longer than any client goes on repeating a request.
const KEEP_MS: i64 = 86_400_000;

/// Reserves a key, or says what is known of it.
pub(super) async fn reserve(
    db: &Session,
    (key, fingerprint, now): &(String, String, UnixMs),
) -> Answer<Reservation> {
    let now = db.now(*now).await?;
    db.execute(sql::ANSWERS_FORGET, params![now.0.saturating_sub(KEEP_MS) + 1]).await?;
    if db.execute(sql::ANSWER_RESERVE, params![key.as_str(), fingerprint.as_str(), now.0]).await? == 1 {
        return Ok(Reservation::Fresh);
    }
    // Whoever had it may have freed it since.
    let row = db.first(sql::ANSWER_GET, params![key.as_str()]).await?.ok_or(Fail::Again)?;
    let (kept, status): (&str, Option<i32>) = (get(&row, 0)?, get(&row, 1)?);
    let status = status.and_then(|status| u16::try_from(status).ok());
    Ok(match (kept == fingerprint, status) {
        (false, _) => Reservation::Other,
        (true, Some(status)) => Reservation::Answered(status, optional_text(&row, 2)?.unwrap_or_default()),
        (true, None) => Reservation::Running,
    })
}

/// Keeps an answer, or frees the key.
pub(super) async fn keep(db: &Session, (key, answer): &(String, Option<(u16, String)>)) -> Answer<()> {
    match answer {
        Some((status, body)) => {
            let body = clean(body);
            db.execute(sql::ANSWER_KEEP, params![key.as_str(), i32::from(*status), body]).await?
        }
        None => db.execute(sql::ANSWER_FREE, params![key.as_str()]).await?,
    };
    Ok(())
}

/// Frees the keys whose request died with its process: only for a process that knows it is alone.
pub(super) async fn forget_open(db: &Session, _: &()) -> Answer<()> {
    db.execute(sql::ANSWERS_FORGET_OPEN, &[]).await?;
    Ok(())
}
