//! The random case: whatever happens in whatever order, the store answers as the model does.
//!
//! A history is a few hundred random calls: claims, commits (also late, repeated and under stale
//! epochs), commands, retries, rescues, deletions, and a clock that jumps. Every call goes to the
//! store under test and to the in-memory model; every answer must be the same, and after every call
//! the job must look the same. A failure names the seed; `ONWARD_SEED=<seed>` runs that history alone.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::doubt::Stand;
use onward_core::event::Event;
use onward_core::id::{Epoch, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Duplicates, spans};
use onward_core::retry::Dice;
use onward_core::row::{Outcome, RowRecord};
use onward_core::state::Step;
use onward_core::store::{
    Claim, Claimed, Commit, CreatorQuery, JobQuery, NewJob, Result, Retry, Settle, Store, StoreError,
};

use super::Subject;
use super::build::{
    Hand, T0, adding, all_rows, assert_sums, chunk, command, new_job, new_uuid, record, summary,
};
use crate::memory::MemoryStore;

/// So many histories: enough to meet every pair of calls many times over, in a few seconds on disk.
const HISTORIES: u64 = 12;
/// Calls in one history.
const CALLS: u32 = 250;

/// What becomes of rows in doubt: called again, held for a person, or nothing when nothing is called.
const RECIPES: [&str; 3] = [
    r#"{"work": {"kind": "http"}}"#,
    r#"{"work": {"kind": "http"}, "in_doubt": {"policy": "hold"}}"#,
    r#"{"work": {"kind": "creators"}}"#,
];

/// Before anything in a history, however far its clock is set back.
const LONG_AGO: UnixMs = UnixMs(T0.0 - 86_400_000);

/// See the module.
pub async fn any_history_gets_the_answers_of_the_model<F: Future<Output = Subject>>(make: impl Fn() -> F) {
    histories(make, 0..HISTORIES).await;
}

/// The histories of these seeds; those of one seed when the environment names one.
pub async fn histories<F: Future<Output = Subject>>(make: impl Fn() -> F, seeds: Range<u64>) {
    let only = std::env::var("ONWARD_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed| seed..seed + 1) {
        let subject = make().await;
        let mut history = History::new(subject.store.clone(), seed);
        for call in 0..CALLS {
            history.call(call).await;
        }
        history.compare_everything("at the end").await;
    }
}

/// Asks both the same and answers what they agree on.
macro_rules! both {
    ($history:ident, $what:expr, $store:ident => $call:expr) => {{
        let $store = &$history.model;
        let expected = plain($call.await);
        let $store = &$history.store;
        let answer = plain($call.await);
        $history.same($what, &answer, &expected);
        answer
    }};
}

struct History {
    store: Arc<dyn Store>,
    model: Arc<dyn Store>,
    seed: u64,
    dice: Dice,
    now: UnixMs,
    jobs: Vec<NewJob>,
    /// Everything that was ever claimed; most of it is stale.
    hands: Vec<Hand>,
    last_commit: Option<Commit>,
    log: Vec<String>,
}

impl History {
    fn new(store: Arc<dyn Store>, seed: u64) -> Self {
        Self {
            store,
            model: Arc::new(MemoryStore::new()),
            seed,
            dice: Dice(seed),
            now: T0,
            jobs: Vec::new(),
            hands: Vec::new(),
            last_commit: None,
            log: Vec::new(),
        }
    }

    async fn call(&mut self, call: u32) {
        self.now = self.now.plus_ms(self.dice.below(900));
        match self.dice.below(100) {
            _ if self.jobs.is_empty() => self.create().await,
            0..3 => self.create().await,
            3..28 => self.claim().await,
            28..70 => self.commit().await,
            70..73 => self.repeat().await,
            73..83 => self.command().await,
            83..87 => self.retry().await,
            87..90 => self.rescue().await,
            90..93 => self.give_back().await,
            93 => self.reread().await,
            94 => self.settle().await,
            95 => self.now = self.now.plus_ms(13_000),
            96 => self.now = UnixMs(self.now.0 - [700, 100_000][self.pick(2)]),
            97 => self.delete().await,
            98 => self.change().await,
            _ => self.submit_again().await,
        }
        for job in self.jobs.clone() {
            both!(self, "the job", store => store.job(job.id)).ok();
        }
        if call.is_multiple_of(10) {
            self.compare_everything("on the way").await;
        }
    }

    async fn create(&mut self) {
        let rows = [0, 1, 7, 100, 130, 230][self.pick(6)];
        let facts = summary(onward_core::id::InputId(new_uuid()), rows);
        for (no, first, len) in spans(rows) {
            both!(self, "put_chunk", store => store.put_chunk(facts.id, chunk(no, first, len))).ok();
        }
        let (none, now) = (Duplicates::default(), self.now);
        both!(self, "seal_input", store => store.seal_input(&facts, &none, now)).ok();
        let recipe = Arc::from(RECIPES[self.pick(RECIPES.len())]);
        let job = NewJob { now, recipe, ..new_job(facts.id) };
        both!(self, "create_job", store => store.create_job(job.clone())).ok();
        self.jobs.push(job);
    }

    /// The same work under another id: refused while the first is active.
    async fn submit_again(&mut self) {
        let at = self.pick(self.jobs.len());
        let old = self.jobs[at].clone();
        let job = NewJob { id: JobId(new_uuid()), now: self.now, ..old };
        let made = both!(self, "create_job again", store => store.create_job(job.clone()));
        if made.is_ok() {
            self.jobs.push(job);
        }
    }

    async fn claim(&mut self) {
        let (job, worker) = (self.job(), WorkerId(format!("w{}", self.dice.below(3))));
        let window = [0, 1, 8, 500][self.pick(4)];
        let wish = Claim { job, worker, window, now: self.now };
        let claimed = both!(self, "claim", store => store.claim(&wish));
        if let Ok(Some(claimed)) = claimed {
            self.hands.push(Hand::of(&self.store, job, claimed));
        }
    }

    async fn commit(&mut self) {
        if self.hands.is_empty() {
            return;
        }
        // Mostly the newest, which probably still holds; sometimes one that was fenced long ago.
        let newest = self.hands.len() - 1;
        let at = if self.dice.below(4) == 0 { self.pick(newest + 1) } else { newest };
        let rows = self.some_rows(at);
        let commit = self.hands[at].commit(rows, self.now);
        both!(self, "commit", store => store.commit(commit.clone())).ok();
        self.last_commit = Some(commit);
    }

    async fn repeat(&mut self) {
        if let Some(commit) = self.last_commit.clone() {
            both!(self, "the same commit again", store => store.commit(commit.clone())).ok();
        }
    }

    /// Some of what is open, sometimes all of it, sometimes a row that is done already.
    fn some_rows(&mut self, hand: usize) -> Vec<RowRecord> {
        let span = &self.hands[hand].claimed.done;
        let (first, end) = (span.first().0, span.end().0);
        let open: Vec<u32> = self.hands[hand].open().collect();
        let mut rows = match self.dice.below(6) {
            0 => open,
            1 => Vec::new(),
            _ => open.into_iter().take(12).filter(|_| self.dice.below(3) > 0).collect(),
        };
        if self.dice.below(5) == 0 {
            rows.push(first + u32::try_from(self.dice.below(u64::from(end - first))).unwrap_or(0));
        }
        let make = |row| match self.dice.below(6) {
            0 => record(row, Outcome::Failed),
            1 => record(row, Outcome::Filtered),
            2 => record(row, Outcome::Skipped),
            3 => adding(row, &format!("creator{}", self.dice.below(40))),
            _ => record(row, Outcome::Added),
        };
        rows.into_iter().map(make).collect()
    }

    async fn command(&mut self) {
        let by = Step::ALL[self.pick(Step::ALL.len())];
        let mut command = command(self.job(), by, self.now);
        if self.dice.below(3) == 0 {
            command.epoch = Some(Epoch(self.dice.below(30)));
        }
        both!(self, by.word(), store => store.command(&command)).ok();
    }

    async fn retry(&mut self) {
        let code = (self.dice.below(3) == 0).then(|| String::from("not-found"));
        let rows = if self.dice.below(3) == 0 { (0..60).map(RowIndex).collect() } else { Vec::new() };
        let outcome = if self.dice.below(4) == 0 { Outcome::Skipped } else { Outcome::Failed };
        let retry =
            Retry { job: self.job(), outcome, code, text: None, rows, actor: "you".into(), now: self.now };
        both!(self, "retry", store => store.retry(&retry)).ok();
    }

    async fn rescue(&mut self) {
        let now = self.now;
        match self.dice.below(8) {
            0 => both!(self, "release_all", store => store.release_all(now)).ok(),
            1 => {
                let worker = WorkerId(format!("w{}", self.dice.below(3)));
                both!(self, "release_of", store => store.release_of(&worker, now)).ok()
            }
            _ => both!(self, "rescue", store => store.rescue(now)).ok(),
        };
    }

    async fn settle(&mut self) {
        let stand = if self.dice.below(2) == 0 { Stand::Done } else { Stand::Again };
        let rows = if self.dice.below(2) == 0 { (0..5).map(RowIndex).collect() } else { Vec::new() };
        let settle = Settle { job: self.job(), rows, stand, actor: "you".into(), now: self.now };
        both!(self, "settle", store => store.settle(&settle)).ok();
    }

    async fn give_back(&mut self) {
        if let Some((job, span, epoch)) = self.some_hand() {
            both!(self, "release", store => store.release(job, span, epoch)).ok();
        }
    }

    async fn reread(&mut self) {
        if let Some((job, span, epoch)) = self.some_hand() {
            both!(self, "reread", store => store.reread(job, span, epoch)).ok();
        }
    }

    async fn delete(&mut self) {
        let job = self.job();
        both!(self, "delete_job", store => store.delete_job(job)).ok();
    }

    async fn change(&mut self) {
        let (job, now) = (self.job(), self.now);
        both!(self, "tune", store => store.tune(job, Some("another name"), None, "you", now)).ok();
    }

    async fn compare_everything(&mut self, when: &str) {
        let all = JobQuery { limit: 1_000, ..JobQuery::default() };
        both!(self, &format!("jobs {when}"), store => store.jobs(&all)).ok();
        both!(self, &format!("claimable {when}"), store => store.claimable(1_000)).ok();
        both!(self, &format!("totals {when}"), store => store.totals()).ok();
        both!(self, &format!("sums {when}"), store => store.sums(LONG_AGO)).ok();
        let creators = CreatorQuery { limit: 1_000, ..CreatorQuery::default() };
        both!(self, &format!("creators {when}"), store => store.creators(&creators)).ok();
        both!(self, &format!("events {when}"), store => untold(store)).ok();
        for job in self.jobs.clone() {
            both!(self, &format!("doubts {when}"), store => store.doubts(job.id, None, 1_000)).ok();
            both!(self, &format!("rows {when}"), store => store.rows(&all_rows(job.id))).ok();
            if self.model.job(job.id).await.is_ok_and(|job| job.is_some()) {
                assert_sums(&self.store, job.id).await;
            }
            for outcome in Outcome::ALL {
                both!(self, &format!("groups {when}"), store => store.groups(job.id, outcome, 100)).ok();
            }
        }
    }

    fn pick(&mut self, below: usize) -> usize {
        usize::try_from(self.dice.below(below as u64)).unwrap_or(0)
    }

    /// Mostly the newest job, so that something comes of it.
    fn job(&mut self) -> JobId {
        let newest = self.jobs.len() - 1;
        let at = if self.dice.below(3) == 0 { self.pick(newest + 1) } else { newest };
        self.jobs[at].id
    }

    fn some_hand(&mut self) -> Option<(JobId, SpanNo, Epoch)> {
        let at = self.hands.len().checked_sub(1)?;
        let at = if self.dice.below(2) == 0 { self.pick(at + 1) } else { at };
        let Claimed { span, epoch, .. } = self.hands[at].claimed;
        Some((self.hands[at].job, span, epoch))
    }

    fn same<T: PartialEq + Debug>(&mut self, what: &str, answer: &Result<T>, expected: &Result<T>) {
        if what != "the job" {
            let kind = answer.as_ref().err().map_or_else(|| String::from("ok"), ToString::to_string);
            self.log.push(format!("{what}: {kind}"));
        }
        assert!(
            answer == expected,
            "{what}: the store and the model differ; repeat with ONWARD_SEED={seed}\n  \
             store: {answer:?}\n  model: {expected:?}\n  before: {before:#?}",
            seed = self.seed,
            before = &self.log[self.log.len().saturating_sub(12)..],
        );
    }
}

/// An answer without the words that each store finds for itself.
fn plain<T>(answer: Result<T>) -> Result<T> {
    answer.map_err(|error| match error {
        StoreError::Corrupt(_) => StoreError::Corrupt(String::new()),
        StoreError::Unavailable(_) => StoreError::Unavailable(String::new()),
        StoreError::Unknown(_) => StoreError::Unknown(String::new()),
        same @ (StoreError::NotFound(_)
        | StoreError::Fenced { .. }
        | StoreError::Illegal(_)
        | StoreError::Duplicate(_)
        | StoreError::NothingToRetry
        | StoreError::InputGone
        | StoreError::DiskFull) => same,
    })
}

/// All events without their details.
async fn untold(store: &Arc<dyn Store>) -> Result<Vec<Event>> {
    let events = store.events(None, 0, 100_000).await?;
    Ok(events.into_iter().map(|event| Event { detail: String::new(), ..event }).collect())
}
