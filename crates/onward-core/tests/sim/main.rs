//! Whole lives of a job in virtual time: the real run over the model of the store, with crashes,
//! freezes beyond the lease, lost commit answers, late and lost requests, and several workers.
//!
//! Every life is made from one seed; a failure prints the seed and `ONWARD_SIM_SEED=<seed>` repeats
//! just that life. `ONWARD_SIM_JOBS=<n>` runs more of them.

mod bugs;
mod check;
mod store;
mod witness;
mod world;

use bugs::Bug;
use world::{Scenario, World};

/// Jobs in the normal run. Each goes through several process lives.
const JOBS: u64 = 2_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_row_is_counted_once_through_two_thousand_lives_of_a_313_row_job() {
    let seeds: Vec<u64> = match setting("ONWARD_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..setting("ONWARD_SIM_JOBS").unwrap_or(JOBS)).collect(),
    };
    let jobs = seeds.len() as u64;
    let mut lives = 0;
    for seed in seeds {
        match World::new(Scenario::of(seed), Bug::None).live() {
            Ok(story) => lives += story.lives,
            Err(wrong) => panic!("repeat with ONWARD_SIM_SEED={seed}: {wrong}"),
        }
    }
    println!("{jobs} jobs in {lives} process lives");
    assert!(lives >= jobs, "every job has at least one process life");
}

#[test]
fn a_seed_repeats_its_life_exactly() {
    let tell = |seed| {
        World::new(Scenario::of(seed), Bug::None)
            .live()
            .map(|story| (story.lives, story.calls, story.ended_at))
    };
    for seed in 0..5 {
        assert_eq!(tell(seed), tell(seed));
    }
}

/// Runs lives with a planted bug until one goes wrong, and says how.
fn caught(bug: Bug) -> String {
    const LIVES: u64 = 150;
    (0..LIVES)
        .find_map(|seed| World::new(Scenario::of(seed), bug).live().err())
        .unwrap_or_else(|| panic!("the planted bug {bug:?} was not noticed in {LIVES} lives"))
}

#[test]
fn a_store_without_a_fence_is_caught() {
    println!("{}", caught(Bug::NoFence));
}

#[test]
fn a_tally_from_the_batch_length_is_caught() {
    println!("{}", caught(Bug::TallyFromBatch));
}

#[test]
fn a_checkpoint_that_is_a_count_is_caught() {
    println!("{}", caught(Bug::CheckpointIsCount));
}

#[test]
fn a_checkpoint_that_is_the_highest_finished_row_is_caught() {
    println!("{}", caught(Bug::CheckpointIsHighest));
}

#[test]
fn an_ignored_commit_error_is_caught() {
    println!("{}", caught(Bug::CommitErrorIgnored));
}

#[test]
fn a_cache_that_is_trusted_over_the_ledger_is_caught() {
    println!("{}", caught(Bug::CacheOverLedger));
}

#[test]
fn calls_before_the_claim_is_durable_are_caught() {
    println!("{}", caught(Bug::CallBeforeClaim));
}

#[test]
fn a_worker_that_calls_on_after_its_lease_lapsed_is_caught() {
    println!("{}", caught(Bug::BlindAfterFreeze));
}
