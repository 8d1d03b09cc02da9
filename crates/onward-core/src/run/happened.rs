//! How a run takes in what happened.

use super::held::Held;
use super::signals::{Effect, RowAnswer};
use super::{Begun, COMMIT_AGAIN_MS, Ending, Run};
use crate::clock::UnixMs;
use crate::id::{Epoch, RowIndex, SpanNo};
use crate::job::JobError;
use crate::processor::Answer;
use crate::row::{Outcome, RowRecord, Verdict};
use crate::store::{Claimed, Committed};

impl Run {
    pub(super) fn claimed(&mut self, claimed: Claimed, decided: Vec<RowRecord>, now: UnixMs) {
        self.claim_again_at = None;
        // The lease counts from when the claim was asked for, however long the answer took.
        let mut held = Held::new(&claimed, self.claiming.take().unwrap_or(now));
        for record in decided {
            held.finish(record);
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
            let ours = self.in_flight.get(&row).is_some_and(|call| call.span == span && call.epoch == epoch);
            let Some(begun) = self.begun.get(&row).copied().filter(|_| ours) else {
                late.push(row);
                continue;
            };
            self.in_flight.remove(&row);
            let Some(verdict) = self.judge(row, begun, answer, now) else { continue };
            self.begun.remove(&row);
            let duration_ms = now.ms_since(begun.first_at);
            let record =
                RowRecord { index: row, key, verdict, tries: begun.tries, duration_ms, finished_at: now };
            if let Some(held) = self.spans.get_mut(&span) {
                held.finish(record);
            }
        }
        if !late.is_empty() {
            effects.push(Effect::Late { span, epoch, rows: late });
        }
    }

    /// The verdict over a row, or `None` when it is to be called again or the job cannot go on.
    fn judge(&mut self, row: RowIndex, begun: Begun, answer: Answer, now: UnixMs) -> Option<Verdict> {
        match answer {
            Answer::Done(verdict) => {
                self.failures_in_a_row = 0;
                Some(verdict)
            }
            Answer::Confirm(verdict) => {
                self.failures_in_a_row = 0;
                let wait = self.config.retry.wait_ms(begun.tries, self.dice.roll());
                let Some(wait) = wait.filter(|_| !begun.alone) else { return Some(*verdict) };
                self.waiting.insert((now.plus_ms(wait), row), ());
                self.begun.insert(row, Begun { alone: true, ..begun });
                None
            }
            Answer::Retry { code, message, wait_ms } => {
                let dice = self.dice.roll();
                if let Some(wait) = self.config.retry.wait_ms(begun.tries, dice) {
                    let wait = wait.max(wait_ms.unwrap_or(0).min(crate::pace::MAX_WAIT_MS));
                    self.waiting.insert((now.plus_ms(wait), row), ());
                    return None;
                }
                self.upstream_failed(&message);
                let message = match begun.tries {
                    1 => message,
                    tries => format!("{message} ({tries} tries)").into(),
                };
                Some(Verdict::new(Outcome::Failed, code, message))
            }
            Answer::Throttled { wait_ms, .. } => {
                self.pace.hold(now, wait_ms);
                self.again.push_back(row);
                self.begun.insert(row, Begun { tries: begun.tries - 1, ..begun });
                None
            }
            Answer::Fatal { code, message } => {
                self.begun.remove(&row);
                let error = JobError { code: code.into_owned(), message: message.into_owned() };
                self.halt(Effect::Fail(error));
                None
            }
        }
    }

    fn upstream_failed(&mut self, message: &str) {
        self.failures_in_a_row += 1;
        if self.config.breaker.is_some_and(|limit| self.failures_in_a_row == limit) {
            let message = format!("{} rows in a row failed: {message}", self.failures_in_a_row);
            self.halt(Effect::Hold { message });
        }
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
        self.in_flight.retain(|_, call| call.span != span);
        let Self { begun, again, waiting, .. } = self;
        let of_span = |row: &RowIndex| begun.get(row).is_some_and(|begun| begun.span == span);
        again.retain(|row| !of_span(row));
        waiting.retain(|(_, row), ()| !of_span(row));
        begun.retain(|_, begun| begun.span != span);
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
        for row in
            self.again.drain(..).chain(std::mem::take(&mut self.waiting).into_keys().map(|(_, row)| row))
        {
            self.begun.remove(&row);
        }
    }

    fn holder(&mut self, span: SpanNo, epoch: Epoch) -> Option<&mut Held> {
        self.spans.get_mut(&span).filter(|held| held.epoch == epoch)
    }
}
