//! Holding a job that cannot go on now, also when that is for want of room to write.

use std::time::Duration;

use onward_core::job::{Pause, Tuning};
use onward_core::run::{Hold, Input};
use onward_core::state::{PauseReason, Step};
use onward_core::store::{Room, StoreError};

use super::ops::{AGAIN_MS, Done};
use super::{Drive, Order, command};
use crate::clock;

impl Drive {
    /// Takes in whether there is room: without, nothing new is begun and the job is held once the rows in hand
    /// are saved.
    pub(super) fn room(&mut self, room: Room) {
        if let Some(Pause { reason, message, .. }) = room.hold() {
            self.tell(Input::Hold(Hold { reason, message, wait_ms: None }));
        }
    }

    pub(super) fn hold(&mut self, hold: Hold) {
        let (order, given_back) = (self.order.clone(), self.given_back());
        self.ops.spawn(async move {
            given_back.await;
            let Hold { reason, mut message, wait_ms } = hold;
            if wait_ms.is_some() {
                message = format!("{message}; one row will be tried by itself");
            }
            let probe_at = wait_ms.map(|wait_ms| clock::now().plus_ms(wait_ms));
            self::hold(&order, Pause { reason, message, probe_at }).await;
            Done::Noted
        });
    }

    /// The target answered a probe; until that is stored every worker tries single rows only.
    pub(super) fn recovered(&mut self) {
        let order = self.order.clone();
        self.ops.spawn(async move {
            let changes = Tuning { probes: Some(0), ..Tuning::default() };
            let told = order.store.tune(order.job, None, Some(changes), "breaker", clock::now()).await;
            if let Err(error) = told {
                tracing::warn!(job.id = %order.job, %error, "failed to note that the target answers again");
            }
            Done::Noted
        });
    }
}

/// Holds a job. On a disk so full that not even this can be written it is tried until it is, or there is room.
pub(super) async fn hold(order: &Order, pause: Pause) {
    let for_room = pause.reason == PauseReason::DiskFull;
    let mut held = order.store.command(&command(order, Step::Pause, Some(pause.clone()), None)).await;
    while held == Err(StoreError::DiskFull) {
        tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
        if for_room && order.store.room() == Room::Enough {
            return;
        }
        held = order.store.command(&command(order, Step::Pause, Some(pause.clone()), None)).await;
    }
    if let Err(error) = held {
        tracing::warn!(job.id = %order.job, %error, "failed to hold a job");
    }
}
