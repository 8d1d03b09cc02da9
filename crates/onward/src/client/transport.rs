//! The two ways to the API: over TCP to a running server, or to the same router in this process.

use std::time::Duration;

use axum::Router;
use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{self, Method};
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use tower::ServiceExt;

use crate::exit_code::{Exit, Failure};

/// A server on this machine accepts a connection at once; longer means that it is frozen.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Says on the timeline of a job that the command line asked.
const AGENT: &str = concat!("onward/", env!("CARGO_PKG_VERSION"));

/// A way to the API. Everything above it is the same code, whoever holds the store.
pub(crate) enum Transport {
    /// A server holds the store.
    Http {
        /// The connections to it.
        http: reqwest::Client,
        /// Its address, as `http://127.0.0.1:7313`.
        base: String,
    },
    /// This process has the store open.
    InProcess {
        /// The server's router.
        router: Router,
        /// The host name the router answers to.
        host: String,
    },
}

/// A request.
pub(crate) struct Request {
    /// GET, POST or DELETE.
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) path: String,
    /// What it carries.
    pub(crate) body: Body,
    /// No answer for so long means that none will come; `None` where a large file takes its time.
    pub(crate) within: Option<Duration>,
}

/// What a request carries.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(String),
    /// A stream with its content type.
    Stream(String, BoxStream<'static, std::io::Result<Bytes>>),
}

/// An answer whose body has still to be read.
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: BoxStream<'static, Result<Bytes, Failure>>,
}

impl Transport {
    /// The way to a server.
    pub(crate) fn http(base: String) -> Result<Self, Failure> {
        onward_processors::tls::ready();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .user_agent(AGENT)
            // A proxy of the environment must not come between two processes of one machine.
            .no_proxy()
            .build()
            .map_err(|error| {
                Failure::new(Exit::Unexpected, format!("failed to make an HTTP client: {error}"))
            })?;
        Ok(Self::Http { http, base })
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Failure> {
        match self {
            Self::Http { http, base } => over_tcp(http, base, request).await,
            Self::InProcess { router, host } => in_process(router, host, request).await,
        }
    }
}

async fn over_tcp(http: &reqwest::Client, base: &str, request: Request) -> Result<Answer, Failure> {
    let unreachable = unreachable(base);
    let mut builder = http.request(request.method, format!("{base}{}", request.path));
    if let Some(within) = request.within {
        builder = builder.timeout(within);
    }
    builder = match request.body {
        Body::Empty => builder,
        Body::Json(text) => builder.header(CONTENT_TYPE, "application/json").body(text),
        Body::Stream(kind, stream) => {
            builder.header(CONTENT_TYPE, kind).body(reqwest::Body::wrap_stream(stream))
        }
    };
    let answer = builder.send().await.map_err(&unreachable)?;
    let status = answer.status().as_u16();
    Ok(Answer { status, body: answer.bytes_stream().map(move |chunk| chunk.map_err(&unreachable)).boxed() })
}

fn unreachable(base: &str) -> impl Fn(reqwest::Error) -> Failure + Send + use<> {
    let base = base.to_owned();
    move |error| {
        let why = if error.is_timeout() { "it took too long".to_owned() } else { root_cause(&error) };
        Failure::new(Exit::Unreachable, format!("the server at {base} does not answer: {why}"))
    }
}

/// The innermost cause: the outer ones only repeat that a request failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

async fn in_process(router: &Router, host: &str, request: Request) -> Result<Answer, Failure> {
    let builder = http::Request::builder()
        .method(request.method)
        .uri(request.path)
        .header(HOST, host)
        .header(USER_AGENT, AGENT);
    let built = match request.body {
        Body::Empty => builder.body(axum::body::Body::empty()),
        Body::Json(text) => builder.header(CONTENT_TYPE, "application/json").body(text.into()),
        Body::Stream(kind, stream) => {
            builder.header(CONTENT_TYPE, kind).body(axum::body::Body::from_stream(stream))
        }
    };
    let unexpected = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Unexpected, format!("a request within this process failed: {error}"))
    };
    let asked = built.map_err(|error| unexpected(&error))?;
    let answer = match router.clone().oneshot(asked).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status().as_u16();
    let body = answer.into_body().into_data_stream();
    Ok(Answer { status, body: body.map(move |chunk| chunk.map_err(|error| unexpected(&error))).boxed() })
}
