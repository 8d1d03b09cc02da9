//! What happens to the fleet, by a seed that repeats it.

use std::time::Duration;

use anyhow::Result;
use onward_testkit::postgres::Stop;
use onward_testkit::{Seed, Weather, pass};

use super::members::Fleet;

/// Longer than a lease: a worker loses what it held.
const BEYOND_A_LEASE: Duration = Duration::from_secs(13);
/// Longer than anybody waits for an answer of the database, shorter than a lease.
const BEYOND_AN_ANSWER: Duration = Duration::from_secs(9);
/// How late everything is in slow weather: a hundred times a healthy network.
const LATE: Duration = Duration::from_millis(100);

/// One kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// kill -9 of a worker; another starts in its place.
    WorkerKilled,
    /// SIGSTOP of a worker for a moment.
    WorkerFrozen,
    /// SIGSTOP of a worker until it has lost its leases.
    WorkerFrozenBeyondItsLease,
    /// The database is restarted in an orderly way.
    PostgresRestarted,
    /// The database crashes.
    PostgresCrashed,
    /// An administrator ends every connection to the database.
    BackendsEnded,
    /// Everything in Redis is deleted.
    RedisFlushed,
    /// Redis is killed and starts empty.
    RedisKilled,
    /// A member is cut off from the database, another from Redis, in this way.
    CutOff(Weather),
}

/// All of them, once.
const ALL: [Kind; 12] = [
    Kind::WorkerKilled,
    Kind::WorkerFrozen,
    Kind::WorkerFrozenBeyondItsLease,
    Kind::PostgresRestarted,
    Kind::PostgresCrashed,
    Kind::BackendsEnded,
    Kind::RedisFlushed,
    Kind::RedisKilled,
    Kind::CutOff(Weather::Slow(LATE)),
    Kind::CutOff(Weather::Reset),
    Kind::CutOff(Weather::BlackHole),
    Kind::CutOff(Weather::OneWay),
];

/// One round of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trouble {
    kind: Kind,
    worker: usize,
    member: usize,
    other: usize,
    lasts: Duration,
}

impl Trouble {
    /// `rounds` of them for a fleet of so many servers and workers. Every kind comes once before any
    /// comes again, in an order of the seed.
    pub(crate) fn plan(seed: &mut Seed, rounds: usize, servers: usize, workers: usize) -> Vec<Self> {
        let mut plan = Vec::new();
        let mut left = Vec::new();
        while plan.len() < rounds {
            if left.is_empty() {
                left = ALL.to_vec();
            }
            let kind = left.swap_remove(below(seed, left.len()));
            let lasts = match kind {
                Kind::WorkerFrozenBeyondItsLease | Kind::CutOff(Weather::BlackHole) => BEYOND_A_LEASE,
                Kind::CutOff(Weather::OneWay) => BEYOND_AN_ANSWER,
                Kind::WorkerKilled | Kind::WorkerFrozen | Kind::PostgresRestarted | Kind::PostgresCrashed => {
                    a_while(seed)
                }
                Kind::BackendsEnded | Kind::RedisFlushed | Kind::RedisKilled | Kind::CutOff(_) => {
                    a_while(seed)
                }
            };
            let worker = servers + below(seed, workers);
            let (member, other) = (below(seed, servers + workers), below(seed, servers + workers));
            plan.push(Self { kind, worker, member, other, lasts });
        }
        plan
    }

    /// How long it lasts.
    pub(crate) fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Brings it about, waits, and puts an end to it.
    pub(crate) async fn strike(self, fleet: &mut Fleet) -> Result<()> {
        self.begin(fleet)?;
        pass(self.lasts).await;
        self.end(fleet)
    }

    fn begin(self, fleet: &mut Fleet) -> Result<()> {
        match self.kind {
            Kind::WorkerKilled => fleet.kill(self.worker),
            Kind::WorkerFrozen | Kind::WorkerFrozenBeyondItsLease => {
                fleet.members[self.worker].process.freeze()
            }
            Kind::PostgresRestarted => fleet.postgres.stop(Stop::Fast),
            Kind::PostgresCrashed => fleet.postgres.stop(Stop::Immediate),
            Kind::BackendsEnded => fleet.postgres.terminate_backends(),
            Kind::RedisFlushed => fleet.redis.cli(&["flushall"]).map(drop),
            Kind::RedisKilled => fleet.redis.kill(),
            Kind::CutOff(weather) => {
                self.cut(fleet, weather);
                Ok(())
            }
        }
    }

    fn end(self, fleet: &mut Fleet) -> Result<()> {
        match self.kind {
            Kind::WorkerKilled => fleet.replace(self.worker),
            Kind::WorkerFrozen | Kind::WorkerFrozenBeyondItsLease => {
                fleet.members[self.worker].process.thaw()
            }
            Kind::PostgresRestarted | Kind::PostgresCrashed => fleet.postgres.launch(),
            Kind::BackendsEnded | Kind::RedisFlushed => Ok(()),
            Kind::RedisKilled => fleet.redis.launch(),
            Kind::CutOff(_) => {
                self.cut(fleet, Weather::Fair);
                Ok(())
            }
        }
    }

    fn cut(self, fleet: &Fleet, weather: Weather) {
        fleet.members[self.member].to_database.set(weather);
        fleet.members[self.other].to_redis.set(weather);
    }
}

/// Up to a second and a half: longer than a wait for an answer of Redis.
fn a_while(seed: &mut Seed) -> Duration {
    Duration::from_millis(300 + seed.below(1_200))
}

fn below(seed: &mut Seed, count: usize) -> usize {
    usize::try_from(seed.below(count as u64)).unwrap_or(0)
}

#[test]
fn a_seed_brings_every_kind_of_trouble_and_the_same_again() {
    let plan = |seed| Trouble::plan(&mut Seed(seed), ALL.len(), 2, 3);
    for seed in 0..50 {
        assert!(ALL.iter().all(|kind| plan(seed).iter().any(|trouble| trouble.kind == *kind)), "{seed}");
        assert_eq!(plan(seed), plan(seed));
    }
    assert_ne!(plan(1), plan(2));
}
