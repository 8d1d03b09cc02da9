//! A Redis that forgets what it likes, remembers what is long over, holds anything, or is somebody else.

use std::sync::Arc;
use std::time::Duration;

use onward_core::id::SpanNo;
use onward_core::row::Outcome;
use onward_core::store::{Hot, TurnsAsked};
use onward_testkit::{Certificates, until};

use super::{PATIENCE, checkpoint_says, field, memory, over, saved_in};
use crate::conformance::build::{Hand, assert_sums, at, job, look, new_job, sealed};
use crate::layered::LayeredStore;
use crate::redis::Redis;

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_evicts_what_it_likes_costs_speed_alone() {
    let redis = onward_testkit::Redis::start().unwrap();
    let ledger = memory();
    let store = over(&ledger, redis.port());
    let id = job(&store, 2_000).await;
    let input = look(&store, id).await.input.id;
    let used = redis.cli(&["info", "memory"]).unwrap();
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let room = used.trim().parse::<u64>().unwrap() + 200_000;
    redis.cli(&["config", "set", "maxmemory-policy", "allkeys-lru"]).unwrap();
    redis.cli(&["config", "set", "maxmemory", &room.to_string()]).unwrap();
    let evicted = || {
        let stats = redis.cli(&["info", "stats"]).unwrap();
        let evicted = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:"));
        evicted.and_then(|number| number.trim().parse::<u64>().ok()).unwrap()
    };
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    for row in 0..100 {
        // Somebody else fills the room, so that ours has to go.
        redis.cli(&["set", &format!("other:{row}"), &"x".repeat(8_000)]).unwrap();
        hand.finish([row], Outcome::Added, at(2)).await.unwrap();
        let no = SpanNo(row % 20);
        assert_eq!(store.chunk(input, no).await.unwrap(), ledger.chunk(input, no).await.unwrap());
    }
    assert!(evicted() > 50, "only {} keys were evicted", evicted());
    assert_eq!(look(&store, id).await.resume_from_row(), Some(101));
    assert_sums(&store, id).await;
    until("redis to serve again", PATIENCE, async || {
        store.ping().await?;
        Ok((store.hot() == Some(Hot::Up)).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_dump_that_comes_back_is_not_believed_and_put_right() {
    let mut redis = onward_testkit::Redis::start().unwrap();
    let ledger = memory();
    let store = over(&ledger, redis.port());
    let input = sealed(&store, 300).await.id;
    let id = store.create_job(new_job(input)).await.unwrap().id;
    let mut hand = Hand::take(&store, id, "w", at(1)).await;
    hand.finish(0..10, Outcome::Added, at(2)).await.unwrap();
    checkpoint_says(&redis, id, "10").await;
    redis.cli(&["save"]).unwrap();
    hand.finish(10..60, Outcome::Added, at(3)).await.unwrap();
    checkpoint_says(&redis, id, "60").await;
    // The last write a second after the change is over before the dump comes back.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    redis.kill().unwrap();
    redis.launch().unwrap();
    assert_eq!(field(&redis, id, "processed_items"), "10", "the dump came back");

    saved_in(&store, id, &["memory"]).await;
    until("redis to be used again", PATIENCE, async || {
        store.ping().await?;
        Ok((store.hot() == Some(Hot::Up)).then_some(()))
    })
    .await
    .unwrap();
    saved_in(&store, id, &["memory"]).await;
    assert_eq!(look(&store, id).await.resume_from_row(), Some(61));
    assert_eq!(store.chunk(input, SpanNo(1)).await.unwrap(), ledger.chunk(input, SpanNo(1)).await.unwrap());
    hand.finish(60..61, Outcome::Added, at(4)).await.unwrap();
    checkpoint_says(&redis, id, "61").await;
    saved_in(&store, id, &["memory", "redis"]).await;
}

/// A rate that somebody else has written over still ends: a forged mark makes nobody wait for long, and
/// what is no mark at all is taken for one that was lost.
#[tokio::test(flavor = "multi_thread")]
async fn turns_that_are_forged_or_of_another_type_hold_nobody_up() {
    const INTERVAL_US: u64 = 50_000;
    let redis = onward_testkit::Redis::start().unwrap();
    let store = over(&memory(), redis.port());
    let id = job(&store, 10).await;
    let key = format!("test:job:{id}:turns");
    let asked = TurnsAsked { job: id, calls: 1, interval_us: INTERVAL_US, not_before_ms: 0, now: at(1) };
    store.turns(&asked).await.unwrap();
    let kept = redis.cli(&["get", &key]).unwrap();
    let server = kept.split(' ').next().unwrap();
    for forged in ["9999999999999999", "1", "-5", "1e999", ""].map(|mark| format!("{server} {mark}")) {
        redis.cli(&["set", &key, &forged]).unwrap();
        let turns = store.turns(&asked).await.unwrap();
        assert!(turns.wait_us < 1_000_000, "{forged}: {turns:?}");
    }
    redis.cli(&["del", &key]).unwrap();
    redis.cli(&["lpush", &key, "a list"]).unwrap();
    let turns = store.turns(&asked).await.unwrap();
    assert!(turns.wait_us < 1_000_000, "{turns:?}");
    assert_eq!(redis.cli(&["type", &key]).unwrap(), "string", "it was put right");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_a_redis_must_prove_that_it_is_the_host_that_was_meant() {
    let certificates = Certificates::of("localhost").unwrap();
    let redis = onward_testkit::Redis::start_with_tls(&certificates).unwrap();
    let url = |host: &str, query: &str| format!("rediss://{host}:{}/0{query}", redis.tls_port());
    let root = format!("?sslrootcert={}", certificates.root().display());
    let store = |url: &str| LayeredStore::new(memory(), Redis::at(url, "test").unwrap());
    let trusted: Arc<dyn onward_core::store::Store> = Arc::new(store(&url("localhost", &root)));
    let id = job(&trusted, 10).await;
    checkpoint_says(&redis, id, "0").await;
    assert_eq!(trusted.hot(), Some(Hot::Up));

    let stranger = Certificates::of("localhost").unwrap();
    let others = format!("?sslrootcert={}", stranger.root().display());
    for (what, url) in [
        ("another name", url("127.0.0.1", &root)),
        ("a root this machine does not trust", url("localhost", "")),
        ("another root", url("localhost", &others)),
    ] {
        let refused = store(&url);
        assert!(!refused.redis_answers().await, "{what}");
        let Some(Hot::Down(why)) = onward_core::store::Store::hot(&refused) else { panic!("{what}") };
        assert!(why.contains("certificate"), "{what}: {why}");
    }
}
