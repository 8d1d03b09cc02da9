//! The outbox: deliveries to hooks, born in the transaction of what they tell.

use std::sync::Arc;

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::hook::{self, Delivery, HOLD_MS, HookEvent, NewDelivery, Taken};
use onward_core::id::{Epoch, JobId, WorkerId};
use onward_core::state::JobState;
use onward_core::store::{DeliveryQuery, Outbox, Result, Standstill, StoreError, TakeDeliveries, Tried};
use onward_core::stuck::still_since;
use tokio_postgres::Row;

use super::failure::{Answer, unreadable};
use super::head::{Head, existing, lock};
use super::pool::{Kind, Operation, Which};
use super::session::Session;
use super::values::{
    at, clean, count, epoch, get, int, json, moment, params, small, small_count, text, to_json,
};
use super::{PostgresStore, sql};
use crate::stored::{delivery_state, hook_event, settled_as};

/// A job has taken a turn: whoever wants to know of it will be told.
pub(super) async fn deliver(db: &Session, head: &Head, event: HookEvent, now: UnixMs) -> Answer<()> {
    post(db, head.key, &hook::born(&head.job, event, now), now).await.map(drop)
}

/// Puts deliveries into the outbox; one that is there already stays as it is.
async fn post(db: &Session, key: i32, born: &[NewDelivery], now: UnixMs) -> Answer<u64> {
    let mut posted = 0;
    for new in born {
        let (hook, notice) = (small(new.hook.into()), to_json(&new.notice)?);
        let put = params![new.id, key, hook, new.event.word(), clean(&notice), now.0];
        posted += db.execute(sql::DELIVERY_INSERT, put).await?;
    }
    Ok(posted)
}

/// Deliveries of a job that moves in, as they stood over there.
pub(super) async fn take_in(db: &Session, key: i32, all: &[Delivery]) -> Answer<()> {
    for delivery in all {
        let (new, notice) = (&delivery.new, to_json(&delivery.new.notice)?);
        let moved = params![
            new.id,
            key,
            small(new.hook.into()),
            new.event.word(),
            clean(&notice),
            delivery.state.word(),
            small(delivery.tries.into()),
            small(delivery.failures.into()),
            delivery.begun_at.0,
            at(delivery.next_at),
            at(delivery.tried_at),
            delivery.status.map(i32::from),
            clean(&delivery.message),
            int(delivery.epoch.0),
        ];
        db.execute(sql::DELIVERY_MOVE_IN, moved).await?;
    }
    Ok(())
}

async fn tell_stuck(db: &Session, standstill: &Standstill) -> Answer<u64> {
    let now = lock(db, standstill.job, standstill.now).await?;
    let head = existing(db, standstill.job).await?;
    if head.job.state != JobState::Running || still_since(&head.job) != standstill.since {
        return Ok(0);
    }
    post(db, head.key, &hook::born_of_standstill(&head.job, &standstill.stuck, now), now).await
}

async fn take(db: &Session, wish: &TakeDeliveries) -> Answer<Vec<Taken>> {
    let (now, limit) = (db.given(wish.now), int(wish.limit as u64));
    let rows = db.rows(sql::DELIVERIES_TAKE, params![now, wish.sender.0, limit, int(HOLD_MS)]).await?;
    let taken = |row: &Row| {
        let recipe = Arc::from(get::<&str>(row, 16)?);
        Ok(Taken { delivery: read(row)?, recipe, at: UnixMs(get(row, 17)?) })
    };
    rows.iter().map(taken).collect()
}

async fn settle(db: &Session, tried: &Tried) -> Answer<()> {
    let now = db.now(tried.now).await?;
    let (state, wait_ms, failed) = settled_as(tried.next);
    let (wait_ms, failed) = (wait_ms.map(int), small(failed.into()));
    let status = tried.status.map(i32::from);
    let said = clean(&tried.message);
    let settled = params![tried.id, int(tried.epoch.0), state.word(), now.0, wait_ms, failed, status, said];
    if db.execute(sql::DELIVERY_SETTLE, settled).await? == 1 {
        return Ok(());
    }
    let row = db.first(sql::DELIVERY_EPOCH, params![tried.id]).await?;
    let found = row.map_or(Ok(Epoch(0)), |row| get(&row, 0).map(epoch))?;
    Err(StoreError::Fenced { found }.into())
}

async fn page(db: &Session, query: &DeliveryQuery) -> Answer<Vec<Delivery>> {
    let asked = params![query.job.0, query.before.map_or(i64::MAX, int), int(query.limit as u64)];
    db.rows(sql::DELIVERY_PAGE, asked).await?.iter().map(read).collect()
}

async fn again(db: &Session, (job, id, now): &(JobId, String, UnixMs)) -> Answer<Option<Delivery>> {
    let now = db.now(*now).await?;
    db.execute(sql::DELIVERY_AGAIN, params![job.0, id.as_str(), now.0, int(HOLD_MS)]).await?;
    db.first(sql::DELIVERY_NAMED, params![job.0, id.as_str()]).await?.as_ref().map(read).transpose()
}

/// What dead senders had is free; of one of them, or of all.
pub(super) async fn let_go(db: &Session, of: &Option<WorkerId>) -> Answer<()> {
    let of = of.as_ref().map(|worker| worker.0.clone());
    db.execute(sql::DELIVERIES_LET_GO, params![of]).await.map(drop)
}

fn read(row: &Row) -> Answer<Delivery> {
    let (event, state): (&str, &str) = (get(row, 4)?, get(row, 6)?);
    Ok(Delivery {
        no: count(get(row, 0)?),
        job: JobId(get(row, 1)?),
        new: NewDelivery {
            id: get(row, 2)?,
            hook: small_count(get(row, 3)?),
            event: hook_event(event).ok_or_else(|| unreadable("the event of a delivery", &event))?,
            notice: json("what a delivery tells", &text(row, 5)?)?,
        },
        state: delivery_state(state).ok_or_else(|| unreadable("the state of a delivery", &state))?,
        tries: small_count(get(row, 7)?),
        failures: small_count(get(row, 8)?),
        begun_at: UnixMs(get(row, 9)?),
        next_at: moment(get(row, 10)?),
        tried_at: moment(get(row, 11)?),
        status: get::<Option<i32>>(row, 12)?.and_then(|status| u16::try_from(status).ok()),
        message: text(row, 13)?,
        epoch: epoch(get(row, 14)?),
        held_until: moment(get(row, 15)?),
    })
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64> {
        self.write(standstill.clone(), |db, standstill| Box::pin(tell_stuck(db, standstill))).await
    }

    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>> {
        let work: Operation<_, Vec<Taken>> = |db, wish| Box::pin(take(db, wish));
        self.pool.run(Kind::Statement, Which::Any, wish.clone(), work).await
    }

    async fn settle_delivery(&self, tried: &Tried) -> Result<()> {
        self.write(tried.clone(), |db, tried| Box::pin(settle(db, tried))).await
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        self.read(*query, |db, query| Box::pin(page(db, query))).await
    }

    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>> {
        self.write((job, id.to_owned(), now), |db, asked| Box::pin(again(db, asked))).await
    }
}
