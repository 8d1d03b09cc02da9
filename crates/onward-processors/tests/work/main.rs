//! Every kind of work against real servers on loopback.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end the test")]

mod asking;
mod command;
mod contract;
mod creators;
mod foreign;
mod hooks;
mod http;
mod support;
