//! The look-up: one GET per row, its answer read, and its status turned into an outcome.

use std::sync::Arc;

use onward_core::input::InputRow;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, CannotStart};
use onward_core::recipe::{self, Recipe};
use onward_core::row::{Outcome, Verdict};
use serde_json::Value as Json;

use crate::answers::{asked_wait, failed, is_success, not_now, refusal, throttled, unauthorized, words};
use crate::client::Received;
use crate::invalid::{Expressions, Wrong};
use crate::rules::{Case, Rule, Rules};
use crate::scope::{Fetched, Names};
use crate::settings::Settings;
use crate::target::{Parts, Target};

/// `[fetch]`.
#[derive(Debug)]
pub(super) struct Fetch {
    target: Target,
    rules: Rules,
}

impl Fetch {
    /// The look-up of a recipe; `None` when something was wrong with it.
    pub(super) fn new(
        fetch: &recipe::Fetch,
        recipe: &Recipe,
        settings: &Settings,
        expressions: &mut Expressions,
        wrong: &mut Wrong,
    ) -> Result<Option<Self>, Problem> {
        let target = Target::new(&Parts::of_fetch(fetch, recipe), &recipe.work, settings, wrong)?;
        let rules = Rules::new("fetch", expressions);
        Ok(target.map(|target| Self { target, rules }))
    }

    /// The fields it uses.
    pub(super) fn fields(&self) -> Vec<String> {
        self.target.fields()
    }

    /// Whether every secret is there.
    pub(super) fn check(&self) -> Result<(), CannotStart> {
        self.target.check()
    }

    /// Looks one row up. The error is what becomes of the row without any further step.
    pub(super) async fn look_up(&self, call: &Call, row: &Arc<InputRow>) -> Result<Fetched, Answer> {
        let received = self.target.call(call, std::slice::from_ref(row), None).await?;
        let found = received.fetched();
        let secrets = self.target.client().secrets();
        if let Some(answer) = self.stopped(call, row, &received, &found)? {
            return Err(answer);
        }
        if let Some(answer) = not_now(&received) {
            return Err(answer);
        }
        let success = is_success(&received);
        if success && found.body == Json::Null && !is_blank_or_null(&received.body) {
            let error = serde_json::from_slice::<Json>(&received.body).err();
            let why = error.map_or(String::new(), |error| format!(": {error}"));
            return Err(failed("bad-answer", format!("the answer is not JSON{why}")));
        }
        match received.status {
            401 => return Err(unauthorized("fetch.headers")),
            // Before `not_found`: a private profile exists, whatever else its answer says.
            403 => return Err(refusal(&received, &found.body, secrets)),
            _ => {}
        }
        if self.first(call, row, &found, |rule| rule == Rule::NotFound)?.is_some() {
            let verdict = Verdict::new(Outcome::Failed, "not-found", "the target does not know it");
            return Err(Answer::Confirm(Box::new(verdict)));
        }
        if success { Ok(found) } else { Err(refusal(&received, &found.body, secrets)) }
    }

    /// What the rules about the call itself say.
    fn stopped(
        &self,
        call: &Call,
        row: &InputRow,
        received: &Received,
        found: &Fetched,
    ) -> Result<Option<Answer>, Answer> {
        let Some(rule) = self.first(call, row, found, |rule| rule != Rule::NotFound)? else {
            return Ok(None);
        };
        let told = words(&found.body, self.target.client().secrets());
        let message = told.unwrap_or_else(|| format!("the target answered {}", received.status)).into();
        Ok(Some(match rule {
            Rule::Fatal => Answer::Fatal { code: "fatal".into(), message, wait_ms: asked_wait(received) },
            Rule::Quota => {
                Answer::Fatal { code: "quota-exhausted".into(), message, wait_ms: asked_wait(received) }
            }
            Rule::Throttled => throttled(received, message),
            Rule::Retry | Rule::NotFound | Rule::Failed | Rule::Filtered | Rule::Skipped | Rule::Added => {
                let wait_ms = asked_wait(received).filter(|wait_ms| *wait_ms > 0);
                Answer::Retry { code: "retry".into(), message, wait_ms }
            }
        }))
    }

    fn first(
        &self,
        call: &Call,
        row: &InputRow,
        found: &Fetched,
        which: impl Fn(Rule) -> bool,
    ) -> Result<Option<Rule>, Answer> {
        let bound = self.rules.bind(&call.columns, Names::Answer);
        self.rules.first(&bound, Case { row, found, item: None }, which)
    }
}

fn is_blank_or_null(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"null")
}
