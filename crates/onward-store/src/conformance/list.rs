//! The list of all cases, and the macro that makes a test of each.

/// Makes one test of every case of the suite. `$make` names an async function in scope that answers a
/// fresh [`Subject`](crate::conformance::Subject); the caller needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! conformance {
    ($make:ident) => {
        $crate::conformance_list! { conformance_theme $make }

        mod model {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn any_history_gets_the_answers_of_the_model() {
                $crate::conformance::model::any_history_gets_the_answers_of_the_model(super::$make).await;
            }
        }
    };
}

/// The cases, theme by theme, each handed to the macro that is named first.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_list {
    ($theme:ident $make:ident) => {
        $crate::$theme! { $make, inputs:
            an_input_comes_back_as_it_was_put
            duplicates_come_with_the_chunk_they_are_in
            no_job_is_made_over_an_unsealed_input
            a_chunk_put_twice_is_stored_once
            an_input_is_swept_when_no_job_needs_it
            a_dropped_input_keeps_its_facts_and_shows_as_gone
            a_damaged_chunk_is_never_handed_out
        }
        $crate::$theme! { $make, jobs:
            a_new_job_is_queued_at_its_first_row
            a_job_without_rows_is_completed_at_once
            the_same_work_is_refused_while_it_is_active
            of_16_submissions_of_the_same_work_one_is_taken
            jobs_are_listed_newest_first_page_by_page
            jobs_are_paged_backwards_as_well
            jobs_are_found_by_name_file_name_and_state
            tuning_changes_name_and_limits_and_nothing_else
            deleting_takes_the_ledger_and_leaves_the_creators
            an_input_two_jobs_share_outlives_the_first
        }
        $crate::$theme! { $make, commands:
            every_state_takes_the_steps_of_the_table_only
            of_64_resumes_exactly_one_wins
            of_64_restarts_that_saw_one_epoch_exactly_one_wins
            resume_goes_on_from_row_229
            reasons_stay_until_the_job_goes_on
            a_command_that_saw_an_old_epoch_is_refused
            a_command_to_no_job_says_so
        }
        $crate::$theme! { $make, claims:
            the_first_claim_starts_the_job
            claims_at_once_never_share_a_span
            a_glance_sees_the_limits_and_the_own_spans
            a_claim_reaches_as_far_as_its_window
            a_span_given_back_is_taken_up_where_it_was
            only_work_that_is_free_can_be_claimed
            a_lapsed_span_is_claimable_only_after_rescue
        }
        $crate::$theme! { $make, commits:
            a_record_comes_back_as_it_was_committed
            outcomes_are_counted_by_kind
            a_commit_repeated_inserts_nothing
            the_first_outcome_of_a_row_stays
            the_checkpoint_is_the_first_missing_row
            a_late_repeat_does_not_move_the_checkpoint_back
            claimed_until_moves_with_the_commits
            an_empty_commit_renews_the_lease
            the_last_row_completes_the_job
            a_creator_is_added_once_and_the_second_row_skipped
            no_creator_without_its_record
            a_row_of_another_span_is_refused
        }
        $crate::$theme! { $make, fencing:
            every_command_fences_the_holder
            the_old_holder_is_refused_and_the_new_one_is_not
            who_gave_a_span_back_writes_no_more
            holders_of_two_spans_do_not_fence_each_other
            reread_tells_what_an_unknown_commit_did
            six_stale_writers_never_get_past_a_moving_fence
            counters_and_ledger_are_read_as_of_one_moment
        }
        $crate::$theme! { $make, rescue:
            only_lapsed_leases_are_rescued
            a_dead_worker_is_told_once_per_job
            release_all_gives_back_what_nobody_can_hold
            release_of_gives_back_what_one_worker_held
            a_clock_set_back_holds_nothing_up
        }
        $crate::$theme! { $make, doubts:
            what_may_have_been_called_is_in_doubt_after_a_loss
            nothing_is_in_doubt_that_was_given_back_or_only_computed
            held_rows_wait_for_a_person
            a_row_that_was_tried_alone_is_the_only_one_to_blame
            a_retry_forgets_what_was_in_doubt
        }
        $crate::$theme! { $make, retry:
            failed_rows_are_opened_under_a_new_generation
            a_retried_job_completes_with_the_totals_of_one_job
            retry_opens_only_what_was_asked_for
            an_active_job_is_not_retried
            a_stopped_job_is_retried_and_goes_on
            retry_is_refused_while_the_same_work_is_active
            a_retried_row_does_not_add_its_creator_twice
        }
        $crate::$theme! { $make, attach:
            outcomes_go_along_to_where_their_rows_now_stand
            what_is_open_is_done_again_under_a_new_generation
            records_of_rows_that_are_gone_stay_in_the_history
            a_completed_job_with_a_new_row_is_queued
            a_file_that_leaves_nothing_to_do_completes_the_job
            a_job_at_work_or_changed_since_keeps_its_input
        }
        $crate::$theme! { $make, reading:
            rows_are_read_in_row_order_page_by_page
            rows_are_found_by_outcome_code_and_text
            a_plain_success_is_found_too
            groups_name_each_cause_once
            groups_are_at_most_so_many
            creators_are_read_in_order_of_their_key
            the_version_moves_with_every_change
            totals_count_jobs_by_state
            a_ping_is_answered
        }
        $crate::$theme! { $make, picture:
            spans_say_what_the_job_adds_up_to
            a_search_is_led_to_the_spans_that_hold_it
            marks_are_every_so_manieth_record
            what_was_heard_adds_up_and_a_day_of_it_is_kept
            a_row_keeps_what_it_was_before_a_retry
            a_retry_opens_what_a_search_finds
        }
        $crate::$theme! { $make, events:
            a_life_is_told_in_order
            events_are_read_on_from_a_number
            the_last_number_is_known_without_reading_all
            a_recorded_fact_is_on_the_timeline
            a_number_is_not_given_again_after_a_deletion
        }
        $crate::$theme! { $make, answers:
            a_request_sent_again_gets_the_first_answer
            a_freed_key_is_fresh_again
            a_key_is_forgotten_after_a_day
            of_32_reservations_one_is_fresh
        }
        $crate::$theme! { $make, fleet:
            a_worker_is_listed_while_it_is_heard_of
            a_worker_that_left_is_gone
            a_worker_learns_that_it_is_to_be_drained
            living_workers_know_their_place
            turns_of_all_workers_together_keep_to_the_rate
        }
        $crate::$theme! { $make, moving:
            a_job_that_moves_in_goes_on_where_it_was
            a_creator_of_a_deleted_job_moves_too
        }
        $crate::$theme! { $make, outbox:
            a_delivery_is_born_with_the_turn_it_tells_of
            a_probe_that_fails_again_is_no_news
            a_standstill_is_told_once
            a_delivery_is_taken_by_one_sender
            deliveries_are_taken_in_turn
            an_old_sender_is_refused
            a_call_that_failed_is_due_again_in_its_time
            what_is_over_is_sent_again_only_when_asked
            what_a_dead_sender_had_is_free_at_once
            deliveries_are_listed_newest_first_page_by_page
            deliveries_go_with_their_job
            what_was_to_be_told_over_there_is_told_from_here
            a_job_that_is_adopted_whole_is_told_once_as_completed
            a_job_that_is_adopted_half_done_is_told_when_it_is_done
        }
        $crate::$theme! { $make, verify:
            an_honest_job_has_no_problems
            planted_damage_is_found
        }
    };
}

/// Makes the tests of one theme; part of [`conformance!`](crate::conformance).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_theme {
    ($make:ident, $theme:ident: $($case:ident)+) => {
        mod $theme {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::conformance::$theme::$case(super::$make().await).await;
                }
            )+
        }
    };
}

/// Runs the cases of one theme one after the other; part of [`run_all`](crate::conformance::run_all).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_run {
    ($run:ident, $theme:ident: $($case:ident)+) => {
        $(
            $run
                .case(concat!(stringify!($theme), "::", stringify!($case)), |subject| {
                    Box::pin($crate::conformance::$theme::$case(subject))
                })
                .await;
        )+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_on_the_list() {
        let list = include_str!("list.rs");
        let themes = [
            include_str!("inputs.rs"),
            include_str!("jobs.rs"),
            include_str!("commands.rs"),
            include_str!("claims.rs"),
            include_str!("commits.rs"),
            include_str!("fencing.rs"),
            include_str!("rescue.rs"),
            include_str!("retry.rs"),
            include_str!("attach.rs"),
            include_str!("reading.rs"),
            include_str!("picture.rs"),
            include_str!("events.rs"),
            include_str!("answers.rs"),
            include_str!("fleet.rs"),
            include_str!("moving.rs"),
            include_str!("outbox.rs"),
            include_str!("verify.rs"),
        ];
        let mut cases = 0;
        for line in themes.iter().flat_map(|theme| theme.lines()) {
            let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
            let name = rest.split('(').next().unwrap_or(rest);
            assert!(list.lines().any(|line| line.trim() == name), "{name} is on no list");
            cases += 1;
        }
        assert!(cases > 50);
    }
}
