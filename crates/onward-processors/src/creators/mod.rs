//! The creators work: look a row up, filter it, and hand it to the store to add.
//!
//! ```text
//! row ─> fetch (optional) ─> filter (optional) ─> add
//!          │                   │                   └ added, or skipped when already in the table
//!          │                   └ filtered; filter-unknown; failed: filter-error
//!          └ failed: not-found, not-allowed, …; or again later
//! ```
//! Duplicates within the file and empty keys are decided at intake, and duplicates against the table
//! by the store, in the transaction that adds the row; neither is seen here.

mod add;
mod fetch;
mod filter;

use std::sync::Arc;

use async_trait::async_trait;
use onward_core::input::InputRow;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, CannotStart, Processor};
use onward_core::recipe::Recipe;

use crate::invalid::{Expressions, Wrong, problem};
use crate::scope::{Fetched, Names, Source};
use crate::settings::Settings;
use add::{Add, AddPlan};
use fetch::Fetch;
use filter::Filter;

struct Creators {
    fetch: Option<Fetch>,
    filter: Option<Filter>,
    add: Add,
}

/// Makes the creators work of a recipe.
pub(crate) fn build(recipe: &Recipe, settings: &Settings) -> Result<Arc<dyn Processor>, Problem> {
    let mut wrong = Wrong::new();
    let mut expressions = Expressions::compile(recipe, &mut wrong);
    let fetch = match &recipe.fetch {
        Some(fetch) => Fetch::new(fetch, recipe, settings, &mut expressions, &mut wrong)?,
        None => None,
    };
    let filter = Filter::new(&mut expressions);
    let add = Add::new(recipe, &mut expressions);
    match problem(wrong) {
        Some(problem) => Err(problem),
        None => Ok(Arc::new(Creators { fetch, filter, add })),
    }
}

#[async_trait]
impl Processor for Creators {
    fn calls_out(&self) -> bool {
        self.fetch.is_some()
    }

    fn needs(&self) -> Vec<String> {
        self.fetch.as_ref().map(Fetch::fields).unwrap_or_default()
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        let names = if self.fetch.is_some() { Names::Answer } else { Names::Row };
        let filter = self.filter.as_ref().map(|filter| filter.bind(&call.columns, names));
        let add = self.add.bind(&call.columns, names);
        let mut answers = Vec::with_capacity(call.rows.len());
        for row in &call.rows {
            let answer = match &self.fetch {
                None => self.decide(call, row, filter.as_deref(), &add, None),
                Some(fetch) => match fetch.look_up(call, row).await {
                    Ok(found) => self.decide(call, row, filter.as_deref(), &add, Some(&found)),
                    Err(answer) => answer,
                },
            };
            answers.push(answer);
        }
        answers
    }

    async fn check(&self) -> Result<(), CannotStart> {
        self.fetch.as_ref().map_or(Ok(()), Fetch::check)
    }
}

impl Creators {
    fn decide(
        &self,
        call: &Call,
        row: &InputRow,
        bound: Option<&[Source]>,
        add: &AddPlan,
        found: Option<&Fetched>,
    ) -> Answer {
        let out =
            self.filter.as_ref().zip(bound).and_then(|(filter, bound)| filter.leave_out(row, bound, found));
        let verdict = out.unwrap_or_else(|| self.add.verdict(call, row, add, found));
        Answer::Done(verdict)
    }
}
