//! `onward move --from STORE --to STORE`: takes all jobs along, half-done ones too.

use onward_engine::moving::move_all;

use crate::args::Move;
use crate::config::{Config, store_address};
use crate::exit_code::{Exit, Failure};
use crate::host::Opening;
use crate::output;
use crate::output::text::{count, plain};
use crate::store;

/// Moves everything; run again, it goes on where it stopped.
pub(super) async fn run(config: &Config, verb: &Move) -> Result<Exit, Failure> {
    let here = std::env::current_dir().map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to find the current directory: {error}"))
    })?;
    let place = |given: &str| -> Result<Config, Failure> {
        Ok(Config { store: store_address(given, &here)?, redis: None, ..config.clone() })
    };
    let (from, to) = (place(&verb.from)?, place(&verb.to)?);
    if from.store == to.store {
        return Err(Failure::new(Exit::Usage, "both are the same store"));
    }
    if !from.store_may_exist() {
        return Err(Failure::new(Exit::NotFound, format!("there is no store at {}", verb.from)));
    }
    // The owner's lock keeps servers away from the store that is left, where there is such a lock.
    let (from, _) = store::open(&from, Opening::Own).await?;
    let (to, _) = store::open(&to, Opening::Beside).await?;
    let moved = move_all(&*from, &*to, |job| {
        let (done, total) = (count(job.tally.processed()), count(job.total));
        output::say(&format!("  {} {} at {done}/{total}", job.id, plain(&job.name)));
    });
    let moved = moved.await?;
    output::say(&format!(
        "{} jobs moved, {} were there already; what was unfinished is cancelled here and goes on over there",
        count(moved.jobs),
        count(moved.before)
    ));
    if moved.left > 0 {
        output::say(&format!("{} jobs stay here: their CSV is gone", count(moved.left)));
    }
    Ok(Exit::Done)
}
