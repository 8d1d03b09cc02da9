//! The registry of workers and the marks of shared rates of the in-memory store.

use onward_core::clock::UnixMs;
use onward_core::id::WorkerId;
use onward_core::store::{
    BEAT_WRITTEN_MS, Beat, FORGOTTEN_MS, Presence, Result, Turns, TurnsAsked, Wish, Worker,
};
use onward_core::turns;

use super::world::World;

impl World {
    pub(super) fn beat(&mut self, beat: &Beat) -> Presence {
        let known = self.workers.get(&beat.worker);
        let due = known.is_none_or(|known| beat.now.ms_since(known.beat_at) >= BEAT_WRITTEN_MS);
        let wish = known.map_or(Wish::Work, |known| known.wish);
        if due {
            self.workers.retain(|_, worker| beat.now.ms_since(worker.beat_at) < FORGOTTEN_MS);
            let worker = Worker {
                id: beat.worker.clone(),
                host: beat.host.clone(),
                pid: beat.pid,
                started_at: beat.started_at,
                beat_at: beat.now,
                wish,
            };
            self.workers.insert(beat.worker.clone(), worker);
        }
        let living =
            || self.workers.values().filter(|worker| worker.wish == Wish::Work && !worker.is_lost(beat.now));
        let before = living().filter(|worker| worker.id < beat.worker).count();
        Presence { wish, rank: before as u32, of: living().count() as u32 }
    }

    pub(super) fn leave(&mut self, worker: &WorkerId) {
        self.workers.remove(worker);
    }

    pub(super) fn list_workers(&self, now: UnixMs) -> Vec<Worker> {
        let heard_of = |worker: &&Worker| now.ms_since(worker.beat_at) < FORGOTTEN_MS;
        self.workers.values().filter(heard_of).cloned().collect()
    }

    pub(super) fn drain(&mut self, worker: &WorkerId) -> bool {
        self.workers.get_mut(worker).map(|known| known.wish = Wish::Drain).is_some()
    }

    pub(super) fn turns(&mut self, asked: &TurnsAsked) -> Result<Turns> {
        self.stored(asked.job)?;
        let mark = self.marks.get(&asked.job).copied();
        let (turns, moved) = turns::take(mark, asked, asked.now.0.saturating_mul(1_000));
        if let Some(mark) = moved {
            self.marks.insert(asked.job, mark);
        }
        Ok(turns)
    }
}
