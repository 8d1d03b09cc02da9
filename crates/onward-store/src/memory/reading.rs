//! Reading the in-memory store: rows, groups, events, creators, totals.

use std::collections::BTreeMap;

use onward_core::clock::UnixMs;
use onward_core::event::{Event, NewEvent};
use onward_core::id::{JobId, RowIndex};
use onward_core::row::Outcome;
use onward_core::state::JobState;
use onward_core::store::{
    Creator, CreatorQuery, Group, LedgerRow, Mark, Result, RowQuery, SpanFact, Sums, Totals,
};

use super::jobs::contains;
use super::world::{Span, World};

impl World {
    pub(super) fn rows(&self, query: &RowQuery) -> Vec<LedgerRow> {
        let Some(job) = self.jobs.get(&query.job) else { return Vec::new() };
        let wanted = |row: &&LedgerRow| {
            query.after.is_none_or(|after| row.index > after)
                && query.until.is_none_or(|until| row.index <= until)
                && query.outcome.is_none_or(|outcome| row.outcome == outcome)
                && query.code.as_deref().is_none_or(|code| row.code == code)
                && query
                    .text
                    .as_deref()
                    .is_none_or(|text| contains(&row.key, text) || contains(&row.message, text))
        };
        job.ledger.values().filter(wanted).take(query.limit).cloned().collect()
    }

    pub(super) fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Vec<Group> {
        let Some(job) = self.jobs.get(&job) else { return Vec::new() };
        let mut groups: BTreeMap<(&str, &str), Group> = BTreeMap::new();
        for row in job.ledger.values().filter(|row| row.outcome == outcome) {
            let fresh = || Group {
                code: row.code.clone(),
                message: row.message.clone(),
                count: 0,
                first: row.index,
                last: row.index,
            };
            let group = groups.entry((&row.code, &row.message)).or_insert_with(fresh);
            group.count += 1;
            group.last = row.index;
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.count), group.first));
        groups.truncate(limit);
        groups
    }

    pub(super) fn spans(&self, job: JobId) -> Vec<SpanFact> {
        let Some(job) = self.jobs.get(&job) else { return Vec::new() };
        let fact = |span: &Span| SpanFact {
            first: span.first,
            rows: span.len,
            tally: span.tally,
            saved_at: span.saved_at,
        };
        job.spans.values().map(fact).collect()
    }

    pub(super) fn marks(&self, job: JobId, every: u32) -> Vec<Mark> {
        let Some(job) = self.jobs.get(&job) else { return Vec::new() };
        let rows = job.ledger.values().filter(|row| row.index.0.is_multiple_of(every));
        let mark = |row: &LedgerRow| Mark {
            index: row.index,
            outcome: row.outcome,
            tries: row.tries,
            duration_ms: row.duration_ms,
            finished_at: row.finished_at,
        };
        rows.map(mark).collect()
    }

    pub(super) fn history(&self, job: JobId, row: RowIndex) -> Vec<LedgerRow> {
        let Some(job) = self.jobs.get(&job) else { return Vec::new() };
        job.history.iter().filter(|record| record.index == row).cloned().collect()
    }

    pub(super) fn record(&mut self, new: NewEvent) -> Result<Event> {
        self.note(new.job, new.at, new.kind, &new.actor, new.from_row, new.detail)
    }

    pub(super) fn list_events(&self, job: Option<JobId>, after: u64, limit: usize) -> Vec<Event> {
        let wanted = |event: &&Event| event.seq > after && job.is_none_or(|job| event.job == job);
        self.events.iter().filter(wanted).take(limit).cloned().collect()
    }

    pub(super) fn totals(&self) -> Totals {
        let count = |state| self.jobs.values().filter(|job| job.state == state).count() as u64;
        Totals {
            running: count(JobState::Running),
            queued: count(JobState::Queued),
            paused: count(JobState::Paused),
            failed: count(JobState::Failed),
        }
    }

    pub(super) fn sums(&self, today_from: UnixMs) -> Sums {
        let today = self.jobs.values().filter(|job| job.changed_at() >= today_from);
        let failed_rows_today = today.map(|job| job.tally().failed).sum();
        Sums { jobs: self.jobs.len() as u64, failed_rows_today }
    }

    pub(super) fn list_creators(&self, query: &CreatorQuery) -> Vec<Creator> {
        let wanted = |creator: &&Creator| {
            query.table.as_deref().is_none_or(|table| creator.table == table)
                && query.text.as_deref().is_none_or(|text| contains(&creator.key, text))
                && query
                    .after
                    .as_ref()
                    .is_none_or(|(table, key)| (&creator.table, &creator.key) > (table, key))
        };
        self.creators.values().filter(wanted).take(query.limit).cloned().collect()
    }
}
