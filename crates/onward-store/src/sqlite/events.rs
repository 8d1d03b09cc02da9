//! The timeline: numbered facts, written in the transaction of what they tell.

use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind, NewEvent};
use onward_core::hook::HookEvent;
use onward_core::id::JobId;
use rusqlite::{Connection, params};

use super::failure::{Answer, unreadable};
use super::head::{Head, existing, key};
use super::values::{count, epoch, int, uuid};
use super::{outbox, sql};

/// Puts a line on the timeline under the job's present epoch, and in the outbox what hooks are to be told of it.
pub(super) fn note(
    db: &Connection,
    head: &Head,
    at: UnixMs,
    kind: EventKind,
    actor: &str,
    from_row: Option<u64>,
    detail: &str,
) -> Answer<Event> {
    let epoch = head.job.epoch;
    let mut insert = db.prepare_cached(sql::EVENT_INSERT)?;
    let seq = insert.insert(params![
        head.key,
        at.0,
        kind.word(),
        actor,
        int(epoch.0),
        from_row.map(int),
        detail
    ])?;
    if let Some(news) = HookEvent::of(kind, head.job.tuning) {
        outbox::deliver(db, head, news, at)?;
    }
    let (actor, detail) = (actor.to_owned(), detail.to_owned());
    Ok(Event { seq: count(seq), job: head.job.id, at, kind, actor, epoch, from_row, detail })
}

/// Records a fact somebody else observed.
pub(super) fn record(db: &Connection, new: &NewEvent) -> Answer<Event> {
    let head = existing(db, new.job)?;
    note(db, &head, new.at, new.kind, &new.actor, new.from_row, &new.detail)
}

/// The number of the last event; 0 when there is none.
pub(super) fn last(db: &Connection) -> Answer<u64> {
    let last: Option<i64> = db.prepare_cached(sql::EVENT_LAST)?.query_row([], |row| row.get(0))?;
    Ok(last.map_or(0, count))
}

/// Events after a number, oldest first.
pub(super) fn page(db: &Connection, job: Option<JobId>, after: u64, limit: usize) -> Answer<Vec<Event>> {
    let (after, limit) = (int(after), int(limit as u64));
    let mut statement;
    let mut rows = match job {
        None => {
            statement = db.prepare_cached(sql::EVENT_PAGE)?;
            statement.query(params![after, limit])?
        }
        Some(job) => {
            let key = match key(db, job) {
                Ok(key) => key,
                Err(super::failure::Fail::Refused(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            statement = db.prepare_cached(sql::EVENT_PAGE_OF_JOB)?;
            statement.query(params![after, limit, key])?
        }
    };
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let word: String = row.get(3)?;
        let kind = EventKind::ALL.into_iter().find(|kind| kind.word() == word);
        page.push(Event {
            seq: count(row.get(0)?),
            job: uuid(&row.get::<_, String>(1)?)?,
            at: UnixMs(row.get(2)?),
            kind: kind.ok_or_else(|| unreadable("the kind of an event", &word))?,
            actor: row.get(4)?,
            epoch: epoch(row.get(5)?),
            from_row: row.get::<_, Option<i64>>(6)?.map(count),
            detail: row.get(7)?,
        });
    }
    Ok(page)
}
