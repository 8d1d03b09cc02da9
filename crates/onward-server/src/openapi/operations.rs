//! Every operation: what goes in, what comes out, which problems are its own.

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
    /// An upload with the parts `file`, `recipe`, `name`; the recipe is required or not.
    Upload,
    /// An upload of the beginning of a file.
    Head,
}

impl Body {
    pub(super) fn describe(self) -> Option<Value> {
        let upload = |required: Value| {
            json!({ "required": true, "content": { "multipart/form-data": { "schema": {
                "type": "object", "required": required, "properties": {
                    "file": { "type": "string", "format": "binary", "description": "The CSV." },
                    "recipe": { "type": "string", "description": "The recipe, as TOML or JSON." },
                    "name": { "type": "string", "description": "A name for people." },
                } } } } })
        };
        match self {
            Self::None => None,
            Self::Json(schema) => Some(
                json!({ "required": false, "content": { "application/json": { "schema": reference(schema) } } }),
            ),
            Self::Upload => Some(upload(json!(["file", "recipe"]))),
            Self::Head => Some(upload(json!(["file"]))),
        }
    }
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

const CURSOR: Param = Param::Query("cursor", "next_cursor of the page before.");
const LIMIT: Param = Param::Query("limit", "How many on a page.");
const OUTCOME: Param = Param::Query("outcome", "added, failed, skipped or filtered.");
const CODE: Param = Param::Query("code", "Only rows with this code.");

const RESUME: &[Code] = &[
    Code::BadId,
    Code::JobNotFound,
    Code::JobAlreadyRunning,
    Code::JobNotResumable,
    Code::DuplicateRunningJob,
    Code::NothingToResume,
    Code::InputCorrupt,
    Code::InputGone,
    Code::EpochMoved,
];
const RESTART: &[Code] = &[
    Code::BadId,
    Code::JobNotFound,
    Code::JobNotRunning,
    Code::JobNotStuck,
    Code::InputGone,
    Code::EpochMoved,
];
const STOP: &[Code] = &[Code::BadId, Code::JobNotFound, Code::JobNotRunning, Code::EpochMoved];
const RETRY: &[Code] = &[
    Code::BadId,
    Code::JobNotFound,
    Code::NothingToRetry,
    Code::JobAlreadyRunning,
    Code::InvalidParameter,
    Code::EpochMoved,
];
const CREATE: &[Code] = &[
    Code::BadRequest,
    Code::UploadAborted,
    Code::DuplicateRunningJob,
    Code::TooLarge,
    Code::UnsupportedBody,
    Code::UnsupportedType,
    Code::LooksLikeHtml,
    Code::LooksLikeJson,
    Code::LooksLikeUtf16,
    Code::CsvEmpty,
    Code::NoRows,
    Code::CsvMalformed,
    Code::UnclosedQuote,
    Code::RecordTooLarge,
    Code::TooManyColumns,
    Code::TooManyRows,
    Code::DuplicateHeader,
    Code::RecipeInvalid,
    Code::MissingColumn,
    Code::SecretMissing,
    Code::BlockedAddress,
    Code::KeyReused,
    Code::KeyInUse,
    Code::DiskFull,
];
const PAGE: &[Code] = &[Code::InvalidCursor, Code::InvalidParameter];
const PAGE_OF_JOB: &[Code] = &[Code::BadId, Code::InvalidCursor, Code::InvalidParameter, Code::JobNotFound];
const ACTION: &[Param] = &[Param::Key, Param::IfMatch];
const FORM: &[Param] = &[Param::Key, Param::IfMatch];

/// A read of JSON without a body.
const fn read(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    params: &'static [Param],
    reply: Reply,
    problems: &'static [Code],
) -> Operation {
    Operation { method: "get", path, id, summary, params, body: Body::None, status: 200, reply, problems }
}

/// A POST.
const fn post(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    body: Body,
    status: u16,
    reply: Reply,
    problems: &'static [Code],
) -> Operation {
    Operation { method: "post", path, id, summary, params: ACTION, body, status, reply, problems }
}

/// The operations, in the order of `docs/http-api.md`.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/api/v1/jobs",
        id: "createJob",
        summary: "Take a file and a recipe, and make a job.",
        params: &[Param::Key],
        body: Body::Upload,
        status: 201,
        reply: Reply::Json("Job"),
        problems: CREATE,
    },
    read(
        "/api/v1/jobs",
        "listJobs",
        "Jobs, newest first.",
        &[
            Param::Query("status", "One or more of the states, with commas between."),
            Param::Query("q", "Only jobs whose name or file name contains this."),
            LIMIT,
            CURSOR,
        ],
        Reply::Json("Jobs"),
        PAGE,
    ),
    read("/api/v1/jobs/{id}", "showJob", "One job.", &[], Reply::Json("Job"), &super::OF_A_JOB),
    Operation {
        method: "patch",
        path: "/api/v1/jobs/{id}",
        id: "tuneJob",
        summary: "Change name, rate and concurrency, live.",
        params: &[Param::IfMatch],
        body: Body::Json("Tune"),
        status: 200,
        reply: Reply::Json("Job"),
        problems: &[Code::BadId, Code::JobNotFound, Code::JobFinished, Code::EpochMoved, Code::InvalidLimit],
    },
    Operation {
        method: "delete",
        path: "/api/v1/jobs/{id}",
        id: "deleteJob",
        summary: "Remove a job that is not running, with its ledger. Creators stay.",
        params: &[Param::IfMatch],
        body: Body::None,
        status: 204,
        reply: Reply::Empty,
        problems: &[Code::BadId, Code::JobNotFound, Code::JobRunning, Code::EpochMoved],
    },
    post(
        "/api/v1/jobs/{id}/resume",
        "resumeJob",
        "Go on from the exact position.",
        Body::None,
        202,
        Reply::Json("Resumed"),
        RESUME,
    ),
    post(
        "/api/v1/jobs/{id}/restart",
        "restartJob",
        "Take the work from its worker and go on from the checkpoint.",
        Body::Json("Restart"),
        202,
        Reply::Json("Restarted"),
        RESTART,
    ),
    post(
        "/api/v1/jobs/{id}/force-cancel",
        "cancelJob",
        "Stop for good; can be resumed.",
        Body::None,
        200,
        Reply::Json("Acted"),
        STOP,
    ),
    post(
        "/api/v1/jobs/{id}/pause",
        "pauseJob",
        "Hold until resumed.",
        Body::None,
        202,
        Reply::Json("Acted"),
        STOP,
    ),
    post(
        "/api/v1/jobs/{id}/retry",
        "retryRows",
        "Try failed rows again.",
        Body::Json("Retry"),
        202,
        Reply::Json("Retried"),
        RETRY,
    ),
    read(
        "/api/v1/jobs/{id}/rows",
        "listRows",
        "Rows with an outcome, in row order.",
        &[OUTCOME, CODE, Param::Query("q", "Only rows whose key or message contains this."), LIMIT, CURSOR],
        Reply::Json("Rows"),
        PAGE_OF_JOB,
    ),
    read(
        "/api/v1/jobs/{id}/errors",
        "groupRows",
        "Failed rows (or those of another outcome) grouped by why they ended so.",
        &[OUTCOME],
        Reply::Json("Groups"),
        &[Code::BadId, Code::InvalidParameter, Code::JobNotFound],
    ),
    read(
        "/api/v1/jobs/{id}/export",
        "exportRows",
        "The input's columns and what became of each finished row.",
        &[
            OUTCOME,
            CODE,
            Param::Query("format", "csv (usual) or ndjson."),
            Param::Query("spreadsheet", "true disarms values that a spreadsheet would take for a formula."),
        ],
        Reply::Other("text/csv", "the rows, streamed"),
        &[Code::BadId, Code::InvalidParameter, Code::JobNotFound, Code::InputGone],
    ),
    read(
        "/api/v1/jobs/{id}/timeline",
        "showTimeline",
        "Every state change.",
        &[LIMIT, CURSOR],
        Reply::Json("Timeline"),
        PAGE_OF_JOB,
    ),
    read(
        "/api/v1/jobs/{id}/verify",
        "verifyJob",
        "Count the ledger and compare.",
        &[],
        Reply::Json("Verify"),
        &super::OF_A_JOB,
    ),
    read(
        "/api/v1/jobs/{id}/events",
        "watchJob",
        "One job, live.",
        &[Param::LastEventId],
        Reply::Other("text/event-stream", "snapshot, then job, change, deleted, resync"),
        &[Code::BadId, Code::JobNotFound, Code::TooManyStreams],
    ),
    read(
        "/api/v1/events",
        "watchJobs",
        "All jobs, live.",
        &[Param::LastEventId],
        Reply::Other("text/event-stream", "snapshot, then job, change, deleted, resync"),
        &[Code::TooManyStreams],
    ),
    Operation {
        method: "post",
        path: "/api/v1/preview",
        id: "previewFile",
        summary: "What the first 256 KiB of a file would become.",
        params: &[],
        body: Body::Head,
        status: 200,
        reply: Reply::Object("encoding, delimiter, header, columns, samples, warnings, mapping"),
        problems: CREATE,
    },
    read(
        "/api/v1/creators",
        "listCreators",
        "What the creators work has added.",
        &[
            Param::Query("table", "Only this list."),
            Param::Query("q", "Only keys that contain this."),
            LIMIT,
            CURSOR,
        ],
        Reply::Json("Creators"),
        PAGE,
    ),
    read("/api/v1/workers", "listWorkers", "Who holds what.", &[], Reply::Json("Workers"), &[]),
    post(
        "/api/v1/workers/{id}/drain",
        "drainWorker",
        "Let a worker finish its rows in hand and take no more.",
        Body::None,
        202,
        Reply::Object("message"),
        &[Code::WorkerNotFound],
    ),
    plain("/jobs/{id}/resume", "resumeJobPlain", 202, "Resumed", RESUME),
    plain("/jobs/{id}/restart", "restartJobPlain", 202, "Restarted", RESTART),
    plain("/jobs/{id}/force-cancel", "cancelJobPlain", 200, "Acted", STOP),
    plain("/jobs/{id}/pause", "pauseJobPlain", 202, "Acted", STOP),
    plain("/jobs/{id}/retry", "retryRowsPlain", 202, "Retried", RETRY),
    read("/livez", "live", "The process answers.", &[], Reply::Object("status"), &[]),
    read(
        "/readyz",
        "ready",
        "The store takes writes.",
        &[],
        Reply::Object("status, store"),
        &[Code::StoreUnavailable, Code::DiskFull],
    ),
    read(
        "/metrics",
        "metrics",
        "Counts, as Prometheus text.",
        &[],
        Reply::Other("text/plain", "metrics"),
        &[],
    ),
    read("/openapi.json", "openapi", "This description.", &[], Reply::Object("OpenAPI 3.1"), &[]),
    read("/docs", "docs", "This description, for people.", &[], Reply::Other("text/html", "a page"), &[]),
    read("/problems", "listProblems", "All problem codes.", &[], Reply::Other("text/html", "a page"), &[]),
    read(
        "/problems/{code}",
        "showProblem",
        "What a code means and what to do.",
        &[],
        Reply::Other("text/html", "a page; JSON for a client that does not ask for HTML"),
        &[Code::NotFound],
    ),
];

/// An action without the prefix.
const fn plain(
    path: &'static str,
    id: &'static str,
    status: u16,
    reply: &'static str,
    problems: &'static [Code],
) -> Operation {
    Operation {
        method: "post",
        path,
        id,
        summary: "The same action as under /api/v1; a plain HTML form is answered with 303.",
        params: FORM,
        body: Body::None,
        status,
        reply: Reply::Json(reply),
        problems,
    }
}
