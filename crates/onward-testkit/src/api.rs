//! The JSON API of a running server, as a client sees it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde_json::{Value, json};

use crate::jobs::CreatorsJob;
use crate::wait::until;

/// No answer takes longer; a test that waits for ever says nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    client: Client,
}

/// A status and a body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` when it is no JSON.
    pub body: Value,
}

/// A client of servers on this machine: past any proxy, and with the cryptography it asks for.
pub fn client() -> ClientBuilder {
    // The error says that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy()
}

impl Api {
    /// A client of the server at `address`, with or without `http://`.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn at(address: &str) -> Result<Self> {
        let host = address.trim_start_matches("http://").trim_end_matches('/');
        let client = client().timeout(ANSWER_WITHIN).build()?;
        Ok(Self { base: format!("http://{host}"), client })
    }

    /// Where it is, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether `/readyz` says yes.
    pub async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/readyz", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// GET of a path under `/api/v1`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        answer(self.client.get(self.url(path))).await
    }

    /// GET of a path under `/api/v1`, as text.
    ///
    /// # Errors
    /// When no answer comes or it is no success.
    pub async fn text(&self, path: &str) -> Result<String> {
        Ok(self.client.get(self.url(path)).send().await?.error_for_status()?.text().await?)
    }

    /// POST of a JSON body to a path under `/api/v1`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.client.post(self.url(path)).json(body)).await
    }

    /// PATCH with a JSON body of a path under `/api/v1`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.client.patch(self.url(path)).json(body)).await
    }

    /// An action on a job: `resume`, `restart`, `force-cancel`, `pause`, `retry`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn act(&self, job: &str, action: &str) -> Result<Answer> {
        self.post(&format!("/jobs/{job}/{action}"), &json!({})).await
    }

    /// A page as HTML.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn page(&self, path: &str) -> Result<String> {
        let request = self.client.get(format!("{}{path}", self.base)).header("accept", "text/html");
        Ok(request.send().await?.text().await?)
    }

    /// Submits a job and gives its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn submit(&self, job: &CreatorsJob) -> Result<String> {
        let form = Form::new()
            .part("file", Part::text(job.csv.clone()).file_name(job.filename.clone()).mime_str("text/csv")?)
            .text("recipe", job.recipe.clone());
        let answer = answer(self.client.post(self.url("/jobs")).multipart(form)).await?;
        ensure!(answer.status == 201, "the job was refused: {answer:?}");
        let id = answer.body["job_id"].as_str().or(answer.body["job"]["job_id"].as_str());
        Ok(id.context("the answer names no job")?.to_owned())
    }

    /// A job as JSON.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn job(&self, job: &str) -> Result<Value> {
        let answer = self.get(&format!("/jobs/{job}")).await?;
        ensure!(answer.status == 200, "job {job}: {answer:?}");
        Ok(answer.body)
    }

    /// Waits until `wanted` holds for the job, and gives it as it is then.
    ///
    /// # Errors
    /// When the limit is reached; with the job as it was last.
    pub async fn job_when(
        &self,
        job: &str,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let seen = std::sync::Mutex::new(Value::Null);
        let found = until(what, limit, || async {
            let now = self.job(job).await?;
            if wanted(&now) {
                return Ok(Some(now));
            }
            if let Ok(mut seen) = seen.lock() {
                *seen = now;
            }
            Ok(None)
        });
        found
            .await
            .with_context(|| format!("the job was last: {}", seen.lock().map_or(Value::Null, |v| v.clone())))
    }

    /// The kinds of the events on a job's timeline, in order.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn timeline(&self, job: &str) -> Result<Vec<Value>> {
        let answer = self.get(&format!("/jobs/{job}/timeline")).await?;
        let events = answer.body.as_array().or(answer.body["events"].as_array());
        Ok(events.with_context(|| format!("no timeline: {answer:?}"))?.clone())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }
}

async fn answer(request: RequestBuilder) -> Result<Answer> {
    let response = request.header("accept", "application/json").send().await?;
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}
