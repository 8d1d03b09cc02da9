//! How the upstream behaves: for everybody, and for single handles.

use std::collections::HashMap;
use std::time::Duration;

/// A whole script. Without one the upstream answers at once and well.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) latency: Duration,
    pub(super) handles: HashMap<String, Behaviour>,
    pub(super) honours_keys: bool,
}

impl Script {
    /// Every call takes this long.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// A call under a key that was seen before acts no second time.
    #[must_use]
    pub fn honours_keys(mut self) -> Self {
        self.honours_keys = true;
        self
    }

    /// Calls for one handle behave like this.
    #[must_use]
    pub fn handle(mut self, handle: impl Into<String>, behaviour: Behaviour) -> Self {
        self.handles.insert(handle.into(), behaviour);
        self
    }
}

/// How calls for one handle behave.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    pub(super) latency: Option<Duration>,
    pub(super) followers: u64,
    pub(super) reply: Reply,
}

/// What calls for one handle are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// 200 with the creator.
    Found,
    /// Nothing, until [`super::Upstream::release_hung`]; then 200 with the creator.
    Hang,
    /// The same, but the call has acted at once.
    ActsAndHangs,
    /// 500 for the first calls, then 200 with the creator.
    ServerError {
        /// How many calls are refused.
        times: u32,
    },
    /// 429 with `Retry-After` for the first calls, then 200 with the creator.
    Throttle {
        /// How many calls are refused.
        times: u32,
        /// What `Retry-After` says, in seconds.
        retry_after_s: u32,
    },
    /// 403: a private profile.
    Forbidden,
    /// 200 with a body that says there is nobody.
    NotFound,
    /// The call acts, and the connection breaks in the middle of the answer, for the first calls.
    Lost {
        /// How many answers are lost.
        times: u32,
    },
    /// 404 at the first call, as a target may say that throttles; then 200 with the creator.
    NotFoundOnce,
    /// 429 with the reset in this form for the first call, then 200 with the creator.
    Storm(Reset),
    /// 200 with the creator, and headers that say: no call is left for a second.
    LastCall,
    /// 200 and `{"error": true, "status": 400}`.
    ErrorInside,
    /// 403 as a used-up quota says it.
    QuotaExceeded,
    /// 200 and a page for people.
    Html,
    /// 200 and JSON that ends too early.
    Truncated,
    /// 200 and a body without an end.
    Endless,
    /// 200 and two megabytes packed into two kilobytes.
    Bomb,
    /// 200 and one byte in a tenth of a second.
    Dripping,
    /// 302 to the same creator at another path, with a cookie.
    Moved,
}

/// How a target says when it may be asked again: in about a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// `Retry-After` in seconds.
    Seconds,
    /// `Retry-After` as a date.
    Date,
    /// `RateLimit-Reset` in seconds.
    RateLimit,
    /// `X-RateLimit-Reset` in seconds.
    Delta,
    /// `X-RateLimit-Reset` as seconds since 1970.
    Epoch,
    /// `X-RateLimit-Reset` as milliseconds since 1970.
    EpochMs,
}

impl Reset {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Seconds, Self::Date, Self::RateLimit, Self::Delta, Self::Epoch, Self::EpochMs];
}

/// Followers of a creator about whom the script says nothing.
pub const FOLLOWERS: u64 = 52_000;

impl Default for Behaviour {
    fn default() -> Self {
        Self { latency: None, followers: FOLLOWERS, reply: Reply::Found }
    }
}

impl Behaviour {
    /// Answers like this.
    #[must_use]
    pub fn reply(reply: Reply) -> Self {
        Self { reply, ..Self::default() }
    }

    /// Takes this long instead of the script's latency.
    #[must_use]
    pub fn slow(latency: Duration) -> Self {
        Self { latency: Some(latency), ..Self::default() }
    }

    /// Has so many followers.
    #[must_use]
    pub fn followers(followers: u64) -> Self {
        Self { followers, ..Self::default() }
    }
}
