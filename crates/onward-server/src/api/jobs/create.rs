//! `POST /api/v1/jobs`: takes a file and a recipe, and makes a job. `POST /jobs` is the same for the
//! form of the new-job page.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};
use onward_core::problem::Code;
use onward_core::recipe::Recipe;
use onward_engine::{Snapshot, Submission};

use crate::api::flash::{Flash, Kind};
use crate::api::upload::{Source, Upload};
use crate::api::who::Who;
use crate::idempotency::once;
use crate::problem::{Asked, Failure, Result};
use crate::state::App;
use crate::web::{self, Draft};

/// Answers 201 with the job and its address.
pub async fn handle(
    State(app): State<App>,
    Extension(asked): Extension<Asked>,
    who: Who,
    request: Request,
) -> Result<Response> {
    let arrival = app.arriving.begin(request.headers())?;
    let upload = Upload::receive(&app, request, app.settings.max_upload_bytes).await?;
    let print = upload.fingerprint("/api/v1/jobs");
    let work = {
        let app = app.clone();
        async move { answer(&app, upload, who).await.into_response() }
    };
    Ok(once(&app, arrival.key(), &print, &asked, work).await)
}

/// Answers the form with 303 to the job's page, or with the form again and why it was refused.
pub async fn form(
    State(app): State<App>,
    Extension(asked): Extension<Asked>,
    who: Who,
    request: Request,
) -> Response {
    let arrival = match app.arriving.begin(request.headers()) {
        Ok(arrival) => arrival,
        Err(refused) => return again(Draft::default(), &refused),
    };
    let upload = match Upload::receive(&app, request, app.settings.max_upload_bytes).await {
        Ok(upload) => upload,
        Err(refused) => return again(Draft::default(), &refused),
    };
    let print = upload.fingerprint("/jobs");
    let work = {
        let (app, asked) = (app.clone(), asked.clone());
        async move {
            let (recipe, name) = (upload.recipe.clone(), upload.name.clone());
            match submit(&app, upload, who.actor).await {
                Err(refused) => again(Draft { recipe, name, ..Draft::default() }, &refused),
                Ok(snapshot) => {
                    let detail = format!("{} has {} rows", snapshot.job.name, snapshot.job.total);
                    let flash = Flash { kind: Kind::Success, title: "Job started", detail: &detail };
                    flash.redirect(&format!("/jobs/{}", snapshot.job.id), &asked)
                }
            }
        }
    };
    once(&app, arrival.key(), &print, &asked, work).await
}

/// The form with what was typed, and why it was refused.
fn again(mut draft: Draft, refused: &Failure) -> Response {
    draft.problem = Some(refused.problem().clone());
    let status = StatusCode::from_u16(refused.problem().code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Html(web::new_job_page(&draft).into_string())).into_response()
}

/// Makes a job of an upload.
///
/// # Errors
/// `bad-request` without a recipe, and whatever the recipe or the file is refused for.
pub async fn submit(app: &App, upload: Upload, actor: &str) -> Result<Snapshot> {
    let Some(recipe) = &upload.recipe else {
        return Err(Failure::new(Code::BadRequest, "The upload has no part named `recipe`."));
    };
    let submission = Submission {
        file: upload.file.path().to_owned(),
        filename: upload.filename.clone(),
        recipe: Recipe::parse(recipe)?,
        name: upload.name.clone(),
        first: upload.first,
        sha256: upload.sha256.clone(),
        actor: actor.to_owned(),
    };
    let snapshot = app.engine.submit(submission).await?;
    if let Source::Sent(id, _) = upload.file {
        app.uploads.forget(id).await;
    }
    Ok(snapshot)
}

async fn answer(app: &App, upload: Upload, who: Who) -> Result<Response> {
    let snapshot = submit(app, upload, who.actor).await?;
    let place = format!("/api/v1/jobs/{}", snapshot.job.id);
    let view = app.view_with_warnings(&snapshot).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(view)).into_response())
}
