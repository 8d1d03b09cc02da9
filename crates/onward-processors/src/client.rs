//! One HTTP call: sent without proxies or retries of its own, answered within bounds. Redirects are not
//! followed unless the recipe says so, and then each one is checked like the address itself.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use onward_core::problem::{Code, Problem};
use onward_core::processor::{Answer, Told};
use onward_core::recipe::Work;
use reqwest::Request;
use reqwest::header::HeaderMap;
use serde_json::Value as Json;

use crate::answers::failed;
use crate::outbound::{Guard, Outbound, Refused};
use crate::redirect;
use crate::scope::{Fetched, Headers};
use crate::settings::{Secrets, Settings};

/// An answer's body is at most so long once unpacked, in bytes: a creator is a page of JSON.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// A connection that takes longer will not come; in milliseconds.
const MAX_CONNECT_MS: u64 = 10_000;
/// Idle connections are dropped after this, in seconds: less than the usual 60 s of servers and load
/// balancers, so that a call rarely meets a connection that was just closed.
const IDLE_S: u64 = 30;
/// How the program names itself to targets.
const USER_AGENT: &str = concat!("onward/", env!("CARGO_PKG_VERSION"));

/// Sends calls for one job.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    outbound: Outbound,
    secrets: Secrets,
    redirects: u32,
}

/// An HTTP client that goes nowhere but where it may: no proxy, no redirect, no name that leads inside.
pub(crate) fn guarded(
    outbound: &Outbound,
    connect: Duration,
    idle: usize,
) -> Result<reqwest::Client, Problem> {
    crate::tls::ready();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .dns_resolver(Guard(outbound.clone()))
        .connect_timeout(connect.min(Duration::from_millis(MAX_CONNECT_MS)))
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(Duration::from_secs(IDLE_S))
        .build()
        .map_err(|error| Problem::new(Code::Internal, format!("failed to set up HTTP: {error}")))
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client with a pool of its own.
    pub(crate) fn new(settings: &Settings, work: &Work, redirects: u32) -> Result<Self, Problem> {
        let connect = Duration::from_millis(work.timeout);
        let http =
            guarded(&settings.outbound, connect, usize::try_from(work.concurrency).unwrap_or(usize::MAX))?;
        Ok(Self { http, outbound: settings.outbound.clone(), secrets: settings.secrets.clone(), redirects })
    }

    /// The secrets, to keep them out of messages.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Sends it and reads the answer to its end. The error is what becomes of the row.
    /// The status counts as soon as it is there, whatever becomes of the rest of the answer.
    pub(crate) async fn send(&self, mut request: Request, told: &Told) -> Result<Received, Answer> {
        let mut left = self.redirects;
        loop {
            self.outbound.check_url(request.url()).map_err(|refused| blocked(&refused))?;
            let again = if left > 0 { request.try_clone() } else { None };
            let response = self.http.execute(request).await.map_err(|error| broken(&error))?;
            told.answered(response.status().as_u16());
            match again.and_then(|again| redirect::next(again, &response)) {
                Some(next) => request = next?,
                None => return read(response).await,
            }
            left -= 1;
        }
    }
}

impl Received {
    /// The answer as expressions see it: a body that is no JSON is missing.
    pub(crate) fn fetched(&self) -> Fetched {
        let body = serde_json::from_slice(&self.body).unwrap_or(Json::Null);
        Fetched { status: self.status, headers: Headers::of(Arc::clone(&self.headers)), body }
    }
}

async fn read(mut response: reqwest::Response) -> Result<Received, Answer> {
    let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + chunk.len() > MAX_BODY {
            let message = format!("the answer is longer than {MAX_BODY} bytes");
            return Err(failed("answer-too-large", message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Received { status, headers: Arc::new(headers), body })
}

fn blocked(refused: &Refused) -> Answer {
    failed("blocked-address", refused.to_string())
}

/// Why a call did not come to an answer. The URL is left out: it may hold what the row holds.
pub(crate) enum Broken {
    /// The name leads to where nothing may be called.
    Blocked(Refused),
    /// It may be better at another time.
    Passing {
        /// A short fixed word.
        code: &'static str,
        /// A sentence.
        message: &'static str,
    },
}

impl Broken {
    /// What an error means.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(refused) = inner.downcast_ref::<Refused>() {
                return Self::Blocked(refused.clone());
            }
            cause = inner.source();
        }
        let (code, message) = if error.is_timeout() {
            ("timeout", "the target did not take the connection in time")
        } else if error.is_connect() {
            ("unreachable", "the target cannot be reached")
        } else if error.is_body() || error.is_decode() {
            ("broken-answer", "the answer broke off or could not be unpacked")
        } else {
            ("broken-connection", "the connection to the target broke")
        };
        Self::Passing { code, message }
    }
}

fn broken(error: &reqwest::Error) -> Answer {
    match Broken::of(error) {
        Broken::Blocked(refused) => blocked(&refused),
        Broken::Passing { code, message } => {
            Answer::Retry { code: code.into(), message: message.into(), wait_ms: None }
        }
    }
}
