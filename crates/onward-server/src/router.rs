//! Every route on one page.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, patch, post, put};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::api::{creators, creators_export, jobs, plain, preview, uploads, workers};
use crate::state::App;
use crate::{docs_page, guard, health, idempotency, openapi, problem, problem_page, web};

/// Room for the recipe, the name and the boundaries beside the file of an upload.
const UPLOAD_EXTRA_BYTES: u64 = 1 << 20;

/// The level at which answers are packed while somebody waits: as short as at the usual one (6), in a
/// quarter less time.
pub(crate) const PAGES: CompressionLevel = CompressionLevel::Precise(5);

/// Packs answers for whoever can unpack them; what is packed already stays as it is.
pub(crate) fn packing(level: CompressionLevel) -> CompressionLayer {
    CompressionLayer::new().gzip(true).quality(level)
}

/// The whole server: API, pages, health, docs.
pub fn router(app: App) -> Router {
    let upload_bytes = app.settings.max_upload_bytes.saturating_add(UPLOAD_EXTRA_BYTES);
    let upload_limit = DefaultBodyLimit::max(usize::try_from(upload_bytes).unwrap_or(usize::MAX));
    Router::new()
        .route("/api/v1/jobs", get(jobs::list::handle).post(jobs::create::handle).layer(upload_limit))
        .route("/api/v1/jobs/{id}", get(jobs::show::handle))
        .route("/api/v1/jobs/{id}", patch(jobs::tune::handle).delete(jobs::delete::handle))
        .route("/api/v1/jobs/{id}/resume", post(jobs::resume::handle))
        .route("/api/v1/jobs/{id}/restart", post(jobs::restart::handle))
        .route("/api/v1/jobs/{id}/force-cancel", post(jobs::force_cancel::handle))
        .route("/api/v1/jobs/{id}/pause", post(jobs::pause::handle))
        .route("/api/v1/jobs/{id}/retry", post(jobs::retry::handle))
        .route("/api/v1/jobs/{id}/in-doubt", get(jobs::in_doubt::list).post(jobs::in_doubt::settle))
        .route("/api/v1/jobs/{id}/input", put(jobs::input::handle).layer(upload_limit))
        .route("/api/v1/jobs/{id}/rows", get(jobs::rows::handle))
        .route("/api/v1/jobs/{id}/errors", get(jobs::errors::handle))
        .route("/api/v1/jobs/{id}/export", get(jobs::export::handle))
        .route("/api/v1/jobs/{id}/input", get(jobs::source::handle).delete(jobs::input::forget))
        .route("/api/v1/jobs/{id}/timeline", get(jobs::timeline::handle))
        .route("/api/v1/jobs/{id}/verify", get(jobs::verify::handle))
        .route("/api/v1/jobs/{id}/deliveries", get(jobs::deliveries::list))
        .route("/api/v1/jobs/{id}/deliveries/{delivery}/send", post(jobs::deliveries::send))
        .route("/api/v1/jobs/{id}/events", get(jobs::events::one))
        .route("/api/v1/events", get(jobs::events::all))
        .route("/api/v1/preview", post(preview::handle).layer(upload_limit))
        .route("/api/v1/uploads", post(uploads::announce))
        .route("/api/v1/uploads/{id}", get(uploads::show).delete(uploads::remove))
        .route("/api/v1/uploads/{id}", put(uploads::send).layer(DefaultBodyLimit::disable()))
        .route("/api/v1/uploads/{id}/preview", post(uploads::preview))
        .route("/api/v1/uploads/{id}/check", post(uploads::check))
        .route("/api/v1/uploads/{id}/try", post(uploads::try_rows))
        .route("/api/v1/creators", get(creators::handle))
        .route("/api/v1/creators/export", get(creators_export::handle))
        .route("/api/v1/workers", get(workers::list))
        .route("/api/v1/workers/{id}/drain", post(workers::drain))
        .route("/jobs", post(jobs::create::form).layer(upload_limit))
        .route("/jobs/{id}/attach", post(jobs::input::form).layer(upload_limit))
        .route("/jobs/{id}/resume", post(plain::handle))
        .route("/jobs/{id}/restart", post(plain::handle))
        .route("/jobs/{id}/force-cancel", post(plain::handle))
        .route("/jobs/{id}/pause", post(plain::handle))
        .route("/jobs/{id}/retry", post(plain::handle))
        .route("/jobs/{id}/in-doubt", post(plain::handle))
        .route("/jobs/{id}/deliver", post(plain::handle))
        .route("/jobs/{id}/tune", post(plain::handle))
        .route("/jobs/{id}/delete", post(plain::handle))
        .route("/workers/{id}/drain", post(workers::drain_form))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::handle))
        .route("/docs", get(docs_page::handle))
        .route("/problems", get(problem_page::list))
        .route("/problems/{code}", get(problem_page::show))
        .merge(web::routes())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(app.clone(), idempotency::honour))
        .layer(from_fn_with_state(app.clone(), guard::check))
        .layer(from_fn(problem::finish))
        .layer(from_fn_with_state(app.clone(), health::count))
        .layer(packing(PAGES))
        .with_state(app)
}
