//! The outbox of the in-memory store: deliveries to hooks.

use std::sync::Arc;

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::hook::{self, Delivery, DeliveryState, HOLD_MS, HookEvent, NewDelivery, Taken};
use onward_core::id::{Epoch, JobId, WorkerId};
use onward_core::state::JobState;
use onward_core::store::{DeliveryQuery, Outbox, Result, Standstill, StoreError, TakeDeliveries, Tried};
use onward_core::stuck::still_since;

use super::MemoryStore;
use super::world::World;
use crate::stored::settled_as;

/// A delivery, and who has it.
#[derive(Debug)]
pub(super) struct Letter {
    delivery: Delivery,
    holder: Option<WorkerId>,
}

impl Letter {
    /// Whether it tells of this job.
    pub(super) fn is_of(&self, job: JobId) -> bool {
        self.delivery.job == job
    }

    fn is_held(&self, now: UnixMs) -> bool {
        self.delivery.held_until.is_some_and(|until| is_held(until, now))
    }

    fn let_go(&mut self) {
        self.holder = None;
        self.delivery.held_until = None;
    }
}

/// Whether a hold still counts. One that ends further away than any can was written before the clock was set
/// back.
fn is_held(until: UnixMs, now: UnixMs) -> bool {
    until > now && until <= now.plus_ms(2 * HOLD_MS)
}

impl World {
    /// A job has taken a turn: whoever wants to know of it will be told.
    pub(super) fn deliver(&mut self, id: JobId, event: HookEvent, at: UnixMs) -> Result<()> {
        let job = self.view(self.stored(id)?);
        self.post(id, hook::born(&job, event, at), at);
        Ok(())
    }

    pub(super) fn tell_stuck(&mut self, standstill: &Standstill) -> Result<u64> {
        let job = self.view(self.stored(standstill.job)?);
        if job.state != JobState::Running || still_since(&job) != standstill.since {
            return Ok(0);
        }
        let born = hook::born_of_standstill(&job, &standstill.stuck, standstill.now);
        Ok(self.post(job.id, born, standstill.now))
    }

    /// Puts deliveries into the outbox; one that is there already stays as it is.
    fn post(&mut self, job: JobId, born: Vec<NewDelivery>, at: UnixMs) -> u64 {
        let mut posted = 0;
        for new in born {
            if self.letters.iter().any(|letter| letter.delivery.new.id == new.id) {
                continue;
            }
            self.last_letter += 1;
            let delivery = Delivery {
                no: self.last_letter,
                job,
                new,
                state: DeliveryState::Waiting,
                tries: 0,
                failures: 0,
                begun_at: at,
                next_at: Some(at),
                tried_at: None,
                status: None,
                message: String::new(),
                epoch: Epoch(0),
                held_until: None,
            };
            self.letters.push(Letter { delivery, holder: None });
            posted += 1;
        }
        posted
    }

    /// Deliveries of a job that moves in, as they stood over there.
    pub(super) fn take_letters_in(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            if self.letters.iter().any(|letter| letter.delivery.new.id == delivery.new.id) {
                continue;
            }
            self.last_letter += 1;
            let delivery = Delivery { no: self.last_letter, held_until: None, ..delivery };
            self.letters.push(Letter { delivery, holder: None });
        }
    }

    fn take_deliveries(&mut self, wish: &TakeDeliveries) -> Vec<Taken> {
        let now = wish.now;
        let due = |letter: &&mut Letter| {
            letter.delivery.next_at.is_some_and(|at| at <= now) && !letter.is_held(now)
        };
        let mut due: Vec<&mut Letter> = self.letters.iter_mut().filter(due).collect();
        due.sort_by_key(|letter| (letter.delivery.next_at, letter.delivery.no));
        let mut taken = Vec::new();
        for letter in due.into_iter().take(wish.limit) {
            letter.holder = Some(wish.sender.clone());
            letter.delivery.epoch = letter.delivery.epoch.next();
            letter.delivery.held_until = Some(now.plus_ms(HOLD_MS));
            let recipe = self.jobs.get(&letter.delivery.job).map(|job| Arc::clone(&job.recipe));
            let recipe = recipe.expect("deliveries go with their job");
            taken.push(Taken { delivery: letter.delivery.clone(), recipe, at: now });
        }
        taken
    }

    fn settle_delivery(&mut self, tried: &Tried) -> Result<()> {
        let letter = self.letters.iter_mut().find(|letter| letter.delivery.new.id == tried.id);
        let Some(letter) = letter else { return Err(StoreError::Fenced { found: Epoch(0) }) };
        if letter.holder.is_none() || letter.delivery.epoch != tried.epoch {
            return Err(StoreError::Fenced { found: letter.delivery.epoch });
        }
        letter.let_go();
        let delivery = &mut letter.delivery;
        delivery.tries += 1;
        delivery.tried_at = Some(tried.now);
        delivery.status = tried.status;
        delivery.message.clone_from(&tried.message);
        let (state, wait_ms, failed) = settled_as(tried.next);
        delivery.state = state;
        delivery.failures += failed;
        delivery.next_at = wait_ms.map(|wait_ms| tried.now.plus_ms(wait_ms));
        Ok(())
    }

    fn send_again(&mut self, job: JobId, id: &str, now: UnixMs) -> Option<Delivery> {
        let named = |letter: &&mut Letter| letter.delivery.job == job && letter.delivery.new.id == id;
        let letter = self.letters.iter_mut().find(named)?;
        if !letter.is_held(now) {
            letter.let_go();
            let delivery = &mut letter.delivery;
            (delivery.state, delivery.failures) = (DeliveryState::Waiting, 0);
            (delivery.begun_at, delivery.next_at) = (now, Some(now));
        }
        Some(letter.delivery.clone())
    }

    /// What dead senders held is free; of one of them, or of all.
    pub(super) fn let_letters_go(&mut self, of: Option<&WorkerId>) {
        for letter in &mut self.letters {
            if of.is_none() || letter.holder.as_ref() == of {
                letter.let_go();
            }
        }
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64> {
        self.write().tell_stuck(standstill)
    }

    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>> {
        Ok(self.write().take_deliveries(wish))
    }

    async fn settle_delivery(&self, tried: &Tried) -> Result<()> {
        self.write().settle_delivery(tried)
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        let world = self.read();
        let wanted = |letter: &&Letter| {
            letter.delivery.job == query.job && query.before.is_none_or(|before| letter.delivery.no < before)
        };
        let page = world.letters.iter().rev().filter(wanted).take(query.limit);
        Ok(page.map(|letter| letter.delivery.clone()).collect())
    }

    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>> {
        Ok(self.write().send_again(job, id, now))
    }
}
