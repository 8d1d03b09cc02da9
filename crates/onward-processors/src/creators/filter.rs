//! The filter: rows for which `keep` is false are filtered, and so are those for which it is unknown.

use onward_core::input::{Columns, InputRow};
use onward_core::row::{Outcome, Verdict};

use crate::expr::{Expression, Value};
use crate::invalid::Expressions;
use crate::scope::{Fetched, Names, RowScope, Source, bind};

/// `[filter] keep`.
#[derive(Debug)]
pub(super) struct Filter {
    keep: Expression,
}

impl Filter {
    /// The filter of a recipe, if it has one that could be compiled.
    pub(super) fn new(expressions: &mut Expressions) -> Option<Self> {
        expressions.take("filter.keep").map(|keep| Self { keep })
    }

    /// Finds the columns it looks at.
    pub(super) fn bind(&self, columns: &Columns, names: Names) -> Vec<Source> {
        bind(&self.keep, columns, names)
    }

    /// Why the row is left out, if it is.
    pub(super) fn leave_out(
        &self,
        row: &InputRow,
        bound: &[Source],
        found: Option<&Fetched>,
    ) -> Option<Verdict> {
        let scope = RowScope { row, bound, found, item: None };
        match self.keep.evaluate(&scope) {
            Ok(Value::Bool(true)) => None,
            Ok(Value::Bool(false)) => {
                Some(Verdict::new(Outcome::Filtered, "filtered", "the filter leaves it out"))
            }
            Ok(Value::Missing(what)) => {
                let message = format!("the filter cannot tell: `{what}` has no value");
                Some(Verdict::new(Outcome::Filtered, "filter-unknown", message))
            }
            Ok(other) => {
                let message = format!("`keep` must be true or false, and is {}", other.kind());
                Some(Verdict::new(Outcome::Failed, "filter-error", message))
            }
            Err(fault) => Some(Verdict::new(Outcome::Failed, "filter-error", fault.message)),
        }
    }
}
