//! Opening rows again, in the in-memory store.

use onward_core::event::EventKind;
use onward_core::id::RowIndex;
use onward_core::input::span_of;
use onward_core::job::Job;
use onward_core::state::Step;
use onward_core::store::{LedgerRow, Result, Retry, StoreError};

use super::jobs::contains;
use super::world::{Hold, World};

impl World {
    pub(super) fn retry(&mut self, retry: &Retry) -> Result<(u64, Job)> {
        let (id, now) = (retry.job, retry.now);
        let job = self.stored(id)?;
        let state = self.stepped(job, Step::Retry)?;
        let open: Vec<RowIndex> =
            job.ledger.values().filter(|row| matches(retry, row)).map(|row| row.index).collect();
        if open.is_empty() {
            return Err(StoreError::NothingToRetry);
        }
        self.same_work(id, &job.work_digest)?;

        let job = self.stored_mut(id)?;
        job.state = state;
        job.epoch = job.epoch.next();
        job.generation += 1;
        job.attempt += 1;
        job.attempt_at = Some(now);
        job.updated_at = now;
        job.finished_at = None;
        job.error = None;
        job.pause = None;
        job.tuning = job.tuning.reopened();
        for row in &open {
            let record = job.ledger.remove(row).expect("it was found in the ledger");
            let span = job.spans.get_mut(&span_of(*row)).expect("every row of the ledger is of a span");
            span.tally.take_back(record.outcome, 1);
            span.hold = Hold::Free;
            span.epoch = job.epoch;
            job.history.push(record);
            job.doubts.remove(row);
        }
        let from_row = job.next_row();
        let count = open.len() as u64;
        let detail = format!("{count} {} rows were opened again", retry.outcome);
        self.note(id, now, EventKind::Retried, &retry.actor, from_row, detail)?;
        Ok((count, self.view(self.stored(id)?)))
    }
}

fn matches(retry: &Retry, row: &LedgerRow) -> bool {
    row.outcome == retry.outcome
        && retry.code.as_deref().is_none_or(|code| row.code == code)
        && retry.text.as_deref().is_none_or(|text| contains(&row.key, text) || contains(&row.message, text))
        && (retry.rows.is_empty() || retry.rows.contains(&row.index))
}
