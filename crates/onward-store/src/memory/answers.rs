//! Idempotency keys of the in-memory store.

use onward_core::clock::UnixMs;
use onward_core::store::Reservation;

use super::world::{KeptAnswer, World};

/// How long a key is remembered: a day, longer than any client goes on repeating a request.
const KEEP_MS: u64 = 86_400_000;

impl World {
    pub(super) fn reserve(&mut self, key: &str, fingerprint: &str, now: UnixMs) -> Reservation {
        self.answers.retain(|_, kept| now.ms_since(kept.at) < KEEP_MS);
        let Some(kept) = self.answers.get(key) else {
            let fresh = KeptAnswer { fingerprint: fingerprint.to_owned(), at: now, answer: None };
            self.answers.insert(key.to_owned(), fresh);
            return Reservation::Fresh;
        };
        if kept.fingerprint != fingerprint {
            return Reservation::Other;
        }
        match &kept.answer {
            Some((status, body)) => Reservation::Answered(*status, body.clone()),
            None => Reservation::Running,
        }
    }

    pub(super) fn keep_answer(&mut self, key: &str, answer: Option<(u16, String)>) {
        match answer {
            None => {
                self.answers.remove(key);
            }
            Some(answer) => {
                if let Some(kept) = self.answers.get_mut(key) {
                    kept.answer = Some(answer);
                }
            }
        }
    }
}
