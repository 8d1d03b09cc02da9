//! Virtual time: workers, the network between them and the store, the upstream, and what goes wrong.

mod happening;
mod mishaps;
mod network;
mod scenario;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use onward_core::breaker::PROBE_MAX_MS;
use onward_core::clock::UnixMs;
use onward_core::doubt::POISON;
use onward_core::id::{RowIndex, SpanNo, WorkerId};
use onward_core::lease::LEASE_MS;
use onward_core::processor::Answer;
use onward_core::retry::{Dice, RetryPolicy};
use onward_core::run::{Config, Effect, Input, RowAnswer, Run};
use onward_core::state::JobState;
use onward_core::store::Claim;
use onward_core::stuck::{STUCK_AFTER_MS, stuck};

use crate::bugs::Bug;
use crate::check::{Looks, ended};
use crate::store::SimStore;
use crate::witness::Witness;
use happening::{Happening, Request};
pub(crate) use scenario::{Scenario, Story};

/// When a life begins.
const BEGIN: UnixMs = UnixMs(1_000_000);
/// How long the slow rows take, in milliseconds.
const SLOW_ROWS_MS: u64 = 15_000;
/// Every so many rows intake has decided one, so some need no call.
const DECIDED_EVERY: u32 = 29;
/// The first rows are slow: what finishes first is then not what was called first.
const SLOW_ROWS: u32 = 12;
/// How often a worker looks whether its job was changed by somebody else, as in the engine.
const LOOK_MS: u64 = 1_000;
/// For how long a worker may be busy with something else when a call ends, in milliseconds.
const BUSY_MS: u64 = 40;
/// The slowest answer of the store, in milliseconds.
const SLOW_MS: u64 = 3_000;
/// How long after a restart by hand a worker may not know of it: a live one looks every second, one
/// that was frozen finds out at the latest when its lease is over.
const UNAWARE_MS: u64 = LEASE_MS + SLOW_MS;
/// No life takes longer than this; a job that does hangs. After an outage it may take one wait of the
/// breaker more.
const END_MS: u64 = 1_200_000;
/// For how long a target of a job with a rate asks for silence, in milliseconds.
const LONG_SILENCE_MS: u64 = 900_000;
/// How often the job is looked at, in milliseconds; in a life that lasts for hours less often.
const LOOK_AT_JOB_MS: u64 = 500;
const LOOK_AT_LONG_JOB_MS: u64 = 20_000;

struct Worker {
    life: u32,
    run: Option<Run>,
    /// While frozen: since when, and what waits in its sockets.
    frozen: Option<(UnixMs, Vec<Input>)>,
    tick_at: Option<UnixMs>,
    /// Calls that have ended while it was busy with something else: it hears of them together with what comes next.
    unheard: Vec<Input>,
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
    /// Rows that a person said are to be called again.
    permitted: BTreeSet<RowIndex>,
    /// Up to when the turns of the job's rate are taken.
    turns_until_us: Option<i64>,
    story: Story,
}

impl World {
    pub(crate) fn new(scenario: Scenario, bug: Bug) -> Self {
        let now = BEGIN;
        let recipe = if scenario.held { r#"{"in_doubt": {"policy": "hold"}}"# } else { "{}" };
        let idle = || Worker { life: 0, run: None, frozen: None, tick_at: None, unheard: Vec::new() };
        let mut world = Self {
            bug,
            dice: Dice(scenario.seed ^ 0x5EED),
            now,
            order: 0,
            plan: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            workers: (0..scenario.workers).map(|_| idle()).collect(),
            store: SimStore::new(scenario.rows, scenario.seed, bug, recipe, now),
            witness: Witness::default(),
            ended: BTreeMap::new(),
            restarted_at: UnixMs::default(),
            permitted: BTreeSet::new(),
            turns_until_us: None,
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
        world.plan(world.look_every(), Happening::Look);
        world
    }

    fn look_every(&self) -> u64 {
        let is_long = self.scenario.outage.is_some() || self.scenario.rate.is_some();
        if is_long { LOOK_AT_LONG_JOB_MS } else { LOOK_AT_JOB_MS }
    }

    /// Lives until the job is complete; `Err` says what did not hold.
    pub(crate) fn live(mut self) -> Result<Story, String> {
        let mut looks = Looks::default();
        while let Some(Reverse((at, order))) = self.plan.pop() {
            self.now = at;
            let after_outage = |outage: scenario::Outage| outage.until.plus_ms(PROBE_MAX_MS);
            if at > self.scenario.outage.map_or(BEGIN, after_outage).plus_ms(self.scenario.longest_ms()) {
                let job = self.store.job();
                return Err(format!(
                    "the job hangs, {}: {:?} {:?} {:?}",
                    job.state, job.checkpoint, job.tuning, job.leases
                ));
            }
            let Some(happening) = self.happenings.remove(&order) else { continue };
            if let Happening::Look = happening {
                let job = looks.look(&self.store)?;
                if self.scenario.rate.is_some()
                    && let Some(stuck) = stuck(&job, STUCK_AFTER_MS, self.now)
                {
                    return Err(format!("a job that only waits is called stuck: {stuck:?} {:?}", job.leases));
                }
                if job.state == JobState::Completed {
                    break;
                }
                self.ask_a_person();
                self.plan(self.look_every(), Happening::Look);
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
        self.story.outage_over = self.scenario.outage.map_or(BEGIN, |outage| outage.until);
        let blamed = self.store.failed();
        let poisoned = blamed.iter().filter(|row| row.code == POISON).map(|row| row.index);
        self.story.poisoned = poisoned.collect();
        self.story.poison_calls = self.scenario.poison.map_or(0, |row| self.witness.calls_for(row));
        self.story.wrongly_failed = blamed.iter().filter(|row| row.code == "upstream-500").count() as u32;
        self.story.ended_at = self.now;
        ended(&self.store, &self.witness, &self.story, self.scenario.concurrency * self.scenario.batch)?;
        Ok(self.story)
    }

    fn plan(&mut self, in_ms: u64, happening: Happening) {
        self.order += 1;
        self.plan.push(Reverse((self.now.plus_ms(in_ms), self.order)));
        self.happenings.insert(self.order, happening);
    }

    fn some_time(&mut self, happening: Happening) {
        // A healthy life takes so many rows x 150 ms / concurrency and a few slow rows.
        let length = SLOW_ROWS_MS + self.scenario.rows * 150 / u64::from(self.scenario.concurrency);
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
                let answered = Input::Answered { span, epoch, rows, closed_ms: 0 };
                let this = &mut self.workers[worker];
                if this.life == life && this.frozen.is_none() && self.dice.below(3) == 0 {
                    this.unheard.push(answered);
                    self.plan(BUSY_MS, Happening::Worker { worker, life, input: Input::Tick });
                    return Ok(());
                }
                self.reach(worker, life, answered)
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
            Happening::Dies { worker, life } => {
                if self.workers[worker].life == life {
                    self.kill(worker);
                }
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
                    self.taken_away(&before);
                }
                Ok(())
            }
            Happening::Told { worker, life } => self.told(worker, life),
            Happening::Rescue => {
                let before = self.store.job().leases;
                let _ = self.store.rescue(self.now);
                self.count_lost(&before);
                self.store.probe_if_due(self.now);
                self.store.wait_if_all_is_held(self.now);
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
            batch: self.scenario.batch,
            careful: self.scenario.held,
            calls_out: true,
            retry: RetryPolicy { attempts: 4, base_ms: 200, max_ms: 2_000 },
            rate: self.scenario.rate,
            max_wait_ms: onward_core::pace::MAX_WAIT_MS,
            breaker: self.scenario.outage.and_then(|outage| outage.breaker),
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
        let mut inputs = std::mem::take(&mut this.unheard);
        inputs.push(input);
        let Some(run) = &mut this.run else { return Ok(()) };
        let effects = run.on(inputs, self.now);
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
                    if self.scenario.poison == Some(row) {
                        self.plan(20, Happening::Dies { worker, life });
                        continue;
                    }
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
            Effect::Turns { .. } if self.scenario.rate.is_none() => {
                return Err("asked for turns without a rate".to_owned());
            }
            Effect::Turns { calls, interval_us } => Request::Turns { calls, interval_us },
            Effect::Hold(hold) if self.scenario.outage.is_none() => {
                return Err(format!("held without a breaker: {}", hold.message));
            }
            Effect::Hold(hold) => Request::Hold(hold),
            Effect::Recovered => Request::Recovered,
            Effect::Fail(error) => return Err(format!("failed: {}", error.message)),
        };
        let delay = self.delay();
        self.plan(delay, Happening::Store { worker, life, request });
        Ok(())
    }
}

pub(super) fn name(worker: usize, life: u32) -> WorkerId {
    WorkerId(format!("w{worker}-{life}"))
}
