//! What the upstream wrote down: every call, when it came, under which key, and how it ended.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::wait::now;

/// One call as the upstream saw it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whom it asked for.
    pub handle: String,
    /// The `Idempotency-Key` header.
    pub key: Option<String>,
    /// When it came in.
    pub began: Instant,
    /// When it was answered or given up.
    pub ended: Option<Instant>,
    /// How it ended.
    pub end: End,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Open,
    /// With this status, for good.
    Answered(u16),
    /// With an answer that leads to another call, as the script says.
    Refused(u16),
    /// The caller went away before the answer.
    Aborted,
}

/// The list of calls, shared between the server and the test.
#[derive(Debug, Clone, Default)]
pub(super) struct Witness {
    calls: Arc<Mutex<Vec<Call>>>,
    effects: Arc<Mutex<Effects>>,
    refusals: Arc<Mutex<HashMap<String, u32>>>,
}

/// What the calls have done.
#[derive(Debug, Default)]
struct Effects {
    counts: HashMap<String, u32>,
    keys: HashSet<String>,
}

impl Witness {
    /// Writes a call down; the entry ends when the guard does.
    pub(super) fn begin(&self, handle: &str, key: Option<String>) -> Entry {
        let mut calls = self.lock();
        let at = calls.len();
        calls.push(Call { handle: handle.to_owned(), key, began: now(), ended: None, end: End::Open });
        drop(calls);
        Entry { witness: self.clone(), at }
    }

    /// A copy of all calls so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// How many calls came in so far.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// How many calls have not ended.
    pub(super) fn open(&self) -> usize {
        self.lock().iter().filter(|call| call.end == End::Open).count()
    }

    /// How many calls for a handle were refused as the script says.
    pub(super) fn refused(&self, handle: &str) -> u32 {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.get(handle).copied().unwrap_or_default()
    }

    /// A call acts. With a key that was seen before it does not.
    pub(super) fn acted(&self, handle: &str, key: Option<String>) {
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        if key.is_none_or(|key| effects.keys.insert(key)) {
            *effects.counts.entry(handle.to_owned()).or_default() += 1;
        }
    }

    /// How often calls for a handle have acted.
    pub(super) fn effects(&self, handle: &str) -> u32 {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.counts.get(handle).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open call. Dropped without an end, it was aborted by the caller.
#[derive(Debug)]
pub(super) struct Entry {
    witness: Witness,
    at: usize,
}

impl Entry {
    /// How many calls came before it.
    pub(super) fn number(&self) -> usize {
        self.at
    }

    /// The call ends like this.
    pub(super) fn end(self, end: End) {
        self.close(end);
    }

    fn close(&self, end: End) {
        let mut calls = self.witness.lock();
        if let Some(call) = calls.get_mut(self.at).filter(|call| call.end == End::Open) {
            call.end = end;
            call.ended = Some(now());
            if matches!(end, End::Refused(_)) {
                let mut refusals = self.witness.refusals.lock().unwrap_or_else(PoisonError::into_inner);
                *refusals.entry(call.handle.clone()).or_default() += 1;
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.close(End::Aborted);
    }
}
