//! Rows in doubt: before they are called again the target is asked whether they are done.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use onward_core::input::InputRow;
use onward_core::problem::{Code, Problem};
use onward_core::processor::{Answer, Call, CannotStart, Ended, Processor, Queue};
use onward_core::recipe::{InDoubt, Recipe};
use onward_core::row::{Outcome, Verdict};

use crate::answers::{is_success, not_now, unauthorized};
use crate::expr::Expression;
use crate::invalid::{Expressions, Wrong, problem};
use crate::rules::{Case, holds};
use crate::scope::{Names, bind};
use crate::settings::Settings;
use crate::target::{Parts, Target};

/// Statuses that say "there is no such thing" where the recipe has no rule of its own.
const NOTHING_THERE: [u16; 2] = [404, 410];

/// Any work, with a question before it.
struct Asking {
    work: Arc<dyn Processor>,
    target: Target,
    done: Option<Expression>,
    timeout: Duration,
}

/// Puts the question of a recipe before its work.
pub(crate) fn before(
    work: Arc<dyn Processor>,
    in_doubt: &InDoubt,
    recipe: &Recipe,
    settings: &Settings,
) -> Result<Arc<dyn Processor>, Problem> {
    let mut wrong = Wrong::new();
    let timeout = Duration::from_millis(recipe.work.timeout);
    let done = Expressions::compile(recipe, &mut wrong).take("in_doubt.done");
    let target = Target::new(&Parts::of_question(in_doubt), &recipe.work, settings, &mut wrong)?;
    match (problem(wrong), target) {
        (Some(problem), _) => Err(problem),
        (None, Some(target)) => Ok(Arc::new(Asking { work, target, done, timeout })),
        (None, None) => Err(Problem::new(Code::RecipeInvalid, "`in_doubt.url` cannot be understood")),
    }
}

#[async_trait]
impl Processor for Asking {
    fn calls_out(&self) -> bool {
        self.work.calls_out()
    }

    fn needs(&self) -> Vec<String> {
        [self.work.needs(), self.target.fields()].concat()
    }

    fn queue(&self) -> Option<&dyn Queue> {
        self.work.queue().map(|_| self as &dyn Queue)
    }

    async fn check(&self) -> Result<(), CannotStart> {
        self.target.check()?;
        self.work.check().await
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        if call.in_doubt.is_empty() {
            return self.work.process(call).await;
        }
        let mut answers = Vec::with_capacity(call.rows.len());
        for row in &call.rows {
            let asked = call.in_doubt.contains(&row.index);
            answers.push(if asked { self.ask(call, row).await } else { None });
        }
        let open = call.rows.iter().zip(&answers).filter(|(_, answer)| answer.is_none());
        let rows: Vec<_> = open.map(|(row, _)| Arc::clone(row)).collect();
        let called = if rows.is_empty() {
            Vec::new()
        } else {
            self.work.process(&Call { rows, ..call.clone() }).await
        };
        // An answer that is missing shows as a wrong number of answers.
        let mut called = called.into_iter();
        answers.into_iter().filter_map(|answer| answer.or_else(|| called.next())).collect()
    }
}

#[async_trait]
impl Queue for Asking {
    async fn work_off(&self, calls: &[Call], ended: Ended<'_>) {
        match self.work.queue() {
            Some(queue) if calls.iter().all(|call| call.in_doubt.is_empty()) => {
                queue.work_off(calls, ended).await;
            }
            _ => {
                let calls = calls.iter().enumerate();
                let asked = calls.map(|(at, call)| async move { (at, self.process(call).await) });
                let mut asked: FuturesUnordered<_> = asked.collect();
                while let Some((at, answers)) = asked.next().await {
                    ended(vec![(at, answers)]);
                }
            }
        }
    }
}

impl Asking {
    /// What the target says about a row; `None` means that it is to be called.
    async fn ask(&self, call: &Call, row: &Arc<InputRow>) -> Option<Answer> {
        // Work with a queue keeps the time of its own calls, not of this one.
        let question = self.target.call(call, std::slice::from_ref(row), None);
        let received = match tokio::time::timeout(self.timeout, question).await {
            Ok(Ok(received)) => received,
            Ok(Err(answer)) => return Some(answer),
            Err(_) => return Some(Answer::late(self.timeout)),
        };
        if let Some(answer) = not_now(&received) {
            return Some(answer);
        }
        if received.status == 401 && self.target.has_headers() {
            return Some(unauthorized("in_doubt.headers"));
        }
        let done = match &self.done {
            Some(rule) => {
                let (bound, found) = (bind(rule, &call.columns, Names::Answer), received.fetched());
                match holds(rule, &bound, Case { row, found: &found, item: None }, "in_doubt.done") {
                    Ok(done) => done,
                    Err(answer) => return Some(answer),
                }
            }
            None if is_success(&received) => true,
            None if NOTHING_THERE.contains(&received.status) => false,
            None => {
                let message =
                    format!("asked whether the row is done, the target answered {}", received.status);
                return Some(Answer::Retry {
                    code: "in-doubt".into(),
                    message: message.into(),
                    wait_ms: None,
                });
            }
        };
        let message = "its call was in doubt; the target says that it is done";
        done.then(|| Answer::Done(Verdict::new(Outcome::Added, "confirmed", message)))
    }
}
