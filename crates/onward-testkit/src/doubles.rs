//! Stand-ins for four real APIs, faithful in what a recipe depends on: the shape of calls and answers,
//! statuses, limits, and what each does about something it does not know.
//!
//! - YouTube `channels.list`: at most 50 ids, 200 without what it does not know, 403 `quotaExceeded`.
//! - Twitch `users`: at most 100 logins as repeated parameters, case-insensitive, 401 for a dead token.
//! - PostgREST: an upsert of a list, merged by the conflict column, 201 with the rows.
//! - A scraper: 200 whatever happened, the truth in the body, and a 404 that is a lie the first time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::serving::Serving;

/// The secret that all of them want.
pub const KEY: &str = "canary-key-7f3a";
/// Ids in one call of YouTube's.
const YOUTUBE_IDS: usize = 50;
/// Logins in one call of Twitch's.
const TWITCH_LOGINS: usize = 100;

/// The running doubles. End when dropped.
#[derive(Debug)]
pub struct Doubles {
    state: Arc<Mutex<Books>>,
    serving: Serving,
}

/// What they write down.
#[derive(Debug, Default)]
pub struct Books {
    /// Every call: path and query.
    pub calls: Vec<String>,
    /// The table behind PostgREST, by handle.
    pub table: BTreeMap<String, Value>,
    /// Units of YouTube's quota that are left; without an end when `None`.
    pub quota: Option<u32>,
    lied: BTreeSet<String>,
}

type Shared = State<Arc<Mutex<Books>>>;

impl Doubles {
    /// Starts them on a free loopback port.
    ///
    /// # Errors
    /// When there is none.
    pub fn start() -> Result<Self> {
        let state: Arc<Mutex<Books>> = Arc::default();
        let router = Router::new()
            .route("/youtube/v3/channels", get(channels))
            .route("/helix/users", get(users))
            .route("/rest/v1/creators", post(upsert))
            .route("/v1/tiktok/profile", get(profile))
            .with_state(Arc::clone(&state));
        Ok(Self { state, serving: Serving::start("doubles", router)? })
    }

    /// A recipe for the real address, sent here instead.
    #[must_use]
    pub fn instead_of(&self, real: &str, recipe: &str) -> String {
        recipe.replace(real, &self.serving.url())
    }

    /// What was written down, and what may be changed.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_down<'a>(state: &'a Mutex<Books>, path: &str, query: Option<&str>) -> MutexGuard<'a, Books> {
    let mut books = state.lock().unwrap_or_else(PoisonError::into_inner);
    books.calls.push(format!("{path}?{}", query.unwrap_or_default()));
    books
}

fn is(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|found| found == value)
}

/// The values of a parameter, in their order.
fn values(query: Option<&str>, name: &str) -> Vec<String> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn google_error(status: StatusCode, reason: &str, message: &str) -> Response {
    let error = json!({ "error": { "code": status.as_u16(), "message": message,
        "errors": [{ "message": message, "domain": "youtube.quota", "reason": reason }] } });
    (status, Json(error)).into_response()
}

async fn channels(State(state): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let mut books = write_down(&state, "/youtube/v3/channels", query.as_deref());
    if !is(&headers, "x-goog-api-key", KEY) {
        return google_error(StatusCode::BAD_REQUEST, "keyInvalid", "Bad Request");
    }
    if let Some(left) = &mut books.quota {
        if *left == 0 {
            let message = "The request cannot be completed because you have exceeded your quota.";
            return google_error(StatusCode::FORBIDDEN, "quotaExceeded", message);
        }
        *left -= 1;
    }
    let joined = values(query.as_deref(), "id").join(",");
    let ids: Vec<&str> = joined.split(',').collect();
    if ids.len() > YOUTUBE_IDS {
        return google_error(StatusCode::BAD_REQUEST, "invalidFilters", "Too many ids.");
    }
    let known = ids.iter().filter(|id| id.starts_with("UC"));
    // The order of the ids is not kept.
    let items: Vec<Value> = known
        .rev()
        .map(|id| {
            let statistics = json!({ "subscriberCount": "52000", "hiddenSubscriberCount": id.ends_with("-hidden") });
            json!({ "kind": "youtube#channel", "id": id, "snippet": { "title": id }, "statistics": statistics })
        })
        .collect();
    let page = json!({ "totalResults": items.len(), "resultsPerPage": items.len() });
    let mut answer = json!({ "kind": "youtube#channelListResponse", "pageInfo": page });
    if !items.is_empty() {
        answer["items"] = Value::Array(items);
    }
    Json(answer).into_response()
}

async fn users(State(state): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    drop(write_down(&state, "/helix/users", query.as_deref()));
    if !is(&headers, "authorization", &format!("Bearer {KEY}")) || !is(&headers, "client-id", KEY) {
        let error = json!({ "error": "Unauthorized", "status": 401, "message": "Invalid OAuth token" });
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    let logins = values(query.as_deref(), "login");
    if logins.is_empty() || logins.len() > TWITCH_LOGINS {
        let error =
            json!({ "error": "Bad Request", "status": 400, "message": "The number of logins is wrong" });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let known =
        logins.iter().map(|login| login.to_ascii_lowercase()).filter(|login| !login.starts_with("nobody"));
    let data: Vec<Value> =
        known.map(|login| json!({ "id": "141981764", "login": login, "display_name": login })).collect();
    Json(json!({ "data": data })).into_response()
}

async fn upsert(
    State(state): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut books = write_down(&state, "/rest/v1/creators", query.as_deref());
    if !is(&headers, "authorization", &format!("Bearer {KEY}")) || !is(&headers, "apikey", KEY) {
        let error = json!({ "code": "PGRST301", "message": "JWSError JWSInvalidSignature" });
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    let merges = is(&headers, "prefer", "resolution=merge-duplicates,return=representation");
    let rows = if let Value::Array(rows) = body { rows } else { vec![body] };
    if let Some(row) = rows.iter().find(|row| row["followers"].is_null()) {
        let message = "null value in column \"followers\" violates not-null constraint";
        let error = json!({ "code": "23502", "message": message, "details": row.to_string() });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let mut represented = Vec::new();
    for mut row in rows {
        let handle = row["handle"].as_str().unwrap_or_default().to_owned();
        if books.table.contains_key(&handle) && !merges {
            let error =
                json!({ "code": "23505", "message": "duplicate key value violates unique constraint" });
            return (StatusCode::CONFLICT, Json(error)).into_response();
        }
        row["id"] = json!(books.table.len() + 1);
        books.table.insert(handle, row.clone());
        represented.push(row);
    }
    (StatusCode::CREATED, Json(represented)).into_response()
}

async fn profile(State(state): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let mut books = write_down(&state, "/v1/tiktok/profile", query.as_deref());
    let handle = values(query.as_deref(), "handle").pop().unwrap_or_default();
    let error = |status: u16, message: &str| json!({ "error": true, "status": status, "message": message });
    if !is(&headers, "x-api-key", KEY) {
        return Json(error(402, "no credits left")).into_response();
    }
    let first = books.lied.insert(handle.clone());
    let answer = match handle.split('-').next().unwrap_or_default() {
        "bad" => error(400, "the handle is not valid"),
        "gone" => error(404, "no such account"),
        "shy" if first => error(404, "no such account"),
        "sick" if first => error(502, "the page did not load"),
        "private" => json!({ "success": true, "user": { "id": handle, "private": true } }),
        _ => json!({ "success": true, "user": { "id": handle, "private": false, "followers": 52_000 } }),
    };
    Json(answer).into_response()
}
