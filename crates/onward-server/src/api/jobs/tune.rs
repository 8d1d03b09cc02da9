//! `PATCH /api/v1/jobs/{id}`: name, rate, concurrency and breaker, live.

use axum::Json;
use axum::extract::State;
use onward_core::id::JobId;
use onward_core::pace::{BadRate, RateLimit};
use onward_core::problem::Code;
use onward_engine::Limits;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::api::extract::{JobPath, JsonBody};
use crate::api::view::JobView;
use crate::api::who::{Who, about_job};
use crate::problem::{Failure, Result};
use crate::state::App;

/// The most calls in flight, and the most failures in a row, that may be asked for: the recipe's own limit.
const MAX_LIMIT: u64 = 10_000;
/// The longest name; a card shows half of it.
const MAX_NAME_CHARS: usize = 200;

/// The body; what is left out stays as it is, and so does what is `null`, except the rate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Tune)]
pub struct Body {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Calls per time, such as `50/min`; `null` lifts the limit, the recipe's as well.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    pub rate: Option<Option<String>>,
    /// Calls in flight, 1 to 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub concurrency: Option<Number>,
    /// Failures in a row that hold the job, 0 to 10,000; 0 means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub breaker: Option<Number>,
}

/// Answers the job as it is now.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<JobView>> {
    run(&app, id, body, who).await.map(Json)
}

/// Changes name and limits.
///
/// # Errors
/// As the engine's `tune`, `epoch-moved`, and `invalid-limit` for what is out of its range.
pub async fn run(app: &App, id: JobId, body: Body, who: Who) -> Result<JobView> {
    let concurrency = body.concurrency.as_ref().map(|asked| whole("concurrency", asked, 1)).transpose()?;
    let breaker = body.breaker.as_ref().map(|asked| whole("breaker", asked, 0)).transpose()?;
    let rate = body.rate.map(limit).transpose().map_err(|error| out_of_range("rate", &error.to_string()))?;
    let name = body.name.map(|name| name.trim().to_owned());
    if let Some(name) = &name {
        let fits =
            (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !fits {
            let range = format!("a name has 1 to {MAX_NAME_CHARS} characters, no control characters");
            return Err(out_of_range("name", &range));
        }
    }
    who.check(app, id).await?;
    match app.engine.tune(id, name, Limits { concurrency, rate, breaker }, who.actor).await {
        Ok(snapshot) => Ok(app.view(&snapshot)),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}

/// A field that is there, also when it is `null`; one that is left out never comes here.
fn named<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn limit(rate: Option<String>) -> std::result::Result<RateLimit, BadRate> {
    rate.map_or(Ok(RateLimit::Lifted), |rate| rate.trim().parse().map(RateLimit::At))
}

fn whole(name: &str, asked: &Number, least: u64) -> Result<u32> {
    let within = asked.as_u64().filter(|asked| (least..=MAX_LIMIT).contains(asked));
    let within = within.and_then(|asked| u32::try_from(asked).ok());
    within.ok_or_else(|| out_of_range(name, &format!("{name} is a whole number from {least} to {MAX_LIMIT}")))
}

fn out_of_range(name: &str, range: &str) -> Failure {
    Failure::new(Code::InvalidLimit, format!("In `{name}`: {range}.")).with("parameter", name)
}
