//! The decisions of Onward, without doing anything.
//!
//! This crate knows what a job may do next, which row comes next, when a lease has lapsed and what
//! a checkpoint is. It does no I/O and never asks the time: `now` is a parameter. The engine and the
//! simulator drive the same [`run::Run`]; every store calls the same [`state::step`].
//!
//! Where to look: [`state`] for the legal steps of a job, [`run`] for the loop over rows,
//! [`store`] and [`processor`] for the two traits the rest plugs into, [`problem`] for every error a
//! person can meet.

pub mod breaker;
pub mod checkpoint;
pub mod clock;
pub mod doubt;
pub mod event;
pub mod hex;
pub mod hook;
pub mod id;
pub mod input;
pub mod job;
pub mod key;
pub mod lease;
pub mod pace;
pub mod problem;
pub mod processor;
pub mod recipe;
pub mod retry;
pub mod row;
pub mod row_map;
pub mod run;
pub mod state;
pub mod store;
pub mod stuck;
pub mod tally;
pub mod trend;
pub mod turns;
pub mod width;
pub mod words;
