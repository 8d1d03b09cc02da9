//! A server that hooks tell: it writes down every delivery and answers as it is told to. Signatures are checked
//! with another implementation of HMAC than the program's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use tokio::sync::watch;

use crate::serving::Serving;

/// A secret of the tests.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Another one.
pub const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A running receiver. Ends when dropped.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
    serving: Serving,
}

#[derive(Debug)]
struct Shared {
    letters: Mutex<Vec<Letter>>,
    answers: Mutex<VecDeque<Answer>>,
    held: watch::Sender<bool>,
}

/// A status, and a header that goes with it.
type Answer = (u16, Option<(&'static str, String)>);

/// A delivery as it came in.
#[derive(Debug, Clone)]
pub struct Letter {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// `content-type`.
    pub content_type: String,
    /// The body, byte by byte.
    pub body: Vec<u8>,
}

impl Letter {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// What it tells of, such as `job.completed`.
    #[must_use]
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether one of its signatures was made with this secret.
    ///
    /// # Errors
    /// When the secret is none.
    pub fn is_signed_with(&self, secret: &str) -> Result<bool> {
        let encoded = secret.strip_prefix("whsec_").context("a secret begins with whsec_")?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(encoded)?);
        let signed =
            [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body.as_slice()].concat();
        Ok(self.signature.split(' ').any(|one| {
            let tag = one.strip_prefix("v1,").and_then(|tag| STANDARD.decode(tag).ok());
            tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
        }))
    }
}

impl Receiver {
    /// Starts one that says yes to everything.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn start() -> Result<Self> {
        let held = watch::Sender::new(false);
        let shared = Arc::new(Shared { letters: Mutex::default(), answers: Mutex::default(), held });
        let router = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&shared));
        Ok(Self { shared, serving: Serving::start("receiver", router)? })
    }

    /// The address of its hook.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/hook", self.serving.url())
    }

    /// The table of a recipe that tells it of everything, with the secret in `ONWARD_SECRET_HOOK`.
    #[must_use]
    pub fn recipe(&self) -> String {
        format!("\n[[hooks]]\nurl = \"{}\"\nsecret = \"{{{{ secret.HOOK }}}}\"\n", self.url())
    }

    /// The next deliveries are answered with these, one each; those after them with yes.
    pub fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        locked(&self.shared.answers).extend(statuses.into_iter().map(|status| (status, None)));
    }

    /// The next delivery is answered with this status and this header.
    pub fn answer_with(&self, status: u16, header: &'static str, value: &str) {
        locked(&self.shared.answers).push_back((status, Some((header, value.to_owned()))));
    }

    /// From now on no delivery is answered before [`Receiver::release`].
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Answers what was held back.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Every delivery so far.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        locked(&self.shared.letters).clone()
    }

    /// What the deliveries so far tell of, in the order of their arrival.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        self.letters().iter().map(Letter::kind).collect()
    }

    /// The deliveries so far, each of which must be signed with this secret and with no other.
    ///
    /// # Errors
    /// When one is not.
    pub fn signed_letters(&self, secret: &str) -> Result<Vec<Letter>> {
        let letters = self.letters();
        let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for letter in &letters {
            ensure!(letter.is_signed_with(secret)?, "the signature is not that of the secret: {letter:?}");
            ensure!(!letter.is_signed_with(stranger)?, "any secret would do: {letter:?}");
        }
        Ok(letters)
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let letter = Letter {
        id: text("webhook-id").to_owned(),
        timestamp: text("webhook-timestamp").to_owned(),
        signature: text("webhook-signature").to_owned(),
        content_type: text("content-type").to_owned(),
        body: body.to_vec(),
    };
    locked(&shared.letters).push(letter);
    // The sender is shared state and outlives every call, so waiting cannot fail.
    drop(shared.held.subscribe().wait_for(|held| !held).await);
    let (status, header) = locked(&shared.answers).pop_front().unwrap_or((200, None));
    let mut response = StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response();
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
