//! Parts for tests of the real binary: nothing here stands in for Onward, everything stands around it.
//!
//! - [`upstream`]: an HTTP API that misbehaves by script and writes down every call it gets. It lives
//!   in the test process, so it outlives every kill of the binary: the outside witness.
//! - [`receiver`]: a server that hooks tell; checks signatures with an implementation of its own.
//! - [`serving`]: what these have in common, a server on a thread of its own.
//! - [`doubles`]: stand-ins for four real APIs.
//! - [`home`]: a folder with a store in which the real binary is started, killed with kill -9, frozen
//!   and thawed.
//! - [`api`]: the JSON API as a client sees it.
//! - [`jobs`]: a file of creators, its recipe, and the outcome each row must have.
//! - [`ledger`]: what the database says, read with plain SQL.
//! - [`checker`]: compares all of these and says what contradicts what.
//! - [`redis`]: a real Redis of a test's own; [`proxy`]: cuts a program off from a server.
//! - [`chrome`]: chromedriver and the browser it drives.
//! - [`certificates`]: a root of a test's own, for servers that speak TLS; [`hosts`]: machines with
//!   addresses of their own, where this one allows it.
//! - [`postgres`], [`pgbouncer`]: servers of the test's own, which end with it.
//! - [`wait`]: waiting for something to become true, with a limit.
//! - [`seed`]: random choices that one number repeats.

pub mod api;
pub mod certificates;
pub mod checker;
pub mod chrome;
pub mod doubles;
pub mod home;
pub mod hosts;
pub mod jobs;
mod keeper;
pub mod ledger;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod receiver;
pub mod redis;
pub mod seed;
pub mod serving;
pub mod upstream;
pub mod wait;

pub use api::Api;
pub use certificates::Certificates;
pub use checker::Evidence;
pub use chrome::ChromeDriver;
pub use doubles::Doubles;
pub use home::{Home, Process};
pub use hosts::{Hosts, skipped};
pub use jobs::CreatorsJob;
pub use ledger::Ledger;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use proxy::{Proxy, Weather};
pub use receiver::Receiver;
pub use redis::Redis;
pub use seed::Seed;
pub use serving::Serving;
pub use upstream::{Script, Upstream};
pub use wait::{now, pass, until};
