//! The actions without the prefix: `POST /jobs/{id}/resume` and the rest, for forms and for scripts.
//!
//! A client that sends or wants JSON gets exactly what `/api/v1` answers. A plain HTML form is
//! answered with 303 back to the page it stood on, and a message in a cookie for that page to show.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form, Json};
use onward_core::id::JobId;
use onward_core::problem::Code;
use serde::Serialize;

use crate::api::extract::{Nothing, content_type, job_id, json};
use crate::api::flash::{Flash, Kind};
use crate::api::jobs::{delete, deliveries, force_cancel, in_doubt, pause, restart, resume, retry, tune};
use crate::api::view::JobView;
use crate::api::who::Who;
use crate::idempotency::read_body;
use crate::problem::{Asked, Failure, Result, Wants};
use crate::state::App;

/// Carries out the action named in the path.
pub async fn handle(
    State(app): State<App>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
    who: Who,
    request: Request,
) -> Result<Response> {
    let headers = request.headers().clone();
    let action = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let body = read_body(request.into_body()).await?;
    match client(&headers) {
        Client::Script => {
            let done = act(&app, &id, &action, who, Input::json(&action, &headers, &body)?).await?;
            Ok((done.status, Json(done.body)).into_response())
        }
        Client::Form => {
            let outcome = match Input::form(body).await {
                Ok(input) => act(&app, &id, &action, who, input).await,
                Err(failure) => Err(failure),
            };
            Ok(back(&headers, &id, &asked, outcome))
        }
    }
}

/// What a form or a JSON body says besides the action.
#[derive(Default)]
struct Input {
    resume: resume::Body,
    restart: restart::Body,
    retry: retry::Body,
    tune: tune::Body,
    in_doubt: Option<in_doubt::Body>,
    delivery: Option<deliveries::Body>,
}

impl Input {
    /// Fields of a form; unknown ones are left alone, as browsers and extensions add some.
    async fn form(body: Bytes) -> Result<Self> {
        let mut input = Self::default();
        let mut scope = String::new();
        for (name, value) in form_fields(body).await? {
            match name.as_str() {
                "scope" => scope = value,
                "first" => input.resume.first = value.trim().parse().ok(),
                "force" => input.restart.force = value == "true",
                "outcome" => {
                    input.retry.outcome = value.parse().map_err(|_| {
                        Failure::new(
                            Code::InvalidParameter,
                            "An outcome is one of added, failed, skipped, filtered.",
                        )
                    })?;
                }
                "code" if !value.is_empty() => input.retry.code = Some(value),
                "q" if !value.is_empty() => input.retry.q = Some(value),
                "rows" => {
                    for row in value.split(',') {
                        let row = row.trim().parse::<u64>();
                        input.retry.rows.push(row.map_err(|_| not_understood("rows are numbers, from 1"))?);
                    }
                }
                "answer" => {
                    let answer = match value.as_str() {
                        "done" => in_doubt::Answer::Done,
                        "again" => in_doubt::Answer::Again,
                        _ => return Err(not_understood("an answer is done or again")),
                    };
                    input.in_doubt = Some(in_doubt::Body { answer, rows: Vec::new() });
                }
                "delivery" => input.delivery = Some(deliveries::Body { delivery: value }),
                // The form shows the rate that holds: a field that was emptied says that none shall.
                "rate" => input.tune.rate = Some(Some(value).filter(|rate| !rate.trim().is_empty())),
                "name" if !value.trim().is_empty() => input.tune.name = Some(value),
                "concurrency" => input.tune.concurrency = whole("concurrency", &value)?,
                "breaker" => input.tune.breaker = whole("breaker", &value)?,
                _ => {}
            }
        }
        if let Some(in_doubt) = &mut input.in_doubt {
            in_doubt.rows.clone_from(&input.retry.rows);
        }
        match scope.as_str() {
            // Without a row a retry would mean all of them, which is not what was pressed.
            "chosen" if input.retry.rows.is_empty() => Err(not_understood("choose at least one row first")),
            "all" => {
                input.retry.rows.clear();
                Ok(input)
            }
            _ => Ok(input),
        }
    }

    fn json(action: &str, headers: &HeaderMap, body: &Bytes) -> Result<Self> {
        let mut input = Self::default();
        match action {
            "resume" => input.resume = json(headers, body)?,
            "restart" => input.restart = json(headers, body)?,
            "retry" => input.retry = json(headers, body)?,
            "tune" => input.tune = json(headers, body)?,
            "in-doubt" => input.in_doubt = Some(json(headers, body)?),
            "deliver" => input.delivery = Some(json(headers, body)?),
            _ => {
                let Nothing {} = json(headers, body)?;
            }
        }
        Ok(input)
    }
}

/// An action that was done: the answer, and the words for the page.
struct Done {
    status: StatusCode,
    body: serde_json::Value,
    title: String,
    detail: String,
}

impl Done {
    fn new<T: Serialize>(status: StatusCode, view: &T, title: &str, detail: String) -> Self {
        let body = serde_json::to_value(view).expect("views have only text keys");
        Self { status, body, title: title.to_owned(), detail }
    }
}

async fn act(app: &App, id: &str, action: &str, who: Who, input: Input) -> Result<Done> {
    let id: JobId = job_id(id)?;
    match action {
        "resume" => {
            let view = resume::run(app, id, input.resume, who).await?;
            let detail = goes_on(view.resumed_from_row, &view.job);
            Ok(Done::new(StatusCode::ACCEPTED, &view, &view.message, detail))
        }
        "restart" => {
            let view = restart::run(app, id, input.restart, who).await?;
            let detail = goes_on(view.restarted_from_row, &view.job);
            Ok(Done::new(StatusCode::ACCEPTED, &view, &view.message, detail))
        }
        "force-cancel" => {
            let view = force_cancel::run(app, id, who).await?;
            let detail = match view.job.resume_from_row {
                Some(row) => {
                    format!("{} rows are saved; resume goes on from row {row}", view.job.processed_items)
                }
                None => "every row is done".to_owned(),
            };
            Ok(Done::new(StatusCode::OK, &view, &view.message, detail))
        }
        "pause" => {
            let view = pause::run(app, id, who).await?;
            Ok(Done::new(
                StatusCode::ACCEPTED,
                &view,
                &view.message,
                "resume goes on from where it is".to_owned(),
            ))
        }
        "retry" => {
            let view = retry::run(app, id, input.retry, who).await?;
            Ok(Done::new(StatusCode::ACCEPTED, &view, &view.message, String::new()))
        }
        "tune" => {
            let view = tune::run(app, id, input.tune, who).await?;
            let calls = view.concurrency.map(|calls| format!("{calls} at the same time"));
            let limits: Vec<String> = view.rate.iter().cloned().chain(calls).collect();
            Ok(Done::new(StatusCode::OK, &view, "Limits changed", limits.join(", ")))
        }
        "in-doubt" => {
            let body = input.in_doubt.ok_or_else(|| not_understood("say done or again"))?;
            let view = in_doubt::run(app, id, &body, who).await?;
            Ok(Done::new(StatusCode::OK, &view, &view.message, String::new()))
        }
        "deliver" => {
            let body = input.delivery.ok_or_else(|| not_understood("say which delivery"))?;
            let view = deliveries::run(app, id, &body, who).await?;
            let detail = format!("{} to {}", view.delivery.event, view.delivery.url);
            Ok(Done::new(StatusCode::ACCEPTED, &view, &view.message, detail))
        }
        "delete" => {
            let name = app.engine.job(id).await?.job.name;
            delete::run(app, id, who).await?;
            let gone = serde_json::json!({ "deleted": id.to_string() });
            Ok(Done::new(StatusCode::OK, &gone, "Job deleted", format!("{name} and its rows; creators stay")))
        }
        _ => Err(Failure::new(
            Code::NotFound,
            "The actions are resume, restart, force-cancel, pause, retry, in-doubt, deliver, tune and delete; see /docs.",
        )),
    }
}

fn goes_on(row: u64, job: &JobView) -> String {
    format!("goes on from row {row} of {}", job.total_items)
}

/// Who sent the request.
enum Client {
    /// A plain HTML form: it navigates, so it wants a page and sends form fields or nothing.
    Form,
    /// Everything else.
    Script,
}

fn client(headers: &HeaderMap) -> Client {
    let kind = content_type(headers);
    let sends_fields = kind.is_empty() || kind == "application/x-www-form-urlencoded";
    if sends_fields && Wants::of(headers) == Wants::Page { Client::Form } else { Client::Script }
}

/// 303 to the page the form stood on, with a message.
fn back(headers: &HeaderMap, id: &str, asked: &Asked, outcome: Result<Done>) -> Response {
    let fallback = job_id(id).map_or_else(|_| "/".to_owned(), |id| format!("/jobs/{id}"));
    let deleted = outcome.as_ref().is_ok_and(|done| done.body.get("deleted").is_some());
    let place = if deleted { "/".to_owned() } else { own_page(headers).unwrap_or(fallback) };
    let flash = match &outcome {
        Ok(done) => Flash { kind: Kind::Success, title: &done.title, detail: &done.detail },
        Err(failure) => {
            let problem = failure.problem();
            Flash { kind: Kind::Error, title: problem.code.title(), detail: &problem.detail }
        }
    };
    flash.redirect(&place, asked)
}

/// The path of the page that sent the form, if it is one of ours: never another host's, so that no
/// form can lead away. The page that asks "are you sure?" leads on to the job instead.
fn own_page(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let from = headers.get(header::REFERER)?.to_str().ok()?;
    let rest = from.strip_prefix("http://").or_else(|| from.strip_prefix("https://"))?;
    let path = rest.strip_prefix(host)?;
    let bare = path.split(['?', '#']).next()?;
    let is_page = match bare.strip_prefix("/jobs/") {
        Some(job) => !job.trim_end_matches("/rows").trim_end_matches("/attach").contains('/'),
        None => bare == "/",
    };
    (is_page && !path.starts_with("//")).then(|| path.to_owned())
}

/// A number in a form; a field that is empty changes nothing.
fn whole(name: &str, text: &str) -> Result<Option<serde_json::Number>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let number = text.trim().parse::<u64>();
    number.map(|number| Some(number.into())).map_err(|_| not_understood(&format!("{name} is a whole number")))
}

fn not_understood(what: &str) -> Failure {
    Failure::new(Code::InvalidParameter, format!("In the form: {what}."))
}

async fn form_fields(body: Bytes) -> Result<Vec<(String, String)>> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    match Form::from_request(request, &()).await {
        Ok(Form(fields)) => Ok(fields),
        Err(rejection) => Err(Failure::new(Code::BadRequest, format!("{}.", rejection.body_text()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(referer: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost:7313"));
        headers.insert(header::REFERER, HeaderValue::from_str(referer).expect("a header"));
        own_page(&headers)
    }

    #[test]
    fn a_form_leads_back_to_our_own_pages_only() {
        assert_eq!(from("http://localhost:7313/?status=failed").as_deref(), Some("/?status=failed"));
        assert_eq!(from("http://localhost:7313/jobs/0199").as_deref(), Some("/jobs/0199"));
        let rows = "http://localhost:7313/jobs/0199/rows?outcome=failed";
        assert_eq!(from(rows).as_deref(), Some("/jobs/0199/rows?outcome=failed"), "the list one acted on");
        for elsewhere in [
            "http://evil.example/",
            "http://localhost:7313.evil.example/",
            "http://localhost:7313//evil.example/",
            "http://localhost:7313/jobs/0199/confirm",
            "ftp://localhost:7313/",
        ] {
            assert_eq!(from(elsewhere), None, "{elsewhere}");
        }
    }
}
