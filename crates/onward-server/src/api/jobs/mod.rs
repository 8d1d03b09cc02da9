//! What can be asked of jobs: one file per verb.

pub mod create;
pub mod delete;
pub mod deliveries;
pub mod errors;
pub mod events;
pub mod export;
pub mod force_cancel;
pub mod in_doubt;
pub mod input;
pub mod list;
pub mod pause;
pub mod restart;
pub mod resume;
pub mod retry;
pub mod rows;
pub mod show;
pub mod source;
pub mod table;
pub mod timeline;
pub mod tune;
pub mod verify;
