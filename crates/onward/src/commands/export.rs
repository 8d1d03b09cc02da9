//! `onward export JOB`: the input's columns and what became of each row.

use futures::StreamExt;
use onward_core::hex::hex;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::args::{Export, Format};
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::{jobs, output};

/// Writes the export to stdout, or to a file that appears whole or not at all.
pub(super) async fn run(config: &Config, verb: &Export) -> Result<Exit, Failure> {
    if verb.json && verb.output.is_none() {
        let message =
            "--json says what was written to a file, and without --output the export itself goes to stdout";
        return Err(Failure::new(Exit::Usage, message)
            .hint("write it to a file with --output FILE, or print the rows as JSON with --format ndjson"));
    }
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
    let (mut bytes, mut hash) = (0, Sha256::new());
    while let Some(piece) = export.next().await {
        let piece = piece?;
        bytes += piece.len() as u64;
        hash.update(&piece);
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.sync_all().await.map_err(failed)?;
    tokio::fs::rename(&unfinished, path).await.map_err(failed)?;
    if verb.json {
        output::json::print(&json!({
            "job_id": id.to_string(),
            "file": path.display().to_string(),
            "format": format,
            "outcome": verb.outcome,
            "bytes": bytes,
            "sha256": hex(&hash.finalize()),
        }));
    } else {
        output::say(&format!("written to {}", path.display()));
    }
    Ok(Exit::Done)
}
