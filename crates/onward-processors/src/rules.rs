//! Rules over an answer: expressions of a recipe of which the first that is true decides.

use onward_core::input::{Columns, InputRow};
use onward_core::processor::Answer;
use serde_json::Value as Json;

use crate::answers::failed;
use crate::expr::{Expression, Value};
use crate::invalid::Expressions;
use crate::scope::{Fetched, Names, RowScope, Source, bind};

/// What a rule says about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Fatal,
    Quota,
    Throttled,
    Retry,
    NotFound,
    Failed,
    Filtered,
    Skipped,
    Added,
}

/// The rules in the order in which they are looked at, each under the name of its key.
const ALL: [(Rule, &str); 9] = [
    (Rule::Fatal, "fatal"),
    (Rule::Quota, "quota"),
    (Rule::Throttled, "throttled"),
    (Rule::Retry, "retry"),
    (Rule::NotFound, "not_found"),
    (Rule::Failed, "failed"),
    (Rule::Filtered, "filtered"),
    (Rule::Skipped, "skipped"),
    (Rule::Added, "added"),
];

/// The rules of a recipe.
#[derive(Debug)]
pub(crate) struct Rules(Vec<(Rule, &'static str, Expression)>);

/// Where the names of each rule come from, for one call.
pub(crate) struct Bound(Vec<Vec<Source>>);

/// A row and the answer it is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) row: &'a InputRow,
    pub(crate) found: &'a Fetched,
    pub(crate) item: Option<&'a Json>,
}

impl<'a> Case<'a> {
    /// The names of an expression over this case.
    pub(crate) fn scope(self, bound: &'a [Source]) -> RowScope<'a> {
        RowScope { row: self.row, bound, found: Some(self.found), item: self.item }
    }
}

impl Rules {
    /// The rules that stand under `table`, such as `fetch`.
    pub(crate) fn new(table: &str, expressions: &mut Expressions) -> Self {
        let rules = ALL.into_iter().filter_map(|(rule, name)| {
            expressions.take(&format!("{table}.{name}")).map(|expression| (rule, name, expression))
        });
        Self(rules.collect())
    }

    /// Whether there is a rule of this kind.
    pub(crate) fn has(&self, rule: Rule) -> bool {
        self.0.iter().any(|(known, _, _)| *known == rule)
    }

    /// Finds the columns the rules look at.
    pub(crate) fn bind(&self, columns: &Columns, names: Names) -> Bound {
        Bound(self.0.iter().map(|(_, _, expression)| bind(expression, columns, names)).collect())
    }

    /// The first rule among `which` that is true. What is unknown is not true. The error is the row's
    /// failure over a rule that has a mistake.
    pub(crate) fn first(
        &self,
        bound: &Bound,
        case: Case<'_>,
        which: impl Fn(Rule) -> bool,
    ) -> Result<Option<Rule>, Answer> {
        for ((rule, name, expression), bound) in self.0.iter().zip(&bound.0) {
            if which(*rule) && holds(expression, bound, case, name)? {
                return Ok(Some(*rule));
            }
        }
        Ok(None)
    }
}

/// Whether an expression is true for a case.
pub(crate) fn holds(
    expression: &Expression,
    bound: &[Source],
    case: Case<'_>,
    name: &str,
) -> Result<bool, Answer> {
    match expression.evaluate(&case.scope(bound)) {
        Ok(Value::Bool(truth)) => Ok(truth),
        Ok(Value::Missing(_)) => Ok(false),
        Ok(other) => {
            let message = format!("`{name}` must be true or false, and is {}", other.kind());
            Err(failed("answer-error", message))
        }
        Err(fault) => Err(failed("answer-error", format!("`{name}`: {fault}"))),
    }
}
