//! The real binary: killed with kill -9 at random moments, frozen beyond its lease, asked while it hangs.
//! An upstream in the test process writes down every call, and the checker compares all there is.

#[path = "crash/answers.rs"]
mod answers;
#[path = "crash/doubt.rs"]
mod doubt;
#[path = "crash/fleet/mod.rs"]
mod fleet;
#[path = "crash/frozen.rs"]
mod frozen;
#[path = "crash/full.rs"]
mod full;
#[path = "crash/hooks.rs"]
mod hooks;
#[path = "crash/killed.rs"]
mod killed;
#[path = "crash/moments.rs"]
mod moments;
#[path = "crash/moved.rs"]
mod moved;
#[path = "crash/on_a_server.rs"]
mod on_a_server;
#[path = "crash/workers.rs"]
mod workers;

use std::time::Duration;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_onward");

/// A job of the tests is done long before this, also on a busy machine.
const DONE_WITHIN: Duration = Duration::from_secs(90);
