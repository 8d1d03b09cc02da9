//! `GET /api/v1/jobs/{id}/export`: the input's columns and what became of each finished row.
//!
//! The file is written while it is sent, a page of rows at a time, in row order. Rows without an
//! outcome are not in it. When a page cannot be read half-way, the connection breaks off: a client
//! never takes half a file for a whole one.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;
use onward_core::store::RowQuery;
use onward_engine::handle::RowDetail;
use onward_intake::Encoder;
use serde::Deserialize;

use crate::api::extract::{JobPath, Params, invalid, outcome, text};
use crate::api::jobs::table::{Format, Safety, Table};
use crate::api::who::about_job;
use crate::problem::Result;
use crate::state::App;

/// Rows read and written at a time: one span, so that each chunk of the input is read once or twice.
const PAGE_ROWS: usize = 1_000;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    outcome: Option<String>,
    code: Option<String>,
    q: Option<String>,
    format: Option<String>,
    spreadsheet: Option<bool>,
}

/// Answers the file.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<Response> {
    let outcome = outcome(query.outcome.as_deref())?;
    let format = match query.format.as_deref() {
        None | Some("csv") => Format::Csv,
        Some("ndjson") => Format::Ndjson,
        Some(_) => return Err(invalid("format", "csv or ndjson")),
    };
    let safety = if query.spreadsheet == Some(true) { Safety::Spreadsheet } else { Safety::Exact };
    let job = app.engine.job(id).await?.job;
    let summary = app.engine.store().input(job.input.id).await?;
    let Some(summary) = summary.filter(|_| job.input.available) else {
        let detail =
            "the CSV of this job is gone, so its columns cannot be exported; /rows still lists every outcome";
        return Err(about_job(&app, id, Problem::new(Code::InputGone, detail)).await);
    };
    let table = Table::new(summary.columns, summary.format.delimiter, format, safety);
    let query = RowQuery {
        job: id,
        outcome,
        code: text("code", query.code)?,
        text: text("q", query.q)?,
        after: None,
        until: None,
        limit: PAGE_ROWS,
    };
    // The first page is read before the answer begins: what goes wrong there is still a problem document.
    let first = app.engine.rows(&query).await?;
    if first.first().is_some_and(|row| table.misses(row)) {
        let detail = "what is kept of the CSV of this job is lost or damaged; attach the same file again";
        return Err(about_job(&app, id, Problem::new(Code::InputGone, detail)).await);
    }
    let name = file_name(&summary.filename, outcome, format);
    // A spreadsheet is told by a byte order mark; whatever wrote the file reads the file's own encoding.
    let own = format == Format::Csv && safety == Safety::Exact;
    let encoder = Encoder::of(if own { &summary.format.encoding } else { "utf-8" });
    let kind = match format {
        Format::Csv => format!("text/csv; charset={}", encoder.charset()),
        Format::Ndjson => String::from("application/x-ndjson"),
    };
    let kind = HeaderValue::from_str(&kind).unwrap_or(HeaderValue::from_static("text/csv"));
    let pages =
        pages(app, table, query, first).map(move |page| page.map(|bytes| encoder.encode(bytes).into()));
    let mark = stream::iter([Ok(Bytes::from_static(encoder.mark()))]);
    let body = Body::from_stream(mark.chain(pages));
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

type Page = std::result::Result<Vec<u8>, std::io::Error>;

/// The pages as bytes; the head goes out with the first.
fn pages(
    app: App,
    table: Table,
    query: RowQuery,
    first: Vec<RowDetail>,
) -> impl futures::Stream<Item = Page> + Send {
    let state = Some((query, first, table.head()));
    let pages = stream::unfold((app, table, state), |(app, table, state)| async move {
        let (mut query, rows, mut bytes) = state?;
        for row in &rows {
            // Part of what was stored is lost: a file without it would look whole.
            if table.misses(row) {
                let row = row.ledger.index.row();
                tracing::error!(job.id = %query.job, row, "an export broke off: the fields of a row are lost");
                let lost = std::io::Error::other(format!("the fields of row {row} are lost"));
                return Some((Err(lost), (app, table, None)));
            }
            table.write(row, &mut bytes);
        }
        let next = match rows.last() {
            Some(last) if rows.len() == PAGE_ROWS => {
                query.after = Some(last.ledger.index);
                match app.engine.rows(&query).await {
                    Ok(rows) => Some((query, rows, Vec::new())),
                    Err(problem) => {
                        tracing::error!(job.id = %query.job, error = %problem, "an export broke off");
                        return Some((Err(std::io::Error::other(problem)), (app, table, None)));
                    }
                }
            }
            _ => None,
        };
        Some((Ok(bytes), (app, table, next)))
    });
    // The gzip layer asks once more after the end, and `unfold` panics at that.
    pages.fuse()
}

/// `creators.failed.csv` for the failed rows of `creators.csv`, as RFC 6266 writes it.
fn file_name(input: &str, outcome: Option<Outcome>, format: Format) -> HeaderValue {
    let stem = input.rsplit_once('.').map_or(input, |(stem, _)| stem);
    let part = outcome.map_or("results", Outcome::word);
    let ending = match format {
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
    };
    attachment(&format!("{stem}.{part}.{ending}"))
}

/// A file to be saved under this name.
pub(crate) fn attachment(name: &str) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_in_a_header() {
        let name = file_name("créa\"tors;.csv", Some(Outcome::Failed), Format::Csv);
        let text = name.to_str().expect("plain ASCII");
        assert_eq!(
            text,
            "attachment; filename=\"cr_a_tors_.failed.csv\"; filename*=UTF-8''cr%C3%A9a%22tors%3B.failed.csv"
        );
    }
}
