//! The dashboard's pages.

use axum::Router;

use crate::state::App;

/// The routes of the pages and their assets.
pub fn routes() -> Router<App> {
    Router::new()
}
