//! `GET /api/v1/jobs/{id}/input`: the file a job works on, as it was taken: every record in order.
//!
//! The snapshot is kept as records, so the file comes back in UTF-8, with its own delimiter and
//! without blank lines; a record that was too short has all its columns. It is written while it is
//! sent, a chunk at a time.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use onward_core::id::{InputId, SpanNo};
use onward_core::input::spans;
use onward_core::problem::{Code, Problem};
use onward_intake::unpack;
use tokio::task::spawn_blocking;

use crate::api::extract::JobPath;
use crate::api::jobs::export::attachment;
use crate::api::jobs::table::{Format, Safety, Table};
use crate::api::who::about_job;
use crate::problem::Result;
use crate::state::App;

/// Answers the file.
pub async fn handle(State(app): State<App>, JobPath(id): JobPath) -> Result<Response> {
    let job = app.engine.job(id).await?.job;
    let summary = app.engine.store().input(job.input.id).await?;
    let Some(summary) = summary.filter(|_| job.input.available) else {
        let problem = Problem::new(Code::InputGone, "the CSV of this job is gone");
        return Err(about_job(&app, id, problem).await);
    };
    let has_header = summary.format.header;
    let table = Table::new(summary.columns, summary.format.delimiter, Format::Csv, Safety::Exact);
    let mut head = Vec::new();
    if has_header {
        table.line(table.columns.iter().map(String::as_str), &mut head);
    }
    let chunks: Vec<SpanNo> = spans(summary.rows).map(|(no, _, _)| no).collect();
    let written = stream::iter(chunks).then(move |no| {
        let (app, table) = (app.clone(), table.clone());
        async move {
            let chunk = chunk(&app, summary.id, no, table).await;
            chunk.inspect_err(|error| tracing::error!(job.id = %id, %error, "a download broke off"))
        }
    });
    let head = stream::iter([Ok(Bytes::from(head))]);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, attachment(&summary.filename)),
    ];
    Ok((headers, Body::from_stream(head.chain(written).fuse())).into_response())
}

/// The records of one chunk as lines.
async fn chunk(app: &App, input: InputId, no: SpanNo, table: Table) -> std::io::Result<Bytes> {
    let found = app.engine.store().chunk(input, no).await.map_err(std::io::Error::other)?;
    let (chunk, duplicates) = found.ok_or_else(|| std::io::Error::other("the file was removed meanwhile"))?;
    let lines = spawn_blocking(move || {
        let mut lines = Vec::new();
        for row in unpack(&chunk, &duplicates)? {
            table.line(row.fields.iter(), &mut lines);
        }
        Ok(lines)
    });
    let lines: std::result::Result<Vec<u8>, onward_intake::Corrupt> =
        lines.await.map_err(std::io::Error::other)?;
    lines.map(Bytes::from).map_err(std::io::Error::other)
}
