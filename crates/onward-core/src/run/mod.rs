//! One worker's share of a job: which row is called next, what is saved when, who has lost what.
//!
//! **Promise.** A [`Run`] does nothing by itself. It is told what happened ([`Input`]) and answers what
//! to do ([`Effect`]); time and dice come in from outside. The engine and the simulator drive the very
//! same code.
//!
//! **How it works.** A run holds one or several spans of a job, and claims the next before it needs it. It
//! calls rows in row order with a sliding window: rows in flight plus rows finished and not yet durable never
//! exceed the slots (concurrency times batch), so whatever is lost at a crash, at most that many are repeated
//! (G5). Everything that has finished is committed the moment the span's last commit has ended (greedy group
//! commit), so slow rows neither delay rows beyond them nor their durability (G22). No row is called before
//! the claim that covers it is durable (G3). A rate is shared with the job's other workers: a call needs a
//! turn, and turns are asked for in small slices ([`crate::turns`]).
//!
//! **When things fail.**
//! - *A call did not work*: it waits (backoff with jitter) without holding a slot, then goes first.
//! - *The target throttles*: nothing goes out until it allows it; no try is used up.
//! - *The target seems to be down*: rows whose tries are used up are suspect and nothing is recorded of
//!   them; see [`crate::breaker`].
//! - *A commit was refused for sure*: its rows go back and are committed again.
//! - *A commit was not answered*: nothing is assumed; [`Effect::Reread`] asks the ledger (G9).
//! - *Rows in doubt* ([`crate::doubt`]): those that wait for a person are left aside, and the span is given
//!   back when nothing else is left of it; those that may have killed a process are tried alone.
//! - *Fenced*: another owner has the span. Calls are abandoned, results that are there are reported
//!   as late and never written (G4, G18).

mod begun;
mod happened;
mod held;
mod next;
mod signals;
mod trial;

use std::collections::{BTreeMap, VecDeque};

use crate::breaker::Suspects;
use crate::clock::UnixMs;
use crate::id::{Epoch, RowIndex, SpanNo};
use crate::input::span_of;
use crate::lease::RENEW_MS;
use crate::pace::Pace;
use crate::retry::Dice;
use crate::store::Reach;
use crate::turns::Turnstile;
use crate::width::Width;
use begun::Begun;
use held::Held;
pub use signals::{Config, Effect, Hold, Input, RowAnswer};

/// Rows that may wait for another try, per slot. While the target is down every row
/// ends up waiting; beyond this many no new row is begun, so memory and in-doubt rows stay bounded.
const WAITING_PER_SLOT: usize = 4;
/// How long after "no span is free" the run asks again, in milliseconds, while it has free slots.
const CLAIM_AGAIN_MS: u64 = 1_000;
/// How long after a refused commit it is tried again, in milliseconds.
const COMMIT_AGAIN_MS: u64 = 300;

/// Before anything happened.
const NEVER: UnixMs = UnixMs(i64::MIN);

/// The run. See the module's essay.
#[derive(Debug, Clone)]
pub struct Run {
    config: Config,
    pace: Pace,
    width: Width,
    turns: Turnstile,
    dice: Dice,
    spans: BTreeMap<SpanNo, Held>,
    /// Rows to call before any other, because the target put them off.
    again: VecDeque<RowIndex>,
    /// Rows that wait for another try, by when.
    waiting: BTreeMap<(UnixMs, RowIndex), ()>,
    /// Since when a claim is under way.
    claiming: Option<UnixMs>,
    claim_again_at: Option<UnixMs>,
    suspects: Suspects,
    /// When the target last gave a row its outcome.
    answered_at: UnixMs,
    /// How far the job goes on now, as of the last claim.
    reach: Reach,
    /// Up to when nothing was due, the last time nothing was.
    rests_until: Option<UnixMs>,
    ending: Ending,
    /// What is said about the job once the rows in hand are saved.
    last_word: Option<Effect>,
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
            pace: Pace::default(),
            turns: Turnstile::new(config.rate),
            width: Width::new(config.concurrency),
            dice: Dice(config.seed),
            config,
            spans: BTreeMap::new(),
            again: VecDeque::new(),
            waiting: BTreeMap::new(),
            claiming: None,
            claim_again_at: None,
            suspects: Suspects::default(),
            answered_at: NEVER,
            reach: Reach::default(),
            rests_until: None,
            ending: Ending::No,
            last_word: None,
        }
    }

    /// Takes in what has happened by `now` and answers what to do, which is decided when all of it is known.
    pub fn on(&mut self, inputs: impl IntoIterator<Item = Input>, now: UnixMs) -> Vec<Effect> {
        let mut effects = Vec::new();
        for input in inputs {
            self.take_in(input, now, &mut effects);
        }
        self.go_on(now, &mut effects);
        effects
    }

    fn take_in(&mut self, input: Input, now: UnixMs, effects: &mut Vec<Effect>) {
        match input {
            Input::Start | Input::Tick => {}
            Input::Claimed { claimed, decided } => self.claimed(claimed, decided, now),
            Input::NothingToClaim => {
                self.claiming = None;
                self.claim_again_at = Some(now.plus_ms(CLAIM_AGAIN_MS));
            }
            Input::Answered { span, epoch, rows, closed_ms } => {
                if closed_ms > 0 {
                    self.pace.hold(now, closed_ms.min(self.config.max_wait_ms));
                }
                self.answered(span, epoch, rows, now, effects);
            }
            Input::Committed { span, epoch, committed } => {
                self.committed(span, epoch, committed, effects);
            }
            Input::Refused { span, epoch } => self.refused(span, epoch, now),
            Input::Unanswered { span, epoch } => self.unanswered(span, epoch, effects),
            Input::Reread(claimed) => self.reread(&claimed),
            Input::Fenced { span, epoch } => self.fenced(span, epoch, effects),
            Input::Limits { concurrency, rate, breaker } => {
                self.config.concurrency = concurrency;
                self.width.set_most(concurrency);
                self.config.breaker = breaker;
                self.turns.set_rate(rate);
            }
            Input::Closed(wait_ms) => self.pace.hold(now, wait_ms.min(self.config.max_wait_ms)),
            Input::Turns(turns) => self.turns.answered(turns, now),
            Input::Halt(error) => self.halt(Effect::Fail(error)),
            Input::Hold(hold) => self.halt(Effect::Hold(hold)),
            Input::Drain => self.drain(),
        }
    }

    /// When [`Input::Tick`] is due at the latest, for whatever waits for time to pass.
    #[must_use]
    pub fn next_tick(&self, now: UnixMs) -> Option<UnixMs> {
        let renewal = self.spans.values().map(|held| held.renew_at(RENEW_MS)).min();
        let retry = self.waiting.keys().next().map(|(due, _)| *due);
        let pace = self.pace.wait_until(now);
        let again = self.spans.values().filter_map(|held| held.commit_again_at).min();
        let due = [renewal, retry, pace, self.turns.opens_at(now), again, self.claim_again_at];
        // What is due already waits for something else, which will come as an input of its own.
        due.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// The spans held that have no commit under way, with the epoch of each.
    pub fn at_rest(&self) -> impl Iterator<Item = (SpanNo, Epoch)> {
        let at_rest = self.spans.iter().filter(|(_, held)| held.saving.is_none() && !held.rereading);
        at_rest.map(|(span, held)| (*span, held.epoch))
    }

    /// Rows whose call is under way.
    fn in_flight(&self) -> usize {
        self.spans.values().map(|held| held.begun.in_flight()).sum()
    }

    /// A row that has been called and is not finished.
    fn begun(&self, row: RowIndex) -> Option<&Begun> {
        self.spans.get(&span_of(row))?.begun.get(row)
    }

    /// Until when the target asked for silence, if it did.
    #[must_use]
    pub fn throttled_until(&self, now: UnixMs) -> Option<UnixMs> {
        self.pace.held_until(now)
    }
}

#[cfg(test)]
mod tests;
