//! Every kind of work, one line each.

use std::sync::Arc;

use onward_core::problem::{Code, Problem};
use onward_core::processor::Processor;
use onward_core::recipe::{Recipe, WorkKind};
use serde_json::json;

use crate::settings::Settings;
use crate::{creators, http};

/// Makes the processor of a recipe.
///
/// # Errors
/// `recipe-invalid` with `errors` (as [`Recipe::parse`] gives them, without line and column) when an
/// expression, a template or an address is wrong; `blocked-address` when the address may not be
/// called. Secrets are looked for by [`Processor::check`], not here.
pub fn build(recipe: &Recipe, settings: &Settings) -> Result<Arc<dyn Processor>, Problem> {
    match recipe.work.kind {
        WorkKind::Creators => creators::build(recipe, settings),
        WorkKind::Http => http::build(recipe, settings),
        WorkKind::Command => Err(no_command()),
    }
}

fn no_command() -> Problem {
    let message = "command work is not in this version yet; use creators or http work";
    let error =
        json!({ "message": message, "line": null, "column": null, "path": "work.kind", "nearest": null });
    Problem::new(Code::RecipeInvalid, message).with("errors", vec![error])
}
