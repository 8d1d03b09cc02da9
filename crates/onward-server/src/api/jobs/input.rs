//! `PUT /api/v1/jobs/{id}/input`: attaches the file again, an edited one, or corrected rows of an export.

use axum::Json;
use axum::extract::{Request, State};
use onward_core::problem::Code;
use onward_engine::attach::Intent;
use serde::Deserialize;

use crate::api::extract::{JobPath, Params};
use crate::api::upload::{Source, Upload};
use crate::api::view::AttachedView;
use crate::api::who::{Who, about_job};
use crate::problem::{Failure, Result};
use crate::state::App;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    dry_run: Option<bool>,
}

/// Answers how the file differs, and the job as it is now.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
    who: Who,
    request: Request,
) -> Result<Json<AttachedView>> {
    who.check(&app, id).await?;
    let upload = Upload::receive(&app, request, app.settings.max_upload_bytes).await?;
    if upload.recipe.is_some() || upload.name.is_some() || upload.first.is_some() {
        let detail = "Send the part `file` alone: the job keeps its recipe and its name.";
        return Err(Failure::new(Code::BadRequest, detail));
    }
    let intent = if query.dry_run == Some(true) { Intent::DryRun } else { Intent::Attach };
    match app.engine.attach(id, upload.file.path(), &upload.filename, intent, who.actor).await {
        Ok((difference, snapshot)) => {
            if let (Source::Sent(sent, _), Intent::Attach) = (upload.file, intent) {
                app.uploads.forget(sent).await;
            }
            Ok(Json(AttachedView::of(&difference, intent, app.view(&snapshot))))
        }
        Err(problem) => Err(about_job(&app, id, problem).await),
    }
}
