//! How a run takes in what happened.

use super::begun::Begun;
use super::held::Held;
use super::signals::{Effect, Hold, RowAnswer};
use super::{COMMIT_AGAIN_MS, Ending, NEVER, Run};
use crate::breaker::{LAST_PROBES, PROBE_TRIES, Suspect, probe_wait_ms};
use crate::clock::UnixMs;
use crate::id::{Epoch, RowIndex, SpanNo};
use crate::input::span_of;
use crate::processor::{Answer, TIMEOUT};
use crate::row::{Outcome, RowRecord, Verdict};
use crate::state::PauseReason;
use crate::store::{Claimed, Committed};

/// What an answer means for its row.
enum Judged {
    /// It has its outcome.
    Final(Verdict),
    /// Its tries are used up, which may be the target's fault.
    Suspect(Verdict),
    /// It is called again.
    Later,
    /// It is as if it had not been called: somebody calls it again when the job goes on.
    Open,
}

impl Run {
    pub(super) fn claimed(&mut self, claimed: Claimed, decided: Vec<RowRecord>, now: UnixMs) {
        self.claim_again_at = None;
        // The lease counts from when the claim was asked for, however long the answer took.
        let mut held = Held::new(&claimed, self.claiming.take().unwrap_or(now));
        self.reach = claimed.reach;
        if let Some(left) = self.reach.rows {
            self.reach.rows = Some(left - held.stop_after(left));
        }
        for record in decided {
            if held.reaches(record.index) {
                held.finish(record);
            }
        }
        if self.reach.probes > 0 {
            held.pass_over(self.reach.probes - 1);
        }
        self.spans.insert(claimed.span, held);
    }

    pub(super) fn answered(
        &mut self,
        span: SpanNo,
        epoch: Epoch,
        rows: Vec<RowAnswer>,
        now: UnixMs,
        effects: &mut Vec<Effect>,
    ) {
        let mut late = Vec::new();
        for RowAnswer { row, key, answer } in rows {
            let ended = self.holder(span, epoch).and_then(|held| held.call_ended(row));
            let Some((begun, since)) = ended else {
                late.push(row);
                continue;
            };
            self.learn(&answer, since, now);
            if matches!(answer, Answer::Done(_) | Answer::Confirm(_)) {
                self.target_answers(now, effects);
            }
            let judged = self.judge(row, begun, answer, now);
            if matches!(judged, Judged::Later) {
                continue;
            }
            self.forget(row);
            let duration_ms = now.ms_since(begun.first_at);
            let record = |verdict| RowRecord {
                index: row,
                key,
                verdict,
                tries: begun.tries,
                duration_ms,
                finished_at: now,
            };
            match judged {
                Judged::Final(verdict) => self.finish(span, epoch, record(verdict)),
                Judged::Suspect(verdict) => {
                    let (first_at, record) = (begun.first_at, record(verdict));
                    self.suspect(Suspect { span, epoch, first_at, record });
                }
                Judged::Later | Judged::Open => {}
            }
        }
        if !late.is_empty() {
            effects.push(Effect::Late { span, epoch, rows: late });
        }
    }

    /// What an answer shows of how many calls the target takes.
    fn learn(&mut self, answer: &Answer, since: UnixMs, now: UnixMs) {
        match answer {
            Answer::Done(_) | Answer::Confirm(_) => self.width.answered(now.ms_since(since)),
            Answer::Throttled { .. } => self.width.narrow(since, now),
            Answer::Retry { code, .. } if code == TIMEOUT => self.width.narrow(since, now),
            Answer::Retry { .. } | Answer::Fatal { .. } => {}
        }
    }

    /// What an answer means for its row.
    fn judge(&mut self, row: RowIndex, begun: Begun, answer: Answer, now: UnixMs) -> Judged {
        match answer {
            Answer::Done(verdict) => Judged::Final(verdict),
            Answer::Confirm(verdict) => {
                let wait = self.config.retry.wait_ms(begun.tries, self.dice.roll());
                let Some(wait) = wait.filter(|_| !begun.alone) else { return Judged::Final(*verdict) };
                self.waiting.insert((now.plus_ms(wait), row), ());
                self.change(row, |begun| begun.alone = true);
                Judged::Later
            }
            Answer::Retry { code, message, wait_ms } => {
                if self.reach.probes > 0 && begun.tries >= PROBE_TRIES && !self.is_last_probe() {
                    self.hold_again(&message);
                    return Judged::Open;
                }
                let dice = self.dice.roll();
                if let Some(wait) = self.config.retry.wait_ms(begun.tries, dice) {
                    let wait = wait.max(wait_ms.unwrap_or(0).min(self.config.max_wait_ms));
                    self.waiting.insert((now.plus_ms(wait), row), ());
                    return Judged::Later;
                }
                let message = match begun.tries {
                    1 => message,
                    tries => format!("{message} ({tries} tries)").into(),
                };
                Judged::Suspect(Verdict::new(Outcome::Failed, code, message))
            }
            Answer::Throttled { wait_ms, .. } => {
                self.pace.hold(now, wait_ms.min(self.config.max_wait_ms));
                self.again.push_back(row);
                self.change(row, |begun| begun.tries -= 1);
                Judged::Later
            }
            Answer::Fatal { code, message, wait_ms } => {
                let quota = code.starts_with("quota");
                let reason = if quota { PauseReason::Quota } else { PauseReason::Breaker };
                let wait_ms = Some(probe_wait_ms(self.reach.probes, wait_ms));
                self.halt(Effect::Hold(Hold { reason, message: message.into_owned(), wait_ms }));
                Judged::Open
            }
        }
    }

    fn finish(&mut self, span: SpanNo, epoch: Epoch, record: RowRecord) {
        if let Some(held) = self.holder(span, epoch) {
            held.finish(record);
        }
    }

    /// The target said something about a row: what is suspect failed for its own sake, and a probe is over.
    fn target_answers(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.answered_at = now;
        let failed = self.suspects.clear();
        self.record(failed);
        if std::mem::take(&mut self.reach.probes) > 0 {
            self.spans.values_mut().for_each(Held::take_up);
            effects.push(Effect::Recovered);
        }
    }

    fn record(&mut self, failed: Vec<Suspect>) {
        for Suspect { span, epoch, record, .. } in failed {
            self.finish(span, epoch, record);
        }
    }

    /// Nothing is left that could still show whether the target is down.
    pub(super) fn settle_suspects(&mut self) {
        let failed = self.suspects.acquit(self.answered_at);
        self.record(failed);
        // A few of them after a target that answered: the usual bad row at the end of a file.
        let few = self.config.breaker.is_none_or(|limit| 2 * self.suspects.len() < limit as usize);
        let answered = self.answered_at > NEVER;
        if self.is_last_probe() || (few && answered) {
            let failed = self.suspects.clear();
            return self.record(failed);
        }
        let Some(last) = self.suspects.last() else { return };
        let message = match self.suspects.len() {
            1 => format!("the last row failed: {}", last.record.verdict.message),
            rows => format!("the last {rows} rows failed: {}", last.record.verdict.message),
        };
        let wait_ms = Some(probe_wait_ms(self.reach.probes, None));
        self.halt(Effect::Hold(Hold { reason: PauseReason::Breaker, message, wait_ms }));
    }

    /// Whether too few rows are left for the breaker, and they were probed often enough.
    fn is_last_probe(&self) -> bool {
        let few = self.config.breaker.is_none_or(|limit| self.reach.open < u64::from(limit));
        few && self.reach.probes >= LAST_PROBES
    }

    /// A row's tries are used up: is it the row, or the target?
    fn suspect(&mut self, suspect: Suspect) {
        let Some(limit) = self.config.breaker else {
            return self.finish(suspect.span, suspect.epoch, suspect.record);
        };
        let message = suspect.record.verdict.message.clone();
        let in_a_row = self.suspects.add(suspect);
        if in_a_row >= limit {
            let message = format!("{in_a_row} rows in a row failed: {message}");
            let wait_ms = Some(probe_wait_ms(self.reach.probes, None));
            self.halt(Effect::Hold(Hold { reason: PauseReason::Breaker, message, wait_ms }));
        }
    }

    fn hold_again(&mut self, message: &str) {
        let message = format!("still down: {message}");
        let wait_ms = Some(probe_wait_ms(self.reach.probes, None));
        self.halt(Effect::Hold(Hold { reason: PauseReason::Breaker, message, wait_ms }));
    }

    pub(super) fn committed(
        &mut self,
        span: SpanNo,
        epoch: Epoch,
        committed: Committed,
        effects: &mut Vec<Effect>,
    ) {
        let Some(held) = self.holder(span, epoch) else { return };
        held.saved();
        if committed.span_done {
            self.spans.remove(&span);
        } else if held.is_finished() {
            // Every row is done here and the ledger says otherwise: look, rather than wait for ever.
            held.rereading = true;
            effects.push(Effect::Reread { span, epoch });
        }
        if committed.job_done {
            self.ending = Ending::Draining;
        }
    }

    pub(super) fn refused(&mut self, span: SpanNo, epoch: Epoch, now: UnixMs) {
        if let Some(held) = self.holder(span, epoch) {
            held.take_back(|_| false);
            held.commit_again_at = Some(now.plus_ms(COMMIT_AGAIN_MS));
        }
    }

    pub(super) fn unanswered(&mut self, span: SpanNo, epoch: Epoch, effects: &mut Vec<Effect>) {
        if let Some(held) = self.holder(span, epoch) {
            held.rereading = true;
            effects.push(Effect::Reread { span, epoch });
        }
    }

    pub(super) fn reread(&mut self, truth: &Claimed) {
        if let Some(held) = self.holder(truth.span, truth.epoch) {
            held.rereading = false;
            held.claimed_until = truth.claimed_until;
            held.take_back(|row| truth.done.contains(row));
            held.forget_beyond(&truth.done);
        }
    }

    pub(super) fn fenced(&mut self, span: SpanNo, epoch: Epoch, effects: &mut Vec<Effect>) {
        if self.holder(span, epoch).is_none() {
            return;
        }
        let Some(held) = self.spans.remove(&span) else { return };
        self.again.retain(|row| span_of(*row) != span);
        self.waiting.retain(|(_, row), ()| span_of(*row) != span);
        self.suspects.forget(span);
        effects.push(Effect::Abandon { span, epoch });
        let rows = held.unsaved_rows();
        if !rows.is_empty() {
            effects.push(Effect::Late { span, epoch, rows });
        }
        self.claim_again_at = None;
    }

    /// Begins nothing more; once the rows in hand are saved, `word` is said about the job. Saying it at
    /// once would fence those rows, and their calls would be repeated.
    pub(super) fn halt(&mut self, word: Effect) {
        self.last_word.get_or_insert(word);
        if self.ending == Ending::No {
            self.ending = Ending::Draining;
        }
    }

    pub(super) fn drain(&mut self) {
        if self.ending == Ending::No {
            self.ending = Ending::Draining;
        }
        let waiting = std::mem::take(&mut self.waiting).into_keys().map(|(_, row)| row);
        for row in std::mem::take(&mut self.again).into_iter().chain(waiting) {
            self.forget(row);
        }
    }

    fn change(&mut self, row: RowIndex, change: impl FnOnce(&mut Begun)) {
        let held = self.spans.get_mut(&span_of(row));
        if let Some(begun) = held.and_then(|held| held.begun.get_mut(row)) {
            change(begun);
        }
    }

    fn forget(&mut self, row: RowIndex) {
        if let Some(held) = self.spans.get_mut(&span_of(row)) {
            held.begun.forget(row);
        }
    }

    fn holder(&mut self, span: SpanNo, epoch: Epoch) -> Option<&mut Held> {
        self.spans.get_mut(&span).filter(|held| held.epoch == epoch)
    }
}
