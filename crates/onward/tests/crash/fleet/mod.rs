//! Three workers and two servers on one PostgreSQL and one Redis: they share a job, take over from each
//! other, show the same, and a nemesis takes all of it apart.

mod hosts;
mod input;
mod members;
mod nemesis;
mod seen;
mod takeover;
mod torn;
