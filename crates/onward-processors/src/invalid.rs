//! What is wrong with a recipe beyond its form: expressions that do not compile, addresses, templates.

use std::collections::BTreeMap;

use onward_core::problem::{Code, Problem};
use onward_core::recipe::{self, Recipe};
use serde_json::{Value as Json, json};

use crate::expr::{Expression, compile};

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Wrong(Vec<(String, Json)>);

impl Wrong {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a finding about the key at `path`.
    pub(crate) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.near(path, message.into(), None);
    }

    fn near(&mut self, path: &str, message: String, nearest: Option<String>) {
        let json =
            json!({ "message": message, "line": null, "column": null, "path": path, "nearest": nearest });
        self.0.push((message, json));
    }
}

/// The problem for people, if anything is wrong: `recipe-invalid` with the list `errors`.
pub(crate) fn problem(wrong: Wrong) -> Option<Problem> {
    let (first, _) = wrong.0.first()?;
    let detail = match wrong.0.len() - 1 {
        0 => first.clone(),
        more => format!("{first} (and {more} more)"),
    };
    let errors: Vec<Json> = wrong.0.into_iter().map(|(_, json)| json).collect();
    Some(Problem::new(Code::RecipeInvalid, detail).with("errors", errors))
}

/// The compiled expressions of a recipe, by the path of their key.
#[derive(Debug)]
pub(crate) struct Expressions(BTreeMap<String, Expression>);

impl Expressions {
    /// Compiles all of a recipe's expressions at once, on one thread.
    pub(crate) fn compile(recipe: &Recipe, wrong: &mut Wrong) -> Self {
        let mut sources: Vec<(String, String)> = Vec::new();
        if let Some(fetch) = &recipe.fetch {
            let rules = [
                ("fatal", &fetch.fatal),
                ("quota", &fetch.quota),
                ("throttled", &fetch.throttled),
                ("retry", &fetch.retry),
                ("not_found", &fetch.not_found),
            ];
            let known = rules.into_iter().filter_map(|(name, source)| Some((name, source.clone()?)));
            sources.extend(known.map(|(name, source)| (format!("fetch.{name}"), source)));
        }
        let answer = recipe.answer.iter().flat_map(recipe::AnswerRules::expressions);
        let known = answer.filter_map(|(name, source)| Some((name, source?.clone())));
        sources.extend(known.map(|(name, source)| (format!("answer.{name}"), source)));
        let done = recipe.in_doubt.as_ref().and_then(|in_doubt| in_doubt.done.clone());
        sources.extend(done.map(|source| ("in_doubt.done".to_owned(), source)));
        if let Some(filter) = &recipe.filter {
            sources.push(("filter.keep".to_owned(), filter.keep.clone()));
        }
        for (name, source) in recipe.add.iter().flat_map(|add| &add.columns) {
            sources.push((format!("add.columns.{name}"), source.clone()));
        }
        let (paths, texts): (Vec<_>, Vec<_>) = sources.into_iter().unzip();
        let mut compiled = BTreeMap::new();
        if texts.is_empty() {
            return Self(compiled);
        }
        for (path, one) in paths.into_iter().zip(compile(texts)) {
            match one {
                Ok(expression) => {
                    compiled.insert(path, expression);
                }
                Err(error) => wrong.near(&path, format!("`{path}`: {error}"), error.nearest),
            }
        }
        Self(compiled)
    }

    /// Takes the expression of a key.
    pub(crate) fn take(&mut self, path: &str) -> Option<Expression> {
        self.0.remove(path)
    }
}
