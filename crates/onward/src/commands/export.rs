//! `onward export JOB`: the input's columns and what became of each row.

use futures::StreamExt;
use tokio::io::AsyncWriteExt;

use crate::args::{Export, Format};
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::{jobs, output};

/// Writes the export to stdout, or to a file that appears whole or not at all.
pub(super) async fn run(config: &Config, verb: &Export) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let format = match verb.format {
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
    };
    let mut query = vec![("format", format)];
    query.extend(verb.outcome.as_deref().map(|outcome| ("outcome", outcome)));
    let mut export = client.export(id, &query).await?;
    let Some(path) = &verb.output else {
        while let Some(piece) = export.next().await {
            if !output::bytes(&piece?) {
                break;
            }
        }
        return Ok(Exit::Done);
    };
    let unfinished = path.with_extension("part");
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Unexpected, format!("failed to write {}: {error}", path.display()))
    };
    let mut file = tokio::fs::File::create(&unfinished).await.map_err(failed)?;
    while let Some(piece) = export.next().await {
        file.write_all(&piece?).await.map_err(failed)?;
    }
    file.sync_all().await.map_err(failed)?;
    tokio::fs::rename(&unfinished, path).await.map_err(failed)?;
    output::say(&format!("written to {}", path.display()));
    Ok(Exit::Done)
}
