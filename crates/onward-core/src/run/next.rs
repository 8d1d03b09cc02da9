//! What a run does next: call, commit, claim, give back.

use std::sync::Arc;

use super::held::{Held, Saving};
use super::signals::{Config, Effect, Hold};
use super::{Ending, Run, WAITING_PER_SLOT};
use crate::clock::UnixMs;
use crate::doubt::Trial;
use crate::id::RowIndex;
use crate::input::span_of;
use crate::lease::RENEW_MS;
use crate::state::PauseReason;
use crate::store::Commit;
use crate::turns::Pass;

impl Run {
    pub(super) fn go_on(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        if self.ending == Ending::Over {
            return;
        }
        let mut calls = Vec::new();
        if self.ending == Ending::No {
            self.call(now, &mut calls);
            self.settle();
            self.rests_until = self.rest(now).or(self.rests_until);
        }
        // A commit takes longest, and is under way while the calls go out.
        self.commit(now, effects);
        effects.append(&mut calls);
        match self.ending {
            Ending::No => {
                self.give_back_waiting(effects);
                self.claim(now, effects);
            }
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

    /// Until when nothing is due: no call is under way, and the next one waits for the rate, for the target or for
    /// the time of its retry.
    fn rest(&self, now: UnixMs) -> Option<UnixMs> {
        if self.in_flight() > 0 || self.spans.is_empty() {
            return None;
        }
        let gate = self.pace.wait_until(now).max(self.turns.opens_at(now));
        let fresh = !self.again.is_empty() || self.spans.values().any(Held::has_uncalled);
        let retry = self.waiting.keys().next().map(|(due, _)| *due).filter(|_| !fresh);
        gate.max(retry).filter(|until| *until > now)
    }

    /// When no row is left to call: what is suspect has failed, and a job that was to do so many rows is
    /// held once they are saved.
    fn settle(&mut self) {
        let nothing_to_claim = self.claim_again_at.is_some() || self.reach.rows == Some(0);
        let busy = self.in_flight() > 0 || !self.again.is_empty() || !self.waiting.is_empty();
        if busy || !nothing_to_claim || self.spans.values().any(Held::has_uncalled) {
            return;
        }
        self.settle_suspects();
        if self.reach.rows == Some(0) {
            let message = "the rows that were asked for are done; have a look and resume".to_owned();
            self.halt(Effect::Hold(Hold { reason: PauseReason::User, message, wait_ms: None }));
        }
    }

    fn call(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        let unsaved: usize = self.spans.values().map(Held::unsaved).sum();
        loop {
            let slots = self.slots();
            let room = slots.saturating_sub(self.in_flight() + unsaved);
            if room == 0 || self.pace.wait_until(now).is_some() {
                return;
            }
            // A call costs the same with fewer rows: what is under way will make room for a whole one.
            if room < self.whole_batch() && room < slots {
                return;
            }
            let calls = room.div_ceil(self.config.batch.max(1) as usize);
            if self.tries_alone() && !self.goes_alone() {
                return;
            }
            match self.turns.pass(now, u32::try_from(calls).unwrap_or(u32::MAX)) {
                Pass::Go => {}
                Pass::Wait => return,
                Pass::Ask(calls) => return self.ask_for_turns(calls, now, effects),
            }
            let Some(call) = self.next_call(now, room.min(self.config.batch as usize)) else { return };
            self.pace.sent(now);
            self.turns.passed();
            effects.push(call);
        }
    }

    /// Turns that are taken and not used are lost to the others, so none are without a row to call.
    fn ask_for_turns(&mut self, calls: u32, now: UnixMs, effects: &mut Vec<Effect>) {
        let again = self.again.iter().any(|row| self.may_call_again(*row, now));
        let due = || self.waiting.keys().any(|(due, row)| *due <= now && self.may_call_again(*row, now));
        let callable = || {
            let mut spans = self.spans.values();
            if self.tries_alone() {
                self.has_trial()
            } else {
                spans.any(|held| held.has_callable(now, self.whole_batch()))
            }
        };
        if again || due() || callable() {
            self.turns.asked();
            effects.push(Effect::Turns { calls, interval_us: self.turns.interval_us() });
        }
    }

    /// The next rows to call: those the target put off, those whose wait is over, then new ones.
    fn next_call(&mut self, now: UnixMs, room: usize) -> Option<Effect> {
        if let Some(first) = self.take_again(now, None) {
            let mut rows = vec![first];
            while let Some(next) = (rows.len() < room).then(|| self.take_again(now, Some(first))).flatten() {
                rows.push(next);
            }
            return self.call_again(rows, now);
        }
        if self.tries_alone() {
            return self.call_alone(now);
        }
        if self.waiting.len() >= WAITING_PER_SLOT * self.slots() {
            return None;
        }
        let batch = self.whole_batch();
        let (span, held) = self.spans.iter_mut().find(|(_, held)| held.has_callable(now, batch))?;
        let (span, epoch) = (*span, held.epoch);
        let rows = held.take_callable(room);
        for row in &rows {
            held.begun.begin(*row, now);
        }
        Some(Effect::Call { span, epoch, rows, attempt: 1, alone: false })
    }

    /// Takes a row that is to be called again; with `like`, only one that fits into the same call.
    fn take_again(&mut self, now: UnixMs, like: Option<RowIndex>) -> Option<RowIndex> {
        let fits = |row: RowIndex| {
            self.may_call_again(row, now) && like.is_none_or(|like| self.fit_together(like, row))
        };
        if let Some(at) = self.again.iter().position(|row| fits(*row)) {
            return self.again.remove(at);
        }
        let due = self.waiting.keys().take_while(|(due, _)| *due <= now).copied();
        let (due, row) = due.into_iter().find(|(_, row)| fits(*row))?;
        self.waiting.remove(&(due, row));
        Some(row)
    }

    /// Whether two rows may go out in one call.
    fn fit_together(&self, one: RowIndex, other: RowIndex) -> bool {
        if span_of(one) != span_of(other) {
            return false;
        }
        let (Some(one), Some(other)) = (self.begun(one), self.begun(other)) else { return false };
        !one.alone && !other.alone && one.tries == other.tries
    }

    fn may_call_again(&self, row: RowIndex, now: UnixMs) -> bool {
        self.spans.get(&span_of(row)).is_some_and(|held| held.lease_is_sure(now))
    }

    fn call_again(&mut self, rows: Vec<RowIndex>, now: UnixMs) -> Option<Effect> {
        let first = *rows.first()?;
        let (span, attempt) = (span_of(first), self.begun(first)?.tries + 1);
        let held = self.spans.get_mut(&span)?;
        let epoch = held.epoch;
        rows.iter().for_each(|row| held.begun.call_again(*row, now));
        Some(Effect::Call { span, epoch, rows, attempt, alone: false })
    }

    /// Commits every span that has something to save, needs its mark moved, or is due for renewal.
    fn commit(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        let (window, batch) = (self.window(), self.whole_batch());
        let draining = self.ending == Ending::Draining;
        for (span, held) in &mut self.spans {
            if !held.may_commit(now) {
                continue;
            }
            let mark = held.next_mark(window);
            let move_mark = !draining && held.wants_mark(batch) && mark > held.claimed_until;
            let says = held.trials.to_save() != Trial::AsBefore;
            if !held.has_unsaved() && !move_mark && !says && held.renew_at(RENEW_MS) > now {
                continue;
            }
            let waiting = held.begun.oldest();
            let mut rows = std::mem::take(&mut held.pending);
            rows.sort_unstable_by_key(|row| row.index);
            let rows = Arc::new(rows);
            let kept =
                if self.config.calls_out { Saving::Kept(Arc::clone(&rows)) } else { Saving::index(&rows) };
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
                rests_until: self.rests_until,
                trial: held.trials.save(),
                now,
            }));
        }
    }

    /// Claims another span while there is room for more calls and no row left to call; or before that, so that calls
    /// need not wait for the claim.
    fn claim(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        let unsaved: usize = self.spans.values().map(Held::unsaved).sum();
        let slots = self.slots();
        let full = self.in_flight() + unsaved >= slots;
        let crowded = self.waiting.len() >= WAITING_PER_SLOT * slots;
        let rows_left = self.spans.values().any(Held::has_uncalled);
        let soon =
            || self.claims_ahead() && self.spans.values().map(Held::left_to_call).sum::<usize>() < slots;
        let not_yet = self.claim_again_at.is_some_and(|at| at > now);
        if self.claiming.is_some()
            || self.reach.rows == Some(0)
            || crowded
            || (full || rows_left) && !soon()
            || not_yet
            || self.pace.held_until(now).is_some()
        {
            return;
        }
        self.claiming = Some(now);
        self.claim_again_at = None;
        effects.push(Effect::Claim { window: self.window() });
    }

    /// Whether a span is claimed while there are rows left to call, though fewer than slots. Not where a claim says
    /// how far the job goes on, which it does for one span at a time, not where rows in doubt are to be few, and not
    /// again and again when there was nothing.
    fn claims_ahead(&self) -> bool {
        let Config { calls_out, careful, .. } = self.config;
        calls_out
            && !careful
            && self.claim_again_at.is_none()
            && !self.reach.is_alone()
            && !self.tries_alone()
    }

    /// Gives back every span of which nothing is left but rows that wait for a person.
    fn give_back_waiting(&mut self, effects: &mut Vec<Effect>) {
        let Self { spans, suspects, .. } = self;
        spans.retain(|span, held| {
            let waits = held.only_waits() && !suspects.has(*span);
            if waits {
                effects.push(Effect::Release { span: *span, epoch: held.epoch });
            }
            !waits
        });
    }

    /// While draining: gives back every span that has nothing in flight and nothing unsaved.
    fn release(&mut self, effects: &mut Vec<Effect>) {
        self.spans.retain(|span, held| {
            let idle = held.is_idle() && held.begun.in_flight() == 0;
            if idle {
                effects.push(Effect::Release { span: *span, epoch: held.epoch });
            }
            !idle
        });
    }

    /// Rows in flight plus rows finished and not durable, at most.
    fn slots(&self) -> usize {
        if self.reach.probes > 0 || self.tries_alone() {
            1
        } else {
            self.width.now() as usize * self.config.batch as usize
        }
    }

    /// How many rows a call is worth waiting for. Work that only computes takes what there is.
    fn whole_batch(&self) -> usize {
        if self.config.calls_out && self.reach.probes == 0 { self.config.batch as usize } else { 1 }
    }

    /// How far beyond the next row the durable mark reaches: twice the slots, so that calls need not
    /// wait for the commit that moves it; or just as far as there are free ones.
    fn window(&self) -> u32 {
        let slots = self.slots();
        let rows = if self.config.careful { slots.saturating_sub(self.in_flight()) } else { 2 * slots };
        u32::try_from(rows).unwrap_or(u32::MAX)
    }
}
