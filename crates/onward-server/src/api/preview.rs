//! `POST /api/v1/preview`: what the beginning of a file would become; nothing is stored.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use onward_core::problem::Code;
use onward_core::recipe::Recipe;
use onward_intake::Preview;
use serde::Serialize;

use crate::api::upload::Upload;
use crate::idempotency::anew;
use crate::problem::{Failure, Result};
use crate::state::App;

/// The part of a file that is looked at.
pub const HEAD_BYTES: u64 = 256 << 10;

/// Answers encoding, delimiter, columns, the first rows, warnings and the mapping.
pub async fn handle(State(app): State<App>, request: Request) -> Result<Response> {
    let arrival = app.arriving.begin(request.headers())?;
    let upload = Upload::receive_head(&app, request, HEAD_BYTES).await?;
    let print = upload.fingerprint("/api/v1/preview");
    let look = async move { of_upload(upload).await.into_response() };
    Ok(anew(&app, arrival.key(), &print, look).await)
}

async fn of_upload(upload: Upload) -> Result<Json<PreviewView>> {
    let head = tokio::fs::read(upload.file.path()).await.map_err(|error| {
        tracing::error!(error = %error, "a spooled file could not be read");
        Failure::new(Code::Internal, "The upload could not be read back.")
    })?;
    let recipe = upload.recipe.as_deref().map(Recipe::parse).transpose()?;
    let preview = of_head(head, recipe).await?;
    Ok(Json(PreviewView { preview, sha256: Some(upload.content) }))
}

/// A preview, and which bytes it was asked about.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewView {
    /// What they would become.
    #[serde(flatten)]
    pub preview: Preview,
    /// SHA-256 of what was sent, in hex; `None` where no more than the beginning of a larger file was read.
    pub sha256: Option<String>,
}

/// What the beginning of a file would become.
///
/// # Errors
/// Why the file would be refused.
pub(crate) async fn of_head(head: Vec<u8>, recipe: Option<Recipe>) -> Result<Preview> {
    // Up to 256 KiB are decoded and parsed: too long for the threads that serve requests.
    let shown = tokio::task::spawn_blocking(move || onward_intake::preview(&head, recipe.as_ref())).await;
    match shown {
        Ok(shown) => Ok(shown?),
        Err(error) => {
            tracing::error!(error = %error, "a preview ended early");
            Err(Failure::new(Code::Internal, "The preview was given up."))
        }
    }
}
