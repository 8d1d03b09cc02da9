//! What is added: the row's own fields, or the columns the recipe makes out of row and answer.

use std::sync::Arc;

use onward_core::input::{Columns, InputRow};
use onward_core::processor::Call;
use onward_core::recipe::Recipe;
use onward_core::row::{NewCreator, Outcome, Verdict};
use serde::Serialize;
use serde_json::Value as Json;

use crate::expr::Expression;
use crate::invalid::Expressions;
use crate::scope::{Fetched, Names, RowScope, Source, bind};

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
    pub(super) fn bind(&self, columns: &Columns, names: Names) -> AddPlan {
        if self.columns.is_empty() {
            return AddPlan::Own(columns.own().iter().map(|(name, at)| (as_json(name), *at)).collect());
        }
        AddPlan::Made(self.columns.iter().map(|(_, one)| bind(one, columns, names)).collect())
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
        let key: Arc<str> = if row.key.is_empty() {
            // Without a key every row stands for itself, and a repeat of the row adds nothing.
            format!("{}/{}", call.job, row.index.row()).into()
        } else {
            Arc::clone(&row.key)
        };
        let creator = NewCreator { table: Arc::clone(&self.table), key, data: data.into() };
        Verdict { creator: Some(creator), ..Verdict::added() }
    }

    fn made(&self, row: &InputRow, bound: &[Vec<Source>], found: Option<&Fetched>) -> Result<String, String> {
        let mut data = ObjectText::with_capacity(self.columns.len() * 32);
        for ((name, expression), bound) in self.columns.iter().zip(bound) {
            let scope = RowScope { row, bound, found, item: None };
            let value = expression.evaluate(&scope).map_err(|fault| format!("column {name}: {fault}"))?;
            data.push(name, &value.to_json());
        }
        Ok(data.end())
    }
}

fn own_fields(row: &InputRow, own: &[(String, usize)]) -> String {
    let length: usize = row.fields.iter().map(str::len).sum();
    let names: usize = own.iter().map(|(name, _)| name.len() + 4).sum();
    let mut data = ObjectText::with_capacity(length + names + 2);
    for (name, at) in own {
        if let Some(text) = row.fields.get(*at) {
            data.push(name, text);
        }
    }
    data.end()
}

fn as_json(text: &str) -> String {
    Json::from(text).to_string()
}

/// The text of a JSON object in the making: written straight, because this is done for every row.
struct ObjectText(Vec<u8>);

impl ObjectText {
    fn with_capacity(bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes);
        text.push(b'{');
        Self(text)
    }

    /// Adds a member; `name` is a JSON text already.
    fn push<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b':');
        serde_json::to_writer(&mut self.0, value).expect("texts and JSON values can be written to memory");
    }

    fn end(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).expect("JSON is UTF-8")
    }
}
