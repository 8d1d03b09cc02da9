//! What a drive asks of the store, and what the answers mean to the run.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use onward_core::event::EventKind;
use onward_core::id::{Epoch, SpanNo};
use onward_core::input::InputRow;
use onward_core::job::JobError;
use onward_core::problem::Code;
use onward_core::row::RowRecord;
use onward_core::run::Input;
use onward_core::store::{Claim, Claimed, Commit, Committed, Glance, Room, StoreError, Turns, TurnsAsked};
use tokio::sync::oneshot;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::{Drive, HeldSpan, Order, RULE_LOOK_MS};
use crate::clock;
use crate::input::{Unreadable, read_span};

/// How long until the ledger is asked again when it did not answer or had no room, in milliseconds.
pub(super) const AGAIN_MS: u64 = 300;

/// An answer of the store.
pub(super) enum Done {
    Claimed(Claimed, Arc<Vec<Arc<InputRow>>>),
    NothingToClaim,
    OtherInput(Claimed),
    CannotRead(Claimed, JobError),
    /// And whether there is room for more.
    Committed {
        span: SpanNo,
        epoch: Epoch,
        answer: Result<Committed, StoreError>,
        room: Room,
    },
    Reread {
        span: SpanNo,
        epoch: Epoch,
        answer: Result<Claimed, StoreError>,
    },
    /// And why the job must stop by its recipe's own rule, if it must.
    Looked(Option<(Glance, Option<JobError>)>),
    Turns(Option<Turns>),
    Noted,
}

impl Drive {
    pub(super) fn claim(&mut self, window: u32) {
        let (order, input) = (self.order.clone(), self.input);
        let known: Vec<SpanNo> = self.held.keys().copied().collect();
        self.ops.spawn(async move {
            let claim = Claim { job: order.job, worker: order.worker.clone(), window, now: clock::now() };
            let claimed = match order.store.claim(&claim).await {
                Ok(Some(claimed)) => claimed,
                Ok(None) => return Done::NothingToClaim,
                Err(StoreError::Unknown(why)) => {
                    tracing::warn!(job.id = %order.job, %why, "a claim was not answered; asking the ledger");
                    give_back_unknown(&order, &known).await;
                    return Done::NothingToClaim;
                }
                Err(error) => {
                    tracing::debug!(job.id = %order.job, %error, "no span was claimed");
                    return Done::NothingToClaim;
                }
            };
            if claimed.input != input {
                return Done::OtherInput(claimed);
            }
            match read_span(&*order.store, input, claimed.span).await {
                Ok(rows) => Done::Claimed(claimed, Arc::new(rows)),
                Err(unreadable) => give_up(&order, claimed, unreadable).await,
            }
        });
    }

    pub(super) fn commit(&mut self, commit: Commit) {
        let store = Arc::clone(&self.order.store);
        let mut commit = Box::pin(async move {
            let (span, epoch) = (commit.span, commit.epoch);
            let answer = store.commit(commit).await;
            Done::Committed { span, epoch, answer, room: store.room() }
        });
        // Its first step at once. As a task it would wait behind all calls that are ready, and until its rows are
        // durable they take the places of others.
        match (&mut commit).now_or_never() {
            Some(done) => self.ops.spawn(async { done }),
            None => self.ops.spawn(commit),
        };
    }

    pub(super) fn turns(&mut self, calls: u32, interval_us: u64) {
        let (store, job) = (Arc::clone(&self.order.store), self.order.job);
        self.ops.spawn(async move {
            let asked = TurnsAsked { job, calls, interval_us, not_before_ms: 0, now: clock::now() };
            match store.turns(&asked).await {
                Ok(turns) => Done::Turns(Some(turns)),
                Err(error) => {
                    tracing::debug!(job.id = %job, %error, "no turns were given; asked again");
                    Done::Turns(None)
                }
            }
        });
    }

    pub(super) fn reread(&mut self, span: SpanNo, epoch: Epoch) {
        let order = self.order.clone();
        self.ops.spawn(async move {
            loop {
                match order.store.reread(order.job, span, epoch).await {
                    Err(error) if error.passes() => {
                        tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
                    }
                    answer => return Done::Reread { span, epoch, answer },
                }
            }
        });
    }

    pub(super) fn release(&mut self, span: SpanNo, epoch: Epoch) {
        self.held.remove(&span);
        let order = self.order.clone();
        let (done, given_back) = oneshot::channel();
        self.giving_back.push(given_back);
        self.ops.spawn(async move {
            let _done = done;
            let mut released = order.store.release(order.job, span, epoch).await;
            // A lease that lapses is taken for a death. Nobody has died here, and a full disk may last.
            while released == Err(StoreError::DiskFull) {
                tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
                released = order.store.release(order.job, span, epoch).await;
            }
            if let Err(error) = released {
                tracing::debug!(job.id = %order.job, %span, %error, "a span was not given back; its lease lapses");
            }
            Done::Noted
        });
    }

    /// When the spans that are being given back are free.
    pub(super) fn given_back(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let giving_back = std::mem::take(&mut self.giving_back);
        async move {
            for one in giving_back {
                // It is dropped in either case: given back, or its lease lapses.
                let _ = one.await;
            }
        }
    }

    pub(super) fn op_done(&mut self, done: Result<Done, JoinError>) {
        let Ok(done) = done else { return };
        match done {
            Done::Claimed(claimed, rows) => self.claimed(claimed, rows),
            Done::NothingToClaim => self.tell(Input::NothingToClaim),
            Done::OtherInput(claimed) => {
                // Another file was attached: its columns may be others, so another drive takes over.
                self.tell(Input::NothingToClaim);
                self.release(claimed.span, claimed.epoch);
                self.over = true;
            }
            Done::CannotRead(claimed, error) => {
                self.tell(Input::NothingToClaim);
                self.release(claimed.span, claimed.epoch);
                self.carry_out(onward_core::run::Effect::Fail(error));
            }
            Done::Committed { span, epoch, answer, room } => {
                self.committed(span, epoch, answer);
                self.room(room);
            }
            Done::Reread { span, epoch, answer } => match answer {
                Ok(truth) => self.tell(Input::Reread(truth)),
                Err(_) => self.tell(Input::Fenced { span, epoch }),
            },
            Done::Looked(Some((glance, stop))) => self.looked(&glance, stop),
            Done::Turns(turns) => self.tell(Input::Turns(turns)),
            Done::Looked(None) | Done::Noted => {}
        }
    }

    fn claimed(&mut self, claimed: Claimed, rows: Arc<Vec<Arc<InputRow>>>) {
        let now = clock::now();
        let decided = rows
            .iter()
            .filter(|row| !claimed.done.contains(row.index))
            .filter_map(|row| {
                let doubt = || claimed.doubts.iter().find(|doubt| doubt.row == row.index)?.verdict();
                let verdict = row.decided.clone().or_else(doubt)?;
                let key = Arc::clone(&row.key);
                Some(RowRecord { index: row.index, key, verdict, tries: 0, duration_ms: 0, finished_at: now })
            })
            .collect();
        let held = HeldSpan {
            first: claimed.done.first(),
            generation: claimed.generation,
            in_doubt: claimed.doubts.iter().map(|doubt| doubt.row).collect(),
            rows,
            alive: CancellationToken::new(),
        };
        self.held.insert(claimed.span, held);
        self.tell(Input::Claimed { claimed, decided });
    }

    fn committed(&mut self, span: SpanNo, epoch: Epoch, answer: Result<Committed, StoreError>) {
        match answer {
            Ok(committed) => {
                if committed.span_done {
                    self.held.remove(&span);
                }
                self.tell(Input::Committed { span, epoch, committed });
                if self.recipe.stop.is_some() && clock::now().ms_since(self.looked_at) >= RULE_LOOK_MS {
                    self.look();
                }
            }
            Err(StoreError::Unavailable(why)) => {
                tracing::warn!(job.id = %self.order.job, %span, %why, "a commit was refused and is tried again");
                self.tell(Input::Refused { span, epoch });
            }
            Err(StoreError::DiskFull) => {
                tracing::warn!(job.id = %self.order.job, %span, "no room for the ledger; tried again");
                self.tell(Input::Refused { span, epoch });
            }
            Err(StoreError::Unknown(why)) => {
                tracing::warn!(job.id = %self.order.job, %span, %why, "a commit was not answered; asking the ledger");
                self.tell(Input::Unanswered { span, epoch });
            }
            Err(error) => {
                let detail = format!("worker {} no longer holds span {span}: {error}", self.order.worker);
                self.note(EventKind::Fenced, None, detail);
                self.tell(Input::Fenced { span, epoch });
            }
        }
    }
}

/// A claim that was not answered may have been carried out (G9). No row of it was called, so what this worker holds
/// and does not know of is given back, to be claimed anew at once instead of when its lease lapses.
async fn give_back_unknown(order: &Order, known: &[SpanNo]) {
    while let Err(error) = give_back_but(order, known).await {
        tracing::debug!(job.id = %order.job, %error, "what an unanswered claim took was not given back");
        if !error.passes() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
    }
}

async fn give_back_but(order: &Order, known: &[SpanNo]) -> Result<(), StoreError> {
    let held = order.store.held_by(order.job, &order.worker).await?;
    for (span, epoch) in held.into_iter().filter(|(span, _)| !known.contains(span)) {
        match order.store.release(order.job, span, epoch).await {
            // Somebody else has it already, or there is no such job any more.
            Ok(()) | Err(StoreError::Fenced { .. } | StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A span was claimed and its rows cannot be read: the job stops with the reason (G13, G23).
async fn give_up(order: &Order, claimed: Claimed, unreadable: Unreadable) -> Done {
    let (code, message) = match unreadable {
        Unreadable::Gone => (Code::InputGone, "the stored CSV of this job is gone"),
        Unreadable::Corrupt => (Code::InputCorrupt, "the stored CSV of this job does not match its digest"),
        Unreadable::Store(error) => {
            tracing::warn!(job.id = %order.job, %error, "failed to read rows; the span is given back");
            let _ = order.store.release(order.job, claimed.span, claimed.epoch).await;
            return Done::NothingToClaim;
        }
    };
    let first = claimed.done.low_water().row();
    let error =
        JobError { code: code.word().to_owned(), message: format!("{message} (rows from {first} on)") };
    Done::CannotRead(claimed, error)
}
