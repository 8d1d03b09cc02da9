//! Jobs of the in-memory store: creating, listing, changing, deleting.

use std::collections::BTreeMap;

use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::id::{Epoch, JobId, SpanNo};
use onward_core::input::spans;
use onward_core::job::{Job, Tuning};
use onward_core::state::{JobState, Step};
use onward_core::store::{JobQuery, NewJob, Result, Sought, StoreError};
use onward_core::tally::Tally;

use super::world::{Hold, Span, StoredJob, World};

impl World {
    pub(super) fn create_job(&mut self, new: NewJob) -> Result<Job> {
        let total = self.summary(new.input).ok_or(StoreError::NotFound(new.id))?.rows;
        self.same_work(new.id, &new.work_digest)?;
        if self.jobs.contains_key(&new.id) {
            return Err(StoreError::Duplicate(new.id));
        }
        let (id, actor, now) = (new.id, new.actor.clone(), new.now);
        self.jobs.insert(id, queued(new, total));
        self.note(id, now, EventKind::Created, &actor, None, format!("{total} rows"))?;
        if total == 0 {
            // Nothing will ever be claimed, so the two steps of a life without rows are taken here.
            let state = self.stepped(self.stored(id)?, Step::Start)?;
            self.stored_mut(id)?.state = state;
            self.complete(id, &actor, now)?;
        }
        Ok(self.view(self.stored(id)?))
    }

    pub(super) fn list_jobs(&self, query: &JobQuery) -> Vec<Job> {
        let wanted = |job: &&StoredJob| {
            (query.states.is_empty() || query.states.contains(&job.state))
                && query.before.is_none_or(|before| job.id < before)
                && query.after.is_none_or(|after| job.id > after)
                && query.text.as_deref().is_none_or(|text| {
                    let filename = self.summary(job.input).map_or("", |facts| &facts.filename);
                    contains(&job.name, text) || contains(filename, text)
                })
        };
        if query.after.is_none() {
            return self
                .jobs
                .values()
                .rev()
                .filter(wanted)
                .take(query.limit)
                .map(|job| self.view(job))
                .collect();
        }
        let mut page: Vec<Job> =
            self.jobs.values().filter(wanted).take(query.limit).map(|job| self.view(job)).collect();
        page.reverse();
        page
    }

    pub(super) fn find_job(&self, sought: &Sought) -> Option<JobId> {
        let is_it = |job: &&StoredJob| match sought {
            Sought::Work(digest) => job.work_digest == *digest,
            Sought::Content(digest) => {
                self.summary(job.input).is_some_and(|summary| summary.sha256 == *digest)
            }
        };
        self.jobs.values().rev().find(is_it).map(|job| job.id)
    }

    pub(super) fn tune(
        &mut self,
        id: JobId,
        name: Option<&str>,
        tuning: Option<Tuning>,
        actor: &str,
        now: UnixMs,
    ) -> Result<Job> {
        let job = self.stored_mut(id)?;
        if let Some(name) = name {
            name.clone_into(&mut job.name);
        }
        job.tuning = job.tuning.with(tuning.unwrap_or_default());
        job.updated_at = job.updated_at.max(now);
        self.note(id, now, EventKind::Changed, actor, None, tuning.unwrap_or_default().words())?;
        Ok(self.view(self.stored(id)?))
    }

    pub(super) fn delete_job(&mut self, id: JobId) -> Result<()> {
        let job = self.stored(id)?;
        if job.state.is_active() {
            return Err(StoreError::Illegal(Box::new(self.view(job))));
        }
        let input = job.input;
        self.forget_input(input, id);
        self.jobs.remove(&id);
        self.events.retain(|event| event.job != id);
        self.letters.retain(|letter| !letter.is_of(id));
        Ok(())
    }
}

/// Whether `text` holds `part`, whatever the case.
pub(super) fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// The spans of so many rows, with nothing done.
pub(super) fn spans_of(total: u64) -> BTreeMap<SpanNo, Span> {
    let span = |(no, first, len)| {
        let (epoch, tally) = (Epoch::default(), Tally::default());
        (
            no,
            Span {
                first,
                len,
                epoch,
                hold: Hold::Free,
                tally,
                claimed_until: first,
                saved_at: None,
                rests_until: None,
            },
        )
    };
    spans(total).map(span).collect()
}

pub(super) fn queued(new: NewJob, total: u64) -> StoredJob {
    StoredJob {
        id: new.id,
        name: new.name,
        state: JobState::Queued,
        pause: None,
        error: None,
        input: new.input,
        recipe: new.recipe,
        work_digest: new.work_digest,
        total,
        attempt: 0,
        generation: 0,
        epoch: Epoch::default(),
        created_at: new.now,
        started_at: None,
        updated_at: new.now,
        finished_at: None,
        attempt_at: None,
        tuning: Tuning { hold_at: new.first, ..Tuning::default() },
        spans: spans_of(total),
        ledger: BTreeMap::new(),
        history: Vec::new(),
        doubts: BTreeMap::new(),
        heard: BTreeMap::new(),
    }
}
