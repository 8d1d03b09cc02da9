//! The operations over files and what came of them: preview, uploads, attaching, creators.

use onward_core::problem::Code;

use super::operations::{CREATE, CURSOR, LIMIT, PAGE, post, read};
use super::parts::{Body, Operation, Param, Reply};

const OF_AN_UPLOAD: &[Code] = &[Code::UploadNotFound];
const OF_A_WHOLE_UPLOAD: &[Code] = &[
    Code::UploadNotFound,
    Code::UploadIncomplete,
    Code::RecipeInvalid,
    Code::MissingColumn,
    Code::CsvMalformed,
];

/// And whatever a file is refused for.
const ATTACH: &[Code] = &[
    Code::BadId,
    Code::BadRequest,
    Code::JobNotFound,
    Code::JobAlreadyRunning,
    Code::InputGone,
    Code::InputMismatch,
    Code::ComparisonGone,
    Code::EpochMoved,
    Code::TooLarge,
    Code::CsvMalformed,
    Code::MissingColumn,
];

const DRY_RUN: Param = Param::Query("dry_run", "true only says how the file differs.");
const COMPARED: Param =
    Param::Query("compared", "The id of a file that was compared and kept, in place of a file.");
const ATTACH_PARAMS: &[Param] = &[
    DRY_RUN,
    Param::Query(
        "keep",
        "true, with dry_run, keeps the file for 45 minutes and answers its id as `compared`.",
    ),
    COMPARED,
];

/// What a preview answers.
const PREVIEWED: Reply =
    Reply::Object("encoding, delimiter, header, columns, samples, blank_lines, warnings, mapping, sha256");

/// The operations, in the order of `docs/http-api.md`.
pub(crate) const FILES: &[Operation] = &[
    Operation {
        method: "put",
        path: "/api/v1/jobs/{id}/input",
        id: "attachInput",
        summary: "Attach the file again, an edited one, or corrected rows of an export, to a job that stands still.",
        params: ATTACH_PARAMS,
        body: Body::File,
        status: 200,
        reply: Reply::Json("Attached"),
        problems: ATTACH,
    },
    Operation {
        method: "post",
        path: "/jobs/{id}/attach",
        id: "attachInputByForm",
        summary: "Compare or attach a file by the forms of its page: 303 to the comparison, or to the job's page.",
        params: &[DRY_RUN, COMPARED],
        body: Body::File,
        status: 303,
        reply: Reply::Empty,
        problems: ATTACH,
    },
    Operation {
        method: "delete",
        path: "/api/v1/jobs/{id}/input",
        id: "forgetComparedInput",
        summary: "Let go of a file that was compared and kept, and is not wanted after all.",
        params: &[COMPARED],
        body: Body::None,
        status: 204,
        reply: Reply::Empty,
        problems: &[Code::BadId, Code::InvalidParameter, Code::JobNotFound, Code::InputMismatch],
    },
    Operation {
        method: "post",
        path: "/api/v1/preview",
        id: "previewFile",
        summary: "What the first 256 KiB of a file would become.",
        params: &[Param::Key],
        body: Body::Head,
        status: 200,
        reply: PREVIEWED,
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
    read(
        "/api/v1/creators/export",
        "exportCreators",
        "All creators, or those of a list or a search.",
        &[
            Param::Query("table", "Only this list."),
            Param::Query("q", "Only keys that contain this."),
            Param::Query("format", "csv (usual) or ndjson."),
        ],
        Reply::Other("text/csv", "the creators, streamed"),
        &[Code::InvalidParameter],
    ),
    post(
        "/api/v1/uploads",
        "announceUpload",
        "Announce a file that is sent in parts.",
        Body::Json("UploadAnnounced"),
        201,
        Reply::Json("Upload"),
        &[Code::TooLarge, Code::TooManyRequests, Code::DiskFull],
    ),
    read(
        "/api/v1/uploads/{id}",
        "showUpload",
        "How much of it has arrived.",
        &[],
        Reply::Json("Upload"),
        OF_AN_UPLOAD,
    ),
    Operation {
        method: "put",
        path: "/api/v1/uploads/{id}",
        id: "sendPart",
        summary: "Send the part that begins at Upload-Offset; what arrives of it is kept.",
        params: &[],
        body: Body::None,
        status: 200,
        reply: Reply::Json("Upload"),
        problems: &[
            Code::UploadNotFound,
            Code::UploadOffset,
            Code::UploadAborted,
            Code::TooLarge,
            Code::DiskFull,
        ],
    },
    Operation {
        method: "delete",
        path: "/api/v1/uploads/{id}",
        id: "removeUpload",
        summary: "Forget it.",
        params: &[],
        body: Body::None,
        status: 204,
        reply: Reply::Empty,
        problems: OF_AN_UPLOAD,
    },
    post(
        "/api/v1/uploads/{id}/preview",
        "previewUpload",
        "What the beginning of it would become, as POST /preview says it.",
        Body::Json("WithRecipe"),
        200,
        PREVIEWED,
        OF_A_WHOLE_UPLOAD,
    ),
    post(
        "/api/v1/uploads/{id}/check",
        "checkUpload",
        "What each row of the whole file would meet before any call: duplicates, bad lines, warnings.",
        Body::Json("WithRecipe"),
        200,
        Reply::Json("Report"),
        OF_A_WHOLE_UPLOAD,
    ),
    post(
        "/api/v1/uploads/{id}/try",
        "tryUpload",
        "Do the first three rows for real, and keep nothing.",
        Body::Json("WithRecipe"),
        200,
        Reply::Json("Trial"),
        OF_A_WHOLE_UPLOAD,
    ),
];
