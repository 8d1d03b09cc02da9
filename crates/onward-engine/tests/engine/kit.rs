//! An engine in a folder of its own, and work that does as it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::job::Go;
use onward_core::processor::{Answer, Call, Ended, Processor, Queue};
use onward_core::recipe::Recipe;
use onward_core::row::{Outcome, Verdict};
use onward_core::state::{JobState, Step};
use onward_core::store::{Command, Store};
use onward_engine::{Engine, Settings, Snapshot, Submission};
use onward_store::open::{Mode, open};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Nothing in these tests takes longer; a job that hangs fails its test instead of holding it up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Work that does as it is told and counts what it was asked.
pub(crate) struct Scripted {
    /// Calls may pass only with a permit; `open` lets all pass.
    pub(crate) gate: Semaphore,
    /// What to do with a row of this key, instead of adding it.
    pub(crate) script: Mutex<HashMap<String, Act>>,
    /// Whether calls come through a queue.
    queues: bool,
    /// The most calls that came at once.
    pub(crate) sheaf: AtomicUsize,
    /// Calls per key.
    pub(crate) calls: Mutex<HashMap<String, u32>>,
    /// Calls under way, and the most there were.
    under_way: AtomicUsize,
    pub(crate) most: AtomicUsize,
    /// Calls whose future was dropped before its end.
    pub(crate) aborted: AtomicUsize,
}

/// What a row's call does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Fail,
    Retry,
    Hang,
    Panic,
    Fatal,
    /// Only in a queue: nothing is ever said of it.
    Forget,
}

struct Passing<'a>(&'a Scripted, bool);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.aborted.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Processor for Scripted {
    fn calls_out(&self) -> bool {
        true
    }

    fn queue(&self) -> Option<&dyn Queue> {
        self.queues.then_some(self as &dyn Queue)
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        let key = call.rows[0].key.clone();
        *self.calls.lock().unwrap().entry(key.to_string()).or_default() += 1;
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let mut passing = Passing(self, false);
        let act = self.script.lock().unwrap().get(&*key).copied();
        let answer = match act {
            Some(Act::Hang | Act::Forget) => std::future::pending().await,
            Some(Act::Panic) => panic!("told to"),
            Some(Act::Fail) => Answer::Done(Verdict::new(Outcome::Failed, "not-found", "there is none")),
            Some(Act::Fatal) => Answer::Fatal {
                code: "unauthorized".into(),
                message: "the token is dead".into(),
                wait_ms: None,
            },
            Some(Act::Retry) => Answer::Retry {
                code: "upstream-500".into(),
                message: "upstream answered 500".into(),
                wait_ms: None,
            },
            None => {
                self.gate.acquire().await.expect("the gate is never closed").forget();
                Answer::Done(Verdict::added())
            }
        };
        passing.1 = true;
        vec![answer]
    }
}

/// All calls at one time; the whole queue crashes with one of them.
#[async_trait]
impl Queue for Scripted {
    async fn work_off(&self, calls: &[Call], ended: Ended<'_>) {
        self.sheaf.fetch_max(calls.len(), Ordering::SeqCst);
        let forgotten = |call: &Call| {
            let script = self.script.lock().unwrap();
            matches!(script.get(&*call.rows[0].key), Some(Act::Forget))
        };
        let calls = calls.iter().enumerate().filter(|(_, call)| !forgotten(call));
        let done = calls.map(|(at, call)| async move { (at, self.process(call).await) });
        let mut done: FuturesUnordered<_> = done.collect();
        while let Some((at, answers)) = done.next().await {
            ended(vec![(at, answers)]);
        }
    }
}

impl Scripted {
    pub(crate) fn told(&self, key: &str, act: Option<Act>) {
        let mut script = self.script.lock().unwrap();
        match act {
            Some(act) => script.insert(key.to_owned(), act),
            None => script.remove(key),
        };
    }

    pub(crate) fn let_pass(&self, rows: usize) {
        self.gate.add_permits(rows);
    }

    pub(crate) fn calls_of(&self, key: &str) -> u32 {
        self.calls.lock().unwrap().get(key).copied().unwrap_or(0)
    }

    /// The most calls that were under way at one time.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    pub(crate) fn all_calls(&self) -> u32 {
        self.calls.lock().unwrap().values().sum()
    }
}

pub(crate) struct Kit {
    pub(crate) engine: Engine,
    pub(crate) work: Arc<Scripted>,
    pub(crate) dir: TempDir,
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::over(|store| store)
    }

    /// One whose work has a queue.
    pub(crate) fn queueing() -> Self {
        Self::built(true, |store| store).at_work()
    }

    /// The same with something between the engine and its store.
    pub(crate) fn over(between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::built(false, between).at_work()
    }

    /// One whose engine takes up no job by itself.
    pub(crate) fn idle() -> Self {
        Self::built(false, |store| store)
    }

    fn at_work(self) -> Self {
        self.engine.start_work();
        self
    }

    fn built(queues: bool, between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let dir = TempDir::new().unwrap();
        let store = open(&format!("sqlite:{}", dir.path().join("onward.db").display()), Mode::Serve).unwrap();
        let store = between(store);
        let work = Arc::new(Scripted {
            gate: Semaphore::new(0),
            script: Mutex::default(),
            queues,
            sheaf: AtomicUsize::new(0),
            calls: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            aborted: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&work);
        let builder: onward_engine::Builder =
            Arc::new(move |_: &Recipe| Ok(Arc::clone(&shared) as Arc<dyn Processor>));
        let engine = Engine::new(store, builder, Settings { max_jobs: 4, worker_name: "test".to_owned() });
        Self { engine, work, dir }
    }

    /// Submits rows `a1`, `a2`, … with lines added to the recipe's `[work]`.
    pub(crate) async fn submit(&self, rows: u64, recipe: &str) -> Snapshot {
        let lines: String = (1..=rows).map(|row| format!("a{row}\n")).collect();
        self.submit_text(&format!("handle\n{lines}"), recipe).await.unwrap()
    }

    pub(crate) async fn submit_text(
        &self,
        csv: &str,
        recipe: &str,
    ) -> Result<Snapshot, onward_core::problem::Problem> {
        self.hand_in(csv, recipe, None).await
    }

    /// Submits rows of which only the first few are done before a person is asked.
    pub(crate) async fn submit_first(&self, rows: u64, first: u64) -> Snapshot {
        let lines: String = (1..=rows).map(|row| format!("a{row}\n")).collect();
        self.hand_in(&format!("handle\n{lines}"), "", Some(first)).await.unwrap()
    }

    async fn hand_in(
        &self,
        csv: &str,
        recipe: &str,
        first: Option<u64>,
    ) -> Result<Snapshot, onward_core::problem::Problem> {
        let file = self.dir.path().join("creators.csv");
        std::fs::write(&file, csv).unwrap();
        let text = format!("key = [\"handle\"]\n[work]\nkind = \"creators\"\n{recipe}");
        let recipe = Recipe::from_toml(&text).unwrap();
        let filename = "creators.csv".to_owned();
        let (name, actor) = (None, "test".to_owned());
        self.engine.submit(Submission { file, filename, recipe, name, first, actor, sha256: None }).await
    }

    pub(crate) async fn job(&self, id: JobId) -> Snapshot {
        self.engine.job(id).await.unwrap()
    }

    /// Lets a held job go on with one row, as the duty does when its time has come.
    pub(crate) async fn probe(&self, job: JobId) {
        let (epoch, pause, error) = (None, None, None);
        let (actor, now) = ("breaker".to_owned(), UnixMs(0));
        let command = Command { job, step: Step::Resume, epoch, actor, now, pause, error, go: Go::Probe };
        self.engine.store().command(&command).await.unwrap();
    }

    /// Waits until the job looks as wanted.
    pub(crate) async fn until(&self, id: JobId, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let looked = tokio::time::timeout(PATIENCE, async {
            loop {
                let snapshot = self.job(id).await;
                if wanted(&snapshot) {
                    return snapshot;
                }
                // Between two looks.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        match looked.await {
            Ok(snapshot) => snapshot,
            Err(_) => panic!("the job never looked as wanted: {:?}", self.job(id).await.job),
        }
    }

    pub(crate) async fn until_state(&self, id: JobId, state: JobState) -> Snapshot {
        self.until(id, |snapshot| snapshot.job.state == state).await
    }

    pub(crate) async fn until_true(&self, what: &str, wanted: impl Fn() -> bool) {
        let looked = tokio::time::timeout(PATIENCE, async {
            while !wanted() {
                // Between two looks.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(looked.await.is_ok(), "{what} never came true");
    }

    /// The counters equal the ledger.
    pub(crate) async fn verify(&self, id: JobId) {
        let verify = self.engine.store().verify(id).await.unwrap();
        assert_eq!(verify.problems, Vec::<String>::new());
        assert_eq!(verify.ledger, self.job(id).await.job.tally);
    }

    pub(crate) async fn kinds(&self, id: JobId) -> Vec<&'static str> {
        let events = self.engine.store().events(Some(id), 0, 1_000).await.unwrap();
        events.iter().map(|event| event.kind.word()).collect()
    }
}
