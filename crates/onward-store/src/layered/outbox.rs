//! The outbox of a layered store is the ledger's: Redis is never the only copy of anything.

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::hook::{Delivery, Taken};
use onward_core::id::JobId;
use onward_core::store::{DeliveryQuery, Outbox, Result, Standstill, TakeDeliveries, Tried};

use super::LayeredStore;

#[async_trait]
impl Outbox for LayeredStore {
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64> {
        self.ledger.tell_stuck(standstill).await
    }
    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>> {
        self.ledger.take_deliveries(wish).await
    }
    async fn settle_delivery(&self, tried: &Tried) -> Result<()> {
        self.ledger.settle_delivery(tried).await
    }
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        self.ledger.deliveries(query).await
    }
    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>> {
        self.ledger.send_again(job, id, now).await
    }
}
