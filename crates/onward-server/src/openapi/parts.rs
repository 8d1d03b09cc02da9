//! What an operation is made of: its parameters, what it takes and what it answers.

use onward_core::problem::Code;
use serde_json::{Value, json};

use super::reference;

/// One method of one address.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The method, in lower case.
    pub(crate) method: &'static str,
    /// The address, as in the router.
    pub(crate) path: &'static str,
    /// Its name for generated clients.
    pub(crate) id: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// Its query parameters and headers.
    pub(crate) params: &'static [Param],
    /// What it takes.
    pub(crate) body: Body,
    /// The status of success.
    pub(crate) status: u16,
    /// What it answers then.
    pub(crate) reply: Reply,
    /// The problems that are its own.
    pub(crate) problems: &'static [Code],
}

impl Operation {
    /// The chapter it stands in.
    #[must_use]
    pub(crate) fn tag(&self) -> &'static str {
        match self.path {
            path if path.starts_with("/api/v1/jobs") => "jobs",
            path if path.starts_with("/jobs") => "jobs without the prefix",
            path if path.starts_with("/api/v1/workers") => "workers",
            path if path.starts_with("/api/v1/uploads") => "uploads",
            path if path.starts_with("/api/v1/") => "data",
            _ => "server",
        }
    }
}

/// A query parameter or a header.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param {
    /// In the query: name, what it does.
    Query(&'static str, &'static str),
    /// `Idempotency-Key`.
    Key,
    /// `If-Match`.
    IfMatch,
    /// `Last-Event-ID`.
    LastEventId,
}

impl Param {
    pub(super) fn describe(&self) -> Value {
        let (place, name, text) = self.parts();
        json!({ "name": name, "in": place, "required": false, "description": text,
            "schema": { "type": "string" } })
    }

    /// Where it stands, its name, and what it does.
    #[must_use]
    pub(crate) fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Query(name, text) => ("query", name, text),
            Self::Key => {
                ("header", "Idempotency-Key", "The same key and request get the first answer again.")
            }
            Self::IfMatch => ("header", "If-Match", "Act only when this is still the job's epoch."),
            Self::LastEventId => ("header", "Last-Event-ID", "The last id seen; what was missed is sent."),
        }
    }
}

/// What an operation takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    /// Nothing.
    None,
    /// JSON of this schema; may be left out.
    Json(&'static str),
    /// An upload with the parts `file`, `recipe`, `name`, `first`; the recipe is required or not.
    Upload,
    /// An upload of the beginning of a file.
    Head,
    /// A file alone, in a part or as the body itself.
    File,
}

impl Body {
    pub(super) fn describe(self) -> Option<Value> {
        let upload = |required: Value| {
            json!({ "required": true, "content": { "multipart/form-data": { "schema": {
                "type": "object", "required": required, "properties": {
                    "file": { "type": "string", "format": "binary", "description": "The CSV." },
                    "recipe": { "type": "string", "description": "The recipe, as TOML or JSON." },
                    "name": { "type": "string", "description": "A name for people." },
                    "first": { "type": "integer", "description": "Do so many rows, then hold the job and ask." },
                    "sha256": { "type": "string", "description":
                        "SHA-256 in hex of the file that was looked at before; another one is refused with input-changed." },
                } } } } })
        };
        match self {
            Self::None => None,
            Self::Json(schema) => Some(
                json!({ "required": false, "content": { "application/json": { "schema": reference(schema) } } }),
            ),
            Self::Upload => Some(upload(json!(["file", "recipe"]))),
            Self::Head => Some(upload(json!(["file"]))),
            Self::File => Some(file()),
        }
    }
}

/// One file and nothing else. Without one, a file that was compared is named in the query.
fn file() -> Value {
    let plain = json!({ "schema": { "type": "string", "format": "binary",
        "description": "The CSV; its name in Content-Disposition." } });
    let parts = json!({ "schema": { "type": "object", "properties": {
        "file": { "type": "string", "format": "binary", "description": "The CSV." },
        "upload": { "type": "string", "description": "The id of a file that was sent in parts, in place of it." },
    } } });
    json!({ "required": false, "content": {
        "multipart/form-data": parts, "text/csv": plain, "application/octet-stream": plain } })
}

/// What an operation answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// JSON of this schema.
    Json(&'static str),
    /// JSON of no fixed schema: what it holds.
    Object(&'static str),
    /// Nothing.
    Empty,
    /// Another media type: which, and what it holds.
    Other(&'static str, &'static str),
}

impl Reply {
    pub(super) fn describe(self) -> Value {
        match self {
            Self::Json(schema) => json!({ "description": schema,
                "content": { "application/json": { "schema": reference(schema) } } }),
            Self::Object(text) => json!({ "description": text,
                "content": { "application/json": { "schema": { "type": "object" } } } }),
            Self::Empty => json!({ "description": "nothing" }),
            Self::Other(kind, text) => json!({ "description": text,
                "content": { kind: { "schema": { "type": "string" } } } }),
        }
    }
}
