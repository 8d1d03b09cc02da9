//! The http work: one POST per row, and the target says what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use onward_core::input::InputRow;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, Processor};
use onward_core::recipe::Recipe;
use onward_core::row::{Outcome, Text, Verdict};
use reqwest::header::HeaderName;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::address::{self, IDEMPOTENCY_KEY};
use crate::answers::{failed, not_now, one_line, refusal};
use crate::client::{Client, Received};
use crate::fields;
use crate::invalid::{Wrong, problem};
use crate::settings::{Secrets, Settings};

/// W3C Trace Context, so that a target's traces can be joined with the row.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// A target's code is a short fixed word; longer ones are cut, in characters.
const MAX_CODE: usize = 64;
/// A target's message is a sentence; longer ones are cut, in characters.
const MAX_MESSAGE: usize = 1_000;

struct Http {
    client: Client,
    url: Url,
}

/// What the target is sent.
#[derive(Serialize)]
struct Sent<'a> {
    job_id: String,
    row: u64,
    attempt: u32,
    key: &'a str,
    fields: BTreeMap<&'a str, &'a str>,
}

/// What the target says.
#[derive(Deserialize)]
struct Said {
    outcome: Outcome,
    code: Option<String>,
    message: Option<String>,
    result: Option<Box<RawValue>>,
}

/// Makes the http work of a recipe.
pub(crate) fn build(recipe: &Recipe, settings: &Settings) -> Result<Arc<dyn Processor>, Problem> {
    let mut wrong = Wrong::new();
    let text = recipe.work.url.as_deref().unwrap_or_default();
    address::check_template(text, "work.url", &settings.outbound, &mut wrong)?;
    if text.contains("{{") {
        wrong.add("work.url", "`work.url` is the same for every row; the row is in the body of the call");
    }
    if let Some(problem) = problem(wrong) {
        return Err(problem);
    }
    match address::of_row(text) {
        Ok(url) => Ok(Arc::new(Http { client: Client::new(settings, &recipe.work)?, url })),
        Err(why) => {
            let mut wrong = Wrong::new();
            wrong.add("work.url", format!("`work.url`: {why}"));
            Err(problem(wrong).expect("one finding was just added"))
        }
    }
}

#[async_trait]
impl Processor for Http {
    fn calls_out(&self) -> bool {
        true
    }

    async fn process(&self, call: Call) -> Vec<Answer> {
        let own = fields::own(&call.columns);
        let mut answers = Vec::with_capacity(call.rows.len());
        for row in &call.rows {
            answers.push(self.one(&call, row, &own).await.unwrap_or_else(|answer| answer));
        }
        answers
    }
}

impl Http {
    async fn one(&self, call: &Call, row: &InputRow, own: &[(Arc<str>, usize)]) -> Result<Answer, Answer> {
        let values = own.iter().filter_map(|(name, at)| Some((&**name, row.fields.get(*at)?.as_str())));
        let sent = Sent {
            job_id: call.job.to_string(),
            row: row.index.row(),
            attempt: call.attempt,
            key: &row.key,
            fields: values.collect(),
        };
        let request = self
            .client
            .request(Method::POST, self.url.clone())
            .header(IDEMPOTENCY_KEY, call.idempotency_key(row))
            .header(TRACEPARENT, traceparent(call, row))
            .json(&sent)
            .build()
            .map_err(|_| failed("bad-request", "the row cannot be put into a call"))?;
        let received = self.client.send(request).await?;
        if let Some(answer) = not_now(&received) {
            return Err(answer);
        }
        Ok(answer(&received, self.client.secrets()))
    }
}

fn answer(received: &Received, secrets: &Secrets) -> Answer {
    if !(200..300).contains(&received.status) {
        let body = serde_json::from_slice(&received.body).unwrap_or(Json::Null);
        return refusal(received, &body, secrets);
    }
    if received.body.iter().all(u8::is_ascii_whitespace) {
        return Answer::Done(Verdict::added());
    }
    match serde_json::from_slice::<Said>(&received.body) {
        Ok(said) => Answer::Done(verdict(said, secrets)),
        Err(error) => {
            let form = "{\"outcome\": \"added\", \"skipped\", \"filtered\" or \"failed\"}";
            failed("bad-answer", format!("the answer is not {form}: {error}"))
        }
    }
}

fn verdict(said: Said, secrets: &Secrets) -> Verdict {
    let usual = said.outcome.word();
    let code = said.code.map(|code| one_line(&code, MAX_CODE)).filter(|code| !code.is_empty());
    let message = said.message.map(|message| secrets.hide(one_line(&message, MAX_MESSAGE)));
    let message = message.filter(|message| !message.is_empty());
    let mut verdict = Verdict::new(
        said.outcome,
        code.map_or(Text::from(usual), Text::from),
        message.map_or(Text::from(usual), Text::from),
    );
    verdict.result = said.result.map(|result| result.get().into());
    verdict
}

/// The trace is the job, the span is the row and its try.
fn traceparent(call: &Call, row: &InputRow) -> String {
    format!("00-{}-{:08x}{:08x}-01", call.job.0.simple(), row.index.row(), call.attempt)
}
