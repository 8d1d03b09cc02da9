//! `/openapi.json`: the API's description, made from one table of operations and the wire types.
//!
//! `docs/openapi.json` is a snapshot of it; a test compares them, so the API changes only in the open.

mod files;
mod operations;
mod parts;

use axum::Json;
use onward_core::problem::Code;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::api::jobs::{in_doubt, restart, resume, retry, tune};
use crate::api::uploads::{Announced, UploadView, WithRecipe};
use crate::api::view::{
    ActedView, AttachedView, CreatorsView, DeliveriesView, DoubtsView, GroupsView, JobView, JobsView,
    ProblemView, RestartedView, ResumedView, RetriedView, RowsView, SentAgainView, SettledView, TimelineView,
    VerifyView, WorkersView,
};
use crate::rehearsal::{Report, Trial};

use files::FILES;
use operations::OPERATIONS;
pub(crate) use parts::{Body, Operation, Param, Reply};

/// Collects the schemas of the wire types.
#[derive(OpenApi)]
#[openapi(components(schemas(
    JobView,
    JobsView,
    RowsView,
    GroupsView,
    TimelineView,
    VerifyView,
    CreatorsView,
    WorkersView,
    ResumedView,
    RestartedView,
    ActedView,
    AttachedView,
    RetriedView,
    DoubtsView,
    SettledView,
    DeliveriesView,
    SentAgainView,
    ProblemView,
    in_doubt::Body,
    resume::Body,
    UploadView,
    Announced,
    WithRecipe,
    Report,
    Trial,
    restart::Body,
    retry::Body,
    tune::Body
)))]
struct Schemas;

/// Every operation.
pub(crate) fn operations() -> impl Iterator<Item = &'static Operation> + Clone {
    OPERATIONS.iter().chain(FILES)
}

/// `GET /openapi.json`.
pub(crate) async fn handle() -> Json<Value> {
    Json(document())
}

/// The whole description.
#[must_use]
pub(crate) fn document() -> Value {
    let schemas = serde_json::to_value(Schemas::openapi()).expect("schemas have only text keys");
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Onward",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Bulk jobs over a CSV that never lose their place.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": schemas["components"],
    })
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag()],
        "responses": responses(operation),
    });
    let parameters: Vec<Value> =
        path_params(operation).chain(operation.params.iter().map(Param::describe)).collect();
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = operation.body.describe() {
        described["requestBody"] = body;
    }
    described
}

/// `{id}` and `{code}` of the path.
fn path_params(operation: &Operation) -> impl Iterator<Item = Value> {
    let names = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
}

fn responses(operation: &Operation) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    responses.insert(operation.status.to_string(), operation.reply.describe());
    for status in operation.problems.iter().map(|code| code.status()) {
        let codes = operation.problems.iter().filter(|code| code.status() == status).map(|code| code.word());
        responses.insert(status.to_string(), problem(&codes.collect::<Vec<_>>().join(", ")));
    }
    responses.insert("default".to_owned(), problem("any other problem"));
    Value::Object(responses)
}

fn problem(codes: &str) -> Value {
    json!({ "description": codes, "content": { "application/problem+json": { "schema": reference("Problem") } } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// The codes that every route with a job id may answer.
pub(crate) const OF_A_JOB: [Code; 2] = [Code::BadId, Code::JobNotFound];
