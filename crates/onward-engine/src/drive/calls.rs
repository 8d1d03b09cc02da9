//! Calls of the work: started, timed, aborted.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use onward_core::id::{Epoch, RowIndex, SpanNo};
use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call, Processor, Told};
use onward_core::row::{Outcome, Verdict};
use onward_core::run::{Input, RowAnswer};

use tokio::task::JoinError;

use super::Drive;
use crate::clock;

impl Drive {
    /// A call has ended, and with it whatever else has by now: fast calls end together, and each by itself
    /// would cost a round of waiting.
    pub(super) fn calls_ended(&mut self, first: Result<Input, JoinError>) {
        let (mut ended, mut left) = (Some(first), self.calls.len());
        while let Some(done) = ended {
            // A call that was aborted or crashed has told its own end already.
            if let Ok(input) = done {
                self.tell(input);
            }
            // Only so many as there were, so that calls that end at once keep nothing else waiting.
            ended = if left > 0 && !self.over { self.calls.try_join_next() } else { None };
            left = left.saturating_sub(1);
        }
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
        let processor = Arc::clone(&self.processor);
        let alive = held.alive.clone();
        let timeout = Duration::from_millis(self.recipe.work.timeout);
        let (company, ear) = (self.order.gates.company(), self.ear.ear());
        self.calls.spawn(async move {
            let (rows, told) = (call.rows.clone(), call.told.clone());
            let work = async {
                let _place = company.enter(alone).await;
                answer(processor, call, timeout).await
            };
            let answers = tokio::select! {
                answers = work => answers,
                // Given up: whatever would come is late, and nobody waits for it.
                () = alive.cancelled() => return Input::Tick,
            };
            ear.note(&told, clock::now());
            let rows = rows.iter().zip(answers);
            let rows =
                rows.map(|(row, answer)| RowAnswer { row: row.index, key: row.key.as_str().into(), answer });
            Input::Answered { span, epoch, rows: rows.collect(), closed_ms: told.wait_ms() }
        });
    }
}

/// Does one call within its deadline. Work that crashes costs its own rows and nothing else.
async fn answer(processor: Arc<dyn Processor>, call: Call, timeout: Duration) -> Vec<Answer> {
    let count = call.rows.len();
    let keeps_time = processor.keeps_time();
    let work = async {
        let work = processor.process(call);
        if keeps_time { Ok(work.await) } else { tokio::time::timeout(timeout, work).await }
    };
    // The processor is only read, and its answer is all that is taken from a call: nothing half-done
    // of a call that crashed is ever looked at.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(answers)) if answers.len() == count => answers,
        Ok(Ok(answers)) => {
            let message = format!("the work gave {} answers for {count} rows", answers.len());
            vec![failed("bad-answer", message); count]
        }
        Ok(Err(_)) => vec![Answer::late(timeout); count],
        Err(_) => vec![failed("crashed", "the work crashed on this row".to_owned()); count],
    }
}

fn failed(code: &'static str, message: String) -> Answer {
    Answer::Done(Verdict::new(Outcome::Failed, code, message))
}
