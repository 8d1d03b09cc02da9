//! The suite on a real server, directly and through a pooler, and bugs planted on purpose.

use std::sync::Arc;

use onward_testkit::PgBouncer;

use crate::conformance::planted::every_bug_is_caught_over;
use crate::conformance::{Case, Subject, attach, claims, commits, fencing, jobs, run_all};
use crate::postgres::migrate::{COMMIT, JOBS_PAGE, LOOKS, SUMS};
use crate::postgres::tests::{SqlBug, server, subject, subject_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_suite_holds() {
    let Some(server) = server() else { return };
    run_all(move || subject(server.clone(), server.url()), 0..3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_suite_holds_through_a_transaction_pooler() {
    let Some(server) = server() else { return };
    let pooler = Arc::new(PgBouncer::start(&server, 4).unwrap());
    run_all(move || subject(server.clone(), pooler.url()), 3..5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_bug_is_caught_over_postgres_too() {
    let Some(server) = server() else { return };
    every_bug_is_caught_over(|| subject(server.clone(), server.url())).await;
}

/// A statement, what it says, what it says with the bug, and the case that must fail on it.
type Pair = (&'static str, &'static str, &'static str, fn(Subject) -> Case);

/// Bugs in the statements themselves: what a hasty hand could leave out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bugs_in_the_statements_are_caught() {
    let Some(server) = server() else { return };
    let bugs: [Pair; 8] = [
        (
            COMMIT,
            "spans.no = $2 AND spans.epoch = $3 AND spans.state = 'leased'\n    FOR UPDATE;",
            "spans.no = $2 AND $3::bigint IS NOT NULL AND spans.state = 'leased'\n    FOR UPDATE;",
            |subject| Box::pin(fencing::the_old_holder_is_refused_and_the_new_one_is_not(subject)),
        ),
        (
            COMMIT,
            "fresh_filtered\n        FROM put;",
            "fresh_filtered\n        FROM unnest($12) AS put (outcome);",
            |subject| Box::pin(commits::a_commit_repeated_inserts_nothing(subject)),
        ),
        (
            COMMIT,
            "ELSE least(greatest($5, spans.low_water), span.end_row) END",
            "ELSE least($5, span.end_row) END",
            |subject| Box::pin(commits::a_late_repeat_does_not_move_the_checkpoint_back(subject)),
        ),
        (
            COMMIT,
            "            WHERE sent.row <> ALL (known)\n            ORDER",
            "            ORDER",
            |subject| Box::pin(commits::no_creator_without_its_record(subject)),
        ),
        (SUMS, "comes * new.added - leaves * old.added", "comes * new.added", |subject| {
            Box::pin(claims::a_span_given_back_is_taken_up_where_it_was(subject))
        }),
        (
            SUMS,
            "SELECT DISTINCT changed.job FROM changed",
            "SELECT DISTINCT changed.job FROM changed WHERE false",
            |subject| Box::pin(attach::outcomes_go_along_to_where_their_rows_now_stand(subject)),
        ),
        (
            LOOKS,
            "spans.state = 'leased' AND spans.worker = $2",
            "spans.state = 'leased' AND $2::text IS NOT NULL",
            |subject| Box::pin(claims::a_glance_sees_the_limits_and_the_own_spans(subject)),
        ),
        (
            JOBS_PAGE,
            "ORDER BY jobs.state, jobs.uuid LIMIT $5",
            "ORDER BY jobs.state DESC, jobs.uuid DESC LIMIT $5",
            |subject| Box::pin(jobs::jobs_are_paged_backwards_as_well(subject)),
        ),
    ];
    for (statement, sound, planted, case) in bugs {
        assert!(statement.contains(sound), "the statement has no {sound}");
        let subject = subject_with(server.clone(), SqlBug { sound, planted }).await;
        let ran = tokio::spawn(case(subject)).await;
        assert!(ran.is_err_and(|error| error.is_panic()), "{planted}: the case let the bug pass");
    }
}
