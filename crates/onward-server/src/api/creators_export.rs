//! `GET /api/v1/creators/export`: all creators, or those of a list or a search, streamed.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use onward_core::store::{Creator, CreatorQuery};
use serde::Deserialize;

use crate::api::extract::{Params, invalid, text};
use crate::api::jobs::table::{Format, csv_line};
use crate::api::view::CreatorView;
use crate::problem::Result;
use crate::state::App;

/// Creators read and written at a time.
const A_PAGE: usize = 1_000;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    table: Option<String>,
    q: Option<String>,
    format: Option<String>,
}

/// Answers the file: the key, its list, its columns as JSON, and where it came from.
pub async fn handle(State(app): State<App>, Params(query): Params<Query>) -> Result<Response> {
    let format = match query.format.as_deref() {
        None | Some("csv") => Format::Csv,
        Some("ndjson") => Format::Ndjson,
        Some(_) => return Err(invalid("format", "csv or ndjson")),
    };
    let asked = CreatorQuery {
        table: text("table", query.table)?,
        text: text("q", query.q)?,
        after: None,
        limit: A_PAGE,
    };
    // The first page is read before the answer begins: what goes wrong there is a problem document.
    let first = app.engine.store().creators(&asked).await?;
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"creators.csv\""),
        Format::Ndjson => ("application/x-ndjson", "attachment; filename=\"creators.ndjson\""),
    };
    let body = Body::from_stream(pages(app, format, asked, first));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
    ];
    Ok((headers, body).into_response())
}

type Page = std::result::Result<Bytes, std::io::Error>;

fn pages(
    app: App,
    format: Format,
    query: CreatorQuery,
    first: Vec<Creator>,
) -> impl futures::Stream<Item = Page> + Send {
    let head = match format {
        Format::Csv => csv_line(["key", "table", "data", "job_id", "row", "added_at"]),
        Format::Ndjson => Vec::new(),
    };
    let state = Some((query, first, head));
    let pages = stream::unfold((app, state), move |(app, state)| async move {
        let (mut query, creators, mut bytes) = state?;
        let full = creators.len() == A_PAGE;
        query.after = creators.last().map(|last| (last.table.clone(), last.key.clone()));
        for creator in creators {
            write(format, CreatorView::from(creator), &mut bytes);
        }
        let next = if full {
            match app.engine.store().creators(&query).await {
                Ok(creators) => Some((query, creators, Vec::new())),
                Err(error) => {
                    tracing::error!(%error, "an export of creators broke off");
                    return Some((Err(std::io::Error::other(error)), (app, None)));
                }
            }
        } else {
            None
        };
        Some((Ok(Bytes::from(bytes)), (app, next)))
    });
    // The gzip layer asks once more after the end, and `unfold` panics at that.
    pages.fuse()
}

fn write(format: Format, creator: CreatorView, bytes: &mut Vec<u8>) {
    match format {
        Format::Csv => {
            let CreatorView { table, key, data, job_id, row, added_at } = creator;
            let (data, row) = (data.to_string(), row.to_string());
            bytes.extend(csv_line([&key, &table, &data, &job_id, &row, &added_at].map(String::as_str)));
        }
        Format::Ndjson => {
            serde_json::to_writer(&mut *bytes, &creator)
                .expect("texts are always JSON, and memory takes all of it");
            bytes.push(b'\n');
        }
    }
}
