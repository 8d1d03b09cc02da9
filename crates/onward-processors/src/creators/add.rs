//! What is added: the row's own fields, or the columns the recipe makes out of row and answer.

use std::sync::Arc;

use onward_core::input::{Columns, InputRow};
use onward_core::processor::Call;
use onward_core::recipe::Recipe;
use onward_core::row::{NewCreator, Outcome, Verdict};
use serde_json::Value as Json;

use super::scope::{Fetched, RowScope, Source, bind};
use crate::expr::Expression;
use crate::fields;
use crate::invalid::Expressions;

/// The list creators are added to when the recipe has no `[add]`.
const USUAL_TABLE: &str = "creators";

/// `[add]`.
#[derive(Debug)]
pub(super) struct Add {
    table: Arc<str>,
    /// Name as a JSON text, and what it is made of; empty means the row's own fields.
    columns: Vec<(String, Expression)>,
}

/// Where each part of what is added comes from, for one call.
pub(super) enum AddPlan {
    /// Names as JSON texts with the positions of the fields.
    Own(Vec<(String, usize)>),
    /// The sources of each column's expression.
    Made(Vec<Vec<Source>>),
}

impl Add {
    /// The `[add]` of a recipe.
    pub(super) fn new(recipe: &Recipe, expressions: &mut Expressions) -> Self {
        let add = recipe.add.as_ref();
        let names = add.map(|add| add.columns.keys()).into_iter().flatten();
        let columns = names.filter_map(|name| {
            let expression = expressions.take(&format!("add.columns.{name}"))?;
            Some((as_json(name), expression))
        });
        Self { columns: columns.collect(), table: add.map_or(USUAL_TABLE, |add| &add.table).into() }
    }

    /// Finds the columns it needs.
    pub(super) fn bind(&self, columns: &Columns, fetches: bool) -> AddPlan {
        if self.columns.is_empty() {
            return AddPlan::Own(
                fields::own(columns).iter().map(|(name, at)| (as_json(name), *at)).collect(),
            );
        }
        AddPlan::Made(self.columns.iter().map(|(_, one)| bind(one, columns, fetches)).collect())
    }

    /// The row with its creator, or failed when a column cannot be made.
    pub(super) fn verdict(
        &self,
        call: &Call,
        row: &InputRow,
        plan: &AddPlan,
        found: Option<&Fetched>,
    ) -> Verdict {
        let data = match plan {
            AddPlan::Own(own) => own_fields(row, own),
            AddPlan::Made(bound) => match self.made(row, bound, found) {
                Ok(data) => data,
                Err(message) => return Verdict::new(Outcome::Failed, "column-error", message),
            },
        };
        let key: Box<str> = if row.key.is_empty() {
            // Without a key every row stands for itself, and a repeat of the row adds nothing.
            format!("{}/{}", call.job, row.index.row()).into()
        } else {
            row.key.as_str().into()
        };
        let creator = NewCreator { table: Arc::clone(&self.table), key, data: data.into() };
        Verdict { creator: Some(creator), ..Verdict::added() }
    }

    fn made(&self, row: &InputRow, bound: &[Vec<Source>], found: Option<&Fetched>) -> Result<String, String> {
        let mut data = String::from("{");
        for ((name, expression), bound) in self.columns.iter().zip(bound) {
            let scope = RowScope { row, bound, found };
            let value = expression.evaluate(&scope).map_err(|fault| format!("column {name}: {fault}"))?;
            push(&mut data, name, &value.to_json().to_string());
        }
        data.push('}');
        Ok(data)
    }
}

fn own_fields(row: &InputRow, own: &[(String, usize)]) -> String {
    let length: usize = row.fields.iter().map(String::len).sum();
    let names: usize = own.iter().map(|(name, _)| name.len() + 4).sum();
    let mut data = String::with_capacity(length + names + 2);
    data.push('{');
    for (name, at) in own {
        if let Some(text) = row.fields.get(*at) {
            push(&mut data, name, &as_json(text));
        }
    }
    data.push('}');
    data
}

fn push(data: &mut String, name: &str, json: &str) {
    if data.len() > 1 {
        data.push(',');
    }
    data.push_str(name);
    data.push(':');
    data.push_str(json);
}

fn as_json(text: &str) -> String {
    Json::from(text).to_string()
}
