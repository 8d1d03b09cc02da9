//! Another file under a job of the in-memory store.

use std::collections::BTreeMap;

use onward_core::doubt::Doubt;
use onward_core::event::EventKind;
use onward_core::id::RowIndex;
use onward_core::job::Job;
use onward_core::state::{JobState, attached};
use onward_core::store::{Attach, GONE_FROM, LedgerRow, Move, Result, StoreError};

use super::doubts::StoredDoubt;
use super::jobs::spans_of;
use super::world::{Hold, StoredJob, World};

impl World {
    pub(super) fn attach(&mut self, attach: &Attach) -> Result<Job> {
        let id = attach.job;
        let total = self.summary(attach.input).ok_or(StoreError::NotFound(id))?.rows;
        let job = self.stored(id)?;
        if attached(job.state, false).is_none() {
            return Err(StoreError::Illegal(Box::new(self.view(job))));
        }
        if job.epoch != attach.epoch {
            return Err(StoreError::Fenced { found: job.epoch });
        }
        let next_gone = job.history.iter().map(|row| row.index.0 + 1).max().unwrap_or(0).max(GONE_FROM);
        let places: Vec<Move> =
            attach.moves.iter().copied().chain(attach.gone(job.total, next_gone)).collect();
        let place = |row: RowIndex| places.iter().find_map(|moved| moved.apply(row));
        let (ledger, history, doubts) = moved(job, &attach.open, place);
        let state = attached(job.state, (ledger.len() as u64) < total).unwrap_or(job.state);
        let work_digest = attach.work_digest.as_ref().unwrap_or(&job.work_digest).clone();
        if state.is_active() {
            self.same_work(id, &work_digest)?;
        }
        for creator in self.creators.values_mut().filter(|creator| creator.job == id) {
            creator.row = place(creator.row).unwrap_or(creator.row);
        }
        let job = self.stored_mut(id)?;
        let (old_input, saved_at) = (job.input, job.checkpoint().saved_at);
        job.epoch = job.epoch.next();
        job.generation += u32::from(attach.anew);
        job.finished_at = job.finished_at.filter(|_| !state.is_active());
        let completes = state == JobState::Completed && job.state != JobState::Completed;
        if completes {
            (job.finished_at, job.error, job.pause) = (Some(attach.now), None, None);
        }
        job.state = state;
        job.updated_at = attach.now;
        job.tuning = job.tuning.reopened();
        job.input = attach.input;
        job.work_digest = work_digest;
        job.total = total;
        job.ledger = ledger;
        job.history = history;
        job.doubts = doubts;
        job.spans = spans_of(total);
        for span in job.spans.values_mut() {
            let rows = job.ledger.range(span.first..span.end());
            rows.for_each(|(_, row)| span.tally.count(row.outcome));
            span.epoch = job.epoch;
            span.saved_at = saved_at.filter(|_| span.tally.processed() > 0);
            if span.is_full() {
                (span.hold, span.claimed_until) = (Hold::Done, span.end());
            }
        }
        let from_row = job.next_row();
        self.forget_input(old_input, id);
        self.note(id, attach.now, EventKind::Attached, &attach.actor, from_row, attach.detail.clone())?;
        if completes {
            let detail = crate::stored::all_done(total);
            self.note(id, attach.now, EventKind::Completed, &attach.actor, None, detail)?;
        }
        Ok(self.view(self.stored(id)?))
    }
}

/// What is known of the rows, at their new numbers; what is open or gone goes to the history.
fn moved(
    job: &StoredJob,
    open: &[RowIndex],
    place: impl Fn(RowIndex) -> Option<RowIndex>,
) -> (BTreeMap<RowIndex, LedgerRow>, Vec<LedgerRow>, BTreeMap<RowIndex, StoredDoubt>) {
    let place = |row: RowIndex| place(row).unwrap_or(row);
    let (mut ledger, mut history) = (BTreeMap::new(), Vec::new());
    for old in &job.history {
        history.push(LedgerRow { index: place(old.index), ..old.clone() });
    }
    for old in job.ledger.values() {
        let row = LedgerRow { index: place(old.index), ..old.clone() };
        if row.index.0 >= GONE_FROM || open.contains(&old.index) {
            history.push(row);
        } else {
            ledger.insert(row.index, row);
        }
    }
    let doubts = job
        .doubts
        .iter()
        .filter(|(row, _)| !open.contains(row))
        .map(|(row, known)| (place(*row), known.clone()))
        .filter(|(row, _)| row.0 < GONE_FROM)
        .map(|(row, known)| (row, StoredDoubt { doubt: Doubt { row, ..known.doubt }, ..known }))
        .collect();
    (ledger, history, doubts)
}
