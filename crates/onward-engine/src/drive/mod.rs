//! Drives one job in this process: owns its run and carries out what the run decides.
//!
//! One task per job. It waits for the first of: a call that ended, an answer of the store, a nudge
//! (somebody changed the job), the run's next tick. Each becomes an input of the run; the effects are
//! carried out as tasks of their own. A call lives no longer than its span is held, so none outlives the drive.

mod alarm;
mod calls;
mod holding;
mod ops;
mod rules;
mod unready;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use onward_core::breaker::USUAL_FAILURES;
use onward_core::clock::UnixMs;
use onward_core::doubt::Policy;
use onward_core::event::{EventKind, NewEvent};
use onward_core::id::{Epoch, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Columns, InputRow};
use onward_core::job::{Go, Job, JobError, Pause, Tuning};
use onward_core::pace::RateLimit;
use onward_core::problem::Problem;
use onward_core::processor::Processor;
use onward_core::recipe::Recipe;
use onward_core::run::{Config, Effect, Input, Run};
use onward_core::state::Step;
use onward_core::store::{Command, Glance, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::gates::{Gate, Gates};
use crate::handle::Builder;
use crate::heard::Listener;
use crate::input::stored_recipe;
use alarm::Alarm;
use holding::hold;
use unready::Unready;

/// Calls of work that only computes, under way at a time: enough for both cores and for large commits,
/// and bounded memory (a few megabytes with [`LOCAL_BATCH`] rows each).
const LOCAL_CALLS: u32 = 40;
/// Rows of such work per call: long enough that a task's overhead does not count.
const LOCAL_BATCH: u32 = 500;
/// How often a drive looks whether its job was changed by somebody else, in milliseconds: a change of
/// rate from another process takes effect within a second.
const LOOK_MS: u64 = 1_000;
/// With a stop rule a drive looks after commits as well, at most this often, in milliseconds: a job
/// then stops soon after its rule is met, and the look costs little beside the commits.
const RULE_LOOK_MS: u64 = 50;

/// Told to a drive from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nudge {
    /// The job was changed: look.
    Look,
    /// Finish the rows in hand and end.
    Drain,
}

/// What a drive needs to know.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) builder: Builder,
    pub(crate) worker: WorkerId,
    pub(crate) job: JobId,
    pub(crate) gates: Arc<Gates>,
}

/// Drives a job until nothing is left to claim, it is taken away, or it is drained.
pub(crate) async fn drive(order: Order, nudges: mpsc::Receiver<Nudge>) {
    let job = match order.store.job(order.job).await {
        Ok(Some(job)) => job,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(job.id = %order.job, %error, "failed to read a job that could go on");
            return;
        }
    };
    // In what a full disk has left nothing is begun, and the job says so.
    if let Some(pause) = order.store.room().hold() {
        return hold(&order, pause).await;
    }
    match Drive::prepare(&order, &job).await {
        Ok(drive) => drive.run(nudges).await,
        Err(Unready::Never(problem)) => fail(&*order.store, &order, to_error(problem)).await,
        // Whoever looks for work next takes it up again.
        Err(Unready::Now(error)) => {
            tracing::warn!(job.id = %order.job, %error, "the store did not answer; the job is taken up again");
        }
    }
}

struct Drive {
    order: Order,
    processor: Arc<dyn Processor>,
    columns: Arc<Columns>,
    recipe: Recipe,
    input: onward_core::id::InputId,
    /// Rows of the job.
    total: u64,
    run: Run,
    held: HashMap<SpanNo, HeldSpan>,
    /// Calls that are to go out.
    sheaves: Vec<calls::Sheaf>,
    /// For calls, to say that they have ended.
    ends_to: mpsc::UnboundedSender<Input>,
    /// What they say.
    ended: mpsc::UnboundedReceiver<Input>,
    ops: JoinSet<ops::Done>,
    /// Spans that are being given back. A command that takes spans away waits for them: what is taken away is in
    /// doubt, what was given back is not.
    giving_back: Vec<oneshot::Receiver<()>>,
    looked_at: UnixMs,
    gate: Gate,
    /// Counts what the target answers.
    ear: Listener,
    /// Up to when the run has been told that other jobs found its target closed.
    told_until: UnixMs,
    /// Until when the run waits for its target, as others were told.
    waits_until: UnixMs,
    over: bool,
}

/// What the drive keeps of a span that the run holds.
struct HeldSpan {
    rows: Arc<Vec<Arc<InputRow>>>,
    first: RowIndex,
    generation: u32,
    /// Rows whose call may have happened already.
    in_doubt: BTreeSet<RowIndex>,
    /// Cancelled when the span is held no more: its calls end at once.
    alive: CancellationToken,
}

impl Drop for HeldSpan {
    fn drop(&mut self) {
        self.alive.cancel();
    }
}

impl Drive {
    async fn prepare(order: &Order, job: &Job) -> Result<Self, Unready> {
        let recipe = stored_recipe(job)?;
        let processor = (order.builder)(&recipe)?;
        processor.check().await.map_err(|cannot| Problem::new(cannot.code, cannot.message))?;
        let summary = order.store.input(job.input.id).await?;
        let summary = summary.ok_or_else(|| crate::input::gone(job))?;
        let columns = Arc::new(onward_intake::columns(&summary.columns, &recipe)?);
        let gate = order.gates.of(&recipe);
        let run = Run::new(config(job.id, job.total, &job.tuning, &recipe, processor.calls_out()));
        let (ends_to, ended) = mpsc::unbounded_channel();
        Ok(Self {
            order: order.clone(),
            processor,
            columns,
            recipe,
            input: job.input.id,
            total: job.total,
            run,
            held: HashMap::new(),
            sheaves: Vec::new(),
            ends_to,
            ended,
            ops: JoinSet::new(),
            giving_back: Vec::new(),
            looked_at: clock::now(),
            gate,
            ear: Listener::new(Arc::clone(&order.store), order.job),
            told_until: UnixMs::default(),
            waits_until: UnixMs::default(),
            over: false,
        })
    }

    async fn run(mut self, mut nudges: mpsc::Receiver<Nudge>) {
        self.tell(Input::Start);
        let mut look_at = clock::now().plus_ms(LOOK_MS);
        let mut alarm = Alarm::new(clock::now(), look_at);
        while !self.over {
            let now = clock::now();
            alarm.set(now, self.run.next_tick(now).map_or(look_at, |at| at.min(look_at)));
            tokio::select! {
                Some(first) = self.ended.recv() => self.calls_ended(first),
                Some(done) = self.ops.join_next(), if !self.ops.is_empty() => self.op_done(done),
                nudge = nudges.recv() => match nudge {
                    Some(Nudge::Look) => self.look(),
                    Some(Nudge::Drain) | None => {
                        self.tell(Input::Drain);
                        // With the sender gone `recv` is ready for ever; wait for the rest only.
                        if nudge.is_none() { return self.finish().await; }
                    }
                },
                () = alarm.rings() => {
                    if clock::now() >= look_at {
                        look_at = clock::now().plus_ms(LOOK_MS);
                        self.look();
                    }
                    self.ear.look(clock::now());
                    self.tell(Input::Tick);
                }
            }
        }
        self.finish().await;
    }

    /// Lets the store's answers come in; calls still under way end with the spans, in the drop that follows.
    async fn finish(mut self) {
        while let Some(done) = self.ops.join_next().await {
            self.op_done(done);
        }
        self.ear.finish().await;
        self.order.gates.forget(self.order.job);
    }

    fn tell(&mut self, input: Input) {
        self.tell_all([input]);
    }

    fn tell_all(&mut self, inputs: impl IntoIterator<Item = Input>) {
        let now = clock::now();
        let closed_until = self.gate.until();
        if closed_until > self.told_until && closed_until > now {
            self.told_until = closed_until;
            self.on([Input::Closed(closed_until.ms_since(now))], now);
        }
        self.on(inputs, now);
        // What the target said to this job holds for every job of this process that calls it.
        if let Some(until) = self.run.throttled_until(now).filter(|until| *until > self.waits_until) {
            self.waits_until = until;
            self.told_until = self.told_until.max(until);
            self.gate.close(until);
            self.order.gates.waits(self.order.job, until);
        }
    }

    fn on(&mut self, inputs: impl IntoIterator<Item = Input>, now: UnixMs) {
        for effect in self.run.on(inputs, now) {
            self.carry_out(effect);
        }
        self.send_out();
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Claim { window } => self.claim(window),
            Effect::Call { span, epoch, rows, attempt, alone } => {
                self.call(span, epoch, &rows, attempt, alone);
            }
            Effect::Turns { calls, interval_us } => self.turns(calls, interval_us),
            Effect::Commit(commit) => self.commit(commit),
            Effect::Reread { span, epoch } => self.reread(span, epoch),
            Effect::Release { span, epoch } => self.release(span, epoch),
            Effect::Abandon { span, .. } => drop(self.held.remove(&span)),
            Effect::Late { span, epoch, rows } => self.late(span, epoch, &rows),
            Effect::Hold(hold) => self.hold(hold),
            Effect::Recovered => self.recovered(),
            Effect::Fail(error) => {
                let (order, given_back) = (self.order.clone(), self.given_back());
                self.ops.spawn(async move {
                    given_back.await;
                    fail(&*order.store, &order, error).await;
                    ops::Done::Noted
                });
            }
            Effect::Over => self.over = true,
        }
    }

    /// Somebody may have changed the job: are the spans still ours, and what are the limits now?
    fn look(&mut self) {
        self.looked_at = clock::now();
        self.room(self.order.store.room());
        let (order, stop) = (self.order.clone(), self.recipe.stop);
        self.ops.spawn(async move {
            let Some(stop) = stop else {
                let glance = order.store.glance(order.job, &order.worker).await;
                return ops::Done::Looked(glance.ok().flatten().map(|glance| (glance, None)));
            };
            // Whether the rule is met, the counters of all spans say.
            let job = order.store.job(order.job).await.ok().flatten();
            let looked = job.map(|job| (Glance::of(&job, &order.worker), rules::stop_rule(&stop, &job)));
            ops::Done::Looked(looked)
        });
    }

    fn looked(&mut self, glance: &Glance, stop: Option<JobError>) {
        // A span that was claimed after this look was taken has a higher epoch; one with a commit
        // under way hears from the commit. What then is not on the list has another owner.
        let held = self.run.at_rest();
        let lost: Vec<_> =
            held.filter(|held| held.1 <= glance.epoch && !glance.held.contains(held)).collect();
        for (span, epoch) in lost {
            self.tell(Input::Fenced { span, epoch });
        }
        if let Some(error) = stop {
            self.tell(Input::Halt(error));
        }
        let calls_out = self.processor.calls_out();
        let config = config(self.order.job, self.total, &glance.tuning, &self.recipe, calls_out);
        let Config { concurrency, rate, breaker, .. } = config;
        self.tell(Input::Limits { concurrency, rate, breaker });
    }

    fn late(&mut self, span: SpanNo, epoch: Epoch, rows: &[RowIndex]) {
        let detail = format!(
            "worker {} came too late with {}: another owner has taken over since; refused, the ledger is unchanged",
            self.order.worker,
            row_list(rows)
        );
        self.note(EventKind::LateResult, rows.first().copied(), detail);
        tracing::warn!(job.id = %self.order.job, %span, %epoch, "results came too late and were refused");
    }

    fn note(&mut self, kind: EventKind, row: Option<RowIndex>, detail: String) {
        let order = self.order.clone();
        self.ops.spawn(async move {
            let event = NewEvent {
                job: order.job,
                at: clock::now(),
                kind,
                actor: format!("worker {}", order.worker),
                from_row: row.map(RowIndex::row),
                detail,
            };
            if let Err(error) = order.store.record(event).await {
                tracing::warn!(job.id = %order.job, %error, "a line of the timeline was lost");
            }
            ops::Done::Noted
        });
    }
}

/// Failures in a row that open the breaker of a job; 0 means never.
fn breaker(tuning: &Tuning, recipe: &Recipe) -> u32 {
    let of_recipe = recipe.breaker.map_or(USUAL_FAILURES, |breaker| breaker.failures_in_a_row);
    tuning.breaker.unwrap_or(of_recipe)
}

fn config(job: JobId, total: u64, tuning: &Tuning, recipe: &Recipe, calls_out: bool) -> Config {
    let work = &recipe.work;
    let concurrency = tuning.concurrency.unwrap_or(work.concurrency);
    Config {
        job,
        concurrency: if calls_out { concurrency } else { LOCAL_CALLS },
        batch: if calls_out { work.batch } else { LOCAL_BATCH },
        careful: calls_out
            && recipe.in_doubt.as_ref().is_some_and(|in_doubt| in_doubt.policy != Policy::Retry),
        calls_out,
        retry: work.retry,
        rate: RateLimit::over(tuning.rate, work.rate),
        max_wait_ms: work.max_wait,
        breaker: Some(breaker(tuning, recipe))
            .filter(|failures| calls_out && *failures > 0 && total >= u64::from(*failures)),
        seed: job.0.as_u64_pair().1,
    }
}

pub(crate) fn command(order: &Order, step: Step, pause: Option<Pause>, error: Option<JobError>) -> Command {
    let actor = format!("worker {}", order.worker);
    Command { job: order.job, step, epoch: None, actor, now: clock::now(), pause, error, go: Go::Fully }
}

async fn fail(store: &dyn Store, order: &Order, error: JobError) {
    tracing::warn!(job.id = %order.job, code = %error.code, "the job cannot go on");
    let command = command(order, Step::Fail, None, Some(error));
    if let Err(error) = store.command(&command).await {
        tracing::warn!(job.id = %order.job, %error, "failed to record that a job cannot go on");
    }
}

pub(crate) fn to_error(problem: Problem) -> JobError {
    JobError { code: problem.code.word().to_owned(), message: problem.detail }
}

fn row_list(rows: &[RowIndex]) -> String {
    /// More row numbers than this would be no sentence any more.
    const NAMED: usize = 8;
    let named: Vec<String> = rows.iter().take(NAMED).map(|row| row.row().to_string()).collect();
    let more = rows.len().saturating_sub(NAMED);
    let word = if rows.len() == 1 { "row" } else { "rows" };
    if more > 0 {
        format!("{word} {} and {more} more", named.join(", "))
    } else {
        format!("{word} {}", named.join(", "))
    }
}
