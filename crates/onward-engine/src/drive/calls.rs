//! Calls of the work: started, timed, aborted.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use onward_core::id::{Epoch, RowIndex, SpanNo};
use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call, Ended, Processor, Told};
use onward_core::row::{Outcome, Verdict};
use onward_core::run::{Input, RowAnswer};
use tokio_util::sync::CancellationToken;

use super::Drive;
use crate::clock;

/// Calls of one span that go out together: one, unless the work has a queue.
pub(super) struct Sheaf {
    span: SpanNo,
    epoch: Epoch,
    alone: bool,
    calls: Vec<Call>,
    /// Cancelled when the span is held no more.
    alive: CancellationToken,
}

impl Drive {
    /// A call has ended, and with it whatever else has by now: fast calls end together, and what to do next is decided
    /// when all of them are known.
    pub(super) fn calls_ended(&mut self, first: Input) {
        let mut ended = vec![first];
        while let Ok(input) = self.ended.try_recv() {
            ended.push(input);
        }
        self.tell_all(ended);
    }

    pub(super) fn call(&mut self, span: SpanNo, epoch: Epoch, rows: &[RowIndex], attempt: u32, alone: bool) {
        let Some(held) = self.held.get(&span) else { return };
        let rows: Vec<Arc<InputRow>> =
            rows.iter().filter_map(|row| held.rows.get((row.0 - held.first.0) as usize).cloned()).collect();
        let in_doubt = rows.iter().map(|row| row.index).filter(|row| held.in_doubt.contains(row)).collect();
        let call = Call {
            job: self.order.job,
            epoch,
            generation: held.generation,
            attempt,
            columns: Arc::clone(&self.columns),
            rows,
            in_doubt,
            told: Told::default(),
        };
        let queues = self.processor.queue().is_some();
        match self.sheaves.last_mut() {
            Some(last) if queues && (last.span, last.epoch, last.alone) == (span, epoch, alone) => {
                last.calls.push(call);
            }
            _ => {
                let alive = held.alive.clone();
                self.sheaves.push(Sheaf { span, epoch, alone, calls: vec![call], alive });
            }
        }
    }

    /// Lets the calls go out that are ready by now.
    pub(super) fn send_out(&mut self) {
        for Sheaf { span, epoch, alone, calls, alive } in self.sheaves.drain(..) {
            let processor = Arc::clone(&self.processor);
            let timeout = Duration::from_millis(self.recipe.work.timeout);
            let (company, ear) = (self.order.gates.company(), self.ear.ear());
            let ends_to = self.ends_to.clone();
            tokio::spawn(async move {
                let mut tell = |ended: Vec<(usize, Vec<Answer>)>| {
                    if ended.is_empty() {
                        return;
                    }
                    let (mut rows, mut closed_ms) = (Vec::with_capacity(ended.len()), 0);
                    for (at, answers) in ended {
                        let call: &Call = &calls[at];
                        ear.note(&call.told, clock::now());
                        closed_ms = closed_ms.max(call.told.wait_ms());
                        let answers = call.rows.iter().zip(complete(answers, call.rows.len()));
                        rows.extend(answers.map(|(row, answer)| {
                            let key = Arc::clone(&row.key);
                            RowAnswer { row: row.index, key, answer }
                        }));
                    }
                    // A drive that has ended misses nothing.
                    drop(ends_to.send(Input::Answered { span, epoch, rows, closed_ms }));
                };
                let work = async {
                    let _place = company.enter(alone).await;
                    do_calls(&*processor, &calls, timeout, &mut tell).await;
                };
                tokio::select! {
                    () = work => {}
                    // Given up: whatever would come is late, and nobody waits for it.
                    () = alive.cancelled() => {}
                }
            });
        }
    }
}

/// Does some calls and tells of each that has ended; all of them have in the end.
async fn do_calls(processor: &dyn Processor, calls: &[Call], timeout: Duration, ended: Ended<'_>) {
    let mut open = vec![true; calls.len()];
    if let Some(queue) = processor.queue() {
        let mut once = |mut calls: Vec<(usize, Vec<Answer>)>| {
            calls.retain(|(at, _)| std::mem::take(&mut open[*at]));
            ended(calls);
        };
        if AssertUnwindSafe(queue.work_off(calls, &mut once)).catch_unwind().await.is_ok() {
            let forgotten = open.iter().enumerate().filter(|(_, open)| **open);
            ended(forgotten.map(|(at, _)| (at, Vec::new())).collect());
            return;
        }
    }
    // One by one: what it crashes on crashes alone.
    for (at, call) in calls.iter().enumerate().filter(|(at, _)| open[*at]) {
        ended(vec![(at, answer(processor, call, timeout).await)]);
    }
}

/// Does one call within its deadline. Work that crashes costs its own rows and nothing else.
async fn answer(processor: &dyn Processor, call: &Call, timeout: Duration) -> Vec<Answer> {
    let count = call.rows.len();
    let keeps_time = processor.queue().is_some();
    let work = async {
        let work = processor.process(call);
        if keeps_time { Ok(work.await) } else { tokio::time::timeout(timeout, work).await }
    };
    // The processor is only read, and its answer is all that is taken from a call: nothing half-done
    // of a call that crashed is ever looked at.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(answers)) => answers,
        Ok(Err(_)) => vec![Answer::late(timeout); count],
        Err(_) => vec![failed("crashed", "the work crashed on this row".to_owned()); count],
    }
}

/// An answer for each row, also where the work did not give so many.
fn complete(answers: Vec<Answer>, rows: usize) -> Vec<Answer> {
    if answers.len() == rows {
        return answers;
    }
    let message = format!("the work gave {} answers for {rows} rows", answers.len());
    vec![failed("bad-answer", message); rows]
}

fn failed(code: &'static str, message: String) -> Answer {
    Answer::Done(Verdict::new(Outcome::Failed, code, message))
}
