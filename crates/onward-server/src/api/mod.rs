//! The HTTP API under `/api/v1`: one file per thing that can be asked.

pub mod view;
