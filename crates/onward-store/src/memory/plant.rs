//! Damage on purpose: what a test plants so that it can see `verify` find it.

use onward_core::id::JobId;

use super::world::World;
use crate::conformance::Damage;

impl World {
    pub(super) fn plant(&mut self, id: JobId, damage: Damage) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let chunks = self.inputs.get_mut(&job.input).map(|input| &mut input.chunks);
        match damage {
            Damage::CounterRaised => {
                if let Some(mut span) = job.spans.first_entry() {
                    span.get_mut().tally.added += 1;
                }
            }
            Damage::RecordLost => {
                job.ledger.pop_first();
            }
            Damage::ChunkChanged => {
                if let Some(mut chunk) = chunks.and_then(|chunks| chunks.first_entry()) {
                    chunk.get_mut().packed[0] ^= 1;
                }
            }
            Damage::ChunkLost => {
                chunks.and_then(std::collections::BTreeMap::pop_first);
            }
        }
    }
}
