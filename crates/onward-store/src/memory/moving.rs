//! Jobs that move into the in-memory store.

use onward_core::event::EventKind;
use onward_core::id::{JobId, RowIndex};
use onward_core::job::{Job, Pause};
use onward_core::state::{JobState, PauseReason};
use onward_core::store::{BEING_MOVED, DONE_BEFORE, LedgerRow, Moving, NewJob, Result, StoreError};
use onward_core::tally::Tally;

use super::doubts::StoredDoubt;
use super::jobs::queued;
use super::world::{Hold, World};

impl World {
    pub(super) fn history_page(
        &self,
        job: JobId,
        after: Option<(RowIndex, u32)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        let mut history = self.stored(job)?.history.clone();
        history.sort_by_key(|row| (row.index, row.generation));
        history.retain(|row| after.is_none_or(|after| (row.index, row.generation) > after));
        history.truncate(limit);
        Ok(history)
    }

    pub(super) fn take_in(&mut self, part: Moving) -> Result<()> {
        match part {
            Moving::Begin(new) => self.begin_moving(new)?,
            Moving::Rows(id, rows) => {
                let job = self.stored_mut(id)?;
                for row in rows {
                    job.ledger.entry(row.index).or_insert(row);
                }
            }
            Moving::History(id, rows) => {
                let history = &mut self.stored_mut(id)?.history;
                for row in rows {
                    let same =
                        |kept: &LedgerRow| (kept.index, kept.generation) == (row.index, row.generation);
                    if !history.iter().any(same) {
                        history.push(row);
                    }
                }
            }
            Moving::Doubts(id, doubts) => {
                let known = doubts.into_iter().map(|doubt| (doubt.row, StoredDoubt::new(doubt)));
                self.stored_mut(id)?.doubts.extend(known);
            }
            Moving::Events(id, events) => {
                self.stored(id)?;
                for event in events {
                    self.last_seq += 1;
                    self.events.push(onward_core::event::Event { seq: self.last_seq, ..event });
                }
            }
            Moving::Deliveries(id, deliveries) => {
                self.stored(id)?;
                self.take_letters_in(deliveries);
            }
            Moving::Creators(creators) => {
                for creator in creators {
                    self.creators.entry((creator.table.clone(), creator.key.clone())).or_insert(creator);
                }
            }
            Moving::End(job) => self.end_moving(*job)?,
            Moving::Adopted { job, actor } => {
                let (id, state, now) = (job.id, job.state, job.updated_at);
                self.end_moving(*job)?;
                if state == JobState::Completed {
                    self.note(id, now, EventKind::Completed, &actor, None, DONE_BEFORE.to_owned())?;
                }
            }
        }
        Ok(())
    }

    fn begin_moving(&mut self, new: NewJob) -> Result<()> {
        let total = self.summary(new.input).ok_or(StoreError::NotFound(new.id))?.rows;
        self.same_work(new.id, &new.work_digest)?;
        if self.jobs.contains_key(&new.id) {
            return Err(StoreError::Duplicate(new.id));
        }
        let id = new.id;
        let mut job = queued(new, total);
        job.state = JobState::Paused;
        let message = BEING_MOVED.to_owned();
        job.pause = Some(Pause { reason: PauseReason::User, message, probe_at: None });
        self.jobs.insert(id, job);
        Ok(())
    }

    fn end_moving(&mut self, whole: Job) -> Result<()> {
        let job = self.stored_mut(whole.id)?;
        for span in job.spans.values_mut() {
            let rows = job.ledger.range(span.first..span.end());
            let mut tally = Tally::default();
            rows.for_each(|(_, row)| tally.count(row.outcome));
            let full = tally.processed() == u64::from(span.len);
            span.tally = tally;
            span.hold = if full { Hold::Done } else { Hold::Free };
            span.epoch = whole.epoch;
            span.claimed_until = if full { span.end() } else { span.first };
            span.saved_at = whole.checkpoint.saved_at.filter(|_| tally.processed() > 0);
        }
        job.name = whole.name;
        job.state = whole.state;
        job.pause = whole.pause;
        job.error = whole.error;
        job.attempt = whole.attempt;
        job.generation = whole.generation;
        job.epoch = whole.epoch;
        job.started_at = whole.started_at;
        job.updated_at = whole.updated_at;
        job.finished_at = whole.finished_at;
        job.attempt_at = whole.attempt_at;
        job.tuning = whole.tuning;
        Ok(())
    }
}
