//! A store whose answers get lost: it does what it is asked, and says that it does not know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::{Event, NewEvent};
use onward_core::hook::{Delivery, Taken};
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, Duplicates, InputSummary};
use onward_core::job::{Job, Tuning};
use onward_core::row::Outcome;
use onward_core::store::{
    Attach, Beat, Claim, Claimed, Command, Commit, Committed, Creator, CreatorQuery, DeliveryQuery, Group,
    Heard, JobQuery, LedgerRow, Mark, Moving, NewJob, Outbox, Presence, Rescued, Reservation, Result, Retry,
    RowQuery, Settle, Sought, SpanFact, Standstill, Store, StoreError, Sums, TakeDeliveries, Totals, Tried,
    Turns, TurnsAsked, Verify, Worker,
};

/// The store.
pub(crate) struct Lossy {
    inner: Arc<dyn Store>,
    /// Calls whose next answer is lost, by name.
    lost: Mutex<Vec<&'static str>>,
    /// Whether jobs cannot be read.
    pub(crate) blind: AtomicBool,
    /// Whether they cannot be from the next lost answer on.
    blinded: AtomicBool,
}

impl Lossy {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            lost: Mutex::default(),
            blind: AtomicBool::new(false),
            blinded: AtomicBool::new(false),
        })
    }

    /// The next answer to this call is lost: `attach`, `claim`, `begin`, `rows` or `end`.
    pub(crate) fn lose(&self, call: &'static str) {
        self.lost.lock().unwrap().push(call);
    }

    /// The same, and from then on no job can be read, until `blind` is taken away.
    pub(crate) fn lose_and_be_blind(&self, call: &'static str) {
        self.blinded.store(true, Ordering::SeqCst);
        self.lose(call);
    }

    /// Whether no answer is still to be lost.
    pub(crate) fn has_lost_all(&self) -> bool {
        self.lost.lock().unwrap().is_empty()
    }

    fn loses<T>(&self, call: &str, done: Result<T>) -> Result<T> {
        let mut lost = self.lost.lock().unwrap();
        match lost.iter().position(|name| *name == call) {
            // What was refused was not done, and that is known.
            Some(at) if done.is_ok() => {
                lost.remove(at);
                self.blind.store(self.blinded.load(Ordering::SeqCst), Ordering::SeqCst);
                Err(StoreError::Unknown(format!("the answer to {call} was lost")))
            }
            _ => done,
        }
    }

    fn sees(&self) -> Result<()> {
        let blind = self.blind.load(Ordering::SeqCst);
        if blind { Err(StoreError::Unavailable("nothing is read".to_owned())) } else { Ok(()) }
    }
}

/// Everything else is passed on.
macro_rules! passing_on {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Store for Lossy {
            fn kind(&self) -> &'static str {
                self.inner.kind()
            }
            async fn attach(&self, attach: &Attach) -> Result<Job> {
                self.loses("attach", self.inner.attach(attach).await)
            }
            async fn take_in(&self, part: Moving) -> Result<()> {
                let call = match &part {
                    Moving::Begin(_) => "begin",
                    Moving::Rows(..) => "rows",
                    Moving::End(_) | Moving::Adopted { .. } => "end",
                    Moving::History(..) | Moving::Doubts(..) | Moving::Deliveries(..) | Moving::Events(..) | Moving::Creators(_) => "other",
                };
                self.loses(call, self.inner.take_in(part).await)
            }
            async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
                self.loses("claim", self.inner.claim(claim).await)
            }
            async fn job(&self, id: JobId) -> Result<Option<Job>> {
                self.sees()?;
                self.inner.job(id).await
            }
            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                self.inner.$name($($arg),*).await
            })+
        }
    };
}

passing_on! {
    put_chunk(input: InputId, chunk: Chunk) -> ();
    seal_input(summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> ();
    input(input: InputId) -> Option<InputSummary>;
    chunk(input: InputId, no: SpanNo) -> Option<(Chunk, Duplicates)>;
    chunk_facts(input: InputId, no: SpanNo) -> Option<(Chunk, Duplicates)>;
    repeats(input: InputId, after: Option<SpanNo>) -> u64;
    sweep_inputs(before: UnixMs) -> u64;
    drop_input(input: InputId) -> ();
    create_job(job: NewJob) -> Job;
    jobs(query: &JobQuery) -> Vec<Job>;
    find_job(sought: &Sought) -> Option<JobId>;
    command(command: &Command) -> Job;
    retry(retry: &Retry) -> (u64, Job);
    tune(id: JobId, name: Option<&str>, tuning: Option<Tuning>, actor: &str, now: UnixMs) -> Job;
    delete_job(id: JobId) -> ();
    doubts(job: JobId, after: Option<RowIndex>, limit: usize) -> Vec<Doubt>;
    settle(settle: &Settle) -> u64;
    claimable(limit: usize) -> Vec<JobId>;
    commit(commit: Commit) -> Committed;
    reread(job: JobId, span: SpanNo, epoch: Epoch) -> Claimed;
    release(job: JobId, span: SpanNo, epoch: Epoch) -> ();
    rescue(now: UnixMs) -> Vec<Rescued>;
    release_all(now: UnixMs) -> Vec<Rescued>;
    release_of(worker: &WorkerId, now: UnixMs) -> Vec<Rescued>;
    beat(beat: &Beat) -> Presence;
    leave(worker: &WorkerId) -> ();
    workers(now: UnixMs) -> Vec<Worker>;
    drain(worker: &WorkerId) -> bool;
    turns(asked: &TurnsAsked) -> Turns;
    rows(query: &RowQuery) -> Vec<LedgerRow>;
    groups(job: JobId, outcome: Outcome, limit: usize) -> Vec<Group>;
    spans(job: JobId) -> Vec<SpanFact>;
    marks(job: JobId, every: u32) -> Vec<Mark>;
    history(job: JobId, row: RowIndex) -> Vec<LedgerRow>;
    heard(job: JobId) -> Vec<Heard>;
    hear(job: JobId, heard: &[Heard]) -> ();
    verify(job: JobId) -> Verify;
    record(event: NewEvent) -> Event;
    events(job: Option<JobId>, after: u64, limit: usize) -> Vec<Event>;
    last_event() -> u64;
    version() -> u64;
    totals() -> Totals;
    sums(today_from: UnixMs) -> Sums;
    creators(query: &CreatorQuery) -> Vec<Creator>;
    history_page(job: JobId, after: Option<(RowIndex, u32)>, limit: usize) -> Vec<LedgerRow>;
    reserve(key: &str, fingerprint: &str, now: UnixMs) -> Reservation;
    keep_answer(key: &str, answer: Option<(u16, String)>) -> ();
    ping() -> ();
    sizes() -> Vec<(String, u64)>;
}

#[async_trait]
impl Outbox for Lossy {
    async fn tell_stuck(&self, standstill: &Standstill) -> Result<u64> {
        self.inner.tell_stuck(standstill).await
    }
    async fn take_deliveries(&self, wish: &TakeDeliveries) -> Result<Vec<Taken>> {
        self.inner.take_deliveries(wish).await
    }
    async fn settle_delivery(&self, tried: &Tried) -> Result<()> {
        self.inner.settle_delivery(tried).await
    }
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        self.inner.deliveries(query).await
    }
    async fn send_again(&self, job: JobId, id: &str, now: UnixMs) -> Result<Option<Delivery>> {
        self.inner.send_again(job, id, now).await
    }
}
