//! What a run does next: call, commit, claim, give back.

use std::collections::BTreeMap;

use super::held::{Held, Saving};
use super::signals::Effect;
use super::{Begun, Ending, InFlight, Run, WAITING_PER_SLOT};
use crate::clock::UnixMs;
use crate::id::{RowIndex, SpanNo};
use crate::job::Waiting;
use crate::lease::RENEW_MS;
use crate::store::Commit;

impl Run {
    pub(super) fn go_on(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        if self.ending == Ending::Over {
            return;
        }
        if self.ending == Ending::No {
            self.call(now, effects);
        }
        self.commit(now, effects);
        match self.ending {
            Ending::No => self.claim(now, effects),
            Ending::Draining => self.release(effects),
            Ending::Over => {}
        }
        let nothing_left = self.ending == Ending::Draining || self.claim_again_at.is_some();
        if self.spans.is_empty() && self.claiming.is_none() && nothing_left {
            self.ending = Ending::Over;
            effects.extend(self.last_word.take());
            effects.push(Effect::Over);
        }
    }

    fn call(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        let unsaved: usize = self.spans.values().map(Held::unsaved).sum();
        while self.in_flight.len() + unsaved < self.config.concurrency as usize {
            if self.pace.wait_until(now).is_some() {
                return;
            }
            let room = self.config.concurrency as usize - self.in_flight.len() - unsaved;
            let Some(call) = self.next_call(now, room.min(self.config.batch as usize)) else { return };
            self.pace.sent(now);
            effects.push(call);
        }
    }

    /// The next rows to call: those the target put off, those whose wait is over, then new ones.
    fn next_call(&mut self, now: UnixMs, room: usize) -> Option<Effect> {
        let put_off = self.again.iter().position(|row| self.may_call_again(*row, now));
        if let Some(row) = put_off.and_then(|at| self.again.remove(at)) {
            return self.call_again(row, now);
        }
        let due = self.waiting.keys().take_while(|(due, _)| *due <= now).copied();
        if let Some((due, row)) = due.into_iter().find(|(_, row)| self.may_call_again(*row, now)) {
            self.waiting.remove(&(due, row));
            return self.call_again(row, now);
        }
        if self.waiting.len() >= WAITING_PER_SLOT * self.config.concurrency as usize {
            return None;
        }
        let (span, held) = self.spans.iter_mut().find(|(_, held)| held.has_callable(now))?;
        let (span, epoch) = (*span, held.epoch);
        let rows = held.take_callable(room);
        for row in &rows {
            self.in_flight.insert(*row, InFlight { span, epoch, since: now });
            self.begun.insert(*row, Begun { span, tries: 1, first_at: now });
        }
        Some(Effect::Call { span, epoch, rows, attempt: 1 })
    }

    fn may_call_again(&self, row: RowIndex, now: UnixMs) -> bool {
        let span = self.begun.get(&row).and_then(|begun| self.spans.get(&begun.span));
        span.is_some_and(|held| held.lease_is_sure(now))
    }

    fn call_again(&mut self, row: RowIndex, now: UnixMs) -> Option<Effect> {
        let begun = self.begun.get_mut(&row)?;
        begun.tries += 1;
        let (span, attempt) = (begun.span, begun.tries);
        let epoch = self.spans.get(&span)?.epoch;
        self.in_flight.insert(row, InFlight { span, epoch, since: now });
        Some(Effect::Call { span, epoch, rows: vec![row], attempt })
    }

    /// Commits every span that has something to save, needs its mark moved, or is due for renewal.
    fn commit(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        let window = self.window();
        let draining = self.ending == Ending::Draining;
        for (span, held) in &mut self.spans {
            if !held.may_commit(now) {
                continue;
            }
            let move_mark = !draining && held.wants_mark();
            if !held.has_unsaved() && !move_mark && held.renew_at(RENEW_MS) > now {
                continue;
            }
            let waiting = oldest(&self.in_flight, *span);
            let mark = held.next_mark(window);
            let rows = std::mem::take(&mut held.pending);
            let kept = if self.config.calls_out { Saving::Kept(rows.clone()) } else { Saving::index(&rows) };
            held.saving = Some(kept);
            held.saving_mark = mark;
            held.saving_since = now;
            held.renewed_at = now;
            held.commit_again_at = None;
            effects.push(Effect::Commit(Commit {
                job: self.config.job,
                span: *span,
                epoch: held.epoch,
                rows,
                low_water: held.done.low_water(),
                claimed_until: mark,
                waiting,
                now,
            }));
        }
    }

    /// Claims another span while there is room for more calls and no row left to call.
    fn claim(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        let unsaved: usize = self.spans.values().map(Held::unsaved).sum();
        let full = self.in_flight.len() + unsaved >= self.config.concurrency as usize;
        let crowded = self.waiting.len() >= WAITING_PER_SLOT * self.config.concurrency as usize;
        let rows_left = self.spans.values().any(Held::has_uncalled);
        let not_yet = self.claim_again_at.is_some_and(|at| at > now);
        if self.claiming.is_some()
            || full
            || crowded
            || rows_left
            || not_yet
            || self.pace.held_until(now).is_some()
        {
            return;
        }
        self.claiming = Some(now);
        self.claim_again_at = None;
        effects.push(Effect::Claim { window: self.window() });
    }

    /// While draining: gives back every span that has nothing in flight and nothing unsaved.
    fn release(&mut self, effects: &mut Vec<Effect>) {
        let in_flight = &self.in_flight;
        self.spans.retain(|span, held| {
            let idle = held.is_idle() && !in_flight.values().any(|call| call.span == *span);
            if idle {
                effects.push(Effect::Release { span: *span, epoch: held.epoch });
            }
            !idle
        });
    }

    /// How far beyond the next row the durable mark reaches: twice the concurrency, so that calls
    /// need not wait for the commit that moves it.
    fn window(&self) -> u32 {
        self.config.concurrency.saturating_mul(2)
    }
}

fn oldest(in_flight: &BTreeMap<RowIndex, InFlight>, span: SpanNo) -> Option<Waiting> {
    in_flight
        .iter()
        .filter(|(_, call)| call.span == span)
        .min_by_key(|(_, call)| call.since)
        .map(|(row, call)| Waiting { row: *row, since: call.since })
}
