//! What Redis may do, with a real one: whatever it is, the ledger has the last word (G14).

mod nasty;

use std::sync::Arc;
use std::time::Duration;

use onward_core::id::{JobId, SpanNo};
use onward_core::row::Outcome;
use onward_core::store::{Hot, Store, TurnsAsked};
use onward_testkit::{Proxy, Weather, until};
use tokio::time::Instant;

use super::Redis;
use crate::conformance::build::{Hand, assert_sums, at, job, look, new_job, sealed};
use crate::layered::LayeredStore;
use crate::memory::MemoryStore;

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

fn over(ledger: &Arc<dyn Store>, port: u16) -> Arc<dyn Store> {
    let redis = Redis::at(&format!("redis://127.0.0.1:{port}/0"), "test").unwrap();
    Arc::new(LayeredStore::new(Arc::clone(ledger), redis))
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn field(redis: &onward_testkit::Redis, job: JobId, name: &str) -> String {
    redis.cli(&["hget", &format!("test:job:{job}:checkpoint"), name]).unwrap_or_default()
}

async fn checkpoint_says(redis: &onward_testkit::Redis, job: JobId, processed: &str) {
    let what = format!("the checkpoint to say {processed}");
    until(&what, PATIENCE, async || Ok((field(redis, job, "processed_items") == processed).then_some(())))
        .await
        .unwrap();
}

async fn saved_in(store: &Arc<dyn Store>, job: JobId, places: &[&str]) {
    until(&format!("the checkpoint to be in {places:?}"), PATIENCE, async || {
        store.job(job).await?;
        Ok((store.saved_in(job) == places).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_in_redis_follows_the_ledger_in_steps_of_five_rows() {
    let redis = onward_testkit::Redis::start().unwrap();
    let store = over(&memory(), redis.port());
    let id = job(&store, 313).await;
    checkpoint_says(&redis, id, "0").await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    for five in 0..4 {
        hand.finish(five * 5..five * 5 + 4, Outcome::Added, at(2)).await.unwrap();
        hand.finish([five * 5 + 4], Outcome::Failed, at(2)).await.unwrap();
        checkpoint_says(&redis, id, &((five + 1) * 5).to_string()).await;
    }
    let epoch = look(&store, id).await.epoch.0.to_string();
    for (name, value) in [
        ("total_items", "313"),
        ("added", "16"),
        ("failed", "4"),
        ("skipped", "0"),
        ("filtered", "0"),
        ("low_water", "20"),
        ("status", "running"),
        ("epoch", &epoch),
        ("saved_at", &at(2).0.to_string()),
    ] {
        assert_eq!(field(&redis, id, name), value, "{name}");
    }
    saved_in(&store, id, &["memory", "redis"]).await;
    assert_eq!(store.hot(), Some(Hot::Up));
    let keys = redis.cli(&["keys", "*"]).unwrap();
    assert!(keys.lines().all(|key| key.starts_with("test:")), "{keys}");
    for key in keys.lines() {
        assert!(redis.cli(&["ttl", key]).unwrap().parse::<i64>().unwrap() > 0, "{key} has no end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_forged_ahead_or_no_hash_is_not_believed_and_put_right() {
    let redis = onward_testkit::Redis::start().unwrap();
    let store = over(&memory(), redis.port());
    let id = job(&store, 50).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish(0..10, Outcome::Added, at(2)).await.unwrap();
    saved_in(&store, id, &["memory", "redis"]).await;
    // The last write a second after the change is over before something is forged.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let key = format!("test:job:{id}:checkpoint");
    redis.cli(&["hset", &key, "processed_items", "49", "low_water", "49", "saved_at", "1"]).unwrap();
    saved_in(&store, id, &["memory"]).await;
    assert_eq!(look(&store, id).await.resume_from_row(), Some(11));
    hand.finish(10..12, Outcome::Added, at(3)).await.unwrap();
    checkpoint_says(&redis, id, "12").await;

    // As above.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    redis.cli(&["del", &key]).unwrap();
    redis.cli(&["lpush", &key, "no hash"]).unwrap();
    saved_in(&store, id, &["memory"]).await;
    hand.finish(12..50, Outcome::Added, at(4)).await.unwrap();
    checkpoint_says(&redis, id, "50").await;
    saved_in(&store, id, &["memory", "redis"]).await;
    assert_sums(&store, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_comes_from_redis_only_when_it_is_the_very_bytes() {
    let redis = onward_testkit::Redis::start().unwrap();
    let ledger = memory();
    let store = over(&ledger, redis.port());
    let input = sealed(&store, 250).await.id;
    store.create_job(new_job(input)).await.unwrap();
    let key = until("the chunks to be hot", PATIENCE, async || {
        for no in 0..3 {
            store.chunk(input, SpanNo(no)).await?;
        }
        let keys = redis.cli(&["keys", "test:chunk:*"])?;
        Ok((keys.lines().count() == 3).then_some(keys))
    })
    .await
    .unwrap();
    let stored = ledger.chunk(input, SpanNo(1)).await.unwrap();
    assert_eq!(store.chunk(input, SpanNo(1)).await.unwrap(), stored);
    for key in key.lines() {
        for forged in [vec!["set", key, "other rows"], vec!["del", key], vec!["lpush", key, "a list"]] {
            redis.cli(&["del", key]).unwrap();
            redis.cli(&forged).unwrap();
            assert_eq!(store.chunk(input, SpanNo(1)).await.unwrap(), stored, "{forged:?}");
        }
    }
    store.drop_input(input).await.unwrap();
    assert_eq!(store.chunk(input, SpanNo(1)).await.unwrap(), None, "what the ledger lost is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_flushed_full_or_cut_off_delays_no_commit_and_loses_nothing() {
    let mut redis = onward_testkit::Redis::start().unwrap();
    let proxy = Proxy::before(redis.port()).await.unwrap();
    let store = over(&memory(), proxy.port());
    let id = job(&store, 100).await;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish([0], Outcome::Added, at(2)).await.unwrap();
    saved_in(&store, id, &["memory", "redis"]).await;
    let mut next = 1..100u32;
    let mut commits = async |what: &str| {
        let began = Instant::now();
        for row in next.by_ref().take(10) {
            hand.finish([row], Outcome::Added, at(3)).await.unwrap();
        }
        // Ten short waits for an answer would be 2.5 s.
        assert!(began.elapsed() < Duration::from_secs(1), "{what}: {:?}", began.elapsed());
    };

    redis.cli(&["flushall"]).unwrap();
    commits("flushed").await;
    checkpoint_says(&redis, id, "11").await;
    for weather in [Weather::BlackHole, Weather::OneWay, Weather::Reset] {
        proxy.set(weather);
        commits("cut off").await;
        saved_in(&store, id, &["memory"]).await;
        assert!(matches!(store.hot(), Some(Hot::Down(_))));
        proxy.set(Weather::Fair);
        commits("back").await;
        saved_in(&store, id, &["memory", "redis"]).await;
    }
    redis.cli(&["config", "set", "maxmemory", "1"]).unwrap();
    commits("full").await;
    saved_in(&store, id, &["memory"]).await;
    redis.kill().unwrap();
    commits("killed").await;
    saved_in(&store, id, &["memory"]).await;
    redis.launch().unwrap();
    commits("started empty").await;
    until("redis to be used again", PATIENCE, async || {
        store.ping().await?;
        Ok((store.hot() == Some(Hot::Up)).then_some(()))
    })
    .await
    .unwrap();
    assert_sums(&store, id).await;
    assert_eq!(look(&store, id).await.tally.processed(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_another_machine() {
    let redis = onward_testkit::Redis::start().unwrap();
    let ledger = memory();
    let (here, there) = (over(&ledger, redis.port()), Redis::at(&redis.url(), "test").unwrap());
    let (send, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(async move {
        there
            .listen(move |job| {
                let _ = send.send(job);
            })
            .await
    });
    until("the other machine to listen", PATIENCE, async || {
        Ok((redis.cli(&["pubsub", "numsub", "test:wake"])?.contains('1')).then_some(()))
    })
    .await
    .unwrap();
    // A message may be lost: it only makes things quicker. So the job is told of until it is heard of.
    let id = job(&here, 10).await;
    let told = async {
        loop {
            here.tune(id, Some("named"), None, "anna", at(2)).await.unwrap();
            if let Ok(told) = tokio::time::timeout(Duration::from_millis(500), heard.recv()).await {
                return told;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap(), Some(id));
    listening.abort();
}

/// Three machines, one rate; Redis is lost to one of them, then flushed and restarted under all.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_while_redis_comes_and_goes() {
    const INTERVAL: Duration = Duration::from_millis(50);
    const LASTS: Duration = Duration::from_secs(9);
    let mut redis = onward_testkit::Redis::start().unwrap();
    let proxy = Proxy::before(redis.port()).await.unwrap();
    let ledger = memory();
    let id = job(&ledger, 10).await;
    let began = Instant::now();
    let machines = [redis.port(), proxy.port(), proxy.port()].map(|port| {
        let store = over(&ledger, port);
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while began.elapsed() < LASTS {
                let now = at(1).plus_ms(u64::try_from(began.elapsed().as_millis()).unwrap());
                let interval_us = u64::try_from(INTERVAL.as_micros()).unwrap();
                let asked = TurnsAsked { job: id, calls: 4, interval_us, not_before_ms: 0, now };
                let asked_at = Instant::now();
                let turns = store.turns(&asked).await.unwrap();
                let first = asked_at + Duration::from_micros(u64::try_from(turns.wait_us.max(0)).unwrap());
                taken.extend((0..turns.calls).map(|no| first + INTERVAL * no));
                tokio::time::sleep_until(first.min(Instant::now() + INTERVAL * 4)).await;
            }
            taken
        })
    });
    // Some turns in each weather; the moments do not matter.
    let some_turns = || tokio::time::sleep(Duration::from_millis(1_300));
    some_turns().await;
    proxy.set(Weather::BlackHole);
    some_turns().await;
    redis.cli(&["flushall"]).unwrap();
    some_turns().await;
    redis.kill().unwrap();
    some_turns().await;
    redis.launch().unwrap();
    proxy.set(Weather::Fair);
    let mut taken = Vec::new();
    for machine in machines {
        taken.extend(machine.await.unwrap());
    }
    taken.sort_unstable();
    assert!(taken.len() > 60, "{} turns in {LASTS:?}", taken.len());
    // 20 in a second; an answer that was long under way adds a few.
    for window in taken.windows(26) {
        let time = window[25].duration_since(window[0]);
        assert!(time >= Duration::from_secs(1), "26 turns within {time:?}, {:?}", window[0] - began);
    }
}
