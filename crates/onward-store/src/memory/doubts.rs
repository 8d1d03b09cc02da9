//! Rows in doubt, in the in-memory store.

use onward_core::clock::UnixMs;
use onward_core::doubt::{Doubt, Loss, Stand, Trial, stand_after_loss};
use onward_core::event::EventKind;
use onward_core::id::{Epoch, JobId, RowIndex, SpanNo};
use onward_core::store::{Result, Settle};

use super::world::{Hold, Span, StoredJob, World};

/// A row in doubt, the epoch under which it was tried alone, and whether it still is.
#[derive(Debug, Clone)]
pub(super) struct StoredDoubt {
    pub(super) doubt: Doubt,
    pub(super) tried_under: Option<Epoch>,
    pub(super) alone: bool,
}

impl StoredDoubt {
    pub(super) fn new(doubt: Doubt) -> Self {
        Self { doubt, tried_under: None, alone: false }
    }
}

impl StoredJob {
    /// A span is about to be taken from its holder: what may have been called of it is in doubt.
    pub(super) fn lose(&mut self, no: SpanNo, loss: Loss, now: UnixMs) {
        let (Some(stand), Some(span)) = (stand_after_loss(&self.recipe), self.spans.get(&no)) else { return };
        let (deaths, under) = (loss.deaths(), span.epoch);
        let done = self.done(span);
        let (first, until, end) = (span.first, span.claimed_until, span.end());
        let alone = self
            .doubts
            .range_mut(first..end)
            .find(|(_, known)| known.alone && known.tried_under == Some(under));
        if let Some((row, known)) = alone {
            // Nothing else was in flight.
            if !done.contains(*row) {
                let Doubt { deaths: before, died_alone, .. } = known.doubt;
                let died_alone = died_alone || deaths > 0;
                known.doubt = Doubt { row: *row, since: now, deaths: before + deaths, died_alone, stand };
            }
            return;
        }
        for row in (first.0..until.0).map(RowIndex).filter(|row| !done.contains(*row)) {
            let fresh = Doubt { row, since: now, deaths: 0, died_alone: false, stand: Stand::Again };
            let known = self.doubts.entry(row).or_insert(StoredDoubt::new(fresh));
            // One that waits for a person, or that a person has settled, was not called.
            if known.doubt.stand == Stand::Again {
                known.doubt = Doubt { since: now, deaths: known.doubt.deaths + deaths, stand, ..known.doubt };
            }
        }
    }

    /// The rows of a span in doubt that have no outcome.
    pub(super) fn doubts_of(&self, span: &Span) -> Vec<Doubt> {
        let known = self.doubts.range(span.first..span.end());
        known.filter(|(row, _)| !self.ledger.contains_key(row)).map(|(_, known)| known.doubt).collect()
    }

    /// Whether there is more to do in a free span than rows that wait for a person.
    pub(super) fn is_claimable(&self, span: &Span) -> bool {
        let held = self.doubts_of(span).iter().filter(|doubt| doubt.stand == Stand::Held).count() as u64;
        matches!(span.hold, Hold::Free) && span.tally.processed() + held < u64::from(span.len)
    }

    /// Notes which row is tried alone from now on. What arrives once more late changes nothing.
    pub(super) fn note_trial(&mut self, no: SpanNo, epoch: Epoch, trial: Trial) {
        let Some(span) = self.spans.get(&no) else { return };
        let (first, end) = (span.first, span.end());
        match trial {
            Trial::AsBefore => {}
            Trial::Begins(row) => {
                let mut later = self.doubts.range(row..end);
                if later.any(|(_, known)| known.tried_under == Some(epoch)) {
                    return;
                }
                self.doubts.range_mut(first..end).for_each(|(_, known)| known.alone = false);
                if let Some(known) = self.doubts.get_mut(&row) {
                    (known.tried_under, known.alone) = (Some(epoch), true);
                }
            }
            Trial::Over(row) => {
                if let Some(known) =
                    self.doubts.get_mut(&row).filter(|known| known.tried_under == Some(epoch))
                {
                    known.alone = false;
                }
            }
        }
    }
}

impl World {
    pub(super) fn list_doubts(&self, id: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>> {
        let Some(job) = self.jobs.get(&id) else { return Ok(Vec::new()) };
        let from = after.map_or(RowIndex(0), |after| RowIndex(after.0.saturating_add(1)));
        let open = job.doubts.range(from..).filter(|(row, _)| !job.ledger.contains_key(row));
        Ok(open.take(limit).map(|(_, known)| known.doubt).collect())
    }

    pub(super) fn settle(&mut self, settle: &Settle) -> Result<u64> {
        let (id, stand) = (settle.job, settle.stand);
        let job = self.stored_mut(id)?;
        let held = |known: &&mut StoredDoubt| {
            let row = known.doubt.row;
            known.doubt.stand == Stand::Held && (settle.rows.is_empty() || settle.rows.contains(&row))
        };
        let mut count = 0;
        for known in job.doubts.values_mut().filter(held) {
            known.doubt.stand = stand;
            count += 1;
        }
        if count > 0 {
            job.updated_at = job.updated_at.max(settle.now);
            let detail = crate::stored::settled(count, stand);
            self.note(id, settle.now, EventKind::Changed, &settle.actor, None, detail)?;
        }
        Ok(count)
    }
}
