//! Idempotency keys: the first answer again, and never somebody else's (G12).

use onward_core::store::Reservation;

use super::Subject;
use super::build::at;

/// A key is fresh, then running, then answered.
pub async fn a_request_sent_again_gets_the_first_answer(Subject { store, keep: _keep, .. }: Subject) {
    assert_eq!(store.reserve("k", "resume a", at(0)).await, Ok(Reservation::Fresh));
    assert_eq!(store.reserve("k", "resume a", at(1)).await, Ok(Reservation::Running));
    assert_eq!(store.reserve("k", "resume b", at(1)).await, Ok(Reservation::Other));
    assert_eq!(store.reserve("other", "resume a", at(1)).await, Ok(Reservation::Fresh));
    store.keep_answer("k", Some((202, String::from("{}")))).await.expect("it is kept");
    let answered = Reservation::Answered(202, String::from("{}"));
    assert_eq!(store.reserve("k", "resume a", at(2)).await, Ok(answered.clone()));
    assert_eq!(store.reserve("k", "resume b", at(2)).await, Ok(Reservation::Other));
    assert_eq!(store.reserve("k", "resume a", at(80_000)).await, Ok(answered));
}

/// A request without effect does not use its key up.
pub async fn a_freed_key_is_fresh_again(Subject { store, keep: _keep, .. }: Subject) {
    assert_eq!(store.reserve("k", "resume a", at(0)).await, Ok(Reservation::Fresh));
    store.keep_answer("k", None).await.expect("it is freed");
    assert_eq!(store.reserve("k", "resume b", at(1)).await, Ok(Reservation::Fresh));
}

/// A key lives for a day.
pub async fn a_key_is_forgotten_after_a_day(Subject { store, keep: _keep, .. }: Subject) {
    assert_eq!(store.reserve("k", "resume a", at(0)).await, Ok(Reservation::Fresh));
    store.keep_answer("k", Some((200, String::new()))).await.expect("it is kept");
    assert_eq!(store.reserve("k", "resume b", at(86_500)).await, Ok(Reservation::Fresh));
}

/// Of many equal requests at once one is let through.
pub async fn of_32_reservations_one_is_fresh(Subject { store, keep: _keep, .. }: Subject) {
    let ask = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.reserve("k", "resume a", at(0)).await })
    };
    let mut fresh = 0;
    for task in (0..32).map(ask).collect::<Vec<_>>() {
        match task.await.expect("it does not panic").expect("the store answers") {
            Reservation::Fresh => fresh += 1,
            other @ (Reservation::Running | Reservation::Answered(..) | Reservation::Other) => {
                assert_eq!(other, Reservation::Running);
            }
        }
    }
    assert_eq!(fresh, 1);
}
