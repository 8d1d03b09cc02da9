//! Deliveries to hooks: born with what they tell, taken by one sender at a time, kept until they are settled.

use std::collections::BTreeSet;
use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::hook::{Delivery, DeliveryState, HOLD_MS, HookEvent, Next, Taken};
use onward_core::id::{JobId, WorkerId};
use onward_core::job::Pause;
use onward_core::row::Outcome;
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::store::{
    Command, DONE_BEFORE, DeliveryQuery, Moving, NewJob, Standstill, Store, StoreError, TakeDeliveries, Tried,
};
use onward_core::stuck::{Stuck, StuckReason, still_since};

use super::Subject;
use super::build::{Hand, at, command, job, job_with, ledger, look, new_job, new_uuid, run_to_end, sealed};
use super::moving::copy_input;
use crate::memory::MemoryStore;

/// One hook for everything, and one for the end alone.
const RECIPE: &str = r#"{"work":{"kind":"creators"},"hooks":[
    {"url":"https://a.example/","on":["completed","failed","paused","stuck"],"secret":["{{ secret.A }}"]},
    {"url":"https://b.example/","on":["completed"],"secret":["{{ secret.B }}"]}]}"#;

async fn all(store: &Arc<dyn Store>, job: JobId) -> Vec<Delivery> {
    let query = DeliveryQuery { job, before: None, limit: 100 };
    store.deliveries(&query).await.expect("they are listed")
}

async fn take(store: &Arc<dyn Store>, sender: &str, now: UnixMs) -> Vec<Taken> {
    let wish = TakeDeliveries { sender: WorkerId(sender.to_owned()), limit: 100, now };
    store.take_deliveries(&wish).await.expect("the store answers")
}

fn tried(taken: &Taken, next: Next, now: UnixMs) -> Tried {
    let status = match next {
        Next::Delivered => Some(204),
        Next::Gone => Some(410),
        Next::Again { .. } => None,
        Next::GivenUp => Some(500),
    };
    let (id, epoch) = (taken.delivery.new.id.clone(), taken.delivery.epoch);
    Tried { id, epoch, status, message: String::from("so it was"), next, now }
}

/// A paused job with one delivery that is due.
async fn paused(store: &Arc<dyn Store>) -> JobId {
    let id = job_with(store, 10, RECIPE).await;
    store.command(&command(id, Step::Pause, at(1))).await.expect("the step is legal");
    id
}

/// Each turn that a hook asks for is told, as the job stands after it; the others are not.
pub async fn a_delivery_is_born_with_the_turn_it_tells_of(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 10, RECIPE).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0, 1, 2], Outcome::Added, at(2)).await.expect("the holder may write");
    for (by, second) in [(Step::Pause, 3), (Step::Resume, 4), (Step::Fail, 5), (Step::Resume, 6)] {
        store.command(&command(id, by, at(second))).await.expect("the step is legal");
    }
    store.command(&command(id, Step::ForceCancel, at(7))).await.expect("the step is legal");
    store.command(&command(id, Step::Resume, at(8))).await.expect("the step is legal");
    run_to_end(&store, id, at(9)).await;

    let told = all(&store, id).await;
    let turns: Vec<_> =
        told.iter().rev().map(|one| (one.new.event, one.new.hook, one.new.notice.at)).collect();
    use HookEvent::{Completed, Failed, Paused};
    let expected = [(Paused, 0, at(3)), (Failed, 0, at(5)), (Completed, 0, at(9)), (Completed, 1, at(9))];
    assert_eq!(turns, expected);
    let [_, end, failed, pause] = told.as_slice() else { panic!("four were expected: {told:?}") };
    let notice = &pause.new.notice;
    assert_eq!((notice.state, notice.total, notice.tally.added), (JobState::Paused, 10, 3));
    assert_eq!((notice.resume_from_row, notice.name.as_str()), (Some(4), "creators.csv"));
    assert_eq!(notice.reason.as_ref().map(|why| why.code.as_str()), Some("user"));
    let why = failed.new.notice.reason.as_ref().map(|why| (why.code.as_str(), why.message.as_str()));
    assert_eq!((failed.new.notice.state, why), (JobState::Failed, Some(("upstream-down", "it is down"))));
    let notice = &end.new.notice;
    assert_eq!((notice.state, notice.tally.added, notice.resume_from_row), (JobState::Completed, 10, None));
    assert_eq!((notice.finished_at, notice.epoch), (Some(at(9)), look(&store, id).await.epoch));
    let names: BTreeSet<_> = told.iter().map(|one| one.new.id.as_str()).collect();
    assert_eq!(names.len(), 4, "each delivery has a name of its own");
    assert!(names.iter().all(|name| !name.contains('.')), "{names:?}");
    assert!(told.iter().all(|one| one.state == DeliveryState::Waiting && one.tries == 0 && one.job == id));

    let silent = job(&store, 10).await;
    run_to_end(&store, silent, at(9)).await;
    assert_eq!(all(&store, silent).await, [], "a recipe without hooks tells nobody");
}

/// A breaker holds the job again and again while its target is down; that is one turn.
pub async fn a_probe_that_fails_again_is_no_news(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 10, RECIPE).await;
    let breaker = |seconds| {
        let message = String::from("the target is down");
        let pause = Some(Pause { reason: PauseReason::Breaker, message, probe_at: Some(at(seconds + 30)) });
        Command { pause, ..command(id, Step::Pause, at(seconds)) }
    };
    store.command(&breaker(1)).await.expect("the step is legal");
    for seconds in [40, 80, 120] {
        let go = onward_core::job::Go::Probe;
        let probe = Command { go, ..command(id, Step::Resume, at(seconds)) };
        store.command(&probe).await.expect("the step is legal");
        store.command(&breaker(seconds + 1)).await.expect("the step is legal");
    }
    assert_eq!(all(&store, id).await.len(), 1);
    store.command(&command(id, Step::Resume, at(200))).await.expect("the step is legal");
    store.command(&breaker(201)).await.expect("the step is legal");
    assert_eq!(all(&store, id).await.len(), 2, "a person let it go on, and it is down again");
}

/// Whoever sees it and however often: a standstill is told once, and the next one again.
pub async fn a_standstill_is_told_once(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 10, RECIPE).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    let seen = |since, seconds| {
        let (reason, detail) = (StuckReason::NoProgress, String::from("no row was saved for 60 s"));
        Standstill { job: id, since, stuck: Stuck { reason, since, detail }, now: at(seconds) }
    };
    let first = still_since(&look(&store, id).await);
    let told = store.tell_stuck(&seen(first, 61)).await;
    assert_eq!(told, Ok(1), "one hook of two asks for it");
    assert_eq!(store.tell_stuck(&seen(first, 62)).await, Ok(0));
    let one = all(&store, id).await.pop().expect("it was born");
    assert_eq!((one.new.event, one.new.notice.state), (HookEvent::Stuck, JobState::Running));
    assert_eq!(one.new.notice.reason.map(|why| why.code), Some(String::from("no-progress")));

    hand.finish([0], Outcome::Added, at(70)).await.expect("the holder may write");
    assert_eq!(store.tell_stuck(&seen(first, 71)).await, Ok(0), "it has moved on since it was looked at");
    let second = still_since(&look(&store, id).await);
    assert!(second > first);
    assert_eq!(store.tell_stuck(&seen(second, 140)).await, Ok(1));
    store.command(&command(id, Step::Pause, at(150))).await.expect("the step is legal");
    assert_eq!(store.tell_stuck(&seen(second, 151)).await, Ok(0), "what is held is not stuck");
    let gone = Standstill { job: JobId(new_uuid()), ..seen(second, 152) };
    assert_eq!(store.tell_stuck(&gone).await, Err(StoreError::NotFound(gone.job)));
}

/// However many ask at the same moment.
pub async fn a_delivery_is_taken_by_one_sender(Subject { store, keep: _keep, .. }: Subject) {
    for _ in 0..4 {
        paused(&store).await;
    }
    let ask = |no: usize| {
        let store = store.clone();
        tokio::spawn(async move { take(&store, &format!("w{no}"), at(2)).await })
    };
    let mut taken = Vec::new();
    for task in (0..16).map(ask).collect::<Vec<_>>() {
        taken.extend(task.await.expect("it does not panic"));
    }
    let mut names: Vec<_> = taken.iter().map(|taken| taken.delivery.new.id.as_str()).collect();
    names.sort_unstable();
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!((names.len(), different.len()), (4, 4), "{names:?}");
    assert!(taken.iter().all(|taken| taken.recipe.contains("a.example") && taken.at == at(2)));
    assert!(take(&store, "late", at(3)).await.is_empty());
}

/// The oldest first, at most as many as asked for.
pub async fn deliveries_are_taken_in_turn(Subject { store, keep: _keep, .. }: Subject) {
    let jobs = [paused(&store).await, paused(&store).await, paused(&store).await];
    let wish = TakeDeliveries { sender: WorkerId(String::from("w")), limit: 2, now: at(2) };
    let two = store.take_deliveries(&wish).await.expect("the store answers");
    assert_eq!(two.iter().map(|taken| taken.delivery.job).collect::<Vec<_>>(), jobs[..2]);
    let last = store.take_deliveries(&wish).await.expect("the store answers");
    assert_eq!(last.iter().map(|taken| taken.delivery.job).collect::<Vec<_>>(), jobs[2..]);
}

/// A sender that dies keeps nothing up; one that was only slow is not believed.
pub async fn an_old_sender_is_refused(Subject { store, keep: _keep, .. }: Subject) {
    let id = paused(&store).await;
    let slow = take(&store, "slow", at(2)).await.pop().expect("it is due");
    let lapsed = at(2).plus_ms(HOLD_MS);
    assert!(take(&store, "other", UnixMs(lapsed.0 - 1)).await.is_empty(), "it is held so long");
    let other = take(&store, "other", lapsed).await.pop().expect("the hold is over");
    assert!(other.delivery.epoch > slow.delivery.epoch);
    assert_eq!(other.delivery.new, slow.delivery.new, "it is the same under the same name");
    let late = store.settle_delivery(&tried(&slow, Next::GivenUp, lapsed.plus_ms(1))).await;
    assert_eq!(late, Err(StoreError::Fenced { found: other.delivery.epoch }));
    assert_eq!(all(&store, id).await[0].tries, 0, "nothing was written");
    let done = tried(&other, Next::Delivered, lapsed.plus_ms(2));
    store.settle_delivery(&done).await.expect("the holder may write");
    let again = store.settle_delivery(&done).await;
    assert!(matches!(again, Err(StoreError::Fenced { .. })), "nobody has it now: {again:?}");
    assert_eq!(all(&store, id).await[0].tries, 1);
}

/// The wait is kept, and every call is counted.
pub async fn a_call_that_failed_is_due_again_in_its_time(Subject { store, keep: _keep, .. }: Subject) {
    let id = paused(&store).await;
    let first = take(&store, "w", at(2)).await.pop().expect("it is due");
    assert!(first.delivery.held_until.is_some_and(|until| until > at(2)));
    let failed = tried(&first, Next::Again { wait_ms: 5_000 }, at(3));
    store.settle_delivery(&failed).await.expect("the holder may write");
    let shown = all(&store, id).await.pop().expect("it is listed");
    assert_eq!((shown.state, shown.tries, shown.failures), (DeliveryState::Waiting, 1, 1));
    assert_eq!((shown.next_at, shown.tried_at), (Some(at(8)), Some(at(3))));
    assert_eq!((shown.status, shown.message.as_str(), shown.held_until), (None, "so it was", None));
    assert!(take(&store, "w", UnixMs(at(8).0 - 1)).await.is_empty());
    let second = take(&store, "w", at(8)).await.pop().expect("it is due again");
    assert_eq!((second.delivery.failures, second.delivery.begun_at), (1, at(1)));
    store.settle_delivery(&tried(&second, Next::Delivered, at(9))).await.expect("the holder may write");
    let shown = all(&store, id).await.pop().expect("it is listed");
    assert_eq!((shown.state, shown.tries, shown.failures), (DeliveryState::Delivered, 2, 1));
    assert_eq!((shown.next_at, shown.status), (None, Some(204)));
}

/// Delivered, gone and given up are ends; a person may begin anew.
pub async fn what_is_over_is_sent_again_only_when_asked(Subject { store, keep: _keep, .. }: Subject) {
    for (next, state) in [
        (Next::Delivered, DeliveryState::Delivered),
        (Next::Gone, DeliveryState::Gone),
        (Next::GivenUp, DeliveryState::GivenUp),
    ] {
        let id = paused(&store).await;
        let taken = take(&store, "w", at(2)).await.pop().expect("it is due");
        store.settle_delivery(&tried(&taken, next, at(3))).await.expect("the holder may write");
        assert_eq!(all(&store, id).await[0].state, state);
        assert!(take(&store, "w", at(1_000_000)).await.is_empty(), "{state} is an end");

        let name = taken.delivery.new.id.as_str();
        let again = store.send_again(id, name, at(2_000_000)).await.expect("the store answers");
        let again = again.expect("the job has it");
        assert_eq!((again.state, again.failures, again.begun_at), (DeliveryState::Waiting, 0, at(2_000_000)));
        assert_eq!((again.next_at, again.tries, again.new.id.as_str()), (Some(at(2_000_000)), 1, name));
        let taken = take(&store, "w", at(2_000_000)).await.pop().expect("it is due");
        let untouched = store.send_again(id, name, at(2_000_001)).await.expect("the store answers");
        assert_eq!(untouched, Some(taken.delivery.clone()), "it is being sent at this moment");
        store.settle_delivery(&tried(&taken, Next::Delivered, at(2_000_002))).await.expect("it may write");
        assert_eq!(store.send_again(id, "msg_nobody", at(2_000_003)).await, Ok(None));
        assert_eq!(store.send_again(JobId(new_uuid()), name, at(2_000_003)).await, Ok(None));
    }
}

/// Whoever knows that a sender has ended need not wait for its hold.
pub async fn what_a_dead_sender_had_is_free_at_once(Subject { store, keep: _keep, .. }: Subject) {
    paused(&store).await;
    let dead = take(&store, "dead", at(2)).await;
    paused(&store).await;
    let living = take(&store, "living", at(2)).await;
    assert_eq!((dead.len(), living.len()), (1, 1));
    store.release_of(&WorkerId(String::from("dead")), at(3)).await.expect("the store answers");
    let taken = take(&store, "next", at(3)).await;
    assert_eq!(taken.len(), 1, "only what the dead one had");
    assert_eq!(taken[0].delivery.new.id, dead[0].delivery.new.id);
    let late = store.settle_delivery(&tried(&dead[0], Next::Delivered, at(4))).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "should it live all the same: {late:?}");
    store.release_all(at(5)).await.expect("the store answers");
    assert_eq!(take(&store, "next", at(5)).await.len(), 2);
}

/// A page, and the next one after it.
pub async fn deliveries_are_listed_newest_first_page_by_page(Subject { store, keep: _keep, .. }: Subject) {
    let (id, other) = (job_with(&store, 10, RECIPE).await, paused(&store).await);
    for second in 1..=5 {
        store.command(&command(id, Step::Pause, at(second * 2))).await.expect("the step is legal");
        store.command(&command(id, Step::Resume, at(second * 2 + 1))).await.expect("the step is legal");
    }
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let query = DeliveryQuery { job: id, before, limit: 2 };
        let page = store.deliveries(&query).await.expect("they are listed");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        before = Some(last.no);
        seen.extend(page);
    }
    let moments: Vec<_> = seen.iter().map(|one| one.new.notice.at).collect();
    assert_eq!(moments, [at(10), at(8), at(6), at(4), at(2)]);
    assert_eq!(all(&store, other).await.len(), 1);
}

/// With its deliveries nothing is left of a job; one in hand cannot be settled any more.
pub async fn deliveries_go_with_their_job(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_with(&store, 10, RECIPE).await;
    run_to_end(&store, id, at(1)).await;
    let taken = take(&store, "w", at(2)).await;
    assert_eq!(taken.len(), 2);
    store.delete_job(id).await.expect("it is completed");
    assert_eq!(all(&store, id).await, []);
    let late = store.settle_delivery(&tried(&taken[0], Next::Delivered, at(3))).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
    assert!(take(&store, "w", at(1_000)).await.is_empty());
}

/// A move gives birth to no delivery, and leaves none behind; running it again changes nothing.
pub async fn what_was_to_be_told_over_there_is_told_from_here(Subject { store, keep: _keep, .. }: Subject) {
    let model: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let input = sealed(&model, 10).await;
    let new = NewJob { recipe: Arc::from(RECIPE), ..new_job(input.id) };
    model.create_job(new.clone()).await.expect("the job is created");
    for (by, second) in [(Step::Pause, 1), (Step::Resume, 2), (Step::Pause, 3)] {
        model.command(&command(new.id, by, at(second))).await.expect("the step is legal");
    }
    let taken = take(&model, "w", at(4)).await;
    let [first, second] = taken.as_slice() else { panic!("two were expected: {taken:?}") };
    model.settle_delivery(&tried(first, Next::Delivered, at(5))).await.expect("the holder may write");
    let waits = tried(second, Next::Again { wait_ms: 5_000 }, at(5));
    model.settle_delivery(&waits).await.expect("the holder may write");
    let mut over_there = all(&model, new.id).await;
    over_there.reverse();

    let whole = look(&model, new.id).await;
    copy_input(&model, &store, &whole).await;
    store.take_in(Moving::Begin(new.clone())).await.expect("it begins");
    for _again in 0..2 {
        let part = Moving::Deliveries(new.id, over_there.clone());
        store.take_in(part).await.expect("deliveries are taken in");
    }
    store.take_in(Moving::End(Box::new(whole))).await.expect("it is whole");
    let mut here = all(&store, new.id).await;
    here.reverse();
    let without_numbers =
        |all: &[Delivery]| all.iter().map(|one| Delivery { no: 0, ..one.clone() }).collect::<Vec<_>>();
    assert_eq!(without_numbers(&here), without_numbers(&over_there));
    assert!(take(&store, "w", at(9)).await.is_empty(), "its time has not come");
    let due = take(&store, "w", at(10)).await.pop().expect("it is due");
    assert_eq!(due.delivery.new, second.delivery.new);
}

/// Somebody else has done all of its rows: it comes to its end here, and not over there.
pub async fn a_job_that_is_adopted_whole_is_told_once_as_completed(
    Subject { store, keep: _keep, .. }: Subject,
) {
    let model: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let input = sealed(&model, 10).await;
    let new = NewJob { recipe: Arc::from(RECIPE), ..new_job(input.id) };
    model.create_job(new.clone()).await.expect("the job is created");
    run_to_end(&model, new.id, at(1)).await;
    let whole = look(&model, new.id).await;
    copy_input(&model, &store, &whole).await;
    store.take_in(Moving::Begin(new.clone())).await.expect("it begins");
    store.take_in(Moving::Rows(new.id, ledger(&model, new.id).await)).await.expect("rows are taken in");
    assert!(take(&store, "w", at(9)).await.is_empty(), "it is not whole yet");
    let adopted = Moving::Adopted { job: Box::new(whole), actor: "you".into() };
    store.take_in(adopted).await.expect("it is whole");
    let told = take(&store, "w", at(9)).await;
    assert_eq!(told.len(), 2, "one for each hook: {told:?}");
    for taken in &told {
        let new = &taken.delivery.new;
        assert_eq!((new.event, new.notice.state), (HookEvent::Completed, JobState::Completed));
        assert_eq!((new.notice.total, new.notice.tally.processed()), (10, 10));
    }
    let line = store.events(Some(new.id), 0, 10).await.expect("it answers").pop().expect("a line");
    assert_eq!(
        (line.kind, line.actor.as_str(), line.detail.as_str()),
        (EventKind::Completed, "you", DONE_BEFORE)
    );
}

/// It goes on here, and its end is told when it is there.
pub async fn a_job_that_is_adopted_half_done_is_told_when_it_is_done(
    Subject { store, keep: _keep, .. }: Subject,
) {
    let model: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let input = sealed(&model, 10).await;
    let new = NewJob { recipe: Arc::from(RECIPE), ..new_job(input.id) };
    let queued = model.create_job(new.clone()).await.expect("the job is created");
    copy_input(&model, &store, &queued).await;
    store.take_in(Moving::Begin(new.clone())).await.expect("it begins");
    let adopted = Moving::Adopted { job: Box::new(queued), actor: "you".into() };
    store.take_in(adopted).await.expect("it is whole");
    assert!(take(&store, "w", at(9)).await.is_empty(), "nothing has come to its end");
    run_to_end(&store, new.id, at(10)).await;
    assert_eq!(take(&store, "w", at(11)).await.len(), 2);
}
