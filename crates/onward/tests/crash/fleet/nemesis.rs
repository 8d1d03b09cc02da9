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

/// What a trouble is about: two of one thing would be one trouble, or undo each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Workers,
    Postgres,
    Redis,
    Network,
}

impl Kind {
    fn about(self) -> About {
        match self {
            Self::WorkerKilled | Self::WorkerFrozen | Self::WorkerFrozenBeyondItsLease => About::Workers,
            Self::PostgresRestarted | Self::PostgresCrashed | Self::BackendsEnded => About::Postgres,
            Self::RedisFlushed | Self::RedisKilled => About::Redis,
            Self::CutOff(_) => About::Network,
        }
    }

    /// Two workers may be in trouble at once, one of them each.
    fn clashes(self, other: Self) -> bool {
        self.about() == other.about() && self.about() != About::Workers
    }
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

/// One trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct One {
    kind: Kind,
    worker: usize,
    member: usize,
    other: usize,
    lasts: Duration,
}

/// One round: a trouble, and in every other round a second one that begins while the first lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trouble {
    first: One,
    second: Option<(Duration, One)>,
}

impl Trouble {
    /// `rounds` of them for a fleet of so many servers and workers. Every kind comes once before any
    /// comes again, in an order of the seed; what comes beside it is anything that can.
    pub(crate) fn plan(seed: &mut Seed, rounds: usize, servers: usize, workers: usize) -> Vec<Self> {
        let mut plan = Vec::new();
        let mut left = Vec::new();
        while plan.len() < rounds {
            if left.is_empty() {
                left = ALL.to_vec();
            }
            let kind = left.swap_remove(below(seed, left.len()));
            let first = One::of(kind, seed, servers, workers);
            let second = plan.len().is_multiple_of(2).then(|| first.beside(seed, servers, workers));
            plan.push(Self { first, second });
        }
        plan
    }

    /// How long it lasts.
    pub(crate) fn lasts(&self) -> Duration {
        self.second.map_or(self.first.lasts, |(after, second)| self.first.lasts.max(after + second.lasts))
    }

    /// Brings it about, waits, and puts an end to it.
    pub(crate) async fn strike(self, fleet: &mut Fleet) -> Result<()> {
        self.first.begin(fleet)?;
        let Some((after, second)) = self.second else {
            pass(self.first.lasts).await;
            return self.first.end(fleet);
        };
        pass(after).await;
        second.begin(fleet)?;
        let ends = [(self.first, self.first.lasts - after), (second, second.lasts)];
        // A worker starts where one was killed once it finds everything there; one that does not ends.
        let [sooner, later] = match ends {
            [a, b] if a.0.kind == Kind::WorkerKilled || (b.0.kind != Kind::WorkerKilled && a.1 > b.1) => {
                [b, a]
            }
            in_order => in_order,
        };
        pass(sooner.1).await;
        sooner.0.end(fleet)?;
        pass(later.1.saturating_sub(sooner.1)).await;
        later.0.end(fleet)
    }
}

impl One {
    fn of(kind: Kind, seed: &mut Seed, servers: usize, workers: usize) -> Self {
        let lasts = match kind {
            Kind::WorkerFrozenBeyondItsLease | Kind::CutOff(Weather::BlackHole) => BEYOND_A_LEASE,
            Kind::CutOff(Weather::OneWay) => BEYOND_AN_ANSWER,
            Kind::WorkerKilled | Kind::WorkerFrozen | Kind::PostgresRestarted | Kind::PostgresCrashed => {
                a_while(seed)
            }
            Kind::BackendsEnded | Kind::RedisFlushed | Kind::RedisKilled | Kind::CutOff(_) => a_while(seed),
        };
        let worker = servers + below(seed, workers);
        let (member, other) = (below(seed, servers + workers), below(seed, servers + workers));
        Self { kind, worker, member, other, lasts }
    }

    /// Another one that can come while this lasts, and how long after its beginning.
    fn beside(self, seed: &mut Seed, servers: usize, workers: usize) -> (Duration, Self) {
        let fitting: Vec<Kind> = ALL.into_iter().filter(|kind| !self.kind.clashes(*kind)).collect();
        let kind = fitting[below(seed, fitting.len())];
        let mut second = Self::of(kind, seed, servers, workers);
        if second.worker == self.worker {
            second.worker = servers + (second.worker - servers + 1) % workers;
        }
        let within = u64::try_from(self.lasts.as_millis()).unwrap_or(u64::MAX);
        (Duration::from_millis(seed.below(within)), second)
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
        assert!(
            ALL.iter().all(|kind| plan(seed).iter().any(|trouble| trouble.first.kind == *kind)),
            "{seed}"
        );
        for trouble in plan(seed) {
            let Some((after, second)) = trouble.second else { continue };
            assert!(after < trouble.first.lasts, "both at once: {trouble:?}");
            assert!(second.worker != trouble.first.worker, "{trouble:?}");
            assert!(!second.kind.clashes(trouble.first.kind), "{trouble:?}");
        }
        assert_eq!(plan(seed).iter().filter(|trouble| trouble.second.is_some()).count(), ALL.len() / 2);
        assert_eq!(plan(seed), plan(seed));
    }
    assert_ne!(plan(1), plan(2));
}
