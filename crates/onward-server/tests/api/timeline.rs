//! The timeline of a job on its page.

use onward_core::clock::UnixMs;
use onward_core::event::{EventKind, NewEvent};

use crate::support::{Server, csv};

/// A job that is held and goes on by itself for a year has a long one; what matters is its end.
#[tokio::test]
async fn of_a_long_timeline_the_page_shows_the_end_and_the_attempts_have_their_numbers() {
    let server = Server::open().await;
    let job = server.job(&csv(3)).await;
    server.until_status(&job, "completed").await;
    let store = server.app.engine.store();
    for no in 0..1_100_i64 {
        let kind = if no == 1_099 { EventKind::Resumed } else { EventKind::Changed };
        let (actor, detail) = ("you".to_owned(), format!("change {no}"));
        let job = job.parse().unwrap();
        store.record(NewEvent { job, at: UnixMs(no), kind, actor, from_row: None, detail }).await.unwrap();
    }
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await.json();
    let page = server.get(&format!("/jobs/{job}")).await.text;
    assert!(page.contains("change 1099") && !page.contains("change 200<"), "the newest are shown");
    assert!(page.contains(&format!("Attempt {}", shown["attempt"])), "{shown}");
}
