//! The rows of one span that have been called and are not finished.

use crate::checkpoint::DoneSet;
use crate::clock::UnixMs;
use crate::id::RowIndex;
use crate::job::Waiting;

/// A row that has been called and is not finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// Calls made, with the one under way.
    pub(super) tries: u32,
    /// When it was called first.
    pub(super) first_at: UnixMs,
    /// Since when its call is under way; `None` while it waits for the next one.
    pub(super) since: Option<UnixMs>,
    /// An answer is to be confirmed: no other row goes out in the call, and its answer counts.
    pub(super) alone: bool,
}

/// Those of a span. Each row of it has its place, as every row comes by here.
#[derive(Debug, Clone)]
pub(super) struct BegunRows {
    first: RowIndex,
    rows: Vec<Option<Begun>>,
    begun: usize,
    in_flight: usize,
}

impl BegunRows {
    /// None yet.
    pub(super) fn of(span: &DoneSet) -> Self {
        let rows = vec![None; (span.end().0 - span.first().0) as usize];
        Self { first: span.first(), rows, begun: 0, in_flight: 0 }
    }

    /// How many have a call under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.begun == 0
    }

    pub(super) fn get(&self, row: RowIndex) -> Option<&Begun> {
        self.rows.get(self.place(row)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, row: RowIndex) -> Option<&mut Begun> {
        let place = self.place(row)?;
        self.rows.get_mut(place)?.as_mut()
    }

    /// A row's first call goes out.
    pub(super) fn begin(&mut self, row: RowIndex, now: UnixMs) {
        if let Some(place) = self.place(row) {
            let begun = Begun { tries: 1, first_at: now, since: Some(now), alone: false };
            debug_assert!(self.rows[place].is_none(), "a row is begun once");
            self.rows[place] = Some(begun);
            self.begun += 1;
            self.in_flight += 1;
        }
    }

    /// Another call of it goes out.
    pub(super) fn call_again(&mut self, row: RowIndex, now: UnixMs) {
        if let Some(begun) = self.get_mut(row) {
            begun.tries += 1;
            begun.since = Some(now);
            self.in_flight += 1;
        }
    }

    /// Its call has ended: gives the row and since when it was under way. `None` when none was.
    pub(super) fn call_ended(&mut self, row: RowIndex) -> Option<(Begun, UnixMs)> {
        let begun = self.get_mut(row)?;
        let since = begun.since.take()?;
        let begun = *begun;
        self.in_flight -= 1;
        Some((begun, since))
    }

    /// It is finished, or as if it had not been called. Its call has ended.
    pub(super) fn forget(&mut self, row: RowIndex) {
        let place = self.place(row);
        if let Some(begun) = place.and_then(|place| self.rows.get_mut(place)?.take()) {
            debug_assert!(begun.since.is_none(), "a row with a call under way is not forgotten");
            self.begun -= 1;
        }
    }

    /// The one whose call is under way the longest.
    pub(super) fn oldest(&self) -> Option<Waiting> {
        let since = |(at, begun): (usize, &Option<Begun>)| Some((at, (*begun)?.since?));
        let (at, since) = self.rows.iter().enumerate().filter_map(since).min_by_key(|(_, since)| *since)?;
        Some(Waiting { row: RowIndex(self.first.0 + u32::try_from(at).ok()?), since })
    }

    fn place(&self, row: RowIndex) -> Option<usize> {
        Some(row.0.checked_sub(self.first.0)? as usize)
    }
}
