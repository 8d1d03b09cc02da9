//! One file per page.

pub(crate) mod attach;
pub(crate) mod confirm;
pub(crate) mod creators;
pub(crate) mod health;
pub(crate) mod job;
pub(crate) mod main;
pub(crate) mod new_job;
pub(crate) mod row;
pub(crate) mod rows;
pub(crate) mod settings;
pub(crate) mod trouble;
pub(crate) mod wall;
