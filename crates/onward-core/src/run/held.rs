//! One span in a worker's hands.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::begun::{Begun, BegunRows};
use super::trial::Trials;
use crate::checkpoint::DoneSet;
use crate::clock::UnixMs;
use crate::doubt::{Doubt, Way};
use crate::id::{Epoch, RowIndex};
use crate::lease;
use crate::row::RowRecord;
use crate::store::Claimed;

/// A span that is held, and where its rows stand.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The epoch of the claim.
    pub(super) epoch: Epoch,
    /// Rows that are finished, durable or not.
    pub(super) done: DoneSet,
    /// Rows that have been called and are not finished.
    pub(super) begun: BegunRows,
    /// Rows before this one may be called; durable.
    pub(super) claimed_until: RowIndex,
    /// Finished and not yet in a commit.
    pub(super) pending: Vec<RowRecord>,
    /// In the commit that is under way.
    pub(super) saving: Option<Saving>,
    /// The mark of the commit that is under way.
    pub(super) saving_mark: RowIndex,
    /// When the lease was last renewed, as far as asked for.
    pub(super) renewed_at: UnixMs,
    /// Not before this, after a commit was refused.
    pub(super) commit_again_at: Option<UnixMs>,
    /// Whether the ledger is being asked about this span.
    pub(super) rereading: bool,
    /// When the commit under way was asked for: the lease is counted from there once it is durable.
    pub(super) saving_since: UnixMs,
    /// From when the lease counts, as far as is known for sure.
    leased_at: UnixMs,
    /// The next row that was never called.
    next: RowIndex,
    /// Rows whose finished work was lost, to be called again first.
    reopened: Vec<RowIndex>,
    /// Rows that a probe passed over.
    passed_over: Vec<RowIndex>,
    /// Rows that are not called in their turn: they wait for a person, or are tried alone.
    aside: BTreeSet<RowIndex>,
    /// Those that are tried alone.
    pub(super) trials: Trials,
    /// Rows from here on are left alone: the job is held before them.
    stop: RowIndex,
}

/// The rows of a commit that is under way.
#[derive(Debug, Clone)]
pub(super) enum Saving {
    /// With their records, so that a lost commit needs no second call.
    Kept(Arc<Vec<RowRecord>>),
    /// Only which: the work merely computes and may be repeated.
    Index(Vec<RowIndex>),
}

impl Saving {
    pub(super) fn index(rows: &[RowRecord]) -> Self {
        Self::Index(rows.iter().map(|record| record.index).collect())
    }

    fn len(&self) -> usize {
        match self {
            Self::Kept(rows) => rows.len(),
            Self::Index(rows) => rows.len(),
        }
    }
}

impl Held {
    pub(super) fn new(claimed: &Claimed, now: UnixMs) -> Self {
        let mut trials = Trials::default();
        let mut aside = BTreeSet::new();
        let open = |doubt: &&Doubt| !claimed.done.contains(doubt.row) && doubt.verdict().is_none();
        for doubt in claimed.doubts.iter().filter(open) {
            match doubt.way() {
                Way::Usual => continue,
                Way::Alone => trials.add(doubt.row),
                Way::Aside => {}
            }
            aside.insert(doubt.row);
        }
        Self {
            epoch: claimed.epoch,
            next: claimed.done.low_water(),
            begun: BegunRows::of(&claimed.done),
            done: claimed.done.clone(),
            claimed_until: claimed.claimed_until,
            pending: Vec::new(),
            saving: None,
            saving_mark: claimed.claimed_until,
            // A span that is full already is committed at once, which ends it.
            renewed_at: if claimed.done.is_full() { UnixMs::default() } else { now },
            commit_again_at: None,
            rereading: false,
            saving_since: now,
            leased_at: now,
            reopened: Vec::new(),
            passed_over: Vec::new(),
            aside,
            trials,
            stop: claimed.done.end(),
        }
    }

    /// Leaves all but the first `left` missing rows alone. Answers how many rows remain to be done.
    pub(super) fn stop_after(&mut self, left: u64) -> u64 {
        let mut missing = (self.done.first().0..self.done.end().0).map(RowIndex);
        let mut missing = missing.by_ref().filter(|row| !self.done.contains(*row));
        let within = missing.by_ref().take(usize::try_from(left).unwrap_or(usize::MAX)).count() as u64;
        self.stop = missing.next().unwrap_or(self.done.end());
        within
    }

    /// Whether this holder does something about a row.
    pub(super) fn reaches(&self, row: RowIndex) -> bool {
        row < self.stop
    }

    /// Leaves the first `rows` missing rows for later: a row that fails for its own sake must not be the
    /// one that every probe calls. The last one is never passed over.
    pub(super) fn pass_over(&mut self, rows: u32) {
        for _ in 0..rows {
            let row = self.next_new();
            let after = self.next_after(RowIndex(row.0 + 1));
            if after >= self.claimed_until.min(self.stop) {
                return;
            }
            self.passed_over.push(row);
            self.next = after;
        }
    }

    /// The probe was answered: what was passed over is called like any other row.
    pub(super) fn take_up(&mut self) {
        let passed_over = std::mem::take(&mut self.passed_over);
        self.reopened.extend(passed_over);
    }

    /// A row's call has ended: gives the row and since when it was under way. `None` when none was.
    pub(super) fn call_ended(&mut self, row: RowIndex) -> Option<(Begun, UnixMs)> {
        let ended = self.begun.call_ended(row)?;
        self.trials.answered(row);
        Some(ended)
    }

    /// A row has its verdict; nothing happens when it had one.
    pub(super) fn finish(&mut self, record: RowRecord) {
        if self.done.insert(record.index) {
            self.pending.push(record);
        }
    }

    /// Finished rows that are not durable.
    pub(super) fn unsaved(&self) -> usize {
        self.pending.len() + self.saving.as_ref().map_or(0, Saving::len)
    }

    pub(super) fn unsaved_rows(&self) -> Vec<RowIndex> {
        let mut rows: Vec<RowIndex> = self.pending.iter().map(|record| record.index).collect();
        match &self.saving {
            Some(Saving::Kept(kept)) => rows.extend(kept.iter().map(|record| record.index)),
            Some(Saving::Index(index)) => rows.extend(index),
            None => {}
        }
        rows.sort_unstable();
        rows
    }

    pub(super) fn has_unsaved(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn may_commit(&self, now: UnixMs) -> bool {
        self.saving.is_none() && !self.rereading && self.commit_again_at.is_none_or(|at| at <= now)
    }

    pub(super) fn renew_at(&self, renew_ms: u64) -> UnixMs {
        self.renewed_at.plus_ms(renew_ms)
    }

    /// Nothing finished here waits for anything.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.saving.is_none() && !self.rereading
    }

    /// Every row is finished and saved.
    pub(super) fn is_finished(&self) -> bool {
        self.done.is_full() && self.is_idle()
    }

    /// The commit under way is durable.
    pub(super) fn saved(&mut self) {
        self.saving = None;
        self.trials.saved();
        self.claimed_until = self.saving_mark;
        self.leased_at = self.saving_since;
    }

    /// Whether the lease still holds at `now` for sure. A worker that was frozen finds out here, and
    /// starts no call before a renewal has told it that the span is still its own (G4).
    pub(super) fn lease_is_sure(&self, now: UnixMs) -> bool {
        !lease::is_lapsed(lease::lease_until(self.leased_at), now)
    }

    /// The commit under way is over without success: what is not `durable` is finished but unsaved
    /// again, or not finished when no record was kept.
    pub(super) fn take_back(&mut self, durable: impl Fn(RowIndex) -> bool) {
        // It may not have renewed the lease; the next one is not to wait until that is due again.
        self.renewed_at = self.leased_at;
        match self.saving.take() {
            Some(Saving::Kept(rows)) => {
                let rows = Arc::unwrap_or_clone(rows);
                let unsaved = rows.into_iter().filter(|record| !durable(record.index));
                let later = std::mem::take(&mut self.pending);
                self.pending = unsaved.chain(later).collect();
            }
            Some(Saving::Index(rows)) => {
                let lost: Vec<RowIndex> = rows.into_iter().filter(|row| !durable(*row)).collect();
                self.reopen(&lost);
            }
            None => {}
        }
    }

    /// After a look at the ledger: rows that are finished here, not unsaved, and not in the ledger
    /// are open again.
    pub(super) fn forget_beyond(&mut self, ledger: &DoneSet) {
        let unsaved = self.unsaved_rows();
        let lost: Vec<RowIndex> = (self.done.first().0..self.done.end().0)
            .map(RowIndex)
            .filter(|row| self.done.contains(*row) && !ledger.contains(*row))
            .filter(|row| unsaved.binary_search(row).is_err())
            .collect();
        self.reopen(&lost);
    }

    fn reopen(&mut self, rows: &[RowIndex]) {
        for row in rows {
            self.done.remove(*row);
        }
        self.reopened.extend(rows);
    }

    // --- rows to call -----------------------------------------------------------------------

    /// Whether a call may go out now, with `batch` rows unless the span has fewer left.
    pub(super) fn has_callable(&self, now: UnixMs, batch: usize) -> bool {
        let next = self.next_new();
        let within = next < self.claimed_until.min(self.stop);
        let callable = !self.reopened.is_empty() || within && !self.is_short(next, batch);
        callable && !self.rereading && self.lease_is_sure(now)
    }

    /// Whether the mark stands in the middle of the next batch.
    fn is_short(&self, next: RowIndex, batch: usize) -> bool {
        let room = self.claimed_until.0.saturating_sub(next.0) as usize;
        room < batch && self.claimed_until < self.done.end()
    }

    /// Whether there is a row left to call, also beyond the mark.
    pub(super) fn has_uncalled(&self) -> bool {
        self.rereading
            || self.trials.go_on()
            || !self.reopened.is_empty()
            || !self.passed_over.is_empty()
            || self.next_new() < self.stop
    }

    /// Rows that are left to call, or somewhat more: those that are done beyond the next one are counted as well.
    pub(super) fn left_to_call(&self) -> usize {
        let new = self.stop.0.saturating_sub(self.next_new().0) as usize;
        new + self.reopened.len() + self.passed_over.len()
    }

    /// Whether all that is left waits for a person.
    pub(super) fn only_waits(&self) -> bool {
        !self.aside.is_empty()
            && !self.done.is_full()
            && self.stop == self.done.end()
            && self.is_idle()
            && self.begun.is_empty()
            && !self.has_uncalled()
    }

    /// Whether the next call needs the durable mark moved.
    pub(super) fn wants_mark(&self, batch: usize) -> bool {
        let next = self.next_new();
        next < self.stop && self.is_short(next, batch)
    }

    /// The next rows to call, at most `room`.
    pub(super) fn take_callable(&mut self, room: usize) -> Vec<RowIndex> {
        let lost = self.reopened.len().min(room);
        let mut rows: Vec<RowIndex> = self.reopened.drain(..lost).collect();
        while rows.len() < room {
            let row = self.next_new();
            if row >= self.claimed_until.min(self.stop) {
                break;
            }
            rows.push(row);
            self.next = RowIndex(row.0 + 1);
        }
        rows
    }

    fn next_new(&self) -> RowIndex {
        self.next_after(self.next)
    }

    fn next_after(&self, from: RowIndex) -> RowIndex {
        let mut row = self.done.next_missing(from);
        while self.aside.contains(&row) {
            row = self.done.next_missing(RowIndex(row.0 + 1));
        }
        row
    }

    /// The mark that the next commit sets: `window` rows beyond the next one, never back.
    pub(super) fn next_mark(&self, window: u32) -> RowIndex {
        let wanted = RowIndex(self.next_new().0.saturating_add(window));
        wanted.min(self.done.end()).max(self.claimed_until)
    }
}
