//! `onward recipe check RECIPE`: says what is wrong before anything runs.

use std::path::Path;

use onward_core::recipe::Recipe;

use crate::args::{Recipe as Args, RecipeCheck, RecipeVerb};
use crate::client::upload::unreadable;
use crate::exit_code::{Exit, Failure};
use crate::{output, store};

/// Ends with 0 when the recipe can start and with 2 when it cannot.
pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.verb {
        RecipeVerb::Check(verb) => check(verb).await,
    }
}

/// Reads a recipe; a failure names the file and every mistake in it.
pub(super) fn parse(path: &Path, text: &str) -> Result<Recipe, Failure> {
    Recipe::parse(text).map_err(|problem| {
        let mut failure = Failure::from(problem);
        failure.message = format!("{}: {}", path.display(), failure.message);
        failure
    })
}

async fn check(verb: &RecipeCheck) -> Result<Exit, Failure> {
    let text = tokio::fs::read_to_string(&verb.recipe).await;
    let text = text.map_err(|error| unreadable(&verb.recipe, &error))?;
    let recipe = parse(&verb.recipe, &text)?;
    let processor = store::builder()(&recipe)?;
    if let Err(cannot) = processor.check().await {
        return Err(Failure::new(Exit::Usage, cannot.message));
    }
    if verb.output.json {
        output::data(&recipe.to_json());
    } else {
        output::say(&format!("{} is a good recipe", verb.recipe.display()));
    }
    Ok(Exit::Done)
}
