//! Answers of a target that knows our form: it says itself what became of each row.

use std::sync::Arc;

use onward_core::input::InputRow;
use onward_core::processor::Answer;
use onward_core::recipe::Missing;
use onward_core::row::Verdict;
use serde_json::Value as Json;

use crate::answers::{failed, not_now, refusal};
use crate::client::Received;
use crate::settings::Secrets;
use crate::wire::{self, FORM, Said};

/// Reads such answers.
pub(super) struct Ours {
    /// What becomes of a row that an answer leaves out.
    pub(super) missing: Missing,
}

impl Ours {
    /// The answer to one row.
    pub(super) fn one(&self, received: &Received, secrets: &Secrets) -> Answer {
        if let Some(answer) = refused(received, secrets) {
            return answer;
        }
        if is_empty(received) {
            return Answer::Done(Verdict::added());
        }
        match serde_json::from_slice::<Said>(&received.body) {
            Ok(said) => wire::answer(said, secrets),
            Err(error) => failed("bad-answer", format!("the answer is not {FORM}: {error}")),
        }
    }

    /// The answers to the rows of a batch; without a body all of them are added.
    pub(super) fn batch(
        &self,
        received: &Received,
        rows: &[Arc<InputRow>],
        secrets: &Secrets,
    ) -> Vec<Answer> {
        if let Some(answer) = refused(received, secrets) {
            return vec![answer; rows.len()];
        }
        if is_empty(received) {
            return vec![Answer::Done(Verdict::added()); rows.len()];
        }
        match wire::elements(&received.body) {
            Ok(elements) => wire::matched(rows, elements, self.missing, secrets),
            Err(error) => {
                let message = format!("the answer to a batch is not {{\"rows\": [{FORM}]}}: {error}");
                vec![failed("bad-answer", message); rows.len()]
            }
        }
    }
}

/// What a status that is no success means for every row of the call.
fn refused(received: &Received, secrets: &Secrets) -> Option<Answer> {
    if let Some(answer) = not_now(received) {
        return Some(answer);
    }
    if (200..300).contains(&received.status) {
        return None;
    }
    let body = serde_json::from_slice(&received.body).unwrap_or(Json::Null);
    Some(refusal(received, &body, secrets))
}

fn is_empty(received: &Received) -> bool {
    received.body.iter().all(u8::is_ascii_whitespace)
}
