//! The command line as people and scripts use it: the real binary, its two streams and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there, and names the line")]

#[path = "cli/adopt.rs"]
mod adopt;
#[path = "cli/alone.rs"]
mod alone;
#[path = "cli/attach.rs"]
mod attach;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/desk.rs"]
mod desk;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/hooks.rs"]
mod hooks;
#[path = "cli/library.rs"]
mod library;
#[path = "cli/parallel.rs"]
mod parallel;
#[path = "cli/programs.rs"]
mod programs;
#[path = "cli/recipes.rs"]
mod recipes;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/secured.rs"]
mod secured;
#[path = "cli/served.rs"]
mod served;
#[path = "cli/standing.rs"]
mod standing;
#[path = "cli/steer.rs"]
mod steer;
#[path = "cli/weather.rs"]
mod weather;
