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
use onward_core::doubt::DEATHS;
use world::{Scenario, World};

/// Jobs in the normal run. Each goes through several process lives.
const JOBS: u64 = 2_000;
/// Outages in the normal run: hours of virtual time each.
const OUTAGES: u64 = 20;

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

#[test]
fn a_two_hour_outage_in_the_middle_of_a_1000_row_job_leaves_no_wrong_row() {
    for seed in 0..OUTAGES {
        let told = World::new(Scenario::outage(seed, Some(10)), Bug::None).live();
        let story = told.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        assert!(story.holds > 0, "seed {seed}: the job was never held: {story:?}");
        assert_eq!(story.wrongly_failed, 0, "seed {seed}: {story:?}");
        // Two after 16 min, 32 min and an hour each; some are repeated after a crash.
        assert!(story.calls_in_outage <= 20, "seed {seed}: the target is hammered: {story:?}");
        assert!(story.ended_at < story.outage_over.plus_ms(2 * 3_600_000), "seed {seed}: {story:?}");
    }
}

#[test]
fn an_outage_without_a_breaker_is_caught() {
    let story = World::new(Scenario::outage(1, None), Bug::None).live().expect("the job ends all the same");
    assert!(story.wrongly_failed > 100, "{story:?}");
}

/// Lives with a row that kills, or with rows held for a person, in the normal run.
const DOUBTS: u64 = 100;

/// What is wrong with a life in which one row kills every process that calls it.
fn poisoned(seed: u64, bug: Bug) -> Result<(), String> {
    let scenario = Scenario::poison(seed);
    let story = World::new(scenario, bug).live()?;
    let row = scenario.poison_row();
    if story.poisoned != [row] || story.poison_calls > DEATHS + 1 {
        let (blamed, calls) = (story.poisoned, story.poison_calls);
        return Err(format!("row {} kills; it was called {calls} times, {blamed:?} are blamed", row.row()));
    }
    Ok(())
}

#[test]
fn a_row_that_kills_three_times_is_tried_alone_and_failed_and_no_neighbour_is_blamed() {
    for seed in 0..DOUBTS {
        poisoned(seed, Bug::None).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
}

#[test]
fn a_row_that_waits_for_a_person_is_not_called_before_he_speaks() {
    let mut asked = 0;
    for seed in 0..DOUBTS {
        let told = World::new(Scenario::held(seed), Bug::None).live();
        asked += told.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}")).asked;
    }
    assert!(asked > 100, "{asked} rows were asked about: too few to show anything");
}

/// Lives of hours at one row every ten minutes, in the normal run.
const PATIENT: u64 = 40;

#[test]
fn a_job_of_one_row_every_ten_minutes_is_never_called_stuck() {
    for seed in 0..PATIENT {
        let told = World::new(Scenario::patient(seed), Bug::None).live();
        let story = told.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        let began = onward_core::clock::UnixMs(1_000_000);
        assert!(story.ended_at.ms_since(began) > 2 * 3_600_000, "seed {seed}: it did not wait: {story:?}");
    }
}

#[test]
fn a_rest_that_nobody_is_told_of_is_caught() {
    let wrong = |seed| World::new(Scenario::patient(seed), Bug::RestForgotten).live().err();
    let wrong = (0..PATIENT).find_map(wrong).expect("it is caught");
    assert!(wrong.contains("called stuck"), "{wrong}");
}

#[test]
fn a_row_that_kills_for_ever_is_caught() {
    println!("{}", poisoned(1, Bug::DoubtsForgotten).unwrap_err());
}

#[test]
fn neighbours_that_are_blamed_are_caught() {
    println!(
        "{}",
        (0..DOUBTS).find_map(|seed| poisoned(seed, Bug::BlamesNeighbours).err()).expect("it is caught")
    );
}

#[test]
fn a_call_for_a_row_that_waits_is_caught() {
    let wrong = |seed| World::new(Scenario::held(seed), Bug::HeldCalled).live().err();
    println!("{}", (0..DOUBTS).find_map(wrong).expect("it is caught"));
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
    // Rows that were slower than others are left out for good.
    let wrong = caught(Bug::CheckpointIsHighest);
    assert!(wrong.contains("hangs"), "{wrong}");
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
