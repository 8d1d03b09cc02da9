//! What the engine asks of the code that does rows.
//!
//! A processor is given rows and says what became of each. It keeps no count of tries, waits for
//! nothing and stores nothing: retries, pacing and the ledger are the engine's, and so are deadlines unless
//! it has a [`Queue`]. Dropping the future of [`Processor::process`] must abort the call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::id::{Epoch, JobId, RowIndex};
use crate::input::{Columns, InputRow};
use crate::problem::Code;
use crate::row::{Text, Verdict};
use crate::store::NO_ANSWER;

/// Turns rows into outcomes.
#[async_trait]
pub trait Processor: Send + Sync + 'static {
    /// Whether a call can be seen outside this process. Work that only computes may be repeated
    /// freely, so it is handed many rows at a time.
    fn calls_out(&self) -> bool;

    /// Does one call for one or several rows. The answers are in the order of the rows.
    async fn process(&self, call: &Call) -> Vec<Answer>;

    /// Its queue, for work that has one. It is then handed all calls that may go out at a time instead of one by one.
    fn queue(&self) -> Option<&dyn Queue> {
        None
    }

    /// The fields without which no row can be done: a file that has no such column is refused.
    fn needs(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the work could start at all: URLs allowed, secrets there, expressions that compile.
    /// Asked before a job is created and before it goes on.
    async fn check(&self) -> Result<(), CannotStart> {
        Ok(())
    }
}

/// Work that puts calls into a queue of its own, such as a program's input.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Does the calls, and tells of each once, as soon as it has ended, in any order. It keeps the deadline of each
    /// call itself, as waiting for others is no fault of a row. Dropping the future must abort those that have not
    /// ended.
    async fn work_off(&self, calls: &[Call], ended: Ended<'_>);
}

/// Is told which calls have ended: the place of each in the list, and what became of each of its rows, in their
/// order. Calls that end together are told of together.
pub type Ended<'a> = &'a mut (dyn FnMut(Vec<(usize, Vec<Answer>)>) + Send);

/// Why the work of a recipe cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CannotStart {
    /// The kind of problem.
    pub code: Code,
    /// A sentence that says what to do.
    pub message: String,
}

/// One call: some rows of one job.
#[derive(Debug, Clone)]
pub struct Call {
    /// Of which job.
    pub job: JobId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// The job's generation: part of the idempotency key.
    pub generation: u32,
    /// Which try this is for these rows, from 1.
    pub attempt: u32,
    /// Where each field is.
    pub columns: Arc<Columns>,
    /// The rows.
    pub rows: Vec<Arc<InputRow>>,
    /// Those of them whose call may have happened already, before a process died.
    pub in_doubt: Vec<RowIndex>,
    /// Where the work says what the target told about its limit.
    pub told: Told,
}

/// What a target tells beside the answer itself: "no call left for 12 s", and with which status it answered. The
/// work writes it down while the call runs, the engine reads it when the call has ended.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    wait_ms: AtomicU64,
    /// 0 while no call has gone out, then the status of the last answer and 1 more.
    status: AtomicU32,
}

impl Told {
    /// The target takes no call for so long, in milliseconds: the gate closes before a refusal comes.
    pub fn no_call_for(&self, wait_ms: u64) {
        self.0.wait_ms.fetch_max(wait_ms, Ordering::Relaxed);
    }

    /// For how long the target takes no call, in milliseconds; 0 when it said nothing.
    #[must_use]
    pub fn wait_ms(&self) -> u64 {
        self.0.wait_ms.load(Ordering::Relaxed)
    }

    /// A call goes out.
    pub fn asks(&self) {
        self.answered(NO_ANSWER);
    }

    /// The target answered with this status.
    pub fn answered(&self, status: u16) {
        self.0.status.store(u32::from(status) + 1, Ordering::Relaxed);
    }

    /// The status of the last answer, [`NO_ANSWER`] when none came to the last call; `None` when no call went out.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let held = self.0.status.load(Ordering::Relaxed);
        held.checked_sub(1).and_then(|status| u16::try_from(status).ok())
    }
}

impl Call {
    /// The key under which a target can recognise a repeat: the same at every attempt, epoch,
    /// machine and version (G6).
    #[must_use]
    pub fn idempotency_key(&self, row: &InputRow) -> IdempotencyKey {
        IdempotencyKey { job: self.job, row: row.index.row(), generation: self.generation }
    }

    /// The value of a field, or `None` when there is no such column.
    #[must_use]
    pub fn field<'a>(&self, row: &'a InputRow, name: &str) -> Option<&'a str> {
        self.columns.position(name).and_then(|at| row.fields.get(at))
    }
}

/// A key as it is written: `<job>/<row>/<generation>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey {
    job: JobId,
    row: u64,
    generation: u32,
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, row, generation } = self;
        write!(f, "{job}/{row}/{generation}")
    }
}

/// The code of a call that was not answered in time.
pub const TIMEOUT: &str = "timeout";

/// What became of a row in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is decided.
    Done(Verdict),
    /// It seems to be decided: the row is called once more, alone, and the second answer counts. For
    /// what a target may say by mistake, such as "not found" while it throttles, and for a row that the
    /// answer to a batch leaves out. Costs one try; without one left the verdict is final.
    Confirm(Box<Verdict>),
    /// It did not work now and may later; costs one try. When the tries are used up, the row fails
    /// with this code and message.
    Retry {
        /// A short fixed word.
        code: Text,
        /// A sentence.
        message: Text,
        /// The target's own wish for a wait, in milliseconds.
        wait_ms: Option<u64>,
    },
    /// The target asks to slow down: nothing goes out to it for so long. Costs no try.
    Throttled {
        /// How long to wait, in milliseconds.
        wait_ms: u64,
        /// A sentence.
        message: Text,
    },
    /// No row can be done now (a dead token, a used-up quota): the job is held, the row stays open, and
    /// the target is probed with one row later. A code that begins with `quota` is held for its quota.
    Fatal {
        /// A short fixed word.
        code: Text,
        /// A sentence.
        message: Text,
        /// When the target says that it may be asked again, in milliseconds from now.
        wait_ms: Option<u64>,
    },
}

impl Answer {
    /// A call that was cut off after this time.
    #[must_use]
    pub fn late(timeout: Duration) -> Self {
        let message = format!("no answer within {} s", timeout.as_secs_f64());
        Self::Retry { code: TIMEOUT.into(), message: message.into(), wait_ms: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_an_answer_is_told_from_no_call() {
        let told = Told::default();
        assert_eq!(told.status(), None);
        told.asks();
        assert_eq!(told.status(), Some(NO_ANSWER));
        told.clone().answered(503);
        assert_eq!((told.status(), told.wait_ms()), (Some(503), 0));
        told.no_call_for(12);
        told.no_call_for(7);
        assert_eq!((told.status(), told.wait_ms()), (Some(503), 12));
    }
}
