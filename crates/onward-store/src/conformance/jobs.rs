//! Jobs: creating, finding, listing, changing, deleting.

use onward_core::event::EventKind;
use onward_core::id::{Epoch, InputId};
use onward_core::job::{Job, Tuning};
use onward_core::pace::RateLimit;
use onward_core::row::Outcome;
use onward_core::state::{JobState, Step};
use onward_core::store::{CreatorQuery, JobQuery, Sought, StoreError};
use onward_core::tally::Tally;

use super::Subject;
use super::build::{
    Hand, T0, adding, at, command, job, ledger, look, new_job, new_uuid, run_to_end, sealed, summary,
};

/// A job begins queued, with nothing done and nothing held.
pub async fn a_new_job_is_queued_at_its_first_row(Subject { store, keep: _keep, .. }: Subject) {
    let input = sealed(&store, 313).await;
    let new = new_job(input.id);
    let made = store.create_job(new.clone()).await.expect("the job is created");
    assert_eq!((made.id, made.state, made.total), (new.id, JobState::Queued, 313));
    assert_eq!((made.tally, made.resume_from_row()), (Tally::default(), Some(1)));
    assert_eq!((made.attempt, made.generation, made.epoch), (0, 0, Epoch(0)));
    assert_eq!((made.created_at, made.started_at, made.finished_at), (T0, None, None));
    assert_eq!((made.input.filename.as_str(), made.input.sha256), ("creators.csv", input.sha256));
    assert_eq!((made.recipe, made.name, made.leases), (new.recipe, new.name, Vec::new()));
    assert_eq!(store.job(new.id).await.map(|job| job.map(|job| job.id)), Ok(Some(new.id)));
}

/// Nothing to do is done.
pub async fn a_job_without_rows_is_completed_at_once(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 0).await;
    let made = look(&store, id).await;
    assert_eq!((made.state, made.total, made.finished_at), (JobState::Completed, 0, Some(T0)));
    assert_eq!(made.resume_from_row(), None);
    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Created, EventKind::Completed]);
    assert_eq!(store.claimable(100).await, Ok(Vec::new()));
}

/// At most one active job over the same input and recipe.
pub async fn the_same_work_is_refused_while_it_is_active(Subject { store, keep: _keep, .. }: Subject) {
    let input = sealed(&store, 10).await;
    let first = new_job(input.id);
    let mut second = new_job(input.id);
    second.work_digest.clone_from(&first.work_digest);
    store.create_job(first.clone()).await.expect("the job is created");
    for step in [None, Some(Step::Pause)] {
        if let Some(step) = step {
            store.command(&command(first.id, step, at(1))).await.expect("the step is legal");
        }
        assert_eq!(store.create_job(second.clone()).await, Err(StoreError::Duplicate(first.id)));
    }
    store.command(&command(first.id, Step::ForceCancel, at(2))).await.expect("the step is legal");
    store.create_job(second.clone()).await.expect("the other one is not active any more");
    let work = Sought::Work(first.work_digest.clone());
    assert_eq!(store.find_job(&work).await, Ok(Some(second.id)), "the newest is found");
    let content = Sought::Content(input.sha256.clone());
    assert_eq!(store.find_job(&content).await, Ok(Some(second.id)), "whatever its recipe");
    for none in [Sought::Work(input.sha256), Sought::Content(first.work_digest.clone())] {
        assert_eq!(store.find_job(&none).await, Ok(None));
    }
    let resume = store.command(&command(first.id, Step::Resume, at(3))).await;
    assert_eq!(resume, Err(StoreError::Duplicate(second.id)));
    assert_eq!(look(&store, first.id).await.state, JobState::Cancelled);
}

/// Of many equal submissions at once one is taken.
pub async fn of_16_submissions_of_the_same_work_one_is_taken(Subject { store, keep: _keep, .. }: Subject) {
    let input = sealed(&store, 10).await.id;
    let submit = |_| {
        let (store, mut new) = (store.clone(), new_job(input));
        new.work_digest = String::from("one work");
        tokio::spawn(async move { store.create_job(new).await })
    };
    let mut taken = 0;
    for task in (0..16).map(submit).collect::<Vec<_>>() {
        match task.await.expect("it does not panic") {
            Ok(_) => taken += 1,
            Err(error) => assert!(matches!(error, StoreError::Duplicate(_)), "{error}"),
        }
    }
    assert_eq!(taken, 1);
}

/// Pages hold each job once.
pub async fn jobs_are_listed_newest_first_page_by_page(Subject { store, keep: _keep, .. }: Subject) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(job(&store, 1).await);
    }
    ids.reverse();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let query = JobQuery { before, limit: 2, ..JobQuery::default() };
        let page = store.jobs(&query).await.expect("it answers");
        before = page.last().map(|job| job.id);
        seen.extend(page.iter().map(|job| job.id));
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

/// Going back shows the same pages as going on did.
pub async fn jobs_are_paged_backwards_as_well(Subject { store, keep: _keep, .. }: Subject) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(job(&store, 1).await);
    }
    ids.reverse();
    let page = async |query: JobQuery| {
        let found = store.jobs(&JobQuery { limit: 2, ..query }).await.expect("it answers");
        found.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let back = async |after| page(JobQuery { after: Some(after), ..JobQuery::default() }).await;
    assert_eq!(back(ids[4]).await, ids[2..4]);
    assert_eq!(back(ids[2]).await, ids[..2]);
    assert_eq!(back(ids[1]).await, ids[..1], "the first page may be short");
    assert_eq!(back(ids[0]).await, []);
    let between = JobQuery { after: Some(ids[4]), before: Some(ids[2]), ..JobQuery::default() };
    assert_eq!(page(between).await, ids[3..4]);
    let queued = JobQuery { after: Some(ids[4]), states: vec![JobState::Failed], ..JobQuery::default() };
    assert_eq!(page(queued).await, [], "the other filters hold as well");
}

/// The search box takes what is typed literally, whatever the case.
pub async fn jobs_are_found_by_name_file_name_and_state(Subject { store, keep: _keep, .. }: Subject) {
    for name in ["Spring list", "100% sure", "under_score", "autumn"] {
        let input = summary(InputId(new_uuid()), 0);
        store.seal_input(&input, &Default::default(), T0).await.expect("the input is sealed");
        let mut new = new_job(input.id);
        new.name = name.to_owned();
        store.create_job(new).await.expect("the job is created");
    }
    let queued = job(&store, 3).await;
    let find = async |text: &str, states: Vec<JobState>| {
        let query = JobQuery { text: Some(text.to_owned()), states, limit: 10, ..JobQuery::default() };
        names(&store.jobs(&query).await.expect("it answers"))
    };
    assert_eq!(find("SPRING", vec![]).await, ["Spring list"]);
    assert_eq!(find("%", vec![]).await, ["100% sure"]);
    assert_eq!(find("r_s", vec![]).await, ["under_score"]);
    assert_eq!(find("Creators.CSV", vec![]).await.len(), 5, "all files have that name");
    assert_eq!(find("creators", vec![JobState::Queued, JobState::Running]).await, ["creators.csv"]);
    assert_eq!(look(&store, queued).await.state, JobState::Queued);
}

/// Name and limits change without touching the fence.
pub async fn tuning_changes_name_and_limits_and_nothing_else(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let tuning =
        Tuning { concurrency: Some(2), rate: "50/min".parse().ok().map(RateLimit::At), ..Tuning::default() };
    let named = store.tune(id, Some("better"), None, "you", at(2)).await.expect("it is changed");
    assert_eq!((named.name.as_str(), named.tuning), ("better", Tuning::default()));
    let tuned = store.tune(id, None, Some(tuning), "you", at(3)).await.expect("it is changed");
    assert_eq!((tuned.name.as_str(), tuned.tuning), ("better", tuning));
    assert_eq!(look(&store, id).await.tuning, tuning);
    let lifted = Tuning { rate: Some(RateLimit::Lifted), ..Tuning::default() };
    store.tune(id, None, Some(lifted), "you", at(3)).await.expect("it is changed");
    assert_eq!(look(&store, id).await.tuning, Tuning { concurrency: Some(2), ..lifted });
    hand.finish([0], Outcome::Added, at(4)).await.expect("the holder goes on");
    let gone = onward_core::id::JobId(new_uuid());
    assert_eq!(store.tune(gone, None, None, "you", at(5)).await, Err(StoreError::NotFound(gone)));
}

/// A job that is active is not deleted; one at rest goes with its ledger, and creators stay.
pub async fn deleting_takes_the_ledger_and_leaves_the_creators(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 2).await;
    let input = look(&store, id).await.input.id;
    for step in [None, Some(Step::Pause)] {
        if let Some(step) = step {
            store.command(&command(id, step, at(1))).await.expect("the step is legal");
        }
        assert!(matches!(store.delete_job(id).await, Err(StoreError::Illegal(_))));
    }
    store.command(&command(id, Step::Resume, at(2))).await.expect("the step is legal");
    let mut hand = Hand::take(&store, id, "w", at(3)).await;
    assert!(matches!(store.delete_job(id).await, Err(StoreError::Illegal(_))), "it is running");
    hand.write(vec![adding(0, "anna"), adding(1, "ben")], at(4)).await.expect("the holder may write");

    store.delete_job(id).await.expect("it is completed");
    assert_eq!(store.job(id).await, Ok(None));
    assert_eq!(store.delete_job(id).await, Err(StoreError::NotFound(id)));
    assert_eq!(store.input(input).await, Ok(None), "no other job needs it");
    assert_eq!(store.events(Some(id), 0, 100).await, Ok(Vec::new()));
    assert!(ledger(&store, id).await.is_empty());
    let query = CreatorQuery { limit: 10, ..CreatorQuery::default() };
    assert_eq!(store.creators(&query).await.expect("it answers").len(), 2);
}

/// An input is deleted with the last job that needs it.
pub async fn an_input_two_jobs_share_outlives_the_first(Subject { store, keep: _keep, .. }: Subject) {
    let input = sealed(&store, 10).await.id;
    let (first, second) = (new_job(input), new_job(input));
    for new in [&first, &second] {
        store.create_job(new.clone()).await.expect("the job is created");
        run_to_end(&store, new.id, at(1)).await;
    }
    store.delete_job(first.id).await.expect("it is completed");
    assert!(store.input(input).await.expect("it answers").is_some());
    assert!(look(&store, second.id).await.input.available);
    store.delete_job(second.id).await.expect("it is completed");
    assert_eq!(store.input(input).await, Ok(None));
}

fn names(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(|job| job.name.clone()).collect()
}
