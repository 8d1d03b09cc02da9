//! The outbox of a store with a bug planted in front of it.

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::hook::{Delivery, HookEvent, Taken};
use onward_core::id::JobId;
use onward_core::store::{DeliveryQuery, Outbox, Result, Standstill, StoreError, TakeDeliveries, Tried};

use super::store::{Bug, Planted};

#[async_trait]
impl Outbox for Planted {
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64> {
        let mut standstill = standstill.clone();
        if self.bug == Bug::StandstillToldLate {
            // Whatever the caller saw, what is so now is told.
            let job = self.inner.job(standstill.job).await?.ok_or(StoreError::NotFound(standstill.job))?;
            standstill.since = onward_core::stuck::still_since(&job);
        }
        self.inner.tell_stuck(&standstill).await
    }
    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>> {
        let taken = self.inner.take_deliveries(wish).await?;
        if self.bug == Bug::DeliveryTakenTwice {
            self.inner.release_of(&wish.sender, wish.now).await?;
        }
        Ok(taken)
    }
    async fn settle_delivery(&self, tried: &Tried) -> Result<()> {
        match self.inner.settle_delivery(tried).await {
            Err(StoreError::Fenced { .. }) if self.bug == Bug::OldSenderBelieved => Ok(()),
            answer => answer,
        }
    }
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        let mut page = self.inner.deliveries(query).await?;
        if self.bug == Bug::PauseNotDelivered {
            page.retain(|delivery| delivery.new.event != HookEvent::Paused);
        }
        Ok(page)
    }
    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>> {
        self.inner.send_again(job, id, now).await
    }
}
