//! The fleet: servers and workers, each behind a proxy of its own to the database and to Redis, as if
//! each were on a machine of its own.

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::Disk;
use onward_testkit::{Api, Home, Postgres, Process, Proxy, Redis};

use crate::BINARY;

/// A process on a machine of its own.
pub(crate) struct Member {
    pub(crate) home: Home,
    pub(crate) to_database: Proxy,
    pub(crate) to_redis: Proxy,
    pub(crate) process: Process,
}

/// All of it.
pub(crate) struct Fleet {
    // Before the database, so that nobody is left who would complain.
    pub(crate) members: Vec<Member>,
    pub(crate) apis: Vec<Api>,
    pub(crate) postgres: Postgres,
    pub(crate) redis: Redis,
}

impl Fleet {
    /// Starts everything and waits until the servers answer. The servers do no work; they are the first
    /// members, then come the workers.
    pub(crate) async fn start(servers: usize, workers: usize) -> Result<Self> {
        let (postgres, redis) = (Postgres::start(Disk::Quick)?, Redis::start()?);
        let mut fleet = Self { members: Vec::new(), apis: Vec::new(), postgres, redis };
        for _ in 0..servers {
            let (home, to_database, to_redis) = fleet.place().await?;
            let mut process = home.serve(&["--no-work"])?;
            fleet.apis.push(home.ready(&mut process).await?);
            fleet.members.push(Member { home, to_database, to_redis, process });
        }
        for _ in 0..workers {
            fleet.join().await?;
        }
        Ok(fleet)
    }

    /// One more worker. Answers which member it is.
    pub(crate) async fn join(&mut self) -> Result<usize> {
        let (home, to_database, to_redis) = self.place().await?;
        let process = home.start(&["worker"])?;
        self.members.push(Member { home, to_database, to_redis, process });
        Ok(self.members.len() - 1)
    }

    /// A machine on which nothing runs yet.
    async fn place(&self) -> Result<(Home, Proxy, Proxy)> {
        let to_database = Proxy::before(self.postgres.port()).await?;
        let to_redis = Proxy::before(self.redis.port()).await?;
        let store = format!("postgres://postgres@127.0.0.1:{}/postgres", to_database.port());
        let hot = format!("redis://127.0.0.1:{}/0", to_redis.port());
        Ok((Home::sharing(BINARY, &store, Some(&hot))?, to_database, to_redis))
    }

    /// Kills a worker.
    pub(crate) fn kill(&mut self, member: usize) -> Result<()> {
        self.members[member].process.kill()
    }

    /// Starts a worker where one was killed.
    pub(crate) fn replace(&mut self, member: usize) -> Result<()> {
        let member = &mut self.members[member];
        member.process = member.home.start(&["worker"])?;
        Ok(())
    }

    /// How often a worker lost a lease in a job: what a rescue found out, a line for each.
    pub(crate) fn losses(&self, job: &str) -> Result<u64> {
        let lines = self.postgres.sql(&format!(
            "SELECT count(*) FROM onward.events JOIN onward.jobs ON jobs.id = events.job \
             WHERE jobs.uuid = '{job}' AND events.kind = 'rescued'"
        ))?;
        lines.parse().context("a count")
    }

    /// Nobody ended who was not killed.
    pub(crate) fn all_live(&mut self) -> Result<()> {
        for (no, member) in self.members.iter_mut().enumerate() {
            let ended = member.process.ended()?;
            ensure!(ended.is_none(), "member {no} ended by itself: {ended:?}; {}", member.home.log_tail());
        }
        Ok(())
    }

    /// What every member said last.
    pub(crate) fn log_tails(&self) -> String {
        let tail = |(no, member): (usize, &Member)| format!("member {no}: {}", member.home.log_tail());
        self.members.iter().enumerate().map(tail).collect::<Vec<_>>().join("\n")
    }
}
