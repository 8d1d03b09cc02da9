//! The API as a client sees it: the real router over a real engine and store, without a socket.

#![expect(clippy::unwrap_used, reason = "the helpers of the tests are tests too")]

mod actions;
mod attach;
mod events;
mod explore;
mod guard;
mod hooks;
mod idempotency;
mod lists;
mod plain;
mod problems;
mod rows;
mod server;
mod submit;
mod support;
mod timeline;
mod uploads;
