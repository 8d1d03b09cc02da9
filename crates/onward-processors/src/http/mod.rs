//! The http work: rows are sent to an address, and the answer says what became of them.
//!
//! Two kinds of targets. One of the user's own ([`ours`]) is sent the row as JSON and answers with an
//! outcome. A foreign one ([`foreign`]) is called as its own documentation says, and the recipe's rules
//! read the answer. A recipe that brings neither a method, a body nor rules means the first kind.

mod foreign;
mod ours;

use std::sync::Arc;

use async_trait::async_trait;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, CannotStart, Processor};
use onward_core::recipe::{Method, Recipe};

use crate::answers::failed;
use crate::invalid::{Expressions, Wrong, problem};
use crate::settings::Settings;
use crate::target::{Parts, Target};
use crate::wire;
use foreign::Foreign;
use ours::Ours;

struct Http {
    target: Target,
    /// Whether the row itself is the body.
    sends_row: bool,
    reads: Reads,
    batched: bool,
}

/// How an answer is read.
enum Reads {
    Ours(Ours),
    Foreign(Box<Foreign>),
}

/// Makes the http work of a recipe.
pub(crate) fn build(recipe: &Recipe, settings: &Settings) -> Result<Arc<dyn Processor>, Problem> {
    let mut wrong = Wrong::new();
    let mut expressions = Expressions::compile(recipe, &mut wrong);
    let work = &recipe.work;
    let target = Target::new(&Parts::of_work(work), work, settings, &mut wrong)?;
    let bodiless = matches!(work.method, Some(Method::Get | Method::Delete));
    let sends_row = !bodiless && work.body.is_none();
    let reads = if sends_row && recipe.answer.is_none() {
        Reads::Ours(Ours { missing: work.missing })
    } else {
        Reads::Foreign(Box::new(Foreign::new(recipe, &mut expressions)))
    };
    if work.batch > 1 && matches!(&reads, Reads::Foreign(foreign) if !foreign.finds_rows()) {
        let message =
            "a batch needs `answer.items` and `answer.match`, to find each row's part of the answer";
        wrong.add("work.batch", message);
    }
    match (problem(wrong), target) {
        (Some(problem), _) => Err(problem),
        (None, Some(target)) => Ok(Arc::new(Http { target, sends_row, reads, batched: work.batch > 1 })),
        (None, None) => {
            Err(Problem::new(onward_core::problem::Code::RecipeInvalid, "`work.url` cannot be understood"))
        }
    }
}

#[async_trait]
impl Processor for Http {
    fn calls_out(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<String> {
        self.target.fields()
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        if call.rows.is_empty() {
            return Vec::new();
        }
        if self.batched {
            return self.answers(call, &call.rows).await;
        }
        let mut answers = Vec::with_capacity(call.rows.len());
        for row in &call.rows {
            answers.append(&mut self.answers(call, std::slice::from_ref(row)).await);
        }
        answers
    }

    async fn check(&self) -> Result<(), CannotStart> {
        self.target.check()
    }
}

impl Http {
    /// One call for these rows.
    async fn answers(&self, call: &Call, rows: &[Arc<onward_core::input::InputRow>]) -> Vec<Answer> {
        let own = self.sends_row.then(|| match (self.batched, rows) {
            (false, [row]) => wire::one_row(call, row),
            _ => wire::many_rows(call, rows),
        });
        let received = match self.target.call(call, rows, own).await {
            Ok(received) => received,
            // One row that cannot be put into a call must not take its neighbours with it.
            Err(Answer::Done(_)) if rows.len() > 1 => return apart(self, call, rows).await,
            Err(answer) => return vec![answer; rows.len()],
        };
        let secrets = self.target.client().secrets();
        match &self.reads {
            Reads::Ours(ours) if self.batched => ours.batch(&received, rows, secrets),
            Reads::Ours(ours) => vec![ours.one(&received, secrets); rows.len()],
            Reads::Foreign(foreign) => foreign.read(&received, call, rows, &self.target),
        }
    }
}

/// The rows of a batch that cannot be called as a whole, each by itself.
async fn apart(http: &Http, call: &Call, rows: &[Arc<onward_core::input::InputRow>]) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(rows.len());
    for row in rows {
        match Box::pin(http.answers(call, std::slice::from_ref(row))).await.pop() {
            Some(answer) => answers.push(answer),
            None => answers.push(failed("bad-answer", "the call had no answer")),
        }
    }
    answers
}
#[cfg(test)]
mod tests {
    use onward_core::id::{Epoch, JobId};
    use onward_core::processor::Told;

    use super::*;

    /// What the allocator hands out without a search: with more, every call costs a good part of a microsecond more.
    const QUICK: usize = 1_024;

    #[test]
    fn a_call_under_way_takes_little_room() {
        let recipe = Recipe::parse("[work]\nkind = 'http'\nurl = 'http://127.0.0.1/'").unwrap();
        let work =
            build(&recipe, &Settings::default()).unwrap_or_else(|problem| panic!("{}", problem.detail));
        let call = Call {
            job: JobId(Default::default()),
            epoch: Epoch(1),
            generation: 1,
            attempt: 1,
            columns: Arc::default(),
            rows: Vec::new(),
            in_doubt: Vec::new(),
            told: Told::default(),
        };
        let room = size_of_val(&*work.process(&call));
        assert!(room <= QUICK, "{room} bytes");
    }
}
