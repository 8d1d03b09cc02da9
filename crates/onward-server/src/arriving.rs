//! Idempotency keys of uploads that are still arriving: the store cannot know them, as it names a request by its body.
//!
//! A second request under such a key gets 409 `key-in-use` before its own body is read. Each server knows the uploads
//! that arrive at it; at another one they are told apart once both have arrived, by the store.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;

use crate::idempotency::{in_use, key_of};
use crate::problem::Failure;

/// The keys of uploads that arrive at this server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arriving(Arc<Mutex<HashSet<String>>>);

/// One upload that arrives, as long as it lives; gone with the client as well.
#[derive(Debug)]
pub(crate) struct Arrival {
    key: Option<String>,
    all: Arriving,
}

impl Arriving {
    /// An upload begins to arrive.
    ///
    /// # Errors
    /// `key-in-use` while another one arrives under the same key, `bad-request` for what is no key.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Result<Arrival, Failure> {
        let key = key_of(headers)?;
        if let Some(key) = &key
            && !self.keys().insert(key.clone())
        {
            return Err(in_use());
        }
        Ok(Arrival { key, all: self.clone() })
    }

    /// Whether an upload arrives under this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.keys().contains(key)
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    /// The key, if the request names one.
    pub(crate) fn key(&self) -> Option<String> {
        self.key.clone()
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.all.keys().remove(key);
        }
    }
}
