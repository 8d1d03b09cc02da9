//! Every kind of work, one line each.

use std::sync::Arc;

use onward_core::doubt::Policy;
use onward_core::problem::Problem;
use onward_core::processor::Processor;
use onward_core::recipe::{Recipe, WorkKind};

use crate::settings::Settings;
use crate::{asking, command, creators, http};

/// Makes the processor of a recipe.
///
/// # Errors
/// `recipe-invalid` with `errors` (as [`Recipe::parse`] gives them, without line and column) when an
/// expression, a template or an address is wrong; `blocked-address` when the address may not be
/// called. Secrets are looked for by [`Processor::check`], not here.
pub fn build(recipe: &Recipe, settings: &Settings) -> Result<Arc<dyn Processor>, Problem> {
    let work = match recipe.work.kind {
        WorkKind::Creators => creators::build(recipe, settings),
        WorkKind::Http => http::build(recipe, settings),
        WorkKind::Command => command::build(recipe, settings),
    }?;
    match recipe.in_doubt.as_ref().filter(|in_doubt| in_doubt.policy == Policy::Ask) {
        Some(in_doubt) => asking::before(work, in_doubt, recipe, settings),
        None => Ok(work),
    }
}
