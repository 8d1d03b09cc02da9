//! Damage on purpose: what a test plants so that it can see `verify` find it.

use onward_core::id::JobId;

use super::world::World;
use crate::conformance::Damage;

impl World {
    pub(super) fn plant(&mut self, id: JobId, damage: Damage) -> bool {
        let Some(job) = self.jobs.get_mut(&id) else { return false };
        let Some(input) = self.inputs.get_mut(&job.input) else { return false };
        match damage {
            Damage::CounterRaised => {
                job.spans.values_mut().take(1).for_each(|span| span.tally.added += 1);
                true
            }
            Damage::RecordLost => job.ledger.pop_first().is_some(),
            Damage::ChunkChanged => {
                input.chunks.values_mut().take(1).for_each(|chunk| chunk.packed[0] ^= 1);
                true
            }
            Damage::ChunkLost => input.chunks.pop_first().is_some(),
            // The model keeps no mark; it derives it from the ledger at every look.
            Damage::CheckpointMoved => false,
        }
    }
}
