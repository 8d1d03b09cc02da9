//! `POST /jobs`: the form of the new-job page, as browsers without scripts send it.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::api::jobs::create::submit;
use crate::api::upload::Upload;
use crate::problem::Result;
use crate::state::App;
use crate::web::{Draft, new_job_page};

/// 303 to the job's page, or the form again with what was typed and why it was refused.
pub(crate) async fn handle(State(app): State<App>, request: Request) -> Response {
    let mut draft = Draft::default();
    match create(&app, request, &mut draft).await {
        Ok(place) => (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response(),
        Err(failure) => {
            let status =
                StatusCode::from_u16(failure.problem().code.status()).unwrap_or(StatusCode::BAD_REQUEST);
            draft.problem = Some(failure.problem().clone());
            (status, Html(new_job_page(&draft).into_string())).into_response()
        }
    }
}

async fn create(app: &App, request: Request, draft: &mut Draft) -> Result<String> {
    let mut upload = Upload::receive(&app.settings, request, app.settings.max_upload_bytes).await?;
    // A form always sends its name field; left empty it means the file's name.
    upload.name = upload.name.filter(|name| !name.trim().is_empty());
    draft.recipe.clone_from(&upload.recipe);
    draft.name.clone_from(&upload.name);
    let snapshot = submit(app, upload, "you").await?;
    Ok(format!("/jobs/{}", snapshot.job.id))
}
