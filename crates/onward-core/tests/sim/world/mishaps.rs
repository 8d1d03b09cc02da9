//! What goes wrong: crashes, freezes, and how many leases they cost.

use onward_core::doubt::Stand;
use onward_core::id::RowIndex;
use onward_core::job::LeaseFact;
use onward_core::lease::LEASE_MS;
use onward_core::run::Input;
use onward_core::state::PauseReason;

use super::{Happening, LOOK_MS, UNAWARE_MS, World, name};
use crate::bugs::Bug;

impl World {
    pub(super) fn crash(&mut self) {
        let worker = self.dice.below(self.workers.len() as u64) as usize;
        self.kill(worker);
    }

    pub(super) fn kill(&mut self, worker: usize) {
        let this = &mut self.workers[worker];
        this.life += 1;
        this.run = None;
        this.frozen = None;
        this.tick_at = None;
        this.unheard.clear();
        self.story.losses += 1;
        let down = self.dice.below(5_000);
        self.start(worker, down);
    }

    pub(super) fn freeze(&mut self) {
        let worker = self.dice.below(self.workers.len() as u64) as usize;
        if self.workers[worker].frozen.is_some() {
            return;
        }
        self.workers[worker].frozen = Some((self.now, Vec::new()));
        let long = if self.dice.below(3) == 0 {
            self.dice.below(LEASE_MS)
        } else {
            LEASE_MS + self.dice.below(30_000)
        };
        self.plan(long, Happening::Thaw { worker });
    }

    /// A job is held for its rows in doubt: somebody looks them up and says what is so.
    pub(super) fn ask_a_person(&mut self) {
        let job = self.store.job();
        let waits = job.pause.is_some_and(|pause| pause.reason == PauseReason::InDoubt);
        // What a worker that does not know of a restart still calls, nobody can look up yet.
        if !waits || self.now.ms_since(self.restarted_at) <= UNAWARE_MS {
            return;
        }
        let held = self.store.doubts().into_iter().filter(|doubt| doubt.stand == Stand::Held);
        let held: Vec<RowIndex> = held.map(|doubt| doubt.row).collect();
        self.story.asked += held.len() as u32;
        let (done, again): (Vec<_>, Vec<_>) = held.into_iter().partition(|_| self.dice.below(2) == 0);
        self.permitted.extend(&again);
        // None would mean all of them.
        for (rows, stand) in [(done, Stand::Done), (again, Stand::Again)] {
            if !rows.is_empty() {
                self.store.settle(rows, stand, self.now);
            }
        }
        self.store.resume(self.now);
    }

    /// A command has taken the spans from their holders, who find out when they look.
    pub(super) fn taken_away(&mut self, before: &[LeaseFact]) {
        self.count_lost(before);
        self.restarted_at = self.now;
        for worker in 0..self.workers.len() {
            let (first, life) = (self.dice.below(LOOK_MS), self.workers[worker].life);
            for look in 0..UNAWARE_MS / LOOK_MS {
                self.plan(first + look * LOOK_MS, Happening::Told { worker, life });
            }
        }
    }

    /// Counts the leases that were taken from workers which still live; a crash is counted by itself.
    pub(super) fn count_lost(&mut self, before: &[LeaseFact]) {
        let now = self.store.job().leases;
        let live: Vec<String> =
            self.workers.iter().enumerate().map(|(at, worker)| name(at, worker.life).0).collect();
        let lost = before
            .iter()
            .filter(|lease| live.contains(&lease.worker.0))
            .filter(|lease| !now.iter().any(|kept| kept.span == lease.span && kept.epoch == lease.epoch));
        self.story.losses += lost.count() as u32;
    }

    /// Everything that waited in the sockets comes in at once, and the clock has moved.
    pub(super) fn thaw(&mut self, worker: usize) -> Result<(), String> {
        let life = self.workers[worker].life;
        let Some((since, inbox)) = self.workers[worker].frozen.take() else { return Ok(()) };
        let now = self.now;
        for input in inbox {
            if self.bug == Bug::BlindAfterFreeze {
                self.now = since; // the worker still believes in the time of its freeze
            }
            let done = self.reach(worker, life, input);
            self.now = now;
            done?;
        }
        self.reach(worker, life, Input::Tick)
    }
}
