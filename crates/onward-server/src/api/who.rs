//! Who asks, and which state of the job they saw.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use onward_core::id::{Epoch, JobId};
use onward_core::problem::{Code, Problem};
use onward_engine::Snapshot;
use serde_json::Value;

use crate::problem::Failure;
use crate::state::App;

/// Who asks for a change, and the epoch they believe in, if they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The word on the timeline: `you` in a browser, `cli` or `api`.
    pub actor: &'static str,
    /// From `If-Match: "7"`: act only when this is still the job's epoch.
    pub epoch: Option<Epoch>,
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        Ok(Self { actor: actor(&parts.headers), epoch: if_match(&parts.headers)? })
    }
}

impl Who {
    /// Refuses when the job has moved on since the caller looked.
    ///
    /// # Errors
    /// `epoch-moved`, or why the job cannot be read.
    pub async fn check(self, app: &App, id: JobId) -> Result<(), Failure> {
        let Some(seen) = self.epoch else { return Ok(()) };
        let snapshot = app.engine.job(id).await?;
        let found = snapshot.job.epoch;
        if found == seen {
            return Ok(());
        }
        let detail =
            format!("You saw epoch {seen}; job {id} is at epoch {found} by now. Nothing was changed.");
        let problem = Problem::new(Code::EpochMoved, detail).with("epoch", found.0);
        Err(with_job(problem, &snapshot).into())
    }
}

/// The problem with where the job stands, so that a client knows what it can do instead.
pub async fn about_job(app: &App, id: JobId, mut problem: Problem) -> Failure {
    let status = problem.code.status();
    if status == 404 || status >= 500 {
        return problem.into();
    }
    match app.engine.job(id).await {
        Ok(snapshot) => with_job(problem, &snapshot).into(),
        Err(_) => {
            problem.facts.entry("job_id").or_insert_with(|| id.to_string().into());
            problem.into()
        }
    }
}

fn with_job(mut problem: Problem, snapshot: &Snapshot) -> Problem {
    let job = &snapshot.job;
    let actions: Vec<Value> = job.allowed_actions().iter().map(|step| step.word().into()).collect();
    let facts: [(&str, Value); 4] = [
        ("job_id", job.id.to_string().into()),
        ("job_status", job.state.word().into()),
        ("allowed_actions", actions.into()),
        ("resume_from_row", job.resume_from_row().into()),
    ];
    for (name, value) in facts {
        if !value.is_null() {
            problem.facts.entry(name).or_insert(value);
        }
    }
    problem
}

fn actor(headers: &HeaderMap) -> &'static str {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    if headers.contains_key(HeaderName::from_static("sec-fetch-site")) {
        "you"
    } else if agent.starts_with("onward") {
        "cli"
    } else {
        "api"
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<Epoch>, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let epoch = number.parse().map(Epoch);
    epoch
        .map(Some)
        .map_err(|_| Failure::new(Code::BadRequest, "If-Match holds the job's epoch, such as \"7\"."))
}
