//! The live feed and the timeline.

use std::time::Duration;

use onward_core::state::JobState;
use onward_engine::FeedEvent;

use crate::kit::Kit;

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_tells_every_state_change_in_order_and_progress_at_most_four_times_a_second() {
    let kit = Kit::new();
    let mut feed = kit.engine.subscribe().await.unwrap();
    let job = kit.submit(200, "concurrency = 2").await.job.id;
    let work = std::sync::Arc::clone(&kit.work);
    let begin = tokio::time::Instant::now();
    let feeder = tokio::spawn(async move {
        for _ in 0..200 {
            work.let_pass(1);
            // Rows come faster than they may be told: the pace is what is tested.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let (mut kinds, mut progress, mut last) = (Vec::new(), 0, 0);
    while kinds.last() != Some(&"completed") {
        let event = tokio::time::timeout(Duration::from_secs(20), feed.events.recv()).await.unwrap().unwrap();
        let FeedEvent::Job { snapshot, event, .. } = event else { panic!("nothing was deleted") };
        assert_eq!(snapshot.job.id, job);
        assert!(snapshot.job.tally.processed() >= last, "progress went backwards");
        last = snapshot.job.tally.processed();
        match event {
            Some(event) => kinds.push(event.kind.word()),
            None => progress += 1,
        }
    }
    feeder.await.unwrap();
    assert_eq!(kinds, ["created", "started", "completed"]);
    let most = begin.elapsed().as_millis() / 250 + 1;
    assert!(progress <= most, "{progress} progress events, {most} allowed");
    assert!(progress >= 1, "no progress was told");
    assert_eq!(last, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_says_who_did_what_from_which_row() {
    let kit = Kit::new();
    kit.work.let_pass(4);
    let job = kit.submit(10, "concurrency = 1").await.job.id;
    kit.until(job, |snapshot| snapshot.job.tally.processed() == 4).await;
    kit.engine.force_cancel(job, "anna").await.unwrap();
    let aborted = || kit.work.aborted.load(std::sync::atomic::Ordering::SeqCst) == 1;
    kit.until_true("the call in flight is aborted", aborted).await;
    kit.work.let_pass(100);
    kit.engine.resume(job, None, "bert").await.unwrap();
    kit.until_state(job, JobState::Completed).await;
    assert_eq!(kit.kinds(job).await, ["created", "started", "cancelled", "resumed", "completed"]);
    let events = kit.engine.store().events(Some(job), 0, 100).await.unwrap();
    assert_eq!((events[2].actor.as_str(), events[3].actor.as_str()), ("anna", "bert"));
    assert_eq!(events[3].from_row, Some(5));
    assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq && pair[0].epoch <= pair[1].epoch));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_work_finishes_the_rows_in_hand_and_gives_spans_back() {
    let kit = Kit::new();
    let job = kit.submit(30, "concurrency = 3").await.job.id;
    kit.until_true("three calls are under way", || kit.work.all_calls() == 3).await;
    let engine = kit.engine.clone();
    let stopping = tokio::spawn(async move { engine.stop_work().await });
    // The drive takes the word to stop before the calls may pass.
    tokio::time::sleep(Duration::from_millis(100)).await;
    kit.work.let_pass(3);
    stopping.await.unwrap();
    let left = kit.job(job).await.job;
    assert_eq!((left.state, left.tally.processed(), left.leases.len()), (JobState::Running, 3, 0));
    assert_eq!(kit.work.all_calls(), 3);
}
