//! Every error a person can meet: one enum owns its code, HTTP status, words and exit code.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:literal $exit:literal $title:literal,)*) => {
        /// Names a problem; the last part of its page `/problems/<code>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the API and on the page.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status of the answer.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The exit code of the command line.
            #[must_use]
            pub fn exit(self) -> u8 {
                match self { $(Self::$name => $exit,)* }
            }

            /// What happened, in words that hold for every case of it: title and toast.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// No job has this id.
    JobNotFound "job-not-found" 404 7 "There is no such job",
    /// Nothing is at this address.
    NotFound "not-found" 404 7 "There is nothing here",
    /// The id is not a UUID.
    BadId "bad-id" 400 2 "This is not a job id",
    /// The request cannot be understood.
    BadRequest "bad-request" 400 2 "The request cannot be understood",
    /// The cursor is none that this server gave.
    InvalidCursor "invalid-cursor" 400 2 "This cursor is not one of ours; start from the first page",
    /// A query parameter is out of its range.
    InvalidParameter "invalid-parameter" 400 2 "A parameter has a value that is not allowed",
    /// The method is not allowed here.
    MethodNotAllowed "method-not-allowed" 405 2 "This address does not take that method",
    /// The same work is active already.
    DuplicateRunningJob "duplicate-running-job" 409 6 "A job over the same file and recipe is active already",
    /// It runs already.
    JobAlreadyRunning "job-already-running" 409 6 "This job is already running",
    /// It cannot be resumed in its state.
    JobNotResumable "job-not-resumable" 409 6 "This job cannot be resumed",
    /// It does not run.
    JobNotRunning "job-not-running" 409 6 "This job is not running",
    /// It is not stuck and nobody said force.
    JobNotStuck "job-not-stuck" 409 6 "This job is making progress; nothing needs a restart",
    /// Every row has an outcome. Not answered any more, as a resume completes such a job; clients may know it.
    NothingToResume "nothing-to-resume" 409 6 "Every row of this job is done",
    /// No failed row matches.
    NothingToRetry "nothing-to-retry" 409 6 "There is no failed row to retry",
    /// No such row waits for a person.
    NothingInDoubt "nothing-in-doubt" 409 6 "No such row waits for you",
    /// A running job cannot be deleted.
    JobRunning "job-running" 409 6 "This job is running; cancel it before deleting it",
    /// A finished job cannot be changed.
    JobFinished "job-finished" 409 6 "This job is finished",
    /// The job changed since the caller looked.
    EpochMoved "epoch-moved" 412 6 "The job has changed since you looked",
    /// The file changed between preview and start.
    InputChanged "input-changed" 409 6 "The file has changed since the preview",
    /// The stored input does not match its digest.
    InputCorrupt "input-corrupt" 409 7 "The stored file of this job is damaged",
    /// The stored input is gone.
    InputGone "input-gone" 410 7 "The CSV of this job is gone",
    /// The attached file is not the one the job was made from.
    InputMismatch "input-mismatch" 422 2 "This is not the file of this job",
    /// A file that was compared with a job is no longer kept.
    ComparisonGone "comparison-gone" 410 7 "The compared file is no longer kept",
    /// The upload is too large.
    TooLarge "too-large" 413 2 "The upload is too large",
    /// One record is too large.
    RecordTooLarge "record-too-large" 422 2 "A record of the file is too large",
    /// Too many columns.
    TooManyColumns "too-many-columns" 422 2 "The file has too many columns",
    /// Too many rows.
    TooManyRows "too-many-rows" 422 2 "The file has too many rows",
    /// Not a CSV but something else.
    UnsupportedType "unsupported-type" 415 2 "This kind of file is not supported",
    /// A web page saved as CSV.
    LooksLikeHtml "looks-like-html" 415 2 "This is a web page, not a CSV",
    /// JSON saved as CSV.
    LooksLikeJson "looks-like-json" 415 2 "This is JSON, not a CSV",
    /// UTF-16 without a byte order mark.
    LooksLikeUtf16 "looks-like-utf16" 415 2 "This looks like UTF-16 without a byte order mark",
    /// Nothing in the file.
    CsvEmpty "csv-empty" 422 2 "The file is empty",
    /// A header and no rows.
    NoRows "no-rows" 422 2 "The file has a header and no rows",
    /// The file is no CSV that can be read.
    CsvMalformed "csv-malformed" 422 2 "The file cannot be read as CSV",
    /// A quote that is never closed.
    UnclosedQuote "unclosed-quote" 422 2 "A quote is opened and never closed",
    /// Two mapped columns with the same header.
    DuplicateHeader "duplicate-header" 422 2 "Two columns have the same header",
    /// A column the recipe needs is not there.
    MissingColumn "missing-column" 422 2 "A column the recipe needs is not in the file",
    /// The recipe is not valid.
    RecipeInvalid "recipe-invalid" 422 2 "The recipe has errors",
    /// A secret the recipe names is not set.
    SecretMissing "secret-missing" 422 2 "A secret the recipe names is not set",
    /// The address may not be called.
    BlockedAddress "blocked-address" 422 9 "This address may not be called from here",
    /// A limit is out of range.
    InvalidLimit "invalid-limit" 422 2 "A limit has a value that is not allowed",
    /// The idempotency key was used for something else.
    KeyReused "key-reused" 422 2 "This Idempotency-Key was used for another request",
    /// The first request with this key still runs.
    KeyInUse "key-in-use" 409 6 "The first request with this Idempotency-Key is still running",
    /// A page of another site sent this.
    CrossSite "cross-site" 403 9 "Requests from other sites are refused",
    /// The Host header names another server.
    WrongHost "wrong-host" 421 9 "This server does not answer to that host name",
    /// Not allowed here.
    NotAllowed "not-allowed" 403 9 "This is not allowed here",
    /// No worker has this name.
    WorkerNotFound "worker-not-found" 404 7 "There is no such worker",
    /// The job has no delivery of this id.
    DeliveryNotFound "delivery-not-found" 404 7 "There is no such delivery",
    /// The body is of a kind this address does not take.
    UnsupportedBody "unsupported-body" 415 2 "The body of the request is of a kind that is not taken here",
    /// Every place at the event streams is taken.
    TooManyStreams "too-many-streams" 503 8 "Too many clients are watching at once; try again in a moment",
    /// The upload stopped half-way.
    UploadAborted "upload-aborted" 408 8 "The upload stopped before its end; nothing was kept",
    /// No upload has this id.
    UploadNotFound "upload-not-found" 404 7 "There is no such upload",
    /// The upload goes on elsewhere.
    UploadOffset "upload-offset" 409 6 "The upload goes on at another place",
    /// The upload is not whole.
    UploadIncomplete "upload-incomplete" 409 6 "The upload has not arrived in full",
    /// Too much at once.
    TooManyRequests "too-many-requests" 429 8 "Too many requests at once; try again in a moment",
    /// The database does not answer.
    StoreUnavailable "store-unavailable" 503 8 "Storage does not answer; nothing was changed. Trying again is safe",
    /// No room left.
    DiskFull "disk-full" 507 8 "No room is left on the disk",
    /// What is stored contradicts itself.
    StoreCorrupt "store-corrupt" 500 1 "The stored data contradicts itself; the job was stopped and nothing was deleted",
    /// Something nobody thought of.
    Internal "internal" 500 1 "Something went wrong on our side",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|code| code.word() == word);
        known.copied().ok_or_else(|| serde::de::Error::custom("unknown problem code"))
    }
}

/// A problem: the code, what exactly, and facts for programs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// Which.
    pub code: Code,
    /// What exactly, where, and what to do next.
    pub detail: String,
    /// More facts, such as `line`, `column`, `nearest`, `errors`; members of the problem document.
    pub facts: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem without further facts.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), facts: serde_json::Map::new() }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert!(!Code::ALL[..at].iter().any(|other| other.word() == code.word()), "{code}");
            assert!((400..600).contains(&code.status()), "{code}");
            assert!((1..=9).contains(&code.exit()), "{code}");
        }
    }
}
