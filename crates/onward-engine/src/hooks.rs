//! Tells others how a job goes: takes deliveries that are due, sends them, writes down what came of it, and finds
//! jobs that stand still.
//!
//! Every process that looks after a store does this; the store sees to it that one delivery is in one hand
//! ([`onward_core::hook`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::hook::{self, CALL_MS, Courier, DeliveryState, HookEvent, Sent, Taken};
use onward_core::id::{JobId, WorkerId};
use onward_core::job::Job;
use onward_core::store::{DeliveryQuery, Standstill, Store, StoreError, TakeDeliveries, Tried};
use onward_core::stuck::still_since;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock;
use crate::snapshot::stuck_of;

/// How often the outbox is looked at, in milliseconds: a person who waits for word does not notice a second.
const LOOK_MS: u64 = 1_000;
/// Deliveries on their way from one process at a time: enough that some silent receivers do not hold up the
/// others for long, few enough that no receiver is overrun.
const MOST_AT_ONCE: usize = 16;
/// How often it is tried to write down what came of a call while the store does not answer.
const SETTLE_TRIES: u32 = 5;
/// How long calls under way may take when the work is stopped, in milliseconds; cut off ones are made again.
const FAREWELL_MS: u64 = 5_000;
/// How long [`rest`] waits for word to be out, in milliseconds: one call, and a little.
const REST_MS: u64 = CALL_MS + 2_000;
/// Deliveries of one job that are looked through for some that were never tried.
const LOOKED_THROUGH: usize = 100;
/// Standstills kept in mind; beyond it all are forgotten, and the store knows what was told.
const MOST_STANDSTILLS: usize = 1_000;

/// What is needed to send.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) courier: Arc<dyn Courier>,
    pub(crate) sender: WorkerId,
}

impl Post {
    /// Sends what is due until it is told to stop.
    pub(crate) async fn rounds(self, stop: CancellationToken) {
        let mut under_way = JoinSet::new();
        while !stop.is_cancelled() {
            for taken in self.take(MOST_AT_ONCE - under_way.len()).await {
                let post = self.clone();
                under_way.spawn(async move { post.send(taken).await });
            }
            let full = under_way.len() == MOST_AT_ONCE;
            tokio::select! {
                // A place that has become free is used at once.
                Some(_) = under_way.join_next(), if full => {}
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS)), if !full => {}
                () = stop.cancelled() => {}
            }
            while under_way.try_join_next().is_some() {}
        }
        let all = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_millis(FAREWELL_MS), all).await.is_err() {
            tracing::info!("deliveries to hooks were cut off; they are sent again");
        }
    }

    /// Sends what is due until word of this job is out, or its receivers do not answer in time. Answers how many
    /// of its deliveries wait.
    pub(crate) async fn rest(&self, job: JobId) -> Result<u64, StoreError> {
        let until = Instant::now() + Duration::from_millis(REST_MS);
        loop {
            let mut under_way = JoinSet::new();
            for taken in self.take(MOST_AT_ONCE).await {
                let post = self.clone();
                under_way.spawn(async move { post.send(taken).await });
            }
            let all = async { while under_way.join_next().await.is_some() {} };
            drop(tokio::time::timeout_at(until, all).await);
            let query = DeliveryQuery { job, before: None, limit: LOOKED_THROUGH };
            let all = self.store.deliveries(&query).await?;
            let waiting = || all.iter().filter(|delivery| delivery.state == DeliveryState::Waiting);
            if waiting().all(|delivery| delivery.failures > 0) || Instant::now() >= until {
                return Ok(waiting().count() as u64);
            }
            // Somebody else sends them.
            tokio::time::sleep(Duration::from_millis(LOOK_MS / 10)).await;
        }
    }

    async fn take(&self, limit: usize) -> Vec<Taken> {
        let wish = TakeDeliveries { sender: self.sender.clone(), limit, now: clock::now() };
        self.store.take_deliveries(&wish).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to look for deliveries to hooks");
            Vec::new()
        })
    }

    async fn send(&self, taken: Taken) {
        let delivery = &taken.delivery;
        let hooks = hook::hooks_of(&taken.recipe);
        let hook = usize::try_from(delivery.new.hook).ok().and_then(|at| hooks.get(at));
        let begun = clock::now();
        let sent = match hook {
            Some(hook) => self.courier.send(hook, delivery, begun).await,
            None => {
                let message = String::from("the recipe of the job has no such hook");
                Sent { status: None, message, retry_after_ms: None }
            }
        };
        let ended = clock::now();
        // By the clock of the store, whose moments are compared.
        let now = taken.at.plus_ms(ended.ms_since(begun));
        let dice = Uuid::now_v7().as_u64_pair().1;
        let next = hook::next(&sent, delivery.failures, delivery.begun_at, now, dice);
        let (job, id) = (delivery.job, &delivery.new.id);
        match next {
            hook::Next::Delivered => tracing::info!(job.id = %job, delivery = %id, "a hook was told"),
            hook::Next::Gone | hook::Next::Again { .. } | hook::Next::GivenUp => {
                tracing::warn!(job.id = %job, delivery = %id, answer = %sent.message, ?next, "a hook was not told");
            }
        }
        let Sent { status, message, .. } = sent;
        let tried = Tried { id: id.clone(), epoch: delivery.epoch, status, message, next, now: ended };
        self.settle(&tried).await;
    }

    /// What is not written down is sent again once the hold has lapsed.
    async fn settle(&self, tried: &Tried) {
        for _ in 0..SETTLE_TRIES {
            match self.store.settle_delivery(tried).await {
                Ok(()) => return,
                Err(StoreError::Fenced { .. }) => {
                    tracing::debug!(delivery = %tried.id, "somebody else has the delivery by now");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, delivery = %tried.id, "what came of a delivery was not written down");
                }
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }
}

/// Jobs that stand still, as this process has seen them.
#[derive(Default)]
pub(crate) struct Standstills {
    seen: HashMap<JobId, Seen>,
}

struct Seen {
    /// Since when nothing was saved.
    since: UnixMs,
    /// When it was first seen to be stuck.
    at: UnixMs,
    told: bool,
}

impl Standstills {
    /// Looks at a running job, and tells its hooks when it is stuck.
    pub(crate) async fn look(&mut self, store: &dyn Store, job: &Job) {
        let wanted = |hook: &onward_core::recipe::Hook| hook.on.contains(&HookEvent::Stuck);
        if !hook::hooks_of(&job.recipe).iter().any(wanted) {
            return;
        }
        let now = clock::now();
        let Some(stuck) = stuck_of(store, job, now).await else {
            self.seen.remove(&job.id);
            return;
        };
        if self.seen.len() >= MOST_STANDSTILLS && !self.seen.contains_key(&job.id) {
            self.seen.clear();
        }
        let since = still_since(job);
        let seen = self.seen.entry(job.id).or_insert(Seen { since, at: now, told: false });
        if seen.since != since {
            *seen = Seen { since, at: now, told: false };
        }
        if seen.told || !hook::is_worth_telling(&stuck, seen.at, now) {
            return;
        }
        match store.tell_stuck(&Standstill { job: job.id, since, stuck, now }).await {
            Ok(_) => seen.told = true,
            Err(error) => {
                tracing::warn!(job.id = %job.id, %error, "hooks are not told yet that a job is stuck")
            }
        }
    }

    /// Forgets a job that no longer runs.
    pub(crate) fn forget(&mut self, job: JobId) {
        self.seen.remove(&job);
    }
}
