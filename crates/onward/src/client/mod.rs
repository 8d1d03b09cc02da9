//! What the verbs ask: the HTTP API, wherever it is.
//!
//! Every verb speaks the API's JSON. If a server holds the store, it is asked over TCP; otherwise the
//! store is opened in this process and the same router is called without a socket. There is one code
//! path, so a verb says the same in both cases.

pub(crate) mod note;
pub(crate) mod transport;
pub(crate) mod upload;

use std::path::Path;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use onward_core::id::JobId;
use onward_server::api::view::{
    AttachedView, DeliveriesView, DoubtsView, GroupView, GroupsView, JobView, JobsView, ProblemView,
    RowsView, SentAgainView, VerifyView, WorkersView,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::note::Note;
use self::transport::{Answer, Body, Request, Transport};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::{Host, Opening};

/// Reads and actions answer within a second whatever the worker does; ten allow for a slow machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A live server says so at once.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);
/// The largest JSON answer that is read: a page of rows with their fields stays well below.
const ANSWER_BYTES: usize = 64 << 20;

/// A way to the API with the calls the verbs need.
pub(crate) struct Client {
    transport: Transport,
}

/// Whether a verb makes a store where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It asks about what is there.
    Existing,
    /// It puts something in.
    Created,
}

/// What is done with a file that is compared with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Nothing more.
    Only,
    /// It waits for a word, and is then attached without being sent again.
    AndKeep,
    /// It is attached at once.
    AndAttach,
}

/// What may be said about a new job besides its file and its recipe.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wishes<'a> {
    /// A name for people.
    pub(crate) name: Option<&'a str>,
    /// Do so many rows, then hold the job and ask.
    pub(crate) first: Option<u64>,
}

/// The answer to an action.
#[derive(Debug, Deserialize)]
pub(crate) struct Acted {
    /// The sentence for the person.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// The job now.
    pub(crate) job: JobView,
    /// For retry and settling: how many rows.
    #[serde(default)]
    pub(crate) count: Option<u64>,
}

impl Client {
    /// The server that holds the store, or the store opened in this process.
    pub(crate) async fn open(config: &Config, need: Need) -> Result<Self, Failure> {
        if let Some(client) = Self::of_server(config).await? {
            return Ok(client);
        }
        if need == Need::Existing && !config.store_may_exist() {
            let message = format!("there is no store at {} yet", config.store_shown());
            return Err(Failure::new(Exit::NotFound, message)
                .hint("`onward run FILE --recipe RECIPE` makes one; `onward demo` shows how it looks"));
        }
        let host = Host::open(config, Opening::Beside).await?;
        Ok(Self::in_process(&host, config))
    }

    /// The server that holds the store, if one runs.
    pub(crate) async fn of_server(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(note) = Note::read(config) else { return Ok(None) };
        let client = Self { transport: Transport::http(note.base())? };
        Ok(client.is_alive().await.then_some(client))
    }

    /// The router of a store that this process has open.
    pub(crate) fn in_process(host: &Host, config: &Config) -> Self {
        Self { transport: Transport::InProcess { router: host.router(), host: config.listen.to_string() } }
    }

    /// Whether a server answers, rather than this process.
    pub(crate) fn is_remote(&self) -> bool {
        match &self.transport {
            Transport::Http { .. } => true,
            Transport::InProcess { .. } => false,
        }
    }

    /// Where the server is, if one answers.
    pub(crate) fn address(&self) -> Option<&str> {
        match &self.transport {
            Transport::Http { base, .. } => Some(base),
            Transport::InProcess { .. } => None,
        }
    }

    async fn is_alive(&self) -> bool {
        let request = Request {
            method: Method::GET,
            path: "/livez".into(),
            body: Body::Empty,
            within: Some(ALIVE_WITHIN),
        };
        self.transport.send(request).await.is_ok_and(|answer| answer.status == 200)
    }

    /// One job.
    pub(crate) async fn job(&self, id: JobId) -> Result<JobView, Failure> {
        self.get(&format!("/jobs/{id}"), Some(ANSWER_WITHIN)).await
    }

    /// Jobs, newest first.
    pub(crate) async fn jobs(&self, query: &[(&str, &str)]) -> Result<JobsView, Failure> {
        self.get(&with_query("/jobs", query), Some(ANSWER_WITHIN)).await
    }

    /// Rows of a job.
    pub(crate) async fn rows(&self, id: JobId, query: &[(&str, &str)]) -> Result<RowsView, Failure> {
        self.get(&with_query(&format!("/jobs/{id}/rows"), query), None).await
    }

    /// Rows of a job in doubt.
    pub(crate) async fn in_doubt(&self, id: JobId, query: &[(&str, &str)]) -> Result<DoubtsView, Failure> {
        self.get(&with_query(&format!("/jobs/{id}/in-doubt"), query), None).await
    }

    /// Why rows did not make it.
    pub(crate) async fn groups(&self, id: JobId, query: &[(&str, &str)]) -> Result<Vec<GroupView>, Failure> {
        let page: GroupsView = self.get(&with_query(&format!("/jobs/{id}/errors"), query), None).await?;
        Ok(page.groups)
    }

    /// What the hooks of a job were told.
    pub(crate) async fn deliveries(
        &self,
        id: JobId,
        query: &[(&str, &str)],
    ) -> Result<DeliveriesView, Failure> {
        self.get(&with_query(&format!("/jobs/{id}/deliveries"), query), Some(ANSWER_WITHIN)).await
    }

    /// Tells a hook again.
    pub(crate) async fn send_again(&self, id: JobId, delivery: &str) -> Result<SentAgainView, Failure> {
        let mut url = reqwest::Url::parse("http://onward/api/v1/jobs").expect("a constant that parses");
        let parts = [&*id.to_string(), "deliveries", delivery, "send"];
        url.path_segments_mut().expect("it has a path").extend(parts);
        let path = url.path().to_owned();
        let request = Request { method: Method::POST, path, body: Body::Empty, within: Some(ANSWER_WITHIN) };
        parse(&self.answer(request).await?)
    }

    /// Everything counted anew.
    pub(crate) async fn verify(&self, id: JobId) -> Result<VerifyView, Failure> {
        self.get(&format!("/jobs/{id}/verify"), None).await
    }

    /// The worker processes of the store.
    pub(crate) async fn workers(&self) -> Result<WorkersView, Failure> {
        self.get("/workers", Some(ANSWER_WITHIN)).await
    }

    /// Asks a worker to hand back what it holds.
    pub(crate) async fn drain(&self, worker: &str) -> Result<(), Failure> {
        let mut url = reqwest::Url::parse("http://onward/api/v1/workers").expect("a constant that parses");
        url.path_segments_mut().expect("it has a path").extend([worker, "drain"]);
        let path = url.path().to_owned();
        let request = Request { method: Method::POST, path, body: Body::Empty, within: Some(ANSWER_WITHIN) };
        self.answer(request).await.map(|_message| ())
    }

    /// An action: `resume`, `restart`, `force-cancel`, `pause`, `retry` or `in-doubt`. Answers the body as it came
    /// as well.
    pub(crate) async fn act(
        &self,
        id: JobId,
        action: &str,
        body: Option<serde_json::Value>,
    ) -> Result<(Acted, serde_json::Value), Failure> {
        let body = body.map_or(Body::Empty, |value| Body::Json(value.to_string()));
        let path = format!("/api/v1/jobs/{id}/{action}");
        let request = Request { method: Method::POST, path, body, within: Some(ANSWER_WITHIN) };
        let raw: serde_json::Value = parse(&self.answer(request).await?)?;
        let acted = serde_json::from_value(raw.clone()).map_err(|error| misunderstood(&error))?;
        Ok((acted, raw))
    }

    /// Hands in a file.
    pub(crate) async fn submit(
        &self,
        file: &Path,
        recipe: &str,
        wishes: Wishes<'_>,
    ) -> Result<JobView, Failure> {
        let name = wishes.name.map(|name| ("name", name.to_owned()));
        let first = wishes.first.map(|rows| ("first", rows.to_string()));
        let more: Vec<_> = name.into_iter().chain(first).collect();
        let body = upload::body(file, Some(recipe), &more).await?;
        let request = Request { method: Method::POST, path: "/api/v1/jobs".into(), body, within: None };
        parse(&self.answer(request).await?)
    }

    /// Puts another file under a job, or only says how it differs.
    pub(crate) async fn attach(&self, id: JobId, file: &Path, how: Compare) -> Result<AttachedView, Failure> {
        let body = upload::body(file, None, &[]).await?;
        let query = match how {
            Compare::Only => "?dry_run=true",
            Compare::AndKeep => "?dry_run=true&keep=true",
            Compare::AndAttach => "",
        };
        let path = format!("/api/v1/jobs/{id}/input{query}");
        let request = Request { method: Method::PUT, path, body, within: None };
        parse(&self.answer(request).await?)
    }

    /// Attaches what was compared and kept.
    pub(crate) async fn confirm(&self, id: JobId, compared: &AttachedView) -> Result<AttachedView, Failure> {
        parse(&self.answer(of_kept(Method::PUT, id, compared)?).await?)
    }

    /// Lets go of what was compared and kept.
    pub(crate) async fn forget(&self, id: JobId, compared: &AttachedView) -> Result<(), Failure> {
        self.answer(of_kept(Method::DELETE, id, compared)?).await.map(|_empty| ())
    }

    /// Changes name or limits of a job.
    pub(crate) async fn tune(&self, id: JobId, changes: &serde_json::Value) -> Result<JobView, Failure> {
        let path = format!("/api/v1/jobs/{id}");
        let body = Body::Json(changes.to_string());
        let request = Request { method: Method::PATCH, path, body, within: Some(ANSWER_WITHIN) };
        parse(&self.answer(request).await?)
    }

    /// Deletes a job.
    pub(crate) async fn delete(&self, id: JobId) -> Result<(), Failure> {
        let path = format!("/api/v1/jobs/{id}");
        let request = Request { method: Method::DELETE, path, body: Body::Empty, within: None };
        self.answer(request).await.map(|_empty| ())
    }

    /// The export, as it comes.
    pub(crate) async fn export(
        &self,
        id: JobId,
        query: &[(&str, &str)],
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let path = with_query(&format!("/api/v1/jobs/{id}/export"), query);
        let request = Request { method: Method::GET, path, body: Body::Empty, within: None };
        let answer = self.transport.send(request).await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(refused(answer).await) }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, within: Option<Duration>) -> Result<T, Failure> {
        let request =
            Request { method: Method::GET, path: format!("/api/v1{path}"), body: Body::Empty, within };
        parse(&self.answer(request).await?)
    }

    /// The body of a successful answer; any other answer as a failure.
    async fn answer(&self, request: Request) -> Result<Vec<u8>, Failure> {
        let answer = self.transport.send(request).await?;
        if (200..300).contains(&answer.status) { read(answer).await } else { Err(refused(answer).await) }
    }
}

fn of_kept(method: Method, id: JobId, compared: &AttachedView) -> Result<Request, Failure> {
    let kept = compared.compared.as_deref().ok_or_else(|| {
        Failure::new(Exit::Unexpected, "the server compared the file and did not keep it")
            .hint("does the server run another version? compare `onward --version` on both sides")
    })?;
    let path = with_query(&format!("/api/v1/jobs/{id}/input"), &[("compared", kept)]);
    Ok(Request { method, path, body: Body::Empty, within: None })
}

/// A path with a query, percent-encoded.
fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let url = reqwest::Url::parse_with_params("http://onward", query)
        .expect("the address is a constant that parses");
    format!("{path}?{}", url.query().unwrap_or_default())
}

async fn read(mut answer: Answer) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(piece) = answer.body.next().await {
        all.extend_from_slice(&piece?);
        if all.len() > ANSWER_BYTES {
            return Err(Failure::new(Exit::Unexpected, "the answer is larger than any answer should be"));
        }
    }
    Ok(all)
}

async fn refused(answer: Answer) -> Failure {
    let status = answer.status;
    let body = match read(answer).await {
        Ok(body) => body,
        Err(failure) => return failure,
    };
    match serde_json::from_slice::<ProblemView>(&body) {
        Ok(problem) => problem.into(),
        Err(_) => {
            Failure::new(Exit::Unexpected, format!("the answer was {status} without a problem document"))
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| misunderstood(&error))
}

fn misunderstood(error: &serde_json::Error) -> Failure {
    Failure::new(Exit::Unexpected, format!("the answer cannot be understood: {error}"))
        .hint("does the server run another version? compare `onward --version` on both sides")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_percent_encoded() {
        assert_eq!(with_query("/jobs", &[("q", "a&b c"), ("limit", "5")]), "/jobs?q=a%26b+c&limit=5");
        assert_eq!(with_query("/jobs", &[]), "/jobs");
    }
}
