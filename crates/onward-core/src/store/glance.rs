//! What a worker looks at each second while it works on a job.

use crate::id::{Epoch, SpanNo, WorkerId};
use crate::job::{Job, Tuning};

/// What a worker has to know of a job while it works on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The newest epoch: a span that was claimed later is not among those held.
    pub epoch: Epoch,
    /// The limits that hold now.
    pub tuning: Tuning,
    /// The spans that the worker holds, and under which epoch, in row order.
    pub held: Vec<(SpanNo, Epoch)>,
}

impl Glance {
    /// Of a job that was read whole.
    #[must_use]
    pub fn of(job: &Job, worker: &WorkerId) -> Self {
        let own = job.leases.iter().filter(|lease| lease.worker == *worker);
        let held = own.map(|lease| (lease.span, lease.epoch)).collect();
        Self { epoch: job.epoch, tuning: job.tuning, held }
    }
}
