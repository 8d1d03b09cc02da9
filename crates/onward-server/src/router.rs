//! Every route on one page.

use axum::Router;

use crate::state::App;
use crate::web;

/// The whole server: API, pages, health, docs.
pub fn router(app: App) -> Router {
    Router::new().merge(web::routes()).with_state(app)
}
