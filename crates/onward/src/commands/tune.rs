//! `onward tune JOB`: changes name, rate, concurrency or breaker, also while the job runs.

use serde_json::{Map, Value};

use crate::args::Tune;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::text::{count, plain};
use crate::{jobs, output};

/// Prints the limits that hold now.
pub(super) async fn run(config: &Config, verb: &Tune) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let changes = [
        ("rate", verb.rate.as_deref().map(rate)),
        ("concurrency", verb.concurrency.map(Value::from)),
        ("breaker", verb.breaker.map(Value::from)),
        ("name", verb.name.clone().map(Value::from)),
    ];
    let changes: Map<String, Value> =
        changes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let job = client.tune(id, &Value::Object(changes)).await?;
    if verb.output.json {
        output::json::print(&job);
        return Ok(Exit::Done);
    }
    let concurrency = job.concurrency.map(|calls| format!("{} calls at once", count(calls.into())));
    let rate = job.rate.as_deref().unwrap_or("no limit of the rate");
    let breaker = match job.breaker {
        None | Some(0) => "no breaker".to_owned(),
        Some(failures) => format!("held after {failures} failures in a row"),
    };
    let limits = [concurrency.unwrap_or_default(), rate.to_owned(), breaker];
    output::say(&format!("{}: {}", plain(&job.name), limits.join(", ")));
    Ok(Exit::Done)
}

/// What the API takes: `null` lifts the limit.
fn rate(said: &str) -> Value {
    if said.eq_ignore_ascii_case("none") { Value::Null } else { Value::from(said) }
}
