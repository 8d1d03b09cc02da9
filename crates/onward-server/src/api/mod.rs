//! The HTTP API under `/api/v1`: one file per thing that can be asked.

pub mod creators;
pub mod creators_export;
pub mod cursor;
mod disposition;
pub mod extract;
pub mod flash;
pub mod jobs;
pub mod plain;
pub mod preview;
mod spool;
pub mod upload;
pub mod uploads;
pub mod view;
pub mod who;
pub mod workers;
