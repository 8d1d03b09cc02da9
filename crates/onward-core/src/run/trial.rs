//! Rows that are tried alone, because processes have died with them in flight.
//!
//! While a held span has such a row, the run begins nothing else. Once nothing is in flight and all that
//! has finished is saved, a commit makes durable that the row is tried alone; then it is called. Any answer
//! at all clears it, once a commit says so: from there on it is a row like any other.

use std::collections::VecDeque;

use super::Run;
use super::signals::Effect;
use crate::clock::UnixMs;
use crate::doubt::Trial;
use crate::id::RowIndex;

/// The rows of one span that are to be tried alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Trials {
    rows: VecDeque<RowIndex>,
    now: Stage,
    /// What the commit under way says.
    saving: Trial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// No row is being tried, and the ledger says so.
    #[default]
    None,
    /// The ledger is to say that this row is tried alone.
    Wanted(RowIndex),
    /// It says so: the row may be called.
    Ready(RowIndex),
    Called(RowIndex),
    /// Answered: the ledger is to say that it is tried alone no more.
    Answered(RowIndex),
}

impl Trials {
    pub(super) fn add(&mut self, row: RowIndex) {
        self.rows.push_back(row);
    }

    /// Whether nothing else may begin. Also once the last one is answered, until the ledger says so: what
    /// began before would not be known to be in flight.
    pub(super) fn go_on(&self) -> bool {
        !self.rows.is_empty() || self.now != Stage::None
    }

    /// What a commit that goes out now says, and notes that it does.
    pub(super) fn save(&mut self) -> Trial {
        self.saving = self.to_save();
        self.saving
    }

    /// What the ledger does not say yet.
    pub(super) fn to_save(&self) -> Trial {
        match self.now {
            Stage::None | Stage::Ready(_) | Stage::Called(_) => Trial::AsBefore,
            Stage::Wanted(row) => Trial::Begins(row),
            Stage::Answered(row) => Trial::Over(row),
        }
    }

    /// The commit under way is durable.
    pub(super) fn saved(&mut self) {
        match (std::mem::take(&mut self.saving), self.now) {
            (Trial::Begins(row), Stage::Wanted(_)) => self.now = Stage::Ready(row),
            (Trial::Over(_), Stage::Answered(_)) => self.now = Stage::None,
            (Trial::AsBefore | Trial::Begins(_) | Trial::Over(_), _) => {}
        }
    }

    /// Everything is at rest: the next row's turn, if there is one.
    fn next(&mut self) {
        if self.now == Stage::None
            && let Some(row) = self.rows.pop_front()
        {
            self.now = Stage::Wanted(row);
        }
    }

    fn call(&mut self) -> Option<RowIndex> {
        let Stage::Ready(row) = self.now else { return None };
        self.now = Stage::Called(row);
        Some(row)
    }

    /// A row was answered.
    pub(super) fn answered(&mut self, row: RowIndex) {
        if self.now == Stage::Called(row) {
            self.now = Stage::Answered(row);
        }
    }
}

impl Run {
    /// Whether rows are tried alone: then nothing else begins.
    pub(super) fn tries_alone(&self) -> bool {
        self.spans.values().any(|held| held.trials.go_on())
    }

    /// Whether the row whose turn it is may be called.
    pub(super) fn has_trial(&self) -> bool {
        self.spans.values().any(|held| matches!(held.trials.now, Stage::Ready(_)))
    }

    /// Nothing is in flight or unsaved: whether a call may go out, the next row's turn included. A row that is
    /// to be called again is done with before the next one's turn comes.
    pub(super) fn goes_alone(&mut self) -> bool {
        let retries = !self.again.is_empty() || !self.waiting.is_empty();
        let mut trials = self.spans.values_mut().map(|held| &mut held.trials);
        let Some(trials) = trials.find(|trials| trials.go_on()) else { return false };
        if retries {
            return trials.now == Stage::None;
        }
        trials.next();
        matches!(trials.now, Stage::Ready(_))
    }

    /// Calls the row whose turn it is.
    pub(super) fn call_alone(&mut self, now: UnixMs) -> Option<Effect> {
        let (span, held) = self.spans.iter_mut().find(|(_, held)| held.trials.go_on())?;
        if !held.lease_is_sure(now) {
            return None;
        }
        let (span, epoch, row) = (*span, held.epoch, held.trials.call()?);
        held.begun.begin(row, now);
        Some(Effect::Call { span, epoch, rows: vec![row], attempt: 1, alone: true })
    }
}
