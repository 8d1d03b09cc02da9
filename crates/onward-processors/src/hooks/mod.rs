//! Sends deliveries to the hooks of a recipe: signed as Standard Webhooks says, through the same guard as every
//! other call, once. When to try again is decided in the core.

mod body;
mod signature;

use std::time::Duration;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use onward_core::clock::UnixMs;
use onward_core::hook::{CALL_MS, Courier, Delivery, Sent};
use onward_core::problem::{Code, Problem};
use onward_core::recipe::Hook;
use url::Url;

use crate::answers::asked_wait_by;
use crate::client::Broken;
use crate::invalid::{Wrong, problem};
use crate::settings::{SECRET_PREFIX, Settings, missing_secret};
use crate::transport::{Request, Transport};
use signature::Key;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Secrets that sign one delivery, at most: the one in use and the one it is replaced by.
const MAX_KEYS: usize = 2;
/// Connections to one receiver that are kept for the next delivery.
const IDLE: usize = 2;

/// Sends deliveries over HTTP.
#[derive(Debug)]
pub struct HookCourier {
    transport: Transport,
    settings: Settings,
}

impl HookCourier {
    /// A courier with connections of its own.
    ///
    /// # Errors
    /// `internal` when HTTP cannot be set up on this machine.
    pub fn new(settings: &Settings) -> Result<Self, Problem> {
        let transport = Transport::new(&settings.outbound, Duration::from_millis(CALL_MS), IDLE)?;
        Ok(Self { transport, settings: settings.clone() })
    }

    /// What a delivery is signed with: every secret of the hook. The value of one may hold two with a space
    /// between, so that the secret of a job that is stored already can be replaced.
    fn keys(&self, hook: &Hook) -> Result<Vec<Key>, NoKey> {
        let mut keys = Vec::new();
        for name in hook.secret_names() {
            let value = self.settings.secrets.get(name).ok_or_else(|| NoKey::Missing(name.to_owned()))?;
            for text in value.split_ascii_whitespace() {
                let key =
                    Key::parse(text).map_err(|why| NoKey::Bad(format!("{SECRET_PREFIX}{name} {why}")))?;
                keys.push(key);
            }
        }
        match keys.len() {
            0 => Err(NoKey::Bad(String::from("the hook has no secret to sign with"))),
            1..=MAX_KEYS => Ok(keys),
            more => Err(NoKey::Bad(format!("the hook has {more} secrets; at most {MAX_KEYS} may be in use"))),
        }
    }

    fn request(&self, hook: &Hook, delivery: &Delivery, now: UnixMs) -> Result<Request, String> {
        let keys = self.keys(hook).map_err(|no_key| no_key.message())?;
        let url = Url::parse(&hook.url).map_err(|error| format!("`{}` is no address: {error}", hook.url))?;
        self.settings.outbound.check_url(&url).map_err(|refused| refused.to_string())?;
        let base = self.settings.public_url.as_deref().unwrap_or_default();
        let (id, seconds, body) = (&delivery.new.id, now.0 / 1_000, body::of(delivery, base));
        let header = |text: String| HeaderValue::from_str(&text).map_err(|_| String::from("an odd id"));
        let signature = signature::signatures(&keys, id, seconds, &body);
        http::Request::post(url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ID, header(id.clone())?)
            .header(TIMESTAMP, header(seconds.to_string())?)
            .header(SIGNATURE, header(signature)?)
            .body(body.into())
            .map(Box::new)
            .map_err(|_| String::from("the delivery cannot be put into a call"))
    }
}

/// Why nothing can be signed.
enum NoKey {
    Missing(String),
    Bad(String),
}

impl NoKey {
    fn message(self) -> String {
        match self {
            Self::Missing(name) => missing_secret(&name).message,
            Self::Bad(why) => why,
        }
    }
}

#[async_trait]
impl Courier for HookCourier {
    fn check(&self, hooks: &[Hook]) -> Result<(), Problem> {
        let mut wrong = Wrong::new();
        for (at, hook) in hooks.iter().enumerate() {
            match Url::parse(&hook.url) {
                Ok(url) => self
                    .settings
                    .outbound
                    .check_url(&url)
                    .map_err(|refused| Problem::new(Code::BlockedAddress, refused.to_string()))?,
                Err(error) => {
                    wrong.add(&format!("hooks.{at}.url"), format!("`{}` is no address: {error}", hook.url));
                }
            }
            match self.keys(hook) {
                Ok(_) => {}
                Err(NoKey::Missing(name)) => {
                    let missing = missing_secret(&name);
                    return Err(Problem::new(missing.code, missing.message));
                }
                Err(NoKey::Bad(why)) => wrong.add(&format!("hooks.{at}.secret"), why),
            }
        }
        problem(wrong).map_or(Ok(()), Err)
    }

    async fn send(&self, hook: &Hook, delivery: &Delivery, now: UnixMs) -> Sent {
        let unsent = |message| Sent { status: None, message, retry_after_ms: None };
        let request = match self.request(hook, delivery, now) {
            Ok(request) => request,
            Err(why) => return unsent(why),
        };
        let sent = tokio::time::timeout(Duration::from_millis(CALL_MS), self.transport.send(request)).await;
        let late = || format!("did not answer within {} s", CALL_MS / 1_000);
        match sent {
            // What the receiver says beyond its status is not asked for: the body stays unread.
            Ok(Ok(answering)) => {
                let head = answering.finish();
                let status = head.status().as_u16();
                let message = match status {
                    300..=399 => format!("answered {status}; redirects are not followed"),
                    _ => format!("answered {status}"),
                };
                Sent { status: Some(status), message, retry_after_ms: asked_wait_by(head.headers()) }
            }
            Ok(Err(why)) => match Broken::of(&why) {
                Broken::Blocked(refused) => unsent(refused.to_string()),
                Broken::Passing { code: "timeout", .. } => unsent(late()),
                Broken::Passing { message, .. } => unsent(message.to_owned()),
            },
            Err(_) => unsent(late()),
        }
    }
}
