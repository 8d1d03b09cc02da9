//! What the in-memory store holds, and how a job is seen from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use onward_core::checkpoint::{Checkpoint, DoneSet};
use onward_core::clock::UnixMs;
use onward_core::doubt::Loss;
use onward_core::event::{Event, EventKind};
use onward_core::hook::HookEvent;
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, InputSummary};
use onward_core::job::{Job, JobError, JobInput, LeaseFact, Pause, Tuning, Waiting};
use onward_core::state::{JobState, Step, step};
use onward_core::store::{Creator, LedgerRow, Result, StoreError, Worker};
use onward_core::tally::Tally;

use super::doubts::StoredDoubt;
use super::outbox::Letter;

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) inputs: BTreeMap<InputId, StoredInput>,
    pub(super) jobs: BTreeMap<JobId, StoredJob>,
    pub(super) creators: BTreeMap<(String, String), Creator>,
    pub(super) events: Vec<Event>,
    pub(super) answers: BTreeMap<String, KeptAnswer>,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    /// Where the shared rate of each job stands, in microseconds.
    pub(super) marks: BTreeMap<JobId, i64>,
    pub(super) last_seq: u64,
    /// What hooks are to be told, in the order in which it was born.
    pub(super) letters: Vec<Letter>,
    pub(super) last_letter: u64,
    pub(super) version: u64,
}

#[derive(Debug, Default)]
pub(super) struct StoredInput {
    pub(super) chunks: BTreeMap<SpanNo, Chunk>,
    pub(super) sealed: Option<Sealed>,
}

#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) summary: InputSummary,
    pub(super) duplicates: Vec<(RowIndex, RowIndex)>,
    pub(super) at: UnixMs,
}

#[derive(Debug)]
pub(super) struct StoredJob {
    pub(super) id: JobId,
    pub(super) name: String,
    pub(super) state: JobState,
    pub(super) pause: Option<Pause>,
    pub(super) error: Option<JobError>,
    pub(super) input: InputId,
    pub(super) recipe: Arc<str>,
    pub(super) work_digest: String,
    pub(super) total: u64,
    pub(super) attempt: u32,
    pub(super) generation: u32,
    pub(super) epoch: Epoch,
    pub(super) created_at: UnixMs,
    pub(super) started_at: Option<UnixMs>,
    pub(super) updated_at: UnixMs,
    pub(super) finished_at: Option<UnixMs>,
    pub(super) attempt_at: Option<UnixMs>,
    pub(super) tuning: Tuning,
    pub(super) spans: BTreeMap<SpanNo, Span>,
    /// One record per row with an outcome: the truth.
    pub(super) ledger: BTreeMap<RowIndex, LedgerRow>,
    /// Records that a retry took out of the ledger, oldest first.
    pub(super) history: Vec<LedgerRow>,
    /// Rows whose call may have happened when their holder was lost.
    pub(super) doubts: BTreeMap<RowIndex, StoredDoubt>,
    /// Calls by minute and status of the answer.
    pub(super) heard: BTreeMap<(i64, u16), u64>,
}

#[derive(Debug)]
pub(super) struct Span {
    pub(super) first: RowIndex,
    pub(super) len: u32,
    pub(super) epoch: Epoch,
    pub(super) hold: Hold,
    pub(super) tally: Tally,
    pub(super) claimed_until: RowIndex,
    pub(super) saved_at: Option<UnixMs>,
    pub(super) rests_until: Option<UnixMs>,
}

/// Who has a span.
#[derive(Debug)]
pub(super) enum Hold {
    Free,
    Leased { worker: WorkerId, until: UnixMs, waiting: Option<Waiting> },
    Done,
}

#[derive(Debug)]
pub(super) struct KeptAnswer {
    pub(super) fingerprint: String,
    pub(super) at: UnixMs,
    pub(super) answer: Option<(u16, String)>,
}

impl Span {
    pub(super) fn end(&self) -> RowIndex {
        RowIndex(self.first.0 + self.len)
    }

    pub(super) fn is_full(&self) -> bool {
        self.tally.processed() == u64::from(self.len)
    }
}

impl StoredJob {
    /// Which rows of a span the ledger has.
    pub(super) fn done(&self, span: &Span) -> DoneSet {
        let mut done = DoneSet::new(span.first, span.len);
        for row in self.ledger.range(span.first..span.end()).map(|(row, _)| *row) {
            done.insert(row);
        }
        done
    }

    /// The span when it is held under this epoch; otherwise the epoch that is current.
    pub(super) fn held(&self, span: SpanNo, epoch: Epoch) -> Result<&Span> {
        let found = self.spans.get(&span).ok_or(StoreError::Fenced { found: self.epoch })?;
        match found.hold {
            Hold::Leased { .. } if found.epoch == epoch => Ok(found),
            Hold::Leased { .. } | Hold::Free | Hold::Done => Err(StoreError::Fenced { found: found.epoch }),
        }
    }

    /// Takes every span from its holder, under the job's present epoch.
    pub(super) fn free_spans(&mut self, now: UnixMs) {
        let leased = |(no, span): (&SpanNo, &Span)| matches!(span.hold, Hold::Leased { .. }).then_some(*no);
        for no in self.spans.iter().filter_map(leased).collect::<Vec<_>>() {
            self.lose(no, Loss::Taken, now);
        }
        for span in self.spans.values_mut() {
            if matches!(span.hold, Hold::Leased { .. }) {
                span.hold = Hold::Free;
                span.epoch = self.epoch;
            }
        }
    }

    /// The row (from 1) from which it goes on; `None` when every row has an outcome.
    pub(super) fn next_row(&self) -> Option<u64> {
        let low_water = self.checkpoint().low_water;
        (low_water < self.total).then_some(low_water + 1)
    }

    /// When anything about it last changed; a commit of outcomes is a change, a renewal is none.
    pub(super) fn changed_at(&self) -> UnixMs {
        self.spans.values().filter_map(|span| span.saved_at).fold(self.updated_at, UnixMs::max)
    }

    pub(super) fn tally(&self) -> Tally {
        self.spans.values().map(|span| span.tally).sum()
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        let open = self.spans.values().find(|span| !span.is_full());
        let low_water = open.map_or(self.total, |span| u64::from(self.done(span).low_water().0));
        let ahead = self.tally().processed().saturating_sub(low_water);
        let saved_at = self.spans.values().filter_map(|span| span.saved_at).max();
        let rests_until = self.spans.values().filter_map(|span| span.rests_until).max();
        Checkpoint { low_water, ahead, saved_at, rests_until }
    }
}

impl World {
    /// One job, or the error that says there is none.
    pub(super) fn stored(&self, id: JobId) -> Result<&StoredJob> {
        self.jobs.get(&id).ok_or(StoreError::NotFound(id))
    }

    /// The same, to be changed.
    pub(super) fn stored_mut(&mut self, id: JobId) -> Result<&mut StoredJob> {
        self.jobs.get_mut(&id).ok_or(StoreError::NotFound(id))
    }

    /// The state after a step, or the error that shows the job in whose state it is illegal.
    pub(super) fn stepped(&self, job: &StoredJob, by: Step) -> Result<JobState> {
        step(job.state, by).ok_or_else(|| StoreError::Illegal(Box::new(self.view(job))))
    }

    /// Whether another job does the same work; asked before a job becomes active.
    pub(super) fn same_work(&self, id: JobId, work_digest: &str) -> Result<()> {
        let same = |job: &&StoredJob| job.id != id && job.state.is_active() && job.work_digest == work_digest;
        self.jobs.values().find(same).map_or(Ok(()), |job| Err(StoreError::Duplicate(job.id)))
    }

    /// Puts a line on the timeline, under the job's present epoch.
    pub(super) fn note(
        &mut self,
        id: JobId,
        at: UnixMs,
        kind: EventKind,
        actor: &str,
        from_row: Option<u64>,
        detail: String,
    ) -> Result<Event> {
        let epoch = self.stored(id)?.epoch;
        self.last_seq += 1;
        let seq = self.last_seq;
        let event = Event { seq, job: id, at, kind, actor: actor.to_owned(), epoch, from_row, detail };
        self.events.push(event.clone());
        if let Some(news) = HookEvent::of(kind, self.stored(id)?.tuning) {
            self.deliver(id, news, at)?;
        }
        Ok(event)
    }

    /// Ends a job whose every row has an outcome.
    pub(super) fn complete(&mut self, id: JobId, actor: &str, now: UnixMs) -> Result<()> {
        let state = self.stepped(self.stored(id)?, Step::Complete)?;
        let job = self.stored_mut(id)?;
        job.state = state;
        job.epoch = job.epoch.next();
        job.finished_at = Some(now);
        job.updated_at = now;
        let detail = crate::stored::all_done(job.total);
        self.note(id, now, EventKind::Completed, actor, None, detail)?;
        Ok(())
    }

    /// A job as everybody else sees it.
    pub(super) fn view(&self, job: &StoredJob) -> Job {
        Job {
            id: job.id,
            name: job.name.clone(),
            state: job.state,
            pause: job.pause.clone(),
            error: job.error.clone(),
            total: job.total,
            tally: job.tally(),
            checkpoint: job.checkpoint(),
            attempt: job.attempt,
            generation: job.generation,
            epoch: job.epoch,
            created_at: job.created_at,
            started_at: job.started_at,
            updated_at: job.changed_at(),
            finished_at: job.finished_at,
            attempt_at: job.attempt_at,
            input: self.input_facts(job.input),
            recipe: job.recipe.clone(),
            tuning: job.tuning,
            leases: leases(job),
            in_doubt: job.doubts.keys().filter(|row| !job.ledger.contains_key(row)).count() as u64,
        }
    }

    fn input_facts(&self, id: InputId) -> JobInput {
        let facts = self.summary(id);
        JobInput {
            id,
            filename: facts.map(|facts| facts.filename.clone()).unwrap_or_default(),
            sha256: facts.map(|facts| facts.sha256.clone()).unwrap_or_default(),
            bytes: facts.map_or(0, |facts| facts.bytes),
            available: self.is_available(id),
        }
    }
}

fn leases(job: &StoredJob) -> Vec<LeaseFact> {
    let fact = |(no, span): (&SpanNo, &Span)| match &span.hold {
        Hold::Leased { worker, until, waiting } => Some(LeaseFact {
            span: *no,
            worker: worker.clone(),
            epoch: span.epoch,
            until: *until,
            waiting: *waiting,
        }),
        Hold::Free | Hold::Done => None,
    };
    job.spans.iter().filter_map(fact).collect()
}
