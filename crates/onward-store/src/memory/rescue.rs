//! Taking spans from holders that are gone, in the in-memory store.

use std::collections::BTreeMap;

use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::id::{JobId, WorkerId};
use onward_core::lease::is_lapsed;
use onward_core::store::Rescued;

use super::world::{Hold, World};

/// Which held spans are given back.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// Those whose lease has lapsed.
    Lapsed,
    /// All: the caller knows that no holder lives.
    All,
    /// Those of one worker: the caller knows that it does not live.
    Of(WorkerId),
}

impl World {
    pub(super) fn rescue(&mut self, which: &Which, now: UnixMs) -> Vec<Rescued> {
        let mut rescued = Vec::new();
        let mut lost: BTreeMap<(JobId, WorkerId), u32> = BTreeMap::new();
        for job in self.jobs.values_mut() {
            for (no, span) in &mut job.spans {
                let Hold::Leased { worker, until, .. } = &span.hold else { continue };
                let gone = match which {
                    Which::Lapsed => is_lapsed(*until, now),
                    Which::All => true,
                    Which::Of(dead) => worker == dead,
                };
                if !gone {
                    continue;
                }
                *lost.entry((job.id, worker.clone())).or_default() += 1;
                rescued.push(Rescued { job: job.id, span: *no, worker: worker.clone() });
                job.epoch = job.epoch.next();
                job.updated_at = job.updated_at.max(now);
                span.epoch = job.epoch;
                span.hold = Hold::Free;
            }
        }
        for ((id, worker), spans) in lost {
            let from_row = self.jobs.get(&id).and_then(super::world::StoredJob::next_row);
            let detail = format!("worker {worker} is gone; {spans} of its spans given back");
            self.note(id, now, EventKind::Rescued, "rescue", from_row, detail)
                .expect("the job was there a moment ago");
        }
        rescued
    }
}
