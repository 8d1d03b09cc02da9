//! What a run is told and what it answers.

use std::sync::Arc;

use crate::id::{Epoch, JobId, RowIndex, SpanNo};
use crate::job::JobError;
use crate::pace::Rate;
use crate::processor::Answer;
use crate::retry::RetryPolicy;
use crate::row::RowRecord;
use crate::state::PauseReason;
use crate::store::{Claimed, Commit, Committed, Turns};

/// How a run behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Which job.
    pub job: JobId,
    /// Calls in flight. Rows in flight plus rows finished and not durable are at most `batch` times that.
    pub concurrency: u32,
    /// Rows handed over in one call, at most.
    pub batch: u32,
    /// Whether a row in doubt costs a person's time or a question: the durable mark then goes no further than
    /// calls do.
    pub careful: bool,
    /// Whether calls can be seen outside this process and must not be repeated needlessly.
    pub calls_out: bool,
    /// How often a row is tried.
    pub retry: RetryPolicy,
    /// No more calls than this.
    pub rate: Option<Rate>,
    /// The longest wait that a target may ask for, in milliseconds.
    pub max_wait_ms: u64,
    /// After so many rows in a row that failed for the target's sake, the job is held.
    pub breaker: Option<u32>,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The run begins.
    Start,
    /// A span was claimed. `decided` are the rows that need no call.
    Claimed {
        /// The store's answer.
        claimed: Claimed,
        /// Rows that intake has decided.
        decided: Vec<RowRecord>,
    },
    /// No span is free, or the claim did not work.
    NothingToClaim,
    /// A call has ended.
    Answered {
        /// Of which span.
        span: SpanNo,
        /// The epoch of the call.
        epoch: Epoch,
        /// What became of each of its rows.
        rows: Vec<RowAnswer>,
        /// For how long the target takes no further call, in milliseconds; 0 when it did not say.
        closed_ms: u64,
    },
    /// A commit is durable.
    Committed {
        /// Of which span.
        span: SpanNo,
        /// Its epoch.
        epoch: Epoch,
        /// The store's answer.
        committed: Committed,
    },
    /// A commit was refused for sure: nothing of it was written.
    Refused {
        /// Of which span.
        span: SpanNo,
        /// Its epoch.
        epoch: Epoch,
    },
    /// It is not known whether a commit happened.
    Unanswered {
        /// Of which span.
        span: SpanNo,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The ledger's word on a span after an unanswered commit.
    Reread(Claimed),
    /// The span has another owner.
    Fenced {
        /// Which span.
        span: SpanNo,
        /// The epoch that is no longer current.
        epoch: Epoch,
    },
    /// Time has passed.
    Tick,
    /// The limits were changed.
    Limits {
        /// Calls in flight.
        concurrency: u32,
        /// No more calls than this.
        rate: Option<Rate>,
        /// Failures in a row that open the breaker.
        breaker: Option<u32>,
    },
    /// The target asked for silence in a call of another job, in milliseconds from now.
    Closed(u64),
    /// The answer to [`Effect::Turns`]; `None` when none came.
    Turns(Option<Turns>),
    /// The job must stop: finish the rows in hand, give the spans back, fail the job, end.
    Halt(JobError),
    /// The job must be held: finish the rows in hand, give the spans back, hold it, end.
    Hold(Hold),
    /// Finish the rows in hand, give the spans back, end.
    Drain,
}

/// What became of a row in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowAnswer {
    /// Which row.
    pub row: RowIndex,
    /// Its key, for the ledger.
    pub key: Arc<str>,
    /// The answer.
    pub answer: Answer,
}

/// Why and for how long a job is to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The kind of reason.
    pub reason: PauseReason,
    /// A sentence.
    pub message: String,
    /// After so long one row is tried, in milliseconds; `None` means when a person says so, or what the reason
    /// names is over.
    pub wait_ms: Option<u64>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Claim the next span.
    Claim {
        /// For [`crate::store::Claim::window`].
        window: u32,
    },
    /// Call the work for these rows.
    Call {
        /// Of which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
        /// Which rows.
        rows: Vec<RowIndex>,
        /// Which try this is, from 1.
        attempt: u32,
        /// Nothing else may run in this process meanwhile.
        alone: bool,
    },
    /// Take turns under the rate that all workers of the job share.
    Turns {
        /// How many calls are ready.
        calls: u32,
        /// The time between two calls, in microseconds.
        interval_us: u64,
    },
    /// Commit.
    Commit(Commit),
    /// Ask the ledger about a span.
    Reread {
        /// Which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// Give a span back.
    Release {
        /// Which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// Abort every call of this span: it has another owner.
    Abandon {
        /// Which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// Put on the timeline that results came too late and were refused.
    Late {
        /// Of which span.
        span: SpanNo,
        /// The epoch that is no longer current.
        epoch: Epoch,
        /// Which rows.
        rows: Vec<RowIndex>,
    },
    /// Hold the job.
    Hold(Hold),
    /// The target answered a probe: the job goes on as before.
    Recovered,
    /// Fail the job.
    Fail(JobError),
    /// Nothing is held and nothing is left to claim: the run has ended.
    Over,
}
