//! Bulk jobs over a CSV from a Rust program: your code does one row, Onward does the list.
//!
//! Implement [`Processor`], or give a function to [`each_row`], open a store and run a file. Every outcome
//! is durable before it is counted. Run again after a crash, the same file goes on where it stopped, and
//! rows whose outcome is in the store are not done again.
//!
//! ```no_run
//! use onward::{Answer, Job, Onward, Outcome, Verdict, each_row};
//!
//! # async fn run() -> Result<(), onward::Problem> {
//! let work = each_row(|row| async move {
//!     let name = row.field("handle").unwrap_or_default();
//!     if name.is_empty() { Answer::Done(Verdict::new(Outcome::Failed, "no-name", "there is no handle")) } else { Answer::Done(Verdict::added()) }
//! });
//! let onward = Onward::open("sqlite:jobs.db", work)?;
//! let done = onward.run(Job::of("creators.csv").key("handle").concurrency(4)).await?;
//! assert_eq!(done.total, done.tally.processed());
//! # Ok(())
//! # }
//! ```
//!
//! A store belongs to one kind of work: what is done with its rows is the code it was opened with. The
//! command line reads it as any other store (`onward list --store sqlite:jobs.db`).

mod clock;
mod digest;
mod library;

pub use async_trait::async_trait;
pub use library::{Done, EachRow, Job, Onward, Row, each_row};
pub use onward_core::problem::Problem;
pub use onward_core::processor::{Answer, Call, CannotStart, Processor};
pub use onward_core::row::{Outcome, Verdict};
pub use onward_core::state::JobState;
