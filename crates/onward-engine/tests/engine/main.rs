//! The engine over a real SQLite store, with work that the tests script.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails, and says where")]

mod kit;
mod lossy;

mod actions;
mod answers;
mod input;
mod mishaps;
mod stuck;
mod telling;
