//! The outbox: deliveries to hooks, born in the transaction of what they tell.

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::hook::{self, Delivery, HOLD_MS, HookEvent, NewDelivery, Taken};
use onward_core::id::{Epoch, JobId, WorkerId};
use onward_core::state::JobState;
use onward_core::store::{DeliveryQuery, Outbox, Result, Standstill, StoreError, TakeDeliveries, Tried};
use onward_core::stuck::still_since;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::{Answer, unreadable};
use super::head::{Head, existing, fill};
use super::values::{count, epoch, int, json, moment, to_json, uuid};
use super::{SqliteStore, sql};
use crate::stored::{delivery_state, hook_event, settled_as};

/// A job has taken a turn: whoever wants to know of it will be told.
pub(super) fn deliver(db: &Connection, head: &Head, event: HookEvent, at: UnixMs) -> Answer<()> {
    if hook::hooks_of(&head.job.recipe).is_empty() {
        return Ok(());
    }
    // A commit does not sum up the counters of the job; what is told has them.
    let mut full = head.clone();
    fill(db, &mut full)?;
    post(db, full.key, &hook::born(&full.job, event, at), at).map(drop)
}

/// Puts deliveries into the outbox; one that is there already stays as it is.
fn post(db: &Connection, key: i64, born: &[NewDelivery], at: UnixMs) -> Answer<u64> {
    let mut insert = db.prepare_cached(sql::DELIVERY_INSERT)?;
    let mut posted = 0;
    for new in born {
        let notice = to_json(&new.notice)?;
        posted += insert.execute(params![new.id, key, new.hook, new.event.word(), notice, at.0])?;
    }
    Ok(posted as u64)
}

/// Deliveries of a job that moves in, as they stood over there.
pub(super) fn take_in(db: &Connection, key: i64, all: &[Delivery]) -> Answer<()> {
    let mut insert = db.prepare_cached(sql::DELIVERY_MOVE_IN)?;
    for delivery in all {
        let new = &delivery.new;
        insert.execute(params![
            new.id,
            key,
            new.hook,
            new.event.word(),
            to_json(&new.notice)?,
            delivery.state.word(),
            delivery.tries,
            delivery.failures,
            delivery.begun_at.0,
            delivery.next_at.map(|at| at.0),
            delivery.tried_at.map(|at| at.0),
            delivery.status,
            delivery.message,
            int(delivery.epoch.0),
        ])?;
    }
    Ok(())
}

fn tell_stuck(db: &Connection, standstill: &Standstill) -> Answer<u64> {
    let head = existing(db, standstill.job)?;
    if head.job.state != JobState::Running || still_since(&head.job) != standstill.since {
        return Ok(0);
    }
    let born = hook::born_of_standstill(&head.job, &standstill.stuck, standstill.now);
    post(db, head.key, &born, standstill.now)
}

/// Beyond this no hold can end: it was written before the clock was set back.
fn beyond(now: UnixMs) -> i64 {
    now.plus_ms(2 * HOLD_MS).0
}

fn are_due(db: &Connection, now: UnixMs) -> Answer<bool> {
    let mut statement = db.prepare_cached(sql::DELIVERIES_ARE_DUE)?;
    Ok(statement.query_row(params![now.0, beyond(now)], |row| row.get(0))?)
}

fn take(db: &Connection, wish: &TakeDeliveries) -> Answer<Vec<Taken>> {
    let (now, until) = (wish.now, wish.now.plus_ms(HOLD_MS).0);
    let mut take = db.prepare_cached(sql::DELIVERIES_TAKE)?;
    let asked = params![now.0, beyond(now), wish.sender.0, until, int(wish.limit as u64)];
    let taken: Vec<i64> = take.query_map(asked, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut get = db.prepare_cached(sql::DELIVERY_GET)?;
    let mut all = Vec::with_capacity(taken.len());
    for no in taken {
        let mut rows = get.query([no])?;
        let Some(row) = rows.next()? else { continue };
        let recipe: String = row.get(16)?;
        all.push(Taken { delivery: read(row)?, recipe: recipe.into(), at: now });
    }
    // The order in which rows are changed is SQLite's own business.
    all.sort_by_key(|taken| (taken.delivery.next_at, taken.delivery.no));
    Ok(all)
}

fn settle(db: &Connection, tried: &Tried) -> Answer<()> {
    let (state, wait_ms, failed) = settled_as(tried.next);
    let next_at = wait_ms.map(|wait_ms| tried.now.plus_ms(wait_ms).0);
    let settled = db.prepare_cached(sql::DELIVERY_SETTLE)?.execute(params![
        tried.id,
        int(tried.epoch.0),
        state.word(),
        next_at,
        failed,
        tried.now.0,
        tried.status,
        tried.message,
    ])?;
    if settled == 1 {
        return Ok(());
    }
    let mut statement = db.prepare_cached(sql::DELIVERY_EPOCH)?;
    let found = statement.query_row([&tried.id], |row| Ok(epoch(row.get(0)?))).optional()?;
    Err(StoreError::Fenced { found: found.unwrap_or(Epoch(0)) }.into())
}

fn page(db: &Connection, query: &DeliveryQuery) -> Answer<Vec<Delivery>> {
    let before = query.before.map_or(i64::MAX, int);
    let mut statement = db.prepare_cached(sql::DELIVERY_PAGE)?;
    let mut rows = statement.query(params![query.job.to_string(), before, int(query.limit as u64)])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(read(row)?);
    }
    Ok(page)
}

fn again(db: &Connection, job: JobId, id: &str, now: UnixMs) -> Answer<Option<Delivery>> {
    let job = job.to_string();
    db.prepare_cached(sql::DELIVERY_AGAIN)?.execute(params![job, id, now.0, beyond(now)])?;
    let mut statement = db.prepare_cached(sql::DELIVERY_NAMED)?;
    let mut rows = statement.query(params![job, id])?;
    rows.next()?.map(read).transpose()
}

/// What dead senders had is free; of one of them, or of all.
pub(super) fn let_go(db: &Connection, of: Option<&WorkerId>) -> Answer<()> {
    db.prepare_cached(sql::DELIVERIES_LET_GO)?.execute([of.map(|worker| &worker.0)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Answer<Delivery> {
    let (event, state): (String, String) = (row.get(4)?, row.get(6)?);
    Ok(Delivery {
        no: count(row.get(0)?),
        job: uuid(&row.get::<_, String>(1)?)?,
        new: NewDelivery {
            id: row.get(2)?,
            hook: row.get(3)?,
            event: hook_event(&event).ok_or_else(|| unreadable("the event of a delivery", &event))?,
            notice: json("what a delivery tells", &row.get::<_, String>(5)?)?,
        },
        state: delivery_state(&state).ok_or_else(|| unreadable("the state of a delivery", &state))?,
        tries: row.get(7)?,
        failures: row.get(8)?,
        begun_at: UnixMs(row.get(9)?),
        next_at: moment(row.get(10)?),
        tried_at: moment(row.get(11)?),
        status: row.get(12)?,
        message: row.get(13)?,
        epoch: epoch(row.get(14)?),
        held_until: moment(row.get(15)?),
    })
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64> {
        let standstill = standstill.clone();
        self.writer.write(move |db| tell_stuck(db, &standstill)).await
    }

    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>> {
        let now = wish.now;
        // Asked once a second by every process: nothing is written when nothing is due.
        if !self.readers.read(move |db| are_due(db, now)).await? {
            return Ok(Vec::new());
        }
        let wish = wish.clone();
        self.writer.write(move |db| take(db, &wish)).await
    }

    async fn settle_delivery(&self, tried: &Tried) -> Result<()> {
        let tried = tried.clone();
        self.writer.write(move |db| settle(db, &tried)).await
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        let query = *query;
        self.readers.read(move |db| page(db, &query)).await
    }

    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>> {
        let id = id.to_owned();
        self.writer.write(move |db| again(db, job, &id, now)).await
    }
}
