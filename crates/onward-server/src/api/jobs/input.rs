//! `PUT /api/v1/jobs/{id}/input`: attaches the file again, an edited one, or corrected rows of an export.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use onward_core::id::{InputId, JobId};
use onward_core::problem::{Code, Problem};
use onward_engine::Snapshot;
use onward_engine::attach::{Difference, Intent};
use serde::Deserialize;

use crate::api::extract::{JobPath, Params};
use crate::api::flash::{Flash, Kind};
use crate::api::upload::{Source, Upload};
use crate::api::view::AttachedView;
use crate::api::who::{Who, about_job};
use crate::arriving::Arrival;
use crate::idempotency::{fingerprint, is_upload, once};
use crate::problem::{Asked, Failure, Result};
use crate::state::App;
use crate::web::{self, Chosen};

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Only say how the file differs.
    dry_run: Option<bool>,
    /// And keep it, to be attached by its id.
    keep: Option<bool>,
    /// The id of a file that is kept, in place of a file.
    compared: Option<String>,
}

/// Answers how the file differs, and the job as it is now.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
    who: Who,
    request: Request,
) -> Result<Json<AttachedView>> {
    let wanted = query.read()?;
    let chosen = choose(&app, id, &wanted, &who, request).await?;
    attach(&app, id, wanted.intent, chosen, who).await.map(Json)
}

/// `DELETE /api/v1/jobs/{id}/input?compared=`: lets go of a file that was kept.
pub async fn forget(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<StatusCode> {
    let Wanted { kept: Some(kept), .. } = query.read()? else {
        let detail =
            "Name the file that is let go: compared=<id>. The file a job works on stays with the job.";
        return Err(Failure::new(Code::InvalidParameter, detail).with("parameter", "compared"));
    };
    match app.engine.forget_compared(id, kept).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(problem) => Err(about_job(&app, id, problem).await),
    }
}

/// `POST /jobs/{id}/attach`: the forms of the page. Answers 303: to the page with how the file differs, or to the
/// page of the job once it is attached; the page again with why the file was refused.
pub async fn form(
    State(app): State<App>,
    Extension(asked): Extension<Asked>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
    who: Who,
    request: Request,
) -> Result<Response> {
    let mut wanted = query.read()?;
    // What was compared here can be attached without choosing it again.
    if wanted.intent == Intent::DryRun {
        wanted.intent = Intent::Keep;
    }
    let headers = request.headers().clone();
    // The key of a form without a file was looked at before it came here.
    let arrival = is_upload(&headers).then(|| app.arriving.begin(&headers)).transpose()?;
    let address = request.uri().path_and_query().map_or("", |address| address.as_str()).to_owned();
    let chosen = match choose(&app, id, &wanted, &who, request).await {
        Ok(chosen) => chosen,
        Err(refused) => return page(&app, id, &headers, &Chosen::Refused(refused.problem().clone())).await,
    };
    let print = match &chosen {
        File::Kept(_) => fingerprint(&address, &[]),
        File::Sent(upload) => upload.fingerprint(&address),
    };
    let work = {
        let (app, asked) = (app.clone(), asked.clone());
        async move {
            let attached = attach(&app, id, wanted.intent, chosen, who).await;
            told(&app, id, &headers, &asked, attached).await.into_response()
        }
    };
    Ok(once(&app, arrival.as_ref().and_then(Arrival::key), &print, &asked, work).await)
}

/// What a form is answered.
async fn told(
    app: &App,
    id: JobId,
    headers: &HeaderMap,
    asked: &Asked,
    attached: Result<AttachedView>,
) -> Result<Response> {
    match attached {
        Ok(AttachedView { compared: Some(kept), .. }) => {
            Ok(Redirect::to(&format!("/jobs/{id}/attach?compared={kept}")).into_response())
        }
        Ok(attached) => {
            let detail = format!(
                "{} rows are done again, {} are new, {} are gone",
                attached.again, attached.new, attached.gone
            );
            let flash = Flash { kind: Kind::Success, title: "File attached", detail: &detail };
            Ok(flash.redirect(&format!("/jobs/{id}"), asked))
        }
        Err(refused) => page(app, id, headers, &Chosen::Refused(refused.problem().clone())).await,
    }
}

/// `GET /jobs/{id}/attach`: the page, with the file that was compared if one is named.
pub async fn show(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
    who: Who,
    headers: HeaderMap,
) -> Result<Response> {
    let chosen = match query.read()?.kept {
        None => Chosen::Nothing,
        Some(kept) => match confirm(&app, id, kept, Intent::Keep, who).await {
            Ok(compared) => Chosen::compared(&app, compared).await,
            Err(refused) => Chosen::Refused(refused.problem().clone()),
        },
    };
    page(&app, id, &headers, &chosen).await
}

async fn page(app: &App, id: JobId, headers: &HeaderMap, chosen: &Chosen) -> Result<Response> {
    let status = match chosen {
        Chosen::Refused(problem) => {
            StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::BAD_REQUEST)
        }
        Chosen::Nothing | Chosen::Compared { .. } => StatusCode::OK,
    };
    let snapshot = app.engine.job(id).await?;
    Ok((status, web::attach_page(headers, &snapshot, chosen)).into_response())
}

/// What the query asks for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    intent: Intent,
    kept: Option<InputId>,
}

impl Query {
    fn read(self) -> Result<Wanted> {
        let (dry_run, keep) = (self.dry_run.unwrap_or_default(), self.keep.unwrap_or_default());
        let intent = match (dry_run, keep) {
            (true, true) => Intent::Keep,
            (true, false) => Intent::DryRun,
            (false, false) => Intent::Attach,
            (false, true) => {
                let detail = "A file is kept when it is only compared: send keep=true with dry_run=true.";
                return Err(Failure::new(Code::InvalidParameter, detail).with("parameter", "keep"));
            }
        };
        let kept = self.compared.map(|text| text.parse()).transpose().map_err(|_| {
            Failure::new(Code::InvalidParameter, "`compared` is the id that comparing has answered.")
                .with("parameter", "compared")
        })?;
        Ok(Wanted { intent, kept })
    }
}

/// The file that is attached or compared.
enum File {
    /// It was compared before.
    Kept(InputId),
    /// It came with the request.
    Sent(Upload),
}

/// Takes the file in, if there is one to take in.
async fn choose(app: &App, id: JobId, wanted: &Wanted, who: &Who, request: Request) -> Result<File> {
    who.check(app, id).await?;
    if let Some(kept) = wanted.kept {
        return Ok(File::Kept(kept));
    }
    // A file that comes without a name is the file of the job again.
    let usual = app.engine.job(id).await?.job.input.filename;
    let upload = Upload::receive_file(app, request, &usual).await?;
    if upload.recipe.is_some() || upload.name.is_some() || upload.first.is_some() || upload.sha256.is_some() {
        let detail = "Send the part `file` alone: the job keeps its recipe and its name.";
        return Err(Failure::new(Code::BadRequest, detail));
    }
    Ok(File::Sent(upload))
}

async fn attach(app: &App, id: JobId, intent: Intent, chosen: File, who: Who) -> Result<AttachedView> {
    let upload = match chosen {
        File::Kept(kept) => return confirm(app, id, kept, intent, who).await,
        File::Sent(upload) => upload,
    };
    let done = app.engine.attach(id, upload.file.path(), &upload.filename, intent, who.actor).await;
    if let (Ok(_), Source::Sent(sent, _), Intent::Attach) = (&done, upload.file, intent) {
        app.uploads.forget(sent).await;
    }
    answer(app, id, intent, done).await
}

/// A file that is kept: attached, or looked at once more.
async fn confirm(app: &App, id: JobId, kept: InputId, intent: Intent, who: Who) -> Result<AttachedView> {
    let done = app.engine.confirm(id, kept, intent, who.actor).await;
    answer(app, id, intent, done).await
}

async fn answer(
    app: &App,
    id: JobId,
    intent: Intent,
    done: std::result::Result<(Difference, Snapshot), Problem>,
) -> Result<AttachedView> {
    match done {
        Ok((difference, snapshot)) => Ok(AttachedView::of(&difference, intent, app.view(&snapshot))),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}

impl Chosen {
    /// The file is named by what is kept of it; where that cannot be read now, it has no name.
    async fn compared(app: &App, difference: AttachedView) -> Self {
        let kept = difference.compared.as_ref().and_then(|id| id.parse().ok());
        let known = match kept {
            Some(kept) => app.engine.store().input(kept).await.ok().flatten(),
            None => None,
        };
        Self::Compared { difference: Box::new(difference), filename: known.map(|known| known.filename) }
    }
}
