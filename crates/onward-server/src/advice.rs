//! What a person can do about each problem: the text of its page.

use onward_core::problem::Code;

/// What to do about a problem, in a sentence or two.
#[must_use]
pub(crate) fn what_to_do(code: Code) -> &'static str {
    about_jobs(code)
        .or_else(|| about_files(code))
        .or_else(|| about_recipes_and_requests(code))
        .unwrap_or("Try again. If it stays, look for the request id in the server's log and report it.")
}

fn about_jobs(code: Code) -> Option<&'static str> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "three tables share the codes; a test asks for all")]
    Some(match code {
        Code::JobNotFound => "Look the job up in the list; it may have been deleted.",
        Code::BadId => {
            "A job id is a UUID such as 0199a6c2-7f00-7000-8000-000000000000; copy it from the list."
        }
        Code::DuplicateRunningJob => {
            "Follow the job named in existing_job_id. To run the same work a second time, let it end or cancel it first."
        }
        Code::JobAlreadyRunning => "Nothing: it is working. If it is stuck, use restart.",
        Code::JobNotResumable => "Look at allowed_actions for what can be done with this job.",
        Code::JobNotRunning => "Look at allowed_actions; a failed or cancelled job goes on by resume.",
        Code::JobNotStuck => {
            "Wait: rows are being saved. To take the work away from its worker all the same, say force."
        }
        Code::NothingToResume => "Every row has an outcome. Failed rows can be retried.",
        Code::NothingToRetry => "Check the outcome and the code you asked for; no row matches them.",
        Code::NothingInDoubt => {
            "Look at GET /api/v1/jobs/{id}/in-doubt: only rows that are held there wait for your word."
        }
        Code::JobRunning => "Cancel the job, then delete it.",
        Code::JobFinished => "A finished job keeps its name and limits. Failed rows can be retried.",
        Code::EpochMoved => "Read the job again, look at what changed, and decide anew.",
        Code::InputChanged => "Preview the file again, then start.",
        Code::InputCorrupt => "Attach the same file again; nothing was run from the damaged copy.",
        Code::InputGone => {
            "Attach the same file again to go on from the row that is named. Saved results stay."
        }
        Code::InputMismatch => "Attach the file the job was made from; its SHA-256 is on the job's page.",
        Code::DeliveryNotFound => "Look at GET /api/v1/jobs/{id}/deliveries; deliveries go with their job.",
        Code::WorkerNotFound => "Look at GET /api/v1/workers; a restarted worker has another name.",
        Code::StoreCorrupt => {
            "Stop the server, copy the data folder aside, run `onward verify` and report what it says."
        }
        _ => return None,
    })
}

fn about_files(code: Code) -> Option<&'static str> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "three tables share the codes; a test asks for all")]
    Some(match code {
        Code::TooLarge => "Split the file, or raise the limit in the server's settings.",
        Code::RecordTooLarge => {
            "Look at the line that is named: a quote is probably opened and never closed there."
        }
        Code::TooManyColumns => "Look at the header: the delimiter is probably another one than it seems.",
        Code::TooManyRows => "Split the file into several jobs.",
        Code::UnsupportedType => "Save the table as CSV and send that.",
        Code::LooksLikeHtml => {
            "The download was probably a login page. Log in, download the file again, and look into it."
        }
        Code::LooksLikeJson => "Convert the file to CSV first.",
        Code::LooksLikeUtf16 => "Save the file as UTF-8, or name its encoding in the recipe.",
        Code::CsvEmpty => "Check that the right file was chosen and that its export had ended.",
        Code::NoRows => "Check the export. If an empty file is fine, say allow_empty in the recipe.",
        Code::CsvMalformed => "Look at the line that is named, correct it, and send the file again.",
        Code::UnclosedQuote => {
            "Close the quote in the line that is named, or double it where it is meant as text."
        }
        Code::DuplicateHeader => "Rename one of the two columns, or map another one in the recipe.",
        Code::MissingColumn => {
            "Correct the header, or name the right one under [columns]; the nearest names are given."
        }
        Code::ComparisonGone => {
            "Compare the file with the job again; a compared file waits for an answer for 45 minutes."
        }
        Code::UploadNotFound => "Announce the file again; uploads are forgotten after a day.",
        Code::UploadOffset => "Go on at the offset that is named; nothing was changed.",
        Code::UploadIncomplete => "Send the rest of the file, then ask again.",
        Code::UploadAborted => "Send the file again. Nothing of the broken upload was kept.",
        Code::DiskFull => "Make room on the disk. Running jobs hold and go on by themselves.",
        _ => return None,
    })
}

fn about_recipes_and_requests(code: Code) -> Option<&'static str> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "three tables share the codes; a test asks for all")]
    Some(match code {
        Code::RecipeInvalid => {
            "Each entry of errors names a place in the recipe and what is wrong there. Correct them all."
        }
        Code::SecretMissing => "Start the server with the environment variable ONWARD_SECRET_<NAME> set.",
        Code::BlockedAddress => "Use an address that may be called, or have the operator allow this one.",
        Code::InvalidLimit => "Choose a value within the range that is named.",
        Code::NotFound => "Check the address; every one is listed at /docs.",
        Code::BadRequest => "Correct the request as the detail says; every field is described at /docs.",
        Code::InvalidCursor => "Start again without a cursor, and pass next_cursor on unchanged.",
        Code::InvalidParameter => "Correct the parameter that is named; every one is described at /docs.",
        Code::MethodNotAllowed => "Use one of the methods in the Allow header.",
        Code::UnsupportedBody => "Send the content type that is named.",
        Code::KeyReused => "Use a new Idempotency-Key for a new request.",
        Code::KeyInUse => "Wait a moment and send the same request again; the first answer is then repeated.",
        Code::CrossSite => "Use the dashboard itself, or a client that is no web page.",
        Code::WrongHost => {
            "Use the address the server printed at its start, or add the name to its settings."
        }
        Code::NotAllowed => "Ask whoever runs this server.",
        Code::TooManyRequests | Code::TooManyStreams => "Wait as long as Retry-After says, then try again.",
        Code::StoreUnavailable => {
            "Check that the database is up. The same request can be sent again without harm."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_to_do() {
        for code in Code::ALL {
            let own = about_jobs(*code)
                .or_else(|| about_files(*code))
                .or_else(|| about_recipes_and_requests(*code));
            assert!(own.is_some() || *code == Code::Internal, "{code} has no advice");
        }
    }
}
