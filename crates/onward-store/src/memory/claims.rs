//! Claims of the in-memory store: taking a span, giving it back, reading it again.

use onward_core::checkpoint::DoneSet;
use onward_core::event::EventKind;
use onward_core::id::{Epoch, JobId, RowIndex, SpanNo};
use onward_core::lease::lease_until;
use onward_core::state::{JobState, Step};
use onward_core::store::{Claim, Claimed, Reach, Result, StoreError};

use super::world::{Hold, StoredJob, World};

impl World {
    pub(super) fn claimable(&self, limit: usize) -> Vec<JobId> {
        let open = self.jobs.values().filter(|job| first_free(job).is_some());
        open.take(limit).map(|job| job.id).collect()
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Result<Option<Claimed>> {
        let job = self.stored(claim.job)?;
        let Some(no) = first_free(job) else { return Ok(None) };
        if job.tuning.is_alone() && job.spans.values().any(|span| matches!(span.hold, Hold::Leased { .. })) {
            return Ok(None);
        }
        let starts = match job.state {
            JobState::Queued => Some(self.stepped(job, Step::Start)?),
            JobState::Running | JobState::Paused | JobState::Completed => None,
            JobState::Failed | JobState::Cancelled => None,
        };

        let job = self.stored_mut(claim.job)?;
        job.epoch = job.epoch.next();
        job.updated_at = job.updated_at.max(claim.now);
        job.started_at = job.started_at.or(Some(claim.now));
        if let Some(state) = starts {
            job.state = state;
            job.attempt += 1;
            job.attempt_at = Some(claim.now);
        }
        let epoch = job.epoch;
        let span = job.spans.get(&no).expect("it was found a moment ago");
        let (done, doubts) = (job.done(span), job.doubts_of(span));
        let claimed_until = window_end(&done, claim.window);
        let span = job.spans.get_mut(&no).expect("it was found a moment ago");
        span.epoch = epoch;
        span.claimed_until = claimed_until;
        span.hold =
            Hold::Leased { worker: claim.worker.clone(), until: lease_until(claim.now), waiting: None };
        let (input, generation, from_row) = (job.input, job.generation, job.next_row());
        let reach = Reach::of(job.tuning, job.tally().processed(), job.total);
        if starts.is_some() {
            let actor = format!("worker {}", claim.worker);
            self.note(claim.job, claim.now, EventKind::Started, &actor, from_row, String::new())?;
        }
        Ok(Some(Claimed { span: no, epoch, input, done, claimed_until, generation, reach, doubts }))
    }

    pub(super) fn reread(&self, id: JobId, no: SpanNo, epoch: Epoch) -> Result<Claimed> {
        let job = self.stored(id)?;
        let span = job.spans.get(&no).ok_or(StoreError::Fenced { found: job.epoch })?;
        // A span that this very holder finished is no longer held, and still answers: the commit
        // whose fate is unknown may be the one that finished it.
        if span.epoch != epoch || matches!(span.hold, Hold::Free) {
            return Err(StoreError::Fenced { found: span.epoch });
        }
        let (done, claimed_until) = (job.done(span), span.claimed_until);
        let reach = Reach::of(job.tuning, job.tally().processed(), job.total);
        let (input, generation) = (job.input, job.generation);
        Ok(Claimed { span: no, epoch, input, done, claimed_until, generation, reach, doubts: Vec::new() })
    }

    pub(super) fn release(&mut self, id: JobId, no: SpanNo, epoch: Epoch) -> Result<()> {
        self.stored(id)?.held(no, epoch)?;
        let span = self.stored_mut(id)?.spans.get_mut(&no).expect("it is held");
        span.hold = Hold::Free;
        Ok(())
    }
}

/// The job's first span that nobody holds, if the job is queued or running.
fn first_free(job: &StoredJob) -> Option<SpanNo> {
    match job.state {
        JobState::Queued | JobState::Running => {
            let free = |(no, span): (&SpanNo, &super::world::Span)| job.is_claimable(span).then_some(*no);
            job.spans.iter().find_map(free)
        }
        JobState::Paused | JobState::Completed | JobState::Failed | JobState::Cancelled => None,
    }
}

fn window_end(done: &DoneSet, window: u32) -> RowIndex {
    RowIndex(done.low_water().0.saturating_add(window)).min(done.end())
}
