//! `POST /api/v1/preview`: what the beginning of a file would become; nothing is stored.

use axum::Json;
use axum::extract::{Request, State};
use onward_core::problem::Code;
use onward_core::recipe::Recipe;
use onward_intake::Preview;

use crate::api::upload::Upload;
use crate::problem::{Failure, Result};
use crate::state::App;

/// The part of a file that is looked at.
pub const HEAD_BYTES: u64 = 256 << 10;

/// Answers encoding, delimiter, columns, the first rows, warnings and the mapping.
pub async fn handle(State(app): State<App>, request: Request) -> Result<Json<Preview>> {
    let upload = Upload::receive_head(&app, request, HEAD_BYTES).await?;
    let head = tokio::fs::read(upload.file.path()).await.map_err(|error| {
        tracing::error!(error = %error, "a spooled file could not be read");
        Failure::new(Code::Internal, "The upload could not be read back.")
    })?;
    let recipe = upload.recipe.as_deref().map(Recipe::parse).transpose()?;
    of_head(head, recipe).await
}

/// What the beginning of a file would become.
///
/// # Errors
/// Why the file would be refused.
pub(crate) async fn of_head(head: Vec<u8>, recipe: Option<Recipe>) -> Result<Json<Preview>> {
    // Up to 256 KiB are decoded and parsed: too long for the threads that serve requests.
    let shown = tokio::task::spawn_blocking(move || onward_intake::preview(&head, recipe.as_ref())).await;
    match shown {
        Ok(shown) => Ok(Json(shown?)),
        Err(error) => {
            tracing::error!(error = %error, "a preview ended early");
            Err(Failure::new(Code::Internal, "The preview was given up."))
        }
    }
}
