//! What a person asks `onward run` for: a recipe, a program for each row, or both.

use onward_core::recipe::{Command, Recipe, WorkKind};
use serde_json::json;

use crate::args::Run;
use crate::client::upload::unreadable;
use crate::exit_code::{Exit, Failure};

/// The recipe, read from the file or made of the program.
pub(super) async fn recipe(verb: &Run) -> Result<Recipe, Failure> {
    let Some(path) = &verb.recipe else { return of_program(verb).await };
    if verb.key.is_some() || verb.concurrency.is_some() {
        let message = "--key and --concurrency go with a command; the recipe says both itself";
        return Err(Failure::new(Exit::Usage, message));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(|error| unreadable(path, &error))?;
    let mut recipe = super::recipe::parse(path, &text)?;
    if !verb.command.is_empty() {
        if recipe.work.kind != WorkKind::Command {
            let message =
                "a command is given, and the recipe is not about a program: its work.kind is another";
            return Err(Failure::new(Exit::Usage, message));
        }
        recipe.work.command = Some(Command::Argv(verb.command.clone()));
    }
    Ok(recipe)
}

/// One process per row; the first column identifies a row, unless another one is named.
async fn of_program(verb: &Run) -> Result<Recipe, Failure> {
    if verb.command.is_empty() {
        return Err(Failure::new(Exit::Usage, "what to do with each row is missing")
            .hint("say it with --recipe RECIPE; examples/creators has one to start from")
            .hint("or give a program for each row: onward run FILE -- ./add.sh {handle}"));
    }
    let key = match &verb.key {
        Some(key) => key.clone(),
        None => {
            let preview = super::recipe::look(&verb.file, None).await?;
            preview.mapping.first().map(|mapped| mapped.field.clone()).unwrap_or_default()
        }
    };
    let mut work = json!({ "kind": "command", "mode": "row", "command": verb.command });
    if let Some(concurrency) = verb.concurrency {
        work["concurrency"] = json!(concurrency);
    }
    let recipe = json!({ "key": [key], "work": work });
    Ok(Recipe::from_json(&recipe.to_string())?)
}
