//! `PUT /api/v1/jobs/{id}/input`: attaches the file again, an edited one, or corrected rows of an export.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};
use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_engine::attach::Intent;
use serde::Deserialize;

use crate::api::extract::{JobPath, Params};
use crate::api::flash::{Flash, Kind};
use crate::api::upload::{Source, Upload};
use crate::api::view::AttachedView;
use crate::api::who::{Who, about_job};
use crate::problem::{Asked, Failure, Result};
use crate::state::App;
use crate::web::{self, Chosen};

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
    attach(&app, id, query.intent(), who, request).await.map(Json)
}

/// `POST /jobs/{id}/attach`: the form of the page. Answers the page again with how the file differs or why it
/// was refused; once it is attached, 303 to the page of the job.
pub async fn form(
    State(app): State<App>,
    Extension(asked): Extension<Asked>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
    who: Who,
    request: Request,
) -> Result<Response> {
    let intent = query.intent();
    let chosen = match attach(&app, id, intent, who, request).await {
        Ok(attached) if intent == Intent::Attach => {
            let detail = format!(
                "{} rows are done again, {} are new, {} are gone",
                attached.again, attached.new, attached.gone
            );
            let flash = Flash { kind: Kind::Success, title: "File attached", detail: &detail };
            return Ok(flash.redirect(&format!("/jobs/{id}"), &asked));
        }
        Ok(compared) => Chosen::Compared(Box::new(compared)),
        Err(refused) => Chosen::Refused(refused.problem().clone()),
    };
    let status = match &chosen {
        Chosen::Refused(problem) => {
            StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::BAD_REQUEST)
        }
        Chosen::Nothing | Chosen::Compared(_) => StatusCode::OK,
    };
    let snapshot = app.engine.job(id).await?;
    Ok((status, Html(web::attach_page(&snapshot, &chosen).into_string())).into_response())
}

impl Query {
    fn intent(&self) -> Intent {
        if self.dry_run == Some(true) { Intent::DryRun } else { Intent::Attach }
    }
}

async fn attach(app: &App, id: JobId, intent: Intent, who: Who, request: Request) -> Result<AttachedView> {
    who.check(app, id).await?;
    let upload = Upload::receive(app, request, app.settings.max_upload_bytes).await?;
    if upload.recipe.is_some() || upload.name.is_some() || upload.first.is_some() {
        let detail = "Send the part `file` alone: the job keeps its recipe and its name.";
        return Err(Failure::new(Code::BadRequest, detail));
    }
    match app.engine.attach(id, upload.file.path(), &upload.filename, intent, who.actor).await {
        Ok((difference, snapshot)) => {
            if let (Source::Sent(sent, _), Intent::Attach) = (upload.file, intent) {
                app.uploads.forget(sent).await;
            }
            Ok(AttachedView::of(&difference, intent, app.view(&snapshot)))
        }
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
