//! Every operation: what goes in, what comes out, which problems are its own.

use onward_core::problem::Code;

use super::parts::{Body, Operation, Param, Reply};

pub(super) const CURSOR: Param = Param::Query("cursor", "next_cursor of the page before.");
pub(super) const LIMIT: Param = Param::Query("limit", "How many on a page.");
const OUTCOME: Param = Param::Query("outcome", "added, failed, skipped or filtered.");
const CODE: Param = Param::Query("code", "Only rows with this code.");

const RESUME: &[Code] = &[
    Code::BadId,
    Code::JobNotFound,
    Code::JobAlreadyRunning,
    Code::JobNotResumable,
    Code::DuplicateRunningJob,
    Code::InputCorrupt,
    Code::InputGone,
    Code::InvalidParameter,
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
const IN_DOUBT: &[Code] =
    &[Code::BadId, Code::JobNotFound, Code::NothingInDoubt, Code::InvalidParameter, Code::EpochMoved];
const DELIVER: &[Code] = &[Code::BadId, Code::JobNotFound, Code::DeliveryNotFound, Code::EpochMoved];
const TUNE: &[Code] =
    &[Code::BadId, Code::JobNotFound, Code::JobFinished, Code::EpochMoved, Code::InvalidLimit];
pub(super) const CREATE: &[Code] = &[
    Code::BadRequest,
    Code::InvalidParameter,
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
    Code::InputChanged,
    Code::DiskFull,
];
pub(super) const PAGE: &[Code] = &[Code::InvalidCursor, Code::InvalidParameter];
const PAGE_OF_JOB: &[Code] = &[Code::BadId, Code::InvalidCursor, Code::InvalidParameter, Code::JobNotFound];
const ACTION: &[Param] = &[Param::Key, Param::IfMatch];

/// A read of JSON without a body.
pub(super) const fn read(
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
pub(super) const fn post(
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
        summary: "Change name, rate, concurrency and breaker, live.",
        params: &[Param::IfMatch],
        body: Body::Json("Tune"),
        status: 200,
        reply: Reply::Json("Job"),
        problems: TUNE,
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
        Body::Json("Resume"),
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
        "/api/v1/jobs/{id}/in-doubt",
        "listRowsInDoubt",
        "Rows whose call may have happened before a process died, in row order.",
        &[LIMIT, CURSOR],
        Reply::Json("RowsInDoubt"),
        PAGE_OF_JOB,
    ),
    post(
        "/api/v1/jobs/{id}/in-doubt",
        "settleRowsInDoubt",
        "Say of rows that wait whether they are done or to be called again.",
        Body::Json("InDoubt"),
        200,
        Reply::Json("Settled"),
        IN_DOUBT,
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
            Param::Query("q", "Only rows whose key or message contains this."),
            Param::Query("format", "csv (usual) or ndjson."),
            Param::Query("spreadsheet", "true disarms values that a spreadsheet would take for a formula."),
        ],
        Reply::Other("text/csv", "the rows, streamed"),
        &[Code::BadId, Code::InvalidParameter, Code::JobNotFound, Code::InputGone],
    ),
    read(
        "/api/v1/jobs/{id}/input",
        "downloadInput",
        "The file as it was taken: every record in order, in UTF-8.",
        &[],
        Reply::Other("text/csv", "the records, streamed"),
        &[Code::BadId, Code::JobNotFound, Code::InputGone],
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
        "/api/v1/jobs/{id}/deliveries",
        "listDeliveries",
        "What the hooks of the job were told, and what came of it, newest first.",
        &[LIMIT, CURSOR],
        Reply::Json("Deliveries"),
        PAGE_OF_JOB,
    ),
    post(
        "/api/v1/jobs/{id}/deliveries/{delivery}/send",
        "sendDeliveryAgain",
        "Send a delivery again now, whatever came of it, under the same webhook-id.",
        Body::None,
        202,
        Reply::Json("SentAgain"),
        DELIVER,
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
    read(
        "/api/v1/workers",
        "listWorkers",
        "Who works, and who holds what.",
        &[],
        Reply::Json("Workers"),
        &[],
    ),
    post(
        "/api/v1/workers/{id}/drain",
        "drainWorker",
        "Let a worker finish its rows in hand and take no more.",
        Body::None,
        202,
        Reply::Object("message"),
        &[Code::WorkerNotFound],
    ),
    Operation {
        method: "post",
        path: "/jobs",
        id: "createJobByForm",
        summary: "Make a job from the form of the new-job page: 303 to the job's page.",
        params: &[],
        body: Body::Upload,
        status: 303,
        reply: Reply::Empty,
        problems: &[],
    },
    plain("/workers/{id}/drain", "drainWorkerPlain", 303, "Worker", &[]),
    plain("/jobs/{id}/resume", "resumeJobPlain", 202, "Resumed", RESUME),
    plain("/jobs/{id}/restart", "restartJobPlain", 202, "Restarted", RESTART),
    plain("/jobs/{id}/force-cancel", "cancelJobPlain", 200, "Acted", STOP),
    plain("/jobs/{id}/pause", "pauseJobPlain", 202, "Acted", STOP),
    plain("/jobs/{id}/retry", "retryRowsPlain", 202, "Retried", RETRY),
    plain("/jobs/{id}/in-doubt", "settleRowsInDoubtPlain", 200, "Settled", IN_DOUBT),
    plain("/jobs/{id}/deliver", "sendDeliveryAgainPlain", 202, "SentAgain", DELIVER),
    plain("/jobs/{id}/tune", "tuneJobPlain", 200, "Job", TUNE),
    plain(
        "/jobs/{id}/delete",
        "deleteJobPlain",
        200,
        "Job",
        &[Code::BadId, Code::JobNotFound, Code::JobRunning],
    ),
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
        params: ACTION,
        body: Body::None,
        status,
        reply: Reply::Json(reply),
        problems,
    }
}
