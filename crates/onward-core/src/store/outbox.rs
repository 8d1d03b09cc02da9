//! The outbox of a store: deliveries to hooks ([`crate::hook`]), born with what they tell.

use async_trait::async_trait;

use super::Result;
use crate::clock::UnixMs;
use crate::hook::{Delivery, Next, Taken};
use crate::id::{Epoch, JobId, WorkerId};
use crate::stuck::Stuck;

/// The part of a store that keeps what others are to be told. The deliveries themselves are written by
/// whatever takes a job to its end or holds it, in the same transaction; they go with their job.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// A running job was found to be stuck. Answers how many deliveries were born: none when its recipe has no
    /// hook for it, when this standstill was told before, or when the job has moved on since.
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64>;
    /// Takes deliveries that are due and that nobody has, each under the next epoch of its own, for
    /// [`crate::hook::HOLD_MS`]. What one call was given no other is.
    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>>;
    /// Writes down what came of a call and lets the delivery go. Refused with
    /// [`super::StoreError::Fenced`] when somebody else has it by now, or nobody.
    async fn settle_delivery(&self, tried: &Tried) -> Result<()>;
    /// Deliveries of a job, newest first.
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>>;
    /// Makes a delivery due now, with a new day before it; one that is being sent at this moment is left alone.
    /// `None` when the job has none of this id.
    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>>;
}

/// A running job that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// Which job.
    pub job: JobId,
    /// Since when nothing was saved, as the caller saw it ([`crate::stuck::still_since`]).
    pub since: UnixMs,
    /// The evidence.
    pub stuck: Stuck,
    /// When it was seen.
    pub now: UnixMs,
}

/// A wish for deliveries to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeDeliveries {
    /// Who sends them.
    pub sender: WorkerId,
    /// At most so many.
    pub limit: usize,
    /// When.
    pub now: UnixMs,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Of which delivery.
    pub id: String,
    /// Under which epoch it was taken.
    pub epoch: Epoch,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// A sentence.
    pub message: String,
    /// What is next.
    pub next: Next,
    /// When.
    pub now: UnixMs,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Of which job.
    pub job: JobId,
    /// Only those with a smaller number (the cursor).
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}
