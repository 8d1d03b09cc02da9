//! `GET /api/v1/creators`: what the creators work has added.

use axum::Json;
use axum::extract::State;
use onward_core::store::{Creator, CreatorQuery};
use serde::Deserialize;

use crate::api::cursor;
use crate::api::extract::{Params, limit, text};
use crate::api::view::{CreatorView, CreatorsView};
use crate::problem::Result;
use crate::state::App;

/// Creators on a page unless asked otherwise.
const USUAL: usize = 100;
/// The most on one page; a creator has about 1 KB.
const MOST: usize = 1_000;
/// Stands between table and key in a cursor; no key has control characters.
const BETWEEN: char = '\u{1e}';

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    table: Option<String>,
    q: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

/// Answers a page of creators.
pub async fn handle(State(app): State<App>, Params(query): Params<Query>) -> Result<Json<CreatorsView>> {
    let page = limit(query.limit, USUAL, MOST)?;
    let place = cursor::read("creators", query.cursor.as_deref())?;
    let after = place.as_deref().and_then(|place| place.split_once(BETWEEN));
    let asked = CreatorQuery {
        table: text("table", query.table)?,
        text: text("q", query.q)?,
        after: after.map(|(table, key)| (table.to_owned(), key.to_owned())),
        limit: page + 1,
    };
    let found = app.engine.store().creators(&asked).await?;
    let place = |creator: &Creator| format!("{}{BETWEEN}{}", creator.table, creator.key);
    let (found, next_cursor) = cursor::page("creators", found, page, place);
    Ok(Json(CreatorsView { creators: found.into_iter().map(CreatorView::from).collect(), next_cursor }))
}
