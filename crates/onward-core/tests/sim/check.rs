//! What must hold at every look and at the end.

use onward_core::job::Job;
use onward_core::state::JobState;

use crate::store::SimStore;
use crate::witness::Witness;
use crate::world::Story;

/// Remembers what was shown, so that nothing shown is ever taken back.
#[derive(Default)]
pub(crate) struct Looks {
    processed: u64,
    low_water: u64,
    epoch: u64,
}

impl Looks {
    /// Compares counters and ledger, and this look with the one before (G7, G8).
    pub(crate) fn look(&mut self, store: &SimStore) -> Result<Job, String> {
        let job = store.job();
        let verify = store.verify();
        if let Some(problem) = verify.problems.first() {
            return Err(format!("verify: {problem}"));
        }
        if verify.ledger != job.tally || job.tally.processed() > job.total {
            return Err(format!("counters {:?}, ledger {:?}", job.tally, verify.ledger));
        }
        let processed = job.tally.processed();
        if processed < self.processed || job.checkpoint.low_water < self.low_water || job.epoch.0 < self.epoch
        {
            return Err(format!("something went backwards: {processed} rows after {}", self.processed));
        }
        if job.checkpoint.low_water + job.checkpoint.ahead != processed {
            return Err(format!("the checkpoint {:?} does not make {processed} rows", job.checkpoint));
        }
        (self.processed, self.low_water, self.epoch) = (processed, job.checkpoint.low_water, job.epoch.0);
        Ok(job)
    }
}

/// The end of a life: complete, every row once, repeats within their bound (G1, G5).
pub(crate) fn ended(store: &SimStore, witness: &Witness, story: &Story, slots: u32) -> Result<(), String> {
    let job = store.job();
    if job.state != JobState::Completed {
        return Err(format!("the job is {} at the end", job.state));
    }
    if job.tally.processed() != job.total || store.durable.len() as u64 != job.total {
        return Err(format!("{} of {} rows are done", job.tally.processed(), job.total));
    }
    let bound = slots * story.losses;
    if witness.repeats() > bound {
        return Err(format!(
            "{} calls were repeated; {} losses with {slots} slots allow {bound}",
            witness.repeats(),
            story.losses
        ));
    }
    Ok(())
}
