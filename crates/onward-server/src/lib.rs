//! The HTTP API and the web dashboard: the engine's answers as JSON, pages and an event stream.
//!
//! [`router()`] has every route on one page, [`problem`] is the one place where errors become HTTP,
//! [`api`] holds one file per thing that can be asked, [`web`] the pages.

mod advice;
pub mod api;
mod arriving;
mod clock;
mod docs_page;
mod guard;
mod health;
mod idempotency;
mod openapi;
pub mod problem;
mod problem_page;
mod recent;
pub mod rehearsal;
mod router;
pub mod sample;
mod sse;
mod state;
mod uploads;
pub mod web;

pub use router::router;
pub use state::{App, Settings};
