//! Everything that can happen in a life, in the order of its planned time.

use onward_core::id::{Epoch, RowIndex, SpanNo};
use onward_core::run::{Hold, Input};
use onward_core::store::{Claim, Commit};

/// Something that is to happen.
pub(super) enum Happening {
    /// Reaches a worker, if that life of it still lasts.
    Worker {
        worker: usize,
        life: u32,
        input: Input,
    },
    /// A call ends at the upstream.
    CallEnds {
        worker: usize,
        life: u32,
        span: SpanNo,
        epoch: Epoch,
        row: RowIndex,
    },
    /// A request reaches the store, whatever became of its sender.
    Store {
        worker: usize,
        life: u32,
        request: Request,
    },
    /// A worker without a run looks for work.
    Idle {
        worker: usize,
        life: u32,
    },
    Crash,
    /// A process dies of a row, if that life of it still lasts.
    Dies {
        worker: usize,
        life: u32,
    },
    Freeze,
    Thaw {
        worker: usize,
    },
    RestartByHand,
    /// A worker looks at the job, as it does once a second, and sees which spans are still its own.
    Told {
        worker: usize,
        life: u32,
    },
    Rescue,
    Look,
}

/// What a worker asks of the store.
#[derive(Clone)]
pub(super) enum Request {
    Claim(Claim),
    Commit(Commit),
    Reread { span: SpanNo, epoch: Epoch },
    Release { span: SpanNo, epoch: Epoch },
    Hold(Hold),
    Recovered,
    Turns { calls: u32, interval_us: u64 },
}
