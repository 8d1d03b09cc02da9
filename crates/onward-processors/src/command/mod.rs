//! The command work: a program of the user's does the rows.
//!
//! In `row` mode each row is a process, as with GNU parallel; in `lines` mode a few children live on and
//! are sent one line of JSON per row. Either way the program is started without a shell, with an
//! environment of its own (`spec`) and in a process group of its own, which ends as a whole: when the
//! row is over, when its time is, when the job is cancelled (`process`) and when this process is killed
//! ([`guard`]).

mod argument;
pub mod guard;
mod lane;
mod lines;
mod open;
mod output;
mod process;
mod row;
mod spec;

use std::collections::BTreeMap;
use std::sync::Arc;

use onward_core::problem::{Code, Problem};
use onward_core::processor::Processor;
use onward_core::recipe::{Command, CommandMode, Recipe};
use serde_json::json;

use crate::settings::Settings;
pub use guard::Guard;
use spec::Spec;

/// A name further away than this is not what was meant: 0 is nothing in common, 1 is the same.
const NEAR: f64 = 0.5;

/// Which programs a recipe may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commands {
    /// Those the server's owner has named: recipes come from others.
    Named(BTreeMap<String, NamedCommand>),
    /// Any, and those named as well: the recipe comes from the person at this terminal.
    Any(BTreeMap<String, NamedCommand>),
}

impl Default for Commands {
    fn default() -> Self {
        Self::Named(BTreeMap::new())
    }
}

/// A program that the server's owner has named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables of the environment that it gets besides the usual ones.
    pub env: Vec<String>,
}

/// Makes the command work of a recipe.
pub(crate) fn build(recipe: &Recipe, settings: &Settings) -> Result<Arc<dyn Processor>, Problem> {
    let mut chosen = chosen(recipe, &settings.commands)?;
    chosen.env.extend(recipe.work.env.iter().cloned());
    let spec = Spec::new(chosen, settings).map_err(|message| invalid("work.command", message, None))?;
    let key = recipe.key.first().map(String::as_str);
    Ok(match recipe.work.mode.unwrap_or(CommandMode::Row) {
        CommandMode::Row => Arc::new(row::RowCommand::new(spec, key)?),
        CommandMode::Lines => Arc::new(lines::LinesCommand::new(spec, &recipe.work)),
    })
}

/// The program that the recipe may run, and what it gets of the environment.
fn chosen(recipe: &Recipe, commands: &Commands) -> Result<NamedCommand, Problem> {
    let (Commands::Named(named) | Commands::Any(named)) = commands;
    let path = "work.command";
    match (&recipe.work.command, commands) {
        (Some(Command::Named(name)), _) => named.get(name).cloned().ok_or_else(|| unknown(name, named)),
        (Some(Command::Argv(argv)), Commands::Any(_)) => {
            Ok(NamedCommand { argv: argv.clone(), env: Vec::new() })
        }
        (Some(Command::Argv(_)), Commands::Named(_)) => {
            let message = "a server runs only the commands that its own onward.toml names: write command = \
                           \"NAME\" and have its owner add [commands.NAME] with argv = […]; `onward run`, \
                           while no server holds the store, runs any program";
            Err(invalid(path, message.to_owned(), None))
        }
        (None, _) => Err(invalid(path, "command work needs `work.command`".to_owned(), None)),
    }
}

fn unknown(name: &str, named: &BTreeMap<String, NamedCommand>) -> Problem {
    let known: Vec<&str> = named.keys().map(String::as_str).collect();
    let near = known.iter().map(|known| (strsim::normalized_damerau_levenshtein(name, known), *known));
    let near = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(near, _)| *near >= NEAR);
    let hint = if known.is_empty() {
        format!("onward.toml names none; its owner writes [commands.{name}] with argv = [\"program\", …]")
    } else {
        format!("onward.toml names {}", known.join(", "))
    };
    let message = format!("there is no command `{name}` here: {hint}");
    invalid("work.command", message, near.map(|(_, known)| known.to_owned()))
}

fn invalid(path: &str, message: String, nearest: Option<String>) -> Problem {
    let error = json!({ "message": message, "line": null, "column": null, "path": path, "nearest": nearest });
    Problem::new(Code::RecipeInvalid, message).with("errors", vec![error])
}
