//! The suite's own test: a store with a bug planted on purpose must fail the case that is there to
//! catch it. Without this a case that checks nothing would look like one that finds nothing.

mod outbox;
mod store;

use std::sync::Arc;

use super::{
    Case, Subject, claims, commands, commits, doubts, events, fencing, fleet, jobs, model,
    outbox as outboxes, picture, rescue, retry, verify,
};
use crate::memory::MemoryStore;
use store::{Bug, Planted};

fn subject(bug: Bug) -> Subject {
    let model = Arc::new(MemoryStore::new());
    let damaged = model.clone();
    let planter = Arc::new(move |job, damage| damaged.plant(job, damage));
    Subject::new(Arc::new(Planted::over(model, bug))).with_planter(planter)
}

/// The name of a pair, its bug, and the case that must fail on it.
type Pair = (&'static str, Bug, fn(Subject) -> Case);

/// One test per pair: the bug, and the case that must fail on it (and passes on the sound store).
macro_rules! caught {
    ($($name:ident: $bug:ident by $theme:ident::$case:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $theme::$case(subject(Bug::None)).await;
                let ran = tokio::spawn($theme::$case(subject(Bug::$bug))).await;
                assert!(ran.is_err_and(|error| error.is_panic()), "the case let the bug pass");
            }
        )+

        const PAIRS: &[Pair] =
            &[$((stringify!($name), Bug::$bug, |subject| Box::pin($theme::$case(subject)))),+];
    };
}

/// The same bugs in front of another store, which passes the suite without them.
pub(crate) async fn every_bug_is_caught_over<F: Future<Output = Subject>>(make: impl Fn() -> F) {
    for (name, bug, case) in PAIRS {
        let mut sound = make().await;
        let mut subject = Subject::new(Arc::new(Planted::over(sound.store.clone(), *bug)));
        subject.planter = sound.planter.take();
        let ran = tokio::spawn(case(subject)).await;
        assert!(ran.is_err_and(|error| error.is_panic()), "{name}: the case let the bug pass");
    }
}

caught! {
    a_store_without_a_fence_is_caught: NoFence by fencing::every_command_fences_the_holder;
    a_store_without_a_fence_is_caught_in_the_race:
        NoFence by fencing::six_stale_writers_never_get_past_a_moving_fence;
    a_refusal_that_is_swallowed_is_caught:
        CommitErrorIgnored by fencing::the_old_holder_is_refused_and_the_new_one_is_not;
    a_tally_from_the_length_of_the_batch_is_caught:
        TallyFromBatch by commits::a_commit_repeated_inserts_nothing;
    a_count_as_checkpoint_is_caught: CheckpointAsCount by commits::the_checkpoint_is_the_first_missing_row;
    the_highest_finished_as_checkpoint_is_caught:
        HighestFinished by commits::the_checkpoint_is_the_first_missing_row;
    a_cache_trusted_over_the_ledger_is_caught: CacheTrusted by commands::resume_goes_on_from_row_229;
    resumes_that_all_win_are_caught: EveryResumeWins by commands::of_64_resumes_exactly_one_wins;
    an_epoch_that_is_not_compared_is_caught:
        EpochNotCompared by commands::of_64_restarts_that_saw_one_epoch_exactly_one_wins;
    a_span_handed_out_twice_is_caught: SpanTwice by claims::claims_at_once_never_share_a_span;
    a_claim_of_everything_is_caught: NoWindow by claims::a_claim_reaches_as_far_as_its_window;
    a_rescue_of_the_living_is_caught: RescuesTheLiving by rescue::only_lapsed_leases_are_rescued;
    a_retry_in_the_old_generation_is_caught:
        SameGeneration by retry::failed_rows_are_opened_under_a_new_generation;
    a_history_that_is_forgotten_is_caught: HistoryLost by picture::a_row_keeps_what_it_was_before_a_retry;
    rows_in_doubt_that_nobody_is_told_of_are_caught:
        DoubtsForgotten by doubts::what_may_have_been_called_is_in_doubt_after_a_loss;
    two_jobs_over_the_same_work_are_caught:
        SameWorkTwice by jobs::the_same_work_is_refused_while_it_is_active;
    a_missing_line_of_the_timeline_is_caught: EventLost by events::a_life_is_told_in_order;
    a_drain_that_is_not_heard_is_caught:
        DrainForgotten by fleet::a_worker_learns_that_it_is_to_be_drained;
    a_rate_that_each_worker_keeps_alone_is_caught:
        RateOfEachWorker by fleet::turns_of_all_workers_together_keep_to_the_rate;
    a_delivery_that_two_take_is_caught: DeliveryTakenTwice by outboxes::a_delivery_is_taken_by_one_sender;
    an_old_sender_that_is_believed_is_caught: OldSenderBelieved by outboxes::an_old_sender_is_refused;
    a_turn_that_nobody_is_told_of_is_caught:
        PauseNotDelivered by outboxes::a_delivery_is_born_with_the_turn_it_tells_of;
    a_standstill_that_is_told_late_is_caught: StandstillToldLate by outboxes::a_standstill_is_told_once;
    a_verify_that_looks_away_is_caught: VerifyBlind by verify::planted_damage_is_found;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_history_catches_what_no_case_names() {
    for bug in [Bug::NoFence, Bug::TallyFromBatch, Bug::CommitClaimsAll, Bug::RescuesTheLiving] {
        let make = move || async move { subject(bug) };
        let ran = tokio::spawn(model::any_history_gets_the_answers_of_the_model(make)).await;
        assert!(ran.is_err_and(|error| error.is_panic()), "{bug:?} went through");
    }
}
