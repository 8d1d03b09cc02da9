//! Commands of the in-memory store: resume, restart, force-cancel, pause, fail.

use onward_core::job::Job;
use onward_core::state::Step;
use onward_core::store::{Command, Result, StoreError};

use super::world::World;

impl World {
    pub(super) fn command(&mut self, command: &Command) -> Result<Job> {
        let (id, now) = (command.job, command.now);
        let job = self.stored(id)?;
        if command.epoch.is_some_and(|seen| seen != job.epoch) {
            return Err(StoreError::Fenced { found: job.epoch });
        }
        let Some(kind) = command.kind() else {
            return Err(StoreError::Illegal(Box::new(self.view(job))));
        };
        let state = self.stepped(job, command.step)?;
        if state.is_active() {
            self.same_work(id, &job.work_digest)?;
        }

        let job = self.stored_mut(id)?;
        job.tuning = job.tuning.after(command, job.tally());
        job.state = state;
        job.epoch = job.epoch.next();
        job.updated_at = now;
        job.pause = command.pause.clone().filter(|_| command.step == Step::Pause);
        job.error = command.error.clone().filter(|_| command.step == Step::Fail);
        job.finished_at = (!state.is_active()).then_some(now);
        if matches!(command.step, Step::Resume | Step::Restart) {
            job.attempt += 1;
            job.attempt_at = Some(now);
        }
        job.free_spans(now);
        let from_row = job.next_row();
        let everything_done = job.spans.values().all(super::world::Span::is_full);

        self.note(id, now, kind, &command.actor, from_row, command.detail().to_owned())?;
        if everything_done && matches!(command.step, Step::Resume | Step::Restart) {
            // There is nothing to claim that could complete it later.
            self.complete(id, &command.actor, now)?;
        }
        Ok(self.view(self.stored(id)?))
    }
}
