//! The registry of workers, and the rate they share.

use onward_core::id::WorkerId;
use onward_core::store::{Beat, FORGOTTEN_MS, LOST_MS, Presence, TurnsAsked, Wish};

use super::Subject;
use super::build::{T0, at, job};

fn beat(worker: &str, seconds: u64) -> Beat {
    let worker = WorkerId(worker.to_owned());
    Beat { worker, host: String::from("eu-1"), pid: 7, started_at: T0, now: at(seconds) }
}

/// The registry shows who said something lately, and what it said.
pub async fn a_worker_is_listed_while_it_is_heard_of(Subject { store, keep: _keep, .. }: Subject) {
    store.beat(&beat("b", 1)).await.expect("it is registered");
    store.beat(&beat("a", 2)).await.expect("it is registered");
    store.beat(&beat("a", 20)).await.expect("it is heard");
    let all = store.workers(at(20)).await.expect("they are listed");
    let seen: Vec<_> = all.iter().map(|worker| (worker.id.0.as_str(), worker.beat_at)).collect();
    assert_eq!(seen, [("a", at(20)), ("b", at(1))]);
    assert_eq!((all[0].host.as_str(), all[0].pid, all[0].started_at), ("eu-1", 7, T0));
    assert!(all[1].is_lost(at(1).plus_ms(LOST_MS)) && !all[1].is_lost(at(1).plus_ms(LOST_MS - 1)));
    let later = store.workers(at(2).plus_ms(FORGOTTEN_MS)).await.expect("they are listed");
    assert_eq!(later.len(), 1, "one that was not heard of for long is forgotten");
}

/// A worker that ends by itself leaves nothing behind.
pub async fn a_worker_that_left_is_gone(Subject { store, keep: _keep, .. }: Subject) {
    store.beat(&beat("a", 1)).await.expect("it is registered");
    store.leave(&beat("a", 1).worker).await.expect("it leaves");
    store.leave(&beat("a", 1).worker).await.expect("a second time changes nothing");
    assert_eq!(store.workers(at(2)).await, Ok(Vec::new()));
    assert_eq!(store.drain(&beat("a", 1).worker).await, Ok(false));
}

/// The wish is kept until the worker has heard it, also when it is soon.
pub async fn a_worker_learns_that_it_is_to_be_drained(Subject { store, keep: _keep, .. }: Subject) {
    for worker in ["a", "b"] {
        assert_eq!(store.beat(&beat(worker, 1)).await.map(|presence| presence.wish), Ok(Wish::Work));
    }
    assert_eq!(store.drain(&beat("a", 1).worker).await, Ok(true));
    for seconds in [2, 30] {
        assert_eq!(store.beat(&beat("a", seconds)).await.map(|presence| presence.wish), Ok(Wish::Drain));
        assert_eq!(store.beat(&beat("b", seconds)).await.map(|presence| presence.wish), Ok(Wish::Work));
    }
    let wishes = store.workers(at(30)).await.expect("they are listed");
    assert_eq!(wishes.iter().map(|worker| worker.wish).collect::<Vec<_>>(), [Wish::Drain, Wish::Work]);
}

/// Neither the dead nor those that are to be drained have a place among the living.
pub async fn living_workers_know_their_place(Subject { store, keep: _keep, .. }: Subject) {
    let place = |rank, of| Ok(Presence { wish: Wish::Work, rank, of });
    assert_eq!(store.beat(&beat("c", 1)).await, place(0, 1));
    assert_eq!(store.beat(&beat("b", 1)).await, place(0, 2));
    assert_eq!(store.beat(&beat("c", 2)).await, place(1, 2));
    store.drain(&beat("b", 1).worker).await.expect("it is asked");
    assert_eq!(store.beat(&beat("c", 3)).await, place(0, 1));
    assert_eq!(store.beat(&beat("a", 10)).await, place(0, 2));
    assert_eq!(store.beat(&beat("a", 40)).await, place(0, 1));
}

/// Turns are handed out once, however many ask at a time, at most two seconds ahead.
pub async fn turns_of_all_workers_together_keep_to_the_rate(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 10).await;
    let asked = move |calls| TurnsAsked { job: id, calls, interval_us: 100_000, not_before_ms: 0, now: T0 };
    let before = store.turns(&asked(0)).await.expect("it answers");
    assert!(before.calls == 0 && before.wait_us < 0, "{before:?}");
    let ask = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.turns(&asked(4)).await })
    };
    let mut taken = Vec::new();
    for task in (0..16).map(ask).collect::<Vec<_>>() {
        let turns = task.await.expect("it does not panic").expect("the store answers");
        if turns.calls == 0 {
            assert!(turns.wait_us > 0, "{turns:?}");
            continue;
        }
        taken.extend((0..i64::from(turns.calls)).map(|no| turns.wait_us + no * 100_000));
    }
    taken.sort_unstable();
    assert!((1..=41).contains(&taken.len()), "{taken:?}");
    // A store with a clock of its own counts from the moment of each question.
    assert!(taken.windows(12).all(|turns| turns[11] - turns[0] >= 500_000), "{taken:?}");
    let other = job(&store, 10).await;
    let other = store.turns(&TurnsAsked { job: other, ..asked(1) }).await.expect("it answers");
    assert_eq!(other.calls, 1, "each job has a rate of its own");
}
