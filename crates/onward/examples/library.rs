//! A Rust program with a list to do: `cargo run --example library -- creators.csv`.
//!
//! Stop it with kill -9 and run it again: it goes on where it was.

use onward::{Answer, Job, Onward, Outcome, Verdict, each_row};

#[tokio::main]
#[expect(clippy::print_stderr, reason = "it tells the person at the terminal how it went")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which file?")?;
    // What you do with a row: look it up, write it somewhere. Here, long names are too long.
    let work = each_row(|row| async move {
        match row.field("handle").map(str::len) {
            None | Some(0) => {
                Answer::Done(Verdict::new(Outcome::Failed, "no-handle", "the row has no handle"))
            }
            Some(1..=10) => Answer::Done(Verdict::added()),
            Some(_) => Answer::Done(Verdict::new(Outcome::Filtered, "too-long", "more than 10 characters")),
        }
    });
    let onward = Onward::open("sqlite:jobs.db", work)?;
    let done = onward.run(Job::of(file).key("handle").concurrency(16)).await?;
    onward.close().await;
    let processed = done.tally.processed();
    eprintln!("{processed}/{} with {} failed, job {}", done.total, done.tally.failed, done.job);
    Ok(())
}
