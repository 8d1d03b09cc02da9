//! Virtual time: workers, the network between them and the store, the upstream, and what goes wrong.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use onward_core::clock::UnixMs;
use onward_core::id::{Epoch, RowIndex, SpanNo, WorkerId};
use onward_core::job::LeaseFact;
use onward_core::lease::LEASE_MS;
use onward_core::processor::Answer;
use onward_core::retry::{Dice, RetryPolicy};
use onward_core::row::{Outcome, RowRecord, Verdict};
use onward_core::run::{Config, Effect, Input, RowAnswer, Run};
use onward_core::state::JobState;
use onward_core::store::{Claim, Claimed, Commit, StoreError};

use crate::bugs::Bug;
use crate::check::{Looks, ended};
use crate::store::SimStore;
use crate::witness::Witness;

const ROWS: u64 = 313;
/// Every so many rows intake has decided one, so some need no call.
const DECIDED_EVERY: u32 = 29;
/// The first rows are slow: what finishes first is then not what was called first.
const SLOW_ROWS: u32 = 12;
/// How often a worker looks whether its job was changed by somebody else, as in the engine.
const LOOK_MS: u64 = 1_000;
/// The slowest answer of the store, in milliseconds.
const SLOW_MS: u64 = 3_000;
/// How long after a restart by hand a worker may not know of it: a live one looks every second, one
/// that was frozen finds out at the latest when its lease is over.
const UNAWARE_MS: u64 = LEASE_MS + SLOW_MS;
/// No life takes longer than this; a job that does hangs.
const END_MS: i64 = 3_600_000;

/// What one seed makes of a life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    seed: u64,
    workers: usize,
    concurrency: u32,
    crashes: u32,
    freezes: u32,
    restarts: u32,
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        Self {
            seed,
            workers: 1 + dice.below(3) as usize,
            concurrency: [1, 3, 8, 32][dice.below(4) as usize],
            crashes: dice.below(7) as u32,
            freezes: dice.below(4) as u32,
            restarts: dice.below(2) as u32,
        }
    }
}

/// How a life went.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Process lives: starts of a worker.
    pub(crate) lives: u64,
    /// Crashes, and leases taken from workers that still live: each may cost as many calls as are in hand.
    pub(crate) losses: u32,
    /// Calls the upstream saw.
    pub(crate) calls: u32,
    /// When the job was complete.
    pub(crate) ended_at: UnixMs,
}

/// Something that is to happen.
enum Happening {
    /// Reaches a worker, if that life of it still lasts.
    Worker {
        worker: usize,
        life: u32,
        input: Input,
    },
    /// A call ends at the upstream.
    CallEnds {
        worker: usize,
        life: u32,
        span: SpanNo,
        epoch: Epoch,
        row: RowIndex,
    },
    /// A request reaches the store, whatever became of its sender.
    Store {
        worker: usize,
        life: u32,
        request: Request,
    },
    /// A worker without a run looks for work.
    Idle {
        worker: usize,
        life: u32,
    },
    Crash,
    Freeze,
    Thaw {
        worker: usize,
    },
    RestartByHand,
    /// A worker looks at the job, as it does once a second, and sees which spans are still its own.
    Told {
        worker: usize,
        life: u32,
    },
    Rescue,
    Look,
}

#[derive(Clone)]
enum Request {
    Claim(Claim),
    Commit(Commit),
    Reread { span: SpanNo, epoch: Epoch },
    Release { span: SpanNo, epoch: Epoch },
}

struct Worker {
    life: u32,
    run: Option<Run>,
    /// While frozen: since when, and what waits in its sockets.
    frozen: Option<(UnixMs, Vec<Input>)>,
    tick_at: Option<UnixMs>,
}

pub(crate) struct World {
    scenario: Scenario,
    bug: Bug,
    dice: Dice,
    now: UnixMs,
    order: u64,
    /// What is to happen, by time and then by the order in which it was planned.
    plan: BinaryHeap<Reverse<(UnixMs, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    workers: Vec<Worker>,
    store: SimStore,
    witness: Witness,
    /// Rows whose call has ended with a verdict, by span: the cache of a planted bug.
    ended: BTreeMap<SpanNo, Vec<RowIndex>>,
    /// When somebody last restarted the job by hand.
    restarted_at: UnixMs,
    story: Story,
}

impl World {
    pub(crate) fn new(scenario: Scenario, bug: Bug) -> Self {
        let now = UnixMs(1_000_000);
        let idle = || Worker { life: 0, run: None, frozen: None, tick_at: None };
        let mut world = Self {
            bug,
            dice: Dice(scenario.seed ^ 0x5EED),
            now,
            order: 0,
            plan: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            workers: (0..scenario.workers).map(|_| idle()).collect(),
            store: SimStore::new(ROWS, scenario.seed, bug, now),
            witness: Witness::default(),
            ended: BTreeMap::new(),
            restarted_at: UnixMs::default(),
            story: Story::default(),
            scenario,
        };
        for worker in 0..scenario.workers {
            world.start(worker, 0);
        }
        for _ in 0..scenario.crashes {
            world.some_time(Happening::Crash);
        }
        for _ in 0..scenario.freezes {
            world.some_time(Happening::Freeze);
        }
        for _ in 0..scenario.restarts {
            world.some_time(Happening::RestartByHand);
        }
        world.plan(1_000, Happening::Rescue);
        world.plan(500, Happening::Look);
        world
    }

    /// Lives until the job is complete; `Err` says what did not hold.
    pub(crate) fn live(mut self) -> Result<Story, String> {
        let mut looks = Looks::default();
        while let Some(Reverse((at, order))) = self.plan.pop() {
            self.now = at;
            if at.0 > END_MS + 1_000_000 {
                return Err(format!("the job hangs: {:?}", self.store.job().checkpoint));
            }
            let Some(happening) = self.happenings.remove(&order) else { continue };
            if let Happening::Look = happening {
                let job = looks.look(&self.store)?;
                if job.state == JobState::Completed {
                    break;
                }
                self.plan(500, Happening::Look);
            } else {
                self.happen(happening)?;
            }
        }
        // Whatever is still in the air arrives and must change nothing.
        while let Some(Reverse((at, order))) = self.plan.pop() {
            self.now = at;
            if let Some(Happening::Store { request: Request::Commit(commit), .. }) =
                self.happenings.remove(&order)
            {
                let _ = self.store.commit(commit);
            }
        }
        looks.look(&self.store)?;
        self.story.calls = self.witness.calls();
        self.story.ended_at = self.now;
        ended(&self.store, &self.witness, &self.story, self.scenario.concurrency)?;
        Ok(self.story)
    }

    fn plan(&mut self, in_ms: u64, happening: Happening) {
        self.order += 1;
        self.plan.push(Reverse((self.now.plus_ms(in_ms), self.order)));
        self.happenings.insert(self.order, happening);
    }

    fn some_time(&mut self, happening: Happening) {
        // A healthy life takes 313 rows x 150 ms / concurrency and a few slow rows.
        let length = 15_000 + ROWS * 150 / u64::from(self.scenario.concurrency);
        let at = self.dice.below(length);
        self.plan(at, happening);
    }

    fn start(&mut self, worker: usize, in_ms: u64) {
        self.story.lives += 1;
        let life = self.workers[worker].life;
        self.plan(in_ms, Happening::Idle { worker, life });
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Worker { worker, life, input } => self.reach(worker, life, input),
            Happening::CallEnds { worker, life, span, epoch, row } => {
                let answer = self.upstream(row);
                if matches!(answer, Answer::Done(_)) {
                    self.ended.entry(span).or_default().push(row);
                }
                let rows = vec![RowAnswer { row, key: "key".into(), answer }];
                self.reach(worker, life, Input::Answered { span, epoch, rows })
            }
            Happening::Store { worker, life, request } => {
                self.at_store(worker, life, request);
                Ok(())
            }
            Happening::Idle { worker, life } => self.look_for_work(worker, life),
            Happening::Crash => {
                self.crash();
                Ok(())
            }
            Happening::Freeze => {
                self.freeze();
                Ok(())
            }
            Happening::Thaw { worker } => self.thaw(worker),
            Happening::RestartByHand => {
                let before = self.store.job().leases;
                if self.store.restart(self.now).is_ok() {
                    self.count_lost(&before);
                    self.restarted_at = self.now;
                    for worker in 0..self.workers.len() {
                        let (first, life) = (self.dice.below(LOOK_MS), self.workers[worker].life);
                        for look in 0..UNAWARE_MS / LOOK_MS {
                            self.plan(first + look * LOOK_MS, Happening::Told { worker, life });
                        }
                    }
                }
                Ok(())
            }
            Happening::Told { worker, life } => self.told(worker, life),
            Happening::Rescue => {
                let before = self.store.job().leases;
                let _ = self.store.rescue(self.now);
                self.count_lost(&before);
                self.plan(1_000, Happening::Rescue);
                Ok(())
            }
            Happening::Look => Ok(()),
        }
    }

    // --- workers ----------------------------------------------------------------------------

    fn look_for_work(&mut self, worker: usize, life: u32) -> Result<(), String> {
        let this = &self.workers[worker];
        if this.life != life || this.run.is_some() {
            return Ok(());
        }
        if this.frozen.is_some() || !self.store.has_work() {
            self.plan(250, Happening::Idle { worker, life });
            return Ok(());
        }
        let seed = self.dice.roll();
        let config = Config {
            job: self.store.job,
            concurrency: self.scenario.concurrency,
            batch: 1,
            calls_out: true,
            retry: RetryPolicy { attempts: 4, base_ms: 200, max_ms: 2_000 },
            rate: None,
            breaker: None,
            seed,
        };
        self.workers[worker].run = Some(Run::new(config));
        self.reach(worker, life, Input::Start)
    }

    fn reach(&mut self, worker: usize, life: u32, input: Input) -> Result<(), String> {
        let this = &mut self.workers[worker];
        if this.life != life {
            return Ok(());
        }
        if let Some((_, inbox)) = &mut this.frozen {
            inbox.push(input);
            return Ok(());
        }
        if input == Input::Tick {
            this.tick_at = None;
        }
        let Some(run) = &mut this.run else { return Ok(()) };
        let effects = run.on(input, self.now);
        let next = run.next_tick(self.now);
        for effect in effects {
            self.carry_out(worker, life, effect)?;
        }
        let this = &mut self.workers[worker];
        if let Some(at) = next.filter(|at| this.tick_at.is_none_or(|planned| *at < planned)) {
            this.tick_at = Some(at);
            self.plan(at.ms_since(self.now), Happening::Worker { worker, life, input: Input::Tick });
        }
        Ok(())
    }

    fn told(&mut self, worker: usize, life: u32) -> Result<(), String> {
        let job = self.store.job();
        let held: Vec<_> = self.workers[worker].run.iter().flat_map(Run::at_rest).collect();
        for (span, epoch) in held {
            let listed = job.leases.iter().any(|fact| fact.span == span && fact.epoch == epoch);
            if epoch <= job.epoch && !listed {
                self.reach(worker, life, Input::Fenced { span, epoch })?;
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, worker: usize, life: u32, effect: Effect) -> Result<(), String> {
        let request = match effect {
            Effect::Claim { window } => {
                let worker = name(worker, life);
                Request::Claim(Claim { job: self.store.job, worker, window, now: self.now })
            }
            Effect::Commit(commit) => Request::Commit(commit),
            Effect::Reread { span, epoch } => Request::Reread { span, epoch },
            Effect::Release { span, epoch } => Request::Release { span, epoch },
            Effect::Call { span, epoch, rows, .. } => {
                for row in rows {
                    self.called(span, epoch, row)?;
                    let takes = self.duration(row);
                    self.plan(takes, Happening::CallEnds { worker, life, span, epoch, row });
                }
                return Ok(());
            }
            Effect::Over => {
                self.workers[worker].run = None;
                self.plan(250, Happening::Idle { worker, life });
                return Ok(());
            }
            // What is under way at the upstream cannot be called back; its answer finds no span.
            Effect::Abandon { .. } | Effect::Late { .. } => return Ok(()),
            Effect::Hold { message } => return Err(format!("held without a breaker: {message}")),
            Effect::Fail(error) => return Err(format!("failed: {}", error.message)),
        };
        let delay = self.delay();
        self.plan(delay, Happening::Store { worker, life, request });
        Ok(())
    }

    fn called(&mut self, span: SpanNo, epoch: Epoch, row: RowIndex) -> Result<(), String> {
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
        if !self.store.may_be_called(span, row) {
            return Err(format!("row {} was called before it was claimed (G3)", row.row()));
        }
        self.witness.called(row);
        Ok(())
    }

    // --- the store, over a network ----------------------------------------------------------

    fn delay(&mut self) -> u64 {
        1 + if self.dice.below(50) == 0 { self.dice.below(SLOW_MS) } else { self.dice.below(15) }
    }

    fn at_store(&mut self, worker: usize, life: u32, request: Request) {
        let input = match request {
            Request::Claim(claim) => self.claimed(&claim),
            Request::Commit(commit) => return self.committed(worker, life, commit),
            Request::Reread { span, epoch } => match self.store.reread(span, epoch) {
                Ok(truth) => Input::Reread(truth),
                Err(_) => Input::Fenced { span, epoch },
            },
            Request::Release { span, epoch } => {
                let _ = self.store.release(span, epoch);
                return;
            }
        };
        let delay = self.delay();
        self.plan(delay, Happening::Worker { worker, life, input });
    }

    fn claimed(&mut self, claim: &Claim) -> Input {
        let Ok(Some(claimed)) = self.store.claim(claim) else { return Input::NothingToClaim };
        let truth = claimed.done.clone();
        let called = self.ended.get(&claimed.span).map_or(&[][..], Vec::as_slice);
        let done = self.bug.believed(truth.clone(), called);
        let decided = (truth.first().0..truth.end().0)
            .filter(|row| row % DECIDED_EVERY == 0 && !done.contains(RowIndex(*row)))
            .map(|row| record(RowIndex(row), Outcome::Skipped, self.now))
            .collect();
        let claimed_until = match self.bug {
            Bug::CallBeforeClaim => truth.end(),
            _ => claimed.claimed_until,
        };
        Input::Claimed { claimed: Claimed { done, claimed_until, ..claimed }, decided }
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
                Err(StoreError::Fenced { .. }) => Input::Fenced { span, epoch },
                Err(_) => Input::Fenced { span, epoch },
            },
        };
        let input = match input {
            Input::Unanswered { span, epoch } if self.bug == Bug::CommitErrorIgnored => {
                let committed = onward_core::store::Committed {
                    inserted: 0,
                    tally: onward_core::tally::Tally::default(),
                    span_done: false,
                    job_done: false,
                };
                Input::Committed { span, epoch, committed }
            }
            other => other,
        };
        let delay = self.delay();
        self.plan(delay, Happening::Worker { worker, life, input });
    }

    // --- the upstream -----------------------------------------------------------------------

    fn duration(&mut self, row: RowIndex) -> u64 {
        if row.0 < SLOW_ROWS { 2_000 + self.dice.below(12_000) } else { 50 + self.dice.below(200) }
    }

    fn upstream(&mut self, row: RowIndex) -> Answer {
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
                Answer::Throttled { wait_ms: 500, message: "slow down".into() }
            }
            6..=9 => Answer::Done(Verdict::new(Outcome::Failed, "not-found", "there is no such creator")),
            10..=14 => Answer::Done(Verdict::new(Outcome::Filtered, "filtered", "the filter said no")),
            _ => Answer::Done(Verdict::added()),
        }
    }

    // --- what goes wrong --------------------------------------------------------------------

    fn crash(&mut self) {
        let worker = self.dice.below(self.workers.len() as u64) as usize;
        let this = &mut self.workers[worker];
        this.life += 1;
        this.run = None;
        this.frozen = None;
        this.tick_at = None;
        self.story.losses += 1;
        let down = self.dice.below(5_000);
        self.start(worker, down);
    }

    fn freeze(&mut self) {
        let worker = self.dice.below(self.workers.len() as u64) as usize;
        if self.workers[worker].frozen.is_some() {
            return;
        }
        self.workers[worker].frozen = Some((self.now, Vec::new()));
        let long = if self.dice.below(3) == 0 {
            self.dice.below(LEASE_MS)
        } else {
            LEASE_MS + self.dice.below(30_000)
        };
        self.plan(long, Happening::Thaw { worker });
    }

    /// Counts the leases that were taken from workers which still live; a crash is counted by itself.
    fn count_lost(&mut self, before: &[LeaseFact]) {
        let now = self.store.job().leases;
        let live: Vec<String> =
            self.workers.iter().enumerate().map(|(at, worker)| name(at, worker.life).0).collect();
        let lost = before
            .iter()
            .filter(|lease| live.contains(&lease.worker.0))
            .filter(|lease| !now.iter().any(|kept| kept.span == lease.span && kept.epoch == lease.epoch));
        self.story.losses += lost.count() as u32;
    }

    /// Everything that waited in the sockets comes in at once, and the clock has moved.
    fn thaw(&mut self, worker: usize) -> Result<(), String> {
        let life = self.workers[worker].life;
        let Some((since, inbox)) = self.workers[worker].frozen.take() else { return Ok(()) };
        let now = self.now;
        for input in inbox {
            if self.bug == Bug::BlindAfterFreeze {
                self.now = since; // the worker still believes in the time of its freeze
            }
            let done = self.reach(worker, life, input);
            self.now = now;
            done?;
        }
        self.reach(worker, life, Input::Tick)
    }
}

fn name(worker: usize, life: u32) -> WorkerId {
    WorkerId(format!("w{worker}-{life}"))
}

fn record(index: RowIndex, outcome: Outcome, now: UnixMs) -> RowRecord {
    let verdict = Verdict::new(outcome, "duplicate", "duplicate of row 1");
    RowRecord { index, key: "key".into(), verdict, tries: 0, duration_ms: 0, finished_at: now }
}
