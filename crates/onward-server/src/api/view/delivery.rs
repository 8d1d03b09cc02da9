//! Deliveries to hooks as the API shows them.

use onward_core::hook::{Delivery, hooks_of};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rfc3339;

/// Word to a hook: what is told, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Its name, the same at every try: the `webhook-id` that the receiver sees.
    pub delivery_id: String,
    /// completed, failed, paused or stuck.
    pub event: String,
    /// The address that is told.
    pub url: String,
    /// waiting, delivered, gone (the receiver answered 410) or given-up (a day is over).
    pub state: String,
    /// Whether it is on its way at this moment.
    pub sending: bool,
    /// Calls made.
    pub tries: u32,
    /// The status of the last answer; null before the first, and when none came.
    pub last_status: Option<u16>,
    /// What became of the last call, in a sentence; null before the first.
    pub last_message: Option<String>,
    /// When what it tells happened.
    pub created_at: String,
    /// When the last call ended.
    pub last_try_at: Option<String>,
    /// When the next call is due.
    pub next_try_at: Option<String>,
}

impl DeliveryView {
    /// The view of a delivery of a job with this recipe.
    #[must_use]
    pub fn new(delivery: &Delivery, recipe: &str) -> Self {
        let hooks = hooks_of(recipe);
        let hook = usize::try_from(delivery.new.hook).ok().and_then(|at| hooks.get(at));
        Self {
            delivery_id: delivery.new.id.clone(),
            event: delivery.new.event.word().to_owned(),
            url: hook.map(|hook| hook.url.clone()).unwrap_or_default(),
            state: delivery.state.word().to_owned(),
            sending: delivery.held_until.is_some(),
            tries: delivery.tries,
            last_status: delivery.status,
            last_message: delivery.tried_at.map(|_| delivery.message.clone()),
            created_at: rfc3339(delivery.new.notice.at),
            last_try_at: delivery.tried_at.map(rfc3339),
            next_try_at: delivery.next_at.map(rfc3339),
        }
    }
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Deliveries)]
pub struct DeliveriesView {
    /// Newest first.
    pub deliveries: Vec<DeliveryView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// What sending again answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SentAgain)]
pub struct SentAgainView {
    /// "It is sent again".
    pub message: String,
    /// The delivery now.
    pub delivery: DeliveryView,
}
