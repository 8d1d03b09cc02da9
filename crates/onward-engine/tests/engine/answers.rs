//! The store has done what it was asked, and its answer is lost: whatever the ledger now refers to stays, and
//! asking again does no harm.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use onward_core::id::JobId;
use onward_core::problem::{Code, Problem};
use onward_core::recipe::Recipe;
use onward_core::state::JobState;
use onward_engine::adopt::{Adopted, Evidence};
use onward_engine::attach::{Difference, Intent};
use onward_engine::{Snapshot, Submission};

use crate::kit::Kit;
use crate::lossy::Lossy;

const EDITED: &str = "handle\na5\na4\na3\na2\na1\nnew\n";

fn kit() -> (Kit, Arc<Lossy>) {
    let mut lossy = None;
    let kit = Kit::over(|store| {
        let store = Lossy::over(store);
        lossy = Some(Arc::clone(&store));
        store
    });
    (kit, lossy.unwrap())
}

/// A cancelled job with two of its five rows done.
async fn cancelled(kit: &Kit) -> JobId {
    kit.work.let_pass(2);
    let job = kit.submit(5, "concurrency = 1").await.job.id;
    kit.until(job, |snapshot| snapshot.job.tally.processed() == 2).await;
    kit.engine.force_cancel(job, "you").await.unwrap();
    job
}

async fn attach(kit: &Kit, job: JobId, intent: Intent) -> Result<(Difference, Snapshot), Problem> {
    let file = kit.dir.path().join("edited.csv");
    std::fs::write(&file, EDITED).unwrap();
    kit.engine.attach(job, &file, "edited.csv", intent, "you").await
}

/// The job has the edited file, all of it, and it was attached once.
async fn is_attached(kit: &Kit, job: JobId) {
    let now = kit.job(job).await.job;
    assert_eq!((now.total, now.tally.added, now.input.available), (6, 2, true));
    assert_eq!(now.input.filename, "edited.csv");
    kit.verify(job).await;
    let attached = kit.kinds(job).await.iter().filter(|kind| **kind == "attached").count();
    assert_eq!(attached, 1);
}

/// What is left of the job is done, to its end.
async fn goes_on(kit: &Kit, job: JobId) {
    kit.engine.resume(job, None, "you").await.unwrap();
    kit.work.let_pass(100);
    assert_eq!(kit.until_state(job, JobState::Completed).await.job.tally.added, 6);
    kit.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_whose_answer_is_lost_is_found_by_a_look() {
    let (kit, store) = kit();
    let job = cancelled(&kit).await;
    store.lose("attach");
    let (difference, after) = attach(&kit, job, Intent::Attach).await.unwrap();
    assert!(store.has_lost_all());
    assert_eq!((difference.matched, difference.new, after.job.total), (5, 1, 6));
    is_attached(&kit, job).await;
    goes_on(&kit, job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_that_nobody_can_look_at_keeps_its_file_and_may_be_asked_for_again() {
    let (kit, store) = kit();
    let job = cancelled(&kit).await;
    let kept = attach(&kit, job, Intent::Keep).await.unwrap().0.kept.unwrap();
    store.lose_and_be_blind("attach");
    let refused = kit.engine.confirm(job, kept, Intent::Attach, "you").await.unwrap_err();
    assert_eq!(refused.code, Code::StoreUnavailable);
    assert!(refused.detail.contains("look at the job"), "{}", refused.detail);
    store.blind.store(false, Ordering::SeqCst);
    is_attached(&kit, job).await;

    // The same once more, by its id and then by the file itself.
    let (again, _) = kit.engine.confirm(job, kept, Intent::Attach, "you").await.unwrap();
    assert_eq!((again.matched, again.new, again.again), (6, 0, 0));
    is_attached(&kit, job).await;
    let (again, _) = attach(&kit, job, Intent::DryRun).await.unwrap();
    assert_eq!((again.matched, again.new, again.gone), (6, 0, 0));
    kit.engine.forget_compared(job, kept).await.unwrap();
    is_attached(&kit, job).await;
    goes_on(&kit, job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sent_whole_stays_when_nobody_can_look_whether_it_was_attached() {
    let (kit, store) = kit();
    let job = cancelled(&kit).await;
    store.lose_and_be_blind("attach");
    assert_eq!(attach(&kit, job, Intent::Attach).await.unwrap_err().code, Code::StoreUnavailable);
    store.blind.store(false, Ordering::SeqCst);
    is_attached(&kit, job).await;
    goes_on(&kit, job).await;
}

/// Takes over five rows of which three are done.
async fn adopt(kit: &Kit) -> Result<(Adopted, Option<Snapshot>), Problem> {
    let file = kit.dir.path().join("creators.csv");
    std::fs::write(&file, "handle\na1\na2\na3\na4\na5\n").unwrap();
    let recipe = Recipe::from_toml("key = [\"handle\"]\n[work]\nkind = \"creators\"\n").unwrap();
    let (filename, actor) = ("creators.csv".to_owned(), "you".to_owned());
    let submission = Submission { file, filename, recipe, name: None, first: None, actor, sha256: None };
    kit.engine.adopt(submission, &Evidence::Count(3), Intent::Attach).await
}

/// The one job is whole, and the rows that were left are done, each once.
async fn is_whole(kit: &Kit) {
    let jobs =
        kit.engine.jobs(&onward_core::store::JobQuery { limit: 10, ..Default::default() }).await.unwrap();
    let [job] = &jobs[..] else { panic!("{} jobs are there", jobs.len()) };
    let job = &job.job;
    assert!(job.input.available && job.tally.added >= 3, "{job:?}");
    kit.work.let_pass(100);
    let done = kit.until_state(job.id, JobState::Completed).await.job;
    assert_eq!(done.tally.added, 5);
    kit.verify(job.id).await;
    assert_eq!(["a1", "a2", "a3", "a4", "a5"].map(|key| kit.work.calls_of(key)), [0, 0, 0, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_goes_on_whichever_of_its_answers_is_lost() {
    for step in ["begin", "rows", "end"] {
        let (kit, store) = kit();
        store.lose(step);
        let (adopted, job) = adopt(&kit).await.unwrap();
        assert!(store.has_lost_all(), "{step}");
        assert_eq!((adopted.total, adopted.done, job.unwrap().job.tally.added), (5, 3, 3), "{step}");
        is_whole(&kit).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_job_that_nobody_can_look_at_stays_and_a_second_one_is_not_made() {
    let (kit, store) = kit();
    store.lose_and_be_blind("end");
    assert_eq!(adopt(&kit).await.unwrap_err().code, Code::StoreUnavailable);
    store.blind.store(false, Ordering::SeqCst);
    assert_eq!(adopt(&kit).await.unwrap_err().code, Code::DuplicateRunningJob);
    is_whole(&kit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_that_has_only_begun_keeps_its_file() {
    let (kit, store) = kit();
    store.lose_and_be_blind("begin");
    assert_eq!(adopt(&kit).await.unwrap_err().code, Code::StoreUnavailable);
    store.blind.store(false, Ordering::SeqCst);
    let query = onward_core::store::JobQuery { limit: 10, ..Default::default() };
    let begun = kit.engine.jobs(&query).await.unwrap().remove(0).job;
    assert_eq!((begun.state, begun.input.available, begun.tally.processed()), (JobState::Paused, true, 0));
    kit.verify(begun.id).await;
    // Nothing of it was done, so it goes, and the same is asked for again.
    kit.engine.force_cancel(begun.id, "you").await.unwrap();
    kit.engine.delete(begun.id).await.unwrap();
    adopt(&kit).await.unwrap();
    is_whole(&kit).await;
}
