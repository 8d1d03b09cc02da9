//! One worker's share of a job: which row is called next, what is saved when, who has lost what.
//!
//! **Promise.** A [`Run`] does nothing by itself. It is told what happened ([`Input`]) and answers what
//! to do ([`Effect`]); time and dice come in from outside. The engine and the simulator drive the very
//! same code.
//!
//! **How it works.** A run holds one or several spans of a job. It calls rows in row order with a
//! sliding window: rows in flight plus rows finished and not yet durable never exceed the concurrency,
//! so whatever is lost at a crash, at most that many calls are repeated (G5). Everything that has
//! finished is committed the moment the span's last commit has ended (greedy group commit), so slow
//! rows neither delay rows beyond them nor their durability (G22). No row is called before the claim
//! that covers it is durable (G3).
//!
//! **When things fail.**
//! - *A call did not work*: it waits (backoff with jitter) without holding a slot, then goes first.
//! - *The target throttles*: nothing goes out until it allows it; no try is used up.
//! - *A commit was refused for sure*: its rows go back and are committed again.
//! - *A commit was not answered*: nothing is assumed; [`Effect::Reread`] asks the ledger (G9).
//! - *Fenced*: another owner has the span. Calls are abandoned, results that are there are reported
//!   as late and never written (G4, G18).

mod held;

use std::collections::{BTreeMap, VecDeque};

use crate::clock::UnixMs;
use crate::id::{Epoch, JobId, RowIndex, SpanNo};
use crate::job::{JobError, Waiting};
use crate::lease::RENEW_MS;
use crate::pace::{Pace, Rate};
use crate::processor::Answer;
use crate::retry::{Dice, RetryPolicy};
use crate::row::{Outcome, RowRecord, Verdict};
use crate::store::{Claimed, Commit, Committed};
use held::{Held, Saving};

/// Rows that may wait for another try, per slot of concurrency. While the target is down every row
/// ends up waiting; beyond this many no new row is begun, so memory and in-doubt rows stay bounded.
const WAITING_PER_SLOT: usize = 4;
/// How long after "no span is free" the run asks again, in milliseconds, while it has free slots.
const CLAIM_AGAIN_MS: u64 = 1_000;
/// How long after a refused commit it is tried again, in milliseconds.
const COMMIT_AGAIN_MS: u64 = 300;

/// How a run behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Which job.
    pub job: JobId,
    /// Rows in flight plus rows finished and not durable, at most.
    pub concurrency: u32,
    /// Rows handed over in one call.
    pub batch: u32,
    /// Whether calls can be seen outside this process and must not be repeated needlessly.
    pub calls_out: bool,
    /// How often a row is tried.
    pub retry: RetryPolicy,
    /// No more calls than this.
    pub rate: Option<Rate>,
    /// After so many rows in a row that failed for the target's sake, the job is held.
    pub breaker: Option<u32>,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The run begins.
    Start,
    /// A span was claimed. `decided` are the rows that need no call.
    Claimed {
        /// The store's answer.
        claimed: Claimed,
        /// Rows that intake has decided.
        decided: Vec<RowRecord>,
    },
    /// No span is free, or the claim did not work.
    NothingToClaim,
    /// A call has ended.
    Answered {
        /// Of which span.
        span: SpanNo,
        /// The epoch of the call.
        epoch: Epoch,
        /// What became of each of its rows.
        rows: Vec<RowAnswer>,
    },
    /// A commit is durable.
    Committed {
        /// Of which span.
        span: SpanNo,
        /// Its epoch.
        epoch: Epoch,
        /// The store's answer.
        committed: Committed,
    },
    /// A commit was refused for sure: nothing of it was written.
    Refused {
        /// Of which span.
        span: SpanNo,
        /// Its epoch.
        epoch: Epoch,
    },
    /// It is not known whether a commit happened.
    Unanswered {
        /// Of which span.
        span: SpanNo,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The ledger's word on a span after an unanswered commit.
    Reread(Claimed),
    /// The span has another owner.
    Fenced {
        /// Which span.
        span: SpanNo,
        /// The epoch that is no longer current.
        epoch: Epoch,
    },
    /// Time has passed.
    Tick,
    /// The limits were changed.
    Limits {
        /// Rows in flight plus rows finished and not durable, at most.
        concurrency: u32,
        /// No more calls than this.
        rate: Option<Rate>,
    },
    /// Finish the rows in hand, give the spans back, end.
    Drain,
}

/// What became of a row in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowAnswer {
    /// Which row.
    pub row: RowIndex,
    /// Its key, for the ledger.
    pub key: Box<str>,
    /// The answer.
    pub answer: Answer,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Claim the next span.
    Claim {
        /// For [`crate::store::Claim::window`].
        window: u32,
    },
    /// Call the work for these rows.
    Call {
        /// Of which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
        /// Which rows.
        rows: Vec<RowIndex>,
        /// Which try this is, from 1.
        attempt: u32,
    },
    /// Commit.
    Commit(Commit),
    /// Ask the ledger about a span.
    Reread {
        /// Which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// Give a span back.
    Release {
        /// Which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// Abort every call of this span: it has another owner.
    Abandon {
        /// Which span.
        span: SpanNo,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// Put on the timeline that results came too late and were refused.
    Late {
        /// Of which span.
        span: SpanNo,
        /// The epoch that is no longer current.
        epoch: Epoch,
        /// Which rows.
        rows: Vec<RowIndex>,
    },
    /// Hold the job: the target seems to be down.
    Hold {
        /// A sentence.
        message: String,
    },
    /// Fail the job.
    Fail(JobError),
    /// Nothing is held and nothing is left to claim: the run has ended.
    Over,
}

/// The run. See the module's essay.
#[derive(Debug, Clone)]
pub struct Run {
    config: Config,
    pace: Pace,
    dice: Dice,
    spans: BTreeMap<SpanNo, Held>,
    in_flight: BTreeMap<RowIndex, InFlight>,
    /// Rows to call before any other, because the target put them off.
    again: VecDeque<RowIndex>,
    /// Rows that wait for another try, by when.
    waiting: BTreeMap<(UnixMs, RowIndex), ()>,
    /// Tries and first call of every row that has been called and is not finished.
    begun: BTreeMap<RowIndex, Begun>,
    /// Since when a claim is under way.
    claiming: Option<UnixMs>,
    claim_again_at: Option<UnixMs>,
    failures_in_a_row: u32,
    ending: Ending,
}

#[derive(Debug, Clone, Copy)]
struct InFlight {
    span: SpanNo,
    epoch: Epoch,
    since: UnixMs,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    span: SpanNo,
    tries: u32,
    first_at: UnixMs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    No,
    Draining,
    Over,
}

impl Run {
    /// A run that holds nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            pace: Pace::new(config.rate),
            dice: Dice(config.seed),
            config,
            spans: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            again: VecDeque::new(),
            waiting: BTreeMap::new(),
            begun: BTreeMap::new(),
            claiming: None,
            claim_again_at: None,
            failures_in_a_row: 0,
            ending: Ending::No,
        }
    }

    /// Takes in what happened at `now` and answers what to do.
    pub fn on(&mut self, input: Input, now: UnixMs) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Start | Input::Tick => {}
            Input::Claimed { claimed, decided } => self.claimed(claimed, decided, now),
            Input::NothingToClaim => {
                self.claiming = None;
                self.claim_again_at = Some(now.plus_ms(CLAIM_AGAIN_MS));
            }
            Input::Answered { span, epoch, rows } => self.answered(span, epoch, rows, now, &mut effects),
            Input::Committed { span, epoch, committed } => {
                self.committed(span, epoch, committed, &mut effects);
            }
            Input::Refused { span, epoch } => self.refused(span, epoch, now),
            Input::Unanswered { span, epoch } => self.unanswered(span, epoch, &mut effects),
            Input::Reread(claimed) => self.reread(&claimed),
            Input::Fenced { span, epoch } => self.fenced(span, epoch, &mut effects),
            Input::Limits { concurrency, rate } => {
                self.config.concurrency = concurrency;
                self.pace.set_rate(rate);
            }
            Input::Drain => self.drain(),
        }
        self.go_on(now, &mut effects);
        effects
    }

    /// When [`Input::Tick`] is due at the latest, for whatever waits for time to pass.
    #[must_use]
    pub fn next_tick(&self, now: UnixMs) -> Option<UnixMs> {
        let renewal = self.spans.values().map(|held| held.renew_at(RENEW_MS)).min();
        let retry = self.waiting.keys().next().map(|(due, _)| *due);
        let pace = self.pace.wait_until(now);
        let again = self.spans.values().filter_map(|held| held.commit_again_at).min();
        let due = [renewal, retry, pace, again, self.claim_again_at];
        // What is due already waits for something else, which will come as an input of its own.
        due.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// The spans held that have no commit under way, with the epoch of each.
    pub fn at_rest(&self) -> impl Iterator<Item = (SpanNo, Epoch)> {
        let at_rest = self.spans.iter().filter(|(_, held)| held.saving.is_none() && !held.rereading);
        at_rest.map(|(span, held)| (*span, held.epoch))
    }

    /// Until when the target asked for silence, if it did.
    #[must_use]
    pub fn throttled_until(&self, now: UnixMs) -> Option<UnixMs> {
        self.pace.held_until(now)
    }

    fn claimed(&mut self, claimed: Claimed, decided: Vec<RowRecord>, now: UnixMs) {
        self.claim_again_at = None;
        // The lease counts from when the claim was asked for, however long the answer took.
        let mut held = Held::new(&claimed, self.claiming.take().unwrap_or(now));
        for record in decided {
            held.finish(record);
        }
        self.spans.insert(claimed.span, held);
    }

    fn answered(
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
            let Some(verdict) = self.judge(row, begun, answer, now, effects) else { continue };
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
    fn judge(
        &mut self,
        row: RowIndex,
        begun: Begun,
        answer: Answer,
        now: UnixMs,
        effects: &mut Vec<Effect>,
    ) -> Option<Verdict> {
        match answer {
            Answer::Done(verdict) => {
                self.failures_in_a_row = 0;
                Some(verdict)
            }
            Answer::Retry { code, message, wait_ms } => {
                let dice = self.dice.roll();
                if let Some(wait) = self.config.retry.wait_ms(begun.tries, dice) {
                    let wait = wait.max(wait_ms.unwrap_or(0).min(crate::pace::MAX_WAIT_MS));
                    self.waiting.insert((now.plus_ms(wait), row), ());
                    return None;
                }
                self.upstream_failed(&message, effects);
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
                effects
                    .push(Effect::Fail(JobError { code: code.into_owned(), message: message.into_owned() }));
                self.ending = Ending::Draining;
                None
            }
        }
    }

    fn upstream_failed(&mut self, message: &str, effects: &mut Vec<Effect>) {
        self.failures_in_a_row += 1;
        if self.config.breaker.is_some_and(|limit| self.failures_in_a_row == limit) {
            effects.push(Effect::Hold {
                message: format!("{} rows in a row failed: {message}", self.failures_in_a_row),
            });
            self.ending = Ending::Draining;
        }
    }

    fn committed(&mut self, span: SpanNo, epoch: Epoch, committed: Committed, effects: &mut Vec<Effect>) {
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

    fn refused(&mut self, span: SpanNo, epoch: Epoch, now: UnixMs) {
        let calls_out = self.config.calls_out;
        if let Some(held) = self.holder(span, epoch) {
            held.take_back(|_| false, calls_out);
            held.commit_again_at = Some(now.plus_ms(COMMIT_AGAIN_MS));
        }
    }

    fn unanswered(&mut self, span: SpanNo, epoch: Epoch, effects: &mut Vec<Effect>) {
        if let Some(held) = self.holder(span, epoch) {
            held.rereading = true;
            effects.push(Effect::Reread { span, epoch });
        }
    }

    fn reread(&mut self, truth: &Claimed) {
        let calls_out = self.config.calls_out;
        if let Some(held) = self.holder(truth.span, truth.epoch) {
            held.rereading = false;
            held.claimed_until = truth.claimed_until;
            held.take_back(|row| truth.done.contains(row), calls_out);
            held.forget_beyond(&truth.done);
        }
    }

    fn fenced(&mut self, span: SpanNo, epoch: Epoch, effects: &mut Vec<Effect>) {
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

    fn drain(&mut self) {
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

    // --- what to do next --------------------------------------------------------------------

    fn go_on(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
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
