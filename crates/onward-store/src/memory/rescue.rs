//! Taking spans from holders that are gone, in the in-memory store.

use std::collections::BTreeMap;

use onward_core::clock::UnixMs;
use onward_core::doubt::Loss;
use onward_core::event::EventKind;
use onward_core::id::{JobId, SpanNo, WorkerId};
use onward_core::lease::is_lapsed;
use onward_core::store::Rescued;

use super::world::{Hold, Span, World};

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
            let gone = |(no, span): (&SpanNo, &Span)| match (&span.hold, which) {
                (Hold::Leased { until, .. }, Which::Lapsed) => is_lapsed(*until, now).then_some(*no),
                (Hold::Leased { .. }, Which::All) => Some(*no),
                (Hold::Leased { worker, .. }, Which::Of(dead)) => (worker == dead).then_some(*no),
                (Hold::Free | Hold::Done, _) => None,
            };
            for no in job.spans.iter().filter_map(gone).collect::<Vec<_>>() {
                job.lose(no, Loss::Death, now);
                let Some(span) = job.spans.get_mut(&no) else { continue };
                let Hold::Leased { worker, .. } = &span.hold else { continue };
                *lost.entry((job.id, worker.clone())).or_default() += 1;
                rescued.push(Rescued { job: job.id, span: no, worker: worker.clone() });
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
