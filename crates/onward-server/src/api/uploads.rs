//! The addresses of uploads in parts: announce, send, look, preview, check, try, remove.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use onward_core::hex::hex;
use onward_core::problem::Code;
use onward_core::recipe::Recipe;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::extract::JsonBody;
use crate::api::preview::{HEAD_BYTES, PreviewView, of_head};
use crate::problem::{Failure, Result};
use crate::rehearsal::{self, Report, Trial};
use crate::state::App;
use crate::uploads::{Facts, MAX_SILENCE, not_kept};

/// Says where a part goes on.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// What a part should have, in bytes: lost at most once when a connection breaks.
const PART_BYTES: u64 = 4 << 20;

/// A file that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadAnnounced)]
pub struct Announced {
    /// Its name, for people.
    pub filename: String,
    /// Its size.
    pub bytes: u64,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Upload)]
pub struct UploadView {
    /// Names it.
    pub upload_id: String,
    /// The name of the file, cleaned for display.
    pub filename: String,
    /// Its announced size.
    pub bytes: u64,
    /// How much of it has arrived: where the next part goes on.
    pub offset: u64,
    /// What a part should have, in bytes.
    pub part_bytes: u64,
}

/// A recipe to look at an upload with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WithRecipe)]
pub struct WithRecipe {
    /// As TOML or JSON.
    pub recipe: String,
}

impl UploadView {
    fn new(id: Uuid, facts: Facts, offset: u64) -> Self {
        let Facts { filename, bytes, .. } = facts;
        Self { upload_id: id.to_string(), filename, bytes, offset, part_bytes: PART_BYTES }
    }
}

/// Announces a file: 201 with its id.
pub async fn announce(State(app): State<App>, JsonBody(body): JsonBody<Announced>) -> Result<Response> {
    let (id, facts) = app.uploads.announce(&body.filename, body.bytes).await?;
    let place = format!("/api/v1/uploads/{id}");
    let view = UploadView::new(id, facts, 0);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(view)).into_response())
}

/// How far it is.
pub async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<UploadView>> {
    let id = upload_id(&id)?;
    let (facts, offset) = app.uploads.look(id).await?;
    Ok(Json(UploadView::new(id, facts, offset)))
}

/// Takes a part. What arrives of it is kept even when it breaks off.
pub async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<UploadView>> {
    let id = upload_id(&id)?;
    // Held before it is looked at: a part that goes on at a place must be the only one to do so.
    let _hold = app.uploads.hold(id)?;
    let (facts, there) = app.uploads.look(id).await?;
    let asked = request.headers().get(OFFSET).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let asked = asked.ok_or_else(|| {
        Failure::new(Code::BadRequest, "Say where the part goes on: the header Upload-Offset, in bytes.")
    })?;
    if asked != there {
        let detail = format!("{there} bytes are here, so the next part goes on at {there}, not {asked}.");
        return Err(Failure::new(Code::UploadOffset, detail).with("offset", there));
    }
    let file = OpenOptions::new().append(true).open(app.uploads.part(id)).await;
    let mut file = file.map_err(|error| not_kept(&error))?;
    let mut offset = there;
    let mut parts = request.into_body().into_data_stream();
    loop {
        let part = match timeout(MAX_SILENCE, parts.next()).await {
            Ok(Some(Ok(part))) => part,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => {
                file.flush().await.map_err(|error| not_kept(&error))?;
                let detail = format!("The part broke off; {offset} bytes are kept. Go on there.");
                return Err(Failure::new(Code::UploadAborted, detail).with("offset", offset));
            }
        };
        if offset + part.len() as u64 > facts.bytes {
            let detail = format!("The file was announced with {} bytes; this is more.", facts.bytes);
            return Err(Failure::new(Code::TooLarge, detail).with("max_bytes", facts.bytes));
        }
        file.write_all(&part).await.map_err(|error| not_kept(&error))?;
        offset += part.len() as u64;
    }
    file.flush().await.map_err(|error| not_kept(&error))?;
    Ok(Json(UploadView::new(id, facts, offset)))
}

/// Forgets it.
pub async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let id = upload_id(&id)?;
    app.uploads.look(id).await?;
    let _hold = app.uploads.hold(id)?;
    app.uploads.forget(id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers what the beginning of it would become, as soon as that has arrived.
pub async fn preview(
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<WithRecipe>,
) -> Result<Json<PreviewView>> {
    let id = upload_id(&id)?;
    let (facts, there) = app.uploads.look(id).await?;
    if there < facts.bytes.min(HEAD_BYTES) {
        let detail = format!("{there} of {} bytes have arrived; send more first.", facts.bytes);
        return Err(Failure::new(Code::UploadIncomplete, detail).with("offset", there));
    }
    let file = File::open(app.uploads.part(id)).await.map_err(|error| not_kept(&error))?;
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).await.map_err(|error| not_kept(&error))?;
    let recipe = Recipe::parse(&body.recipe)?;
    let sha256 = (head.len() as u64 == facts.bytes).then(|| hex(&Sha256::digest(&head)));
    let preview = of_head(head, Some(recipe)).await?;
    Ok(Json(PreviewView { preview, sha256 }))
}

/// Reads the whole file with a recipe and says what each row would meet before any call.
pub async fn check(
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<WithRecipe>,
) -> Result<Json<Report>> {
    let (facts, path) = app.uploads.whole(upload_id(&id)?).await?;
    let recipe = Recipe::parse(&body.recipe)?;
    Ok(Json(rehearsal::report(path, facts.filename, recipe).await?))
}

/// Does the first rows that need a call, for real, and keeps nothing.
pub async fn try_rows(
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<WithRecipe>,
) -> Result<Json<Trial>> {
    let (_, path) = app.uploads.whole(upload_id(&id)?).await?;
    let recipe = Recipe::parse(&body.recipe)?;
    Ok(Json(rehearsal::trial(&app.engine, path, recipe).await?))
}

/// Reads an upload's id in its one spelling.
///
/// # Errors
/// `upload-not-found`: what is no id names no upload.
pub fn upload_id(text: &str) -> Result<Uuid, Failure> {
    let id = Uuid::try_parse(text).ok().filter(|id| id.to_string().eq_ignore_ascii_case(text));
    id.ok_or_else(|| Failure::new(Code::UploadNotFound, "No upload has this id."))
}
