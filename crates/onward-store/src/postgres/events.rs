//! The timeline: numbered facts, written in the transaction of what they tell.

use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind, NewEvent};
use onward_core::hook::HookEvent;
use onward_core::id::JobId;
use onward_core::store::StoreError;

use super::failure::{Answer, Fail, unreadable};
use super::head::Head;
use super::session::Session;
use super::values::{clean, count, epoch, get, int, params, text};
use super::{outbox, sql};

/// Puts a line on the timeline under the job's present epoch, and in the outbox what hooks are to be told of it. The last thing a transaction does beside
/// committing: whoever writes a line keeps the turn of all others.
pub(super) async fn note(
    db: &Session,
    head: &Head,
    at: UnixMs,
    kind: EventKind,
    actor: &str,
    from_row: Option<u64>,
    detail: &str,
) -> Answer<Event> {
    if let Some(news) = HookEvent::of(kind, head.job.tuning) {
        outbox::deliver(db, head, news, at).await?;
    }
    let epoch = head.job.epoch;
    let (job, actor, detail) = (head.job.id, actor.to_owned(), detail.to_owned());
    let line = Event { seq: 0, job, at, kind, actor, epoch, from_row, detail };
    write(db, head.key, line).await
}

/// Records a fact somebody else observed.
pub(super) async fn record(db: &Session, new: &NewEvent) -> Answer<Event> {
    let row = db.first(sql::JOB_KEY, params![new.job.0]).await?;
    let row = row.ok_or(Fail::Refused(StoreError::NotFound(new.job)))?;
    let line = Event {
        seq: 0,
        job: new.job,
        at: db.now(new.at).await?,
        kind: new.kind,
        actor: new.actor.clone(),
        epoch: epoch(get(&row, 1)?),
        from_row: new.from_row,
        detail: new.detail.clone(),
    };
    write(db, get(&row, 0)?, line).await
}

/// The number of the last event; 0 when there is none.
pub(super) async fn last(db: &Session) -> Answer<u64> {
    let last: Option<i64> = get(&db.one(sql::EVENT_LAST, &[]).await?, 0)?;
    Ok(last.map_or(0, count))
}

/// Events after a number, oldest first.
pub(super) async fn page(
    db: &Session,
    (job, after, limit): &(Option<JobId>, u64, usize),
) -> Answer<Vec<Event>> {
    let asked = params![int(*after), job.map(|job| job.0), int(*limit as u64)];
    let mut page = Vec::new();
    for row in db.rows(sql::EVENT_PAGE, asked).await? {
        let word: &str = get(&row, 3)?;
        let kind = EventKind::ALL.into_iter().find(|kind| kind.word() == word);
        page.push(Event {
            seq: count(get(&row, 0)?),
            job: JobId(get(&row, 1)?),
            at: UnixMs(get(&row, 2)?),
            kind: kind.ok_or_else(|| unreadable("the kind of an event", &word))?,
            actor: text(&row, 4)?,
            epoch: epoch(get(&row, 5)?),
            from_row: get::<Option<i64>>(&row, 6)?.map(count),
            detail: text(&row, 7)?,
        });
    }
    Ok(page)
}

/// Writes a line under the next number.
pub(super) async fn write(db: &Session, key: i32, line: Event) -> Answer<Event> {
    let row = db
        .one(
            sql::EVENT_INSERT,
            params![
                key,
                line.at.0,
                line.kind.word(),
                clean(&line.actor),
                int(line.epoch.0),
                line.from_row.map(int),
                clean(&line.detail),
            ],
        )
        .await?;
    Ok(Event { seq: count(get(&row, 0)?), ..line })
}
