//! One HTTP call: sent without proxies or retries of its own, answered within bounds. Redirects are not
//! followed unless the recipe says so, and then each one is checked like the address itself.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderMap;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Told};
use onward_core::recipe::Work;
use serde_json::Value as Json;

use crate::answers::failed;
use crate::outbound::{Outbound, Refused};
use crate::redirect;
use crate::scope::{Fetched, Headers};
use crate::settings::{Secrets, Settings};
use crate::transport::{Request, Transport, Unsent};
use crate::unpack::{Body, MAX_BODY, Unusable};

/// Sends calls for one job.
#[derive(Debug)]
pub(crate) struct Client {
    transport: Transport,
    outbound: Outbound,
    secrets: Secrets,
    redirects: u32,
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
        let idle = usize::try_from(work.concurrency).unwrap_or(usize::MAX);
        let transport = Transport::new(&settings.outbound, connect, idle)?;
        Ok(Self {
            transport,
            outbound: settings.outbound.clone(),
            secrets: settings.secrets.clone(),
            redirects,
        })
    }

    /// The secrets, to keep them out of messages.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Sends it and reads the answer to its end. The error is what becomes of the row.
    /// The status counts as soon as it is there, whatever becomes of the rest of the answer.
    pub(crate) async fn send(&self, mut request: Request, told: &Told) -> Result<Received, Answer> {
        let mut left = self.redirects;
        let mut answering = loop {
            let again = (left > 0).then(|| request.clone());
            let answering = self.transport.send(request).await.map_err(|unsent| Broken::of(&unsent))?;
            told.answered(answering.head().status().as_u16());
            match again.and_then(|again| redirect::next(again, answering.head(), &self.outbound)) {
                Some(next) => request = next?,
                None => break answering,
            }
            answering.finish();
            left -= 1;
        };
        let mut body = Body::of(answering.headers_mut());
        while let Some(piece) = answering.piece().await {
            body.take(&piece.map_err(|_| Broken::ANSWER)?)?;
        }
        let (head, ()) = answering.finish().into_parts();
        Ok(Received { status: head.status.as_u16(), headers: Arc::new(head.headers), body: body.end()? })
    }
}

impl Received {
    /// The answer as expressions see it: a body that is no JSON is missing.
    pub(crate) fn fetched(&self) -> Fetched {
        let body = serde_json::from_slice(&self.body).unwrap_or(Json::Null);
        Fetched { status: self.status, headers: Headers::of(Arc::clone(&self.headers)), body }
    }
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
    const ANSWER: Self = Self::passing("broken-answer", "the answer broke off or could not be unpacked");

    const fn passing(code: &'static str, message: &'static str) -> Self {
        Self::Passing { code, message }
    }

    /// What an error means.
    pub(crate) fn of(unsent: &Unsent) -> Self {
        let Unsent::Unconnected(error) = unsent else {
            return Self::passing("broken-connection", "the connection to the target broke");
        };
        let mut cause: Option<&(dyn Error + 'static)> = Some(&**error);
        while let Some(inner) = cause {
            if let Some(refused) = inner.downcast_ref::<Refused>() {
                return Self::Blocked(refused.clone());
            }
            let io = inner.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
                return Self::passing("timeout", "the target did not take the connection in time");
            }
            cause = inner.source();
        }
        Self::passing("unreachable", "the target cannot be reached")
    }
}

impl From<Broken> for Answer {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Blocked(refused) => refused.into(),
            Broken::Passing { code, message } => {
                Self::Retry { code: code.into(), message: message.into(), wait_ms: None }
            }
        }
    }
}

impl From<Unusable> for Answer {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::TooLarge => {
                failed("answer-too-large", format!("the answer is longer than {MAX_BODY} bytes"))
            }
            Unusable::Broken => Broken::ANSWER.into(),
        }
    }
}
