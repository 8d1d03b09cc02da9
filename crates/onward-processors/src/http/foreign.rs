//! Answers of a foreign target: the recipe's rules over status, headers and body say what they mean.

use std::sync::Arc;

use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call};
use onward_core::recipe::{Missing, Recipe};
use onward_core::row::{Outcome, Text, Verdict};
use serde_json::Value as Json;

use crate::answers::{
    asked_wait, failed, is_success, not_now, one_line, refusal, throttled, unauthorized, words,
};
use crate::client::Received;
use crate::expr::{Expression, Value};
use crate::invalid::Expressions;
use crate::rules::{Bound, Case, Rule, Rules, holds};
use crate::scope::{Fetched, Names, Source, bind};
use crate::target::Target;
use crate::wire::left_out;

/// A message of a recipe's is cut there, in characters.
const MAX_MESSAGE: usize = 1_000;
/// What a row keeps of an answer is at most so long, in bytes: it is stored once per row.
const MAX_RESULT: usize = 64 * 1024;

/// `[answer]`.
#[derive(Debug)]
pub(super) struct Foreign {
    rules: Rules,
    items: Option<(Expression, Expression)>,
    result: Option<Expression>,
    message: Option<Expression>,
    missing: Missing,
    batched: bool,
}

/// Where the names of every expression come from, for one call.
struct Places {
    rules: Bound,
    matches: Vec<Source>,
    result: Vec<Source>,
    message: Vec<Source>,
}

/// The part of an answer that is about one row.
enum Part<'a> {
    /// The answer is not made of parts, or has none.
    Whole,
    Own(&'a Json),
    LeftOut,
}

impl Foreign {
    /// The rules of a recipe; none at all means that a 2xx is `added`.
    pub(super) fn new(recipe: &Recipe, expressions: &mut Expressions) -> Self {
        Self {
            rules: Rules::new("answer", expressions),
            items: expressions.take("answer.items").zip(expressions.take("answer.match")),
            result: expressions.take("answer.result"),
            message: expressions.take("answer.message"),
            missing: recipe.work.missing,
            batched: recipe.work.batch > 1,
        }
    }

    /// Whether each row's part of an answer can be told.
    pub(super) fn finds_rows(&self) -> bool {
        self.items.is_some()
    }

    /// What became of the rows of a call.
    pub(super) fn read(
        &self,
        received: &Received,
        call: &Call,
        rows: &[Arc<InputRow>],
        target: &Target,
    ) -> Vec<Answer> {
        let found = received.fetched();
        let columns = &call.columns;
        let place =
            |one: Option<&Expression>| one.map(|one| bind(one, columns, Names::Item)).unwrap_or_default();
        let places = Places {
            rules: self.rules.bind(columns, Names::Item),
            matches: place(self.items.as_ref().map(|(_, matches)| matches)),
            result: place(self.result.as_ref()),
            message: place(self.message.as_ref()),
        };
        let list = rows.first().and_then(|row| self.list(call, row, &found));
        let mut next = 0;
        let answers = rows.iter().map(|row| {
            let part = match self.part(row, &found, list.as_deref(), &places, &mut next) {
                Ok(part) => part,
                Err(answer) => return answer,
            };
            self.judge(row, received, &found, &part, &places, target).unwrap_or_else(|answer| answer)
        });
        answers.collect()
    }

    /// The parts of the answer, if it has any.
    fn list(&self, call: &Call, row: &InputRow, found: &Fetched) -> Option<Vec<Json>> {
        let (items, _) = self.items.as_ref()?;
        let bound = bind(items, &call.columns, Names::Answer);
        let case = Case { row, found, item: None };
        match items.evaluate(&case.scope(&bound)).ok()?.to_json() {
            Json::Array(items) => Some(items),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => None,
        }
    }

    /// Finds the row's part. Most answers keep the order of the rows, so the search begins after the
    /// part that was found last.
    fn part<'a>(
        &self,
        row: &InputRow,
        found: &Fetched,
        list: Option<&'a [Json]>,
        places: &Places,
        next: &mut usize,
    ) -> Result<Part<'a>, Answer> {
        let (Some((_, matches)), Some(list)) = (&self.items, list) else { return Ok(Part::Whole) };
        for at in (*next..list.len()).chain(0..(*next).min(list.len())) {
            let case = Case { row, found, item: Some(&list[at]) };
            if holds(matches, &places.matches, case, "match")? {
                *next = at + 1;
                return Ok(Part::Own(&list[at]));
            }
        }
        Ok(Part::LeftOut)
    }

    fn judge(
        &self,
        row: &InputRow,
        received: &Received,
        found: &Fetched,
        part: &Part<'_>,
        places: &Places,
        target: &Target,
    ) -> Result<Answer, Answer> {
        let item = match part {
            Part::Own(item) => Some(*item),
            Part::Whole | Part::LeftOut => None,
        };
        let case = Case { row, found, item };
        let about_the_call = |rule| matches!(rule, Rule::Fatal | Rule::Quota | Rule::Throttled | Rule::Retry);
        let rule = self.rules.first(&places.rules, case, about_the_call)?;
        if rule.is_none() && is_success(received) && matches!(part, Part::LeftOut) {
            let alone = if self.batched { self.missing } else { Missing::RetryAlone };
            return Ok(left_out(alone));
        }
        let rule = match rule {
            Some(rule) => Some(rule),
            None => self.rules.first(&places.rules, case, |rule| !about_the_call(rule))?,
        };
        let secrets = target.client().secrets();
        let message = self.message(case, places).map(|text| secrets.hide(text));
        let message = message.or_else(|| words(&found.body, secrets));
        if let Some(rule) = rule {
            let mut answer = by_rule(rule, received, message);
            self.keep_result(&mut answer, case, places, target);
            return Ok(answer);
        }
        if let Some(answer) = not_now(received) {
            return Ok(answer);
        }
        if received.status == 401 && target.has_headers() {
            return Ok(unauthorized("work.headers"));
        }
        if !is_success(received) {
            return Ok(refusal(received, &found.body, secrets));
        }
        if self.rules.has(Rule::Added) {
            let told = message.map_or(String::new(), |message| format!(": {message}"));
            let message = format!("no rule of `[answer]` fits the answer (status {}){told}", received.status);
            return Ok(failed("unexpected-answer", message));
        }
        let mut answer = Answer::Done(Verdict::added());
        self.keep_result(&mut answer, case, places, target);
        Ok(answer)
    }

    fn message(&self, case: Case<'_>, places: &Places) -> Option<String> {
        let expression = self.message.as_ref()?;
        let text = match expression.evaluate(&case.scope(&places.message)).ok()?.to_json() {
            Json::Null => return None,
            Json::String(text) => text,
            other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => other.to_string(),
        };
        Some(one_line(&text, MAX_MESSAGE)).filter(|line| !line.is_empty())
    }

    fn keep_result(&self, answer: &mut Answer, case: Case<'_>, places: &Places, target: &Target) {
        let Answer::Done(verdict) = answer else { return };
        let Some(expression) = &self.result else { return };
        match expression.evaluate(&case.scope(&places.result)) {
            Ok(Value::Missing(_)) => {}
            Ok(value) => {
                let text = value.to_json().to_string();
                let text =
                    if text.len() > MAX_RESULT { r#""(too long to be kept)""#.to_owned() } else { text };
                verdict.result = Some(target.client().secrets().hide(text).into());
            }
            Err(fault) => {
                *verdict = Verdict::new(Outcome::Failed, "answer-error", format!("`result`: {fault}"));
            }
        }
    }
}

fn by_rule(rule: Rule, received: &Received, message: Option<String>) -> Answer {
    let status = received.status;
    let told = |usual: String| message.clone().map_or(Text::from(usual), Text::from);
    let done = |outcome: Outcome| {
        let word = outcome.word();
        Answer::Done(Verdict::new(outcome, word, told(word.to_owned())))
    };
    match rule {
        Rule::Fatal => Answer::Fatal {
            code: "fatal".into(),
            message: told(format!("`fatal` is true for an answer with the status {status}")),
            wait_ms: asked_wait(received),
        },
        Rule::Quota => Answer::Fatal {
            code: "quota-exhausted".into(),
            message: told(format!("the target's quota is used up (status {status})")),
            wait_ms: asked_wait(received),
        },
        Rule::Throttled => throttled(received, told(format!("the target asks to slow down ({status})"))),
        Rule::Retry => Answer::Retry {
            code: "retry".into(),
            message: told(format!("`retry` is true for an answer with the status {status}")),
            wait_ms: asked_wait(received).filter(|wait_ms| *wait_ms > 0),
        },
        Rule::NotFound => {
            let verdict =
                Verdict::new(Outcome::Failed, "not-found", told("the target does not know it".to_owned()));
            Answer::Confirm(Box::new(verdict))
        }
        Rule::Failed => done(Outcome::Failed),
        Rule::Filtered => done(Outcome::Filtered),
        Rule::Skipped => done(Outcome::Skipped),
        // An answer's words are about what went wrong; a row that was added needs none.
        Rule::Added => Answer::Done(Verdict::added()),
    }
}
