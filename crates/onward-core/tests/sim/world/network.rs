//! The way between the workers, the store and the upstream: slow, and it loses and repeats things.

use onward_core::clock::UnixMs;
use onward_core::id::{Epoch, RowIndex, SpanNo};
use onward_core::job::Pause;
use onward_core::processor::Answer;
use onward_core::row::{Outcome, RowRecord, Verdict};
use onward_core::run::{Hold, Input};
use onward_core::store::{Claim, Claimed, Commit, Committed, TurnsAsked};
use onward_core::tally::Tally;
use onward_core::turns::take;

use super::{DECIDED_EVERY, Happening, LONG_SILENCE_MS, Request, SLOW_MS, SLOW_ROWS, UNAWARE_MS, World};
use crate::bugs::Bug;

/// What a worker believes that takes silence for success.
const NOTHING_SAID: Committed = Committed {
    inserted: 0,
    tally: Tally { added: 0, failed: 0, skipped: 0, filtered: 0 },
    span_done: false,
    job_done: false,
};

impl World {
    pub(super) fn delay(&mut self) -> u64 {
        1 + if self.dice.below(50) == 0 { self.dice.below(SLOW_MS) } else { self.dice.below(15) }
    }

    pub(super) fn at_store(&mut self, worker: usize, life: u32, request: Request) {
        let input = match request {
            Request::Claim(claim) => self.claimed(&claim),
            Request::Commit(commit) => return self.committed(worker, life, commit),
            Request::Reread { span, epoch } => match self.store.reread(span, epoch) {
                Ok(truth) => Input::Reread(self.believed(truth)),
                Err(_) => Input::Fenced { span, epoch },
            },
            Request::Release { span, epoch } => {
                let _ = self.store.release(span, epoch);
                return;
            }
            Request::Hold(hold) => return self.hold(hold),
            Request::Recovered => return self.store.recovered(self.now),
            Request::Turns { calls, interval_us } => {
                let now = self.now;
                let asked = TurnsAsked { job: self.store.job, calls, interval_us, not_before_ms: 0, now };
                let (turns, until_us) = take(self.turns_until_us, &asked, now.0 * 1_000);
                self.turns_until_us = until_us.or(self.turns_until_us);
                Input::Turns(Some(turns))
            }
        };
        let delay = self.delay();
        self.plan(delay, Happening::Worker { worker, life, input });
    }

    fn hold(&mut self, hold: Hold) {
        let Hold { reason, message, wait_ms } = hold;
        let probe_at = wait_ms.map(|wait_ms| self.now.plus_ms(wait_ms));
        let before = self.store.job().leases;
        if self.store.hold(Pause { reason, message, probe_at }, self.now).is_ok() {
            self.story.holds += 1;
            self.taken_away(&before);
        }
    }

    fn claimed(&mut self, claim: &Claim) -> Input {
        let Ok(Some(claimed)) = self.store.claim(claim) else { return Input::NothingToClaim };
        let truth = claimed.done.clone();
        let claimed = self.believed(claimed);
        let done = &claimed.done;
        let mut decided: Vec<RowRecord> = (truth.first().0..truth.end().0)
            .filter(|row| row % DECIDED_EVERY == 0 && !done.contains(RowIndex(*row)))
            .map(|row| record(RowIndex(row), Outcome::Skipped, self.now))
            .collect();
        let settled = claimed.doubts.iter().filter(|doubt| doubt.row.0 % DECIDED_EVERY != 0);
        decided.extend(settled.filter_map(|doubt| {
            let verdict = doubt.verdict()?;
            Some(RowRecord { verdict, ..record(doubt.row, Outcome::Skipped, self.now) })
        }));
        let blind = self.bug == Bug::CallBeforeClaim;
        let claimed_until = if blind { truth.end() } else { claimed.claimed_until };
        Input::Claimed { claimed: Claimed { claimed_until, ..claimed }, decided }
    }

    /// What a worker takes the store's word on a span for, whenever it asks.
    fn believed(&self, truth: Claimed) -> Claimed {
        let called = self.ended.get(&truth.span).map_or(&[][..], Vec::as_slice);
        let doubts = self.bug.doubted(truth.doubts);
        Claimed { done: self.bug.believed(truth.done, called), doubts, ..truth }
    }

    fn committed(&mut self, worker: usize, life: u32, commit: Commit) {
        let (span, epoch) = (commit.span, commit.epoch);
        let fate = self.dice.below(40);
        // A request that is repeated on its way, and one that arrives late and twice.
        if fate == 0 {
            let again = Request::Commit(commit.clone());
            let late = self.dice.below(5_000);
            self.plan(late, Happening::Store { worker, life: u32::MAX, request: again });
        }
        let input = match fate {
            1 => Input::Refused { span, epoch },
            2 => Input::Unanswered { span, epoch }, // lost on the way
            3 => {
                let _ = self.store.commit(commit);
                Input::Unanswered { span, epoch } // done, and the answer lost
            }
            _ => match self.store.commit(commit) {
                Ok(committed) => Input::Committed { span, epoch, committed },
                Err(_) => Input::Fenced { span, epoch },
            },
        };
        let ignored = self.bug == Bug::CommitErrorIgnored && matches!(input, Input::Unanswered { .. });
        let input = if ignored { Input::Committed { span, epoch, committed: NOTHING_SAID } } else { input };
        let delay = self.delay();
        self.plan(delay, Happening::Worker { worker, life, input });
    }

    pub(super) fn called(&mut self, span: SpanNo, epoch: Epoch, row: RowIndex) -> Result<(), String> {
        // What an old owner begins before it can know of a restart by hand is as good as under way.
        // After that, and after any other loss, nothing acknowledged is begun again.
        let unaware = self.now.ms_since(self.restarted_at) <= UNAWARE_MS && epoch < self.store.job().epoch;
        if self.store.durable.contains(&row) && !unaware {
            return Err(format!(
                "row {} was called under epoch {epoch} of {} although its outcome is durable (G4), {} ms after a restart",
                row.row(),
                self.store.job().epoch,
                self.now.ms_since(self.restarted_at)
            ));
        }
        if !self.store.may_be_called(span, epoch, row) {
            return Err(format!("row {} was called before it was claimed (G3)", row.row()));
        }
        let permitted = self.permitted.remove(&row);
        if self.scenario.held && self.witness.is_taken(row) && !permitted {
            return Err(format!("row {} was called again without a person's word", row.row()));
        }
        self.witness.called(row);
        let down = |outage: &super::scenario::Outage| {
            self.now > outage.from.plus_ms(600_000) && self.now < outage.until
        };
        self.story.calls_in_outage += u32::from(self.scenario.outage.as_ref().is_some_and(down));
        Ok(())
    }

    pub(super) fn duration(&mut self, row: RowIndex) -> u64 {
        if row.0 < SLOW_ROWS { 2_000 + self.dice.below(12_000) } else { 50 + self.dice.below(200) }
    }

    pub(super) fn upstream(&mut self, row: RowIndex) -> Answer {
        if self.scenario.outage.is_some_and(|outage| self.now >= outage.from && self.now < outage.until) {
            self.witness.put_off(row);
            let (code, message) = ("upstream-500".into(), "upstream answered 503".into());
            return Answer::Retry { code, message, wait_ms: None };
        }
        match self.dice.below(100) {
            0..=4 => {
                self.witness.put_off(row);
                Answer::Retry {
                    code: "upstream-500".into(),
                    message: "upstream answered 500".into(),
                    wait_ms: None,
                }
            }
            5 => {
                self.witness.put_off(row);
                let wait_ms = if self.scenario.rate.is_some() { LONG_SILENCE_MS } else { 500 };
                Answer::Throttled { wait_ms, message: "slow down".into() }
            }
            6 => {
                self.witness.put_off(row);
                let verdict = Verdict::new(Outcome::Failed, "not-found", "there is no such creator");
                Answer::Confirm(Box::new(verdict))
            }
            7..=9 => Answer::Done(Verdict::new(Outcome::Failed, "not-found", "there is no such creator")),
            10..=14 => Answer::Done(Verdict::new(Outcome::Filtered, "filtered", "the filter said no")),
            _ => Answer::Done(Verdict::added()),
        }
    }
}

fn record(index: RowIndex, outcome: Outcome, now: UnixMs) -> RowRecord {
    let verdict = Verdict::new(outcome, "duplicate", "duplicate of row 1");
    RowRecord { index, key: "key".into(), verdict, tries: 0, duration_ms: 0, finished_at: now }
}
