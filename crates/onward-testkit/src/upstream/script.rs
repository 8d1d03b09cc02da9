//! How the upstream behaves: for everybody, and for single handles.

use std::collections::HashMap;
use std::time::Duration;

/// A whole script. Without one the upstream answers at once and well.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) latency: Duration,
    pub(super) handles: HashMap<String, Behaviour>,
}

impl Script {
    /// Every call takes this long.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
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
