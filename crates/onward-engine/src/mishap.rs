//! What a person reads when a store did not do what it was asked.

use onward_core::id::JobId;
use onward_core::job::Job;
use onward_core::problem::{Code, Problem};
use onward_core::state::Step;
use onward_core::store::StoreError;

/// The problem document of a store's refusal.
pub(crate) fn problem(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound(id) => not_found(id),
        StoreError::Fenced { found } => Problem::new(
            Code::EpochMoved,
            format!("the job has changed since you looked (epoch {found}); look again and repeat"),
        ),
        StoreError::Illegal(job) => refused(&job, Code::JobNotRunning),
        StoreError::Duplicate(other) => duplicate(other),
        StoreError::NothingToRetry => {
            Problem::new(Code::NothingToRetry, "no failed row of this job matches; nothing was changed")
        }
        StoreError::InputGone => {
            Problem::new(Code::InputGone, "the stored CSV of this job is gone; nothing was changed")
        }
        StoreError::DiskFull => {
            Problem::new(Code::DiskFull, "no room is left on the disk of the database; nothing was changed")
        }
        StoreError::Unavailable(why) => {
            tracing::warn!(%why, "the store did not answer");
            Problem::new(Code::StoreUnavailable, "nothing was changed; try again in a moment")
        }
        StoreError::Unknown(why) => {
            tracing::warn!(%why, "the store's answer was lost");
            Problem::new(
                Code::StoreUnavailable,
                "the answer of the database was lost; look at the job before you try again",
            )
        }
        StoreError::Corrupt(why) => {
            tracing::error!(%why, "the stored data contradicts itself");
            Problem::new(Code::StoreCorrupt, "run `onward verify` on the job and `onward doctor`")
        }
    }
}

pub(crate) fn not_found(id: JobId) -> Problem {
    Problem::new(Code::JobNotFound, format!("job {id} does not exist")).with("job_id", id.to_string())
}

pub(crate) fn duplicate(other: JobId) -> Problem {
    Problem::new(
        Code::DuplicateRunningJob,
        format!("job {other} does the same work already; watch that one, or cancel it first"),
    )
    .with("existing_job_id", other.to_string())
}

/// A 409 with what the caller lost to.
pub(crate) fn refused(job: &Job, code: Code) -> Problem {
    let holder = job.leases.first().map_or_else(String::new, |fact| format!(" (worker {})", fact.worker));
    let offers = job.allowed_actions();
    let hint = match offers {
        [] => "; nothing can be done with it now".to_owned(),
        some => {
            format!("; it can be {}", some.iter().map(|step| done(*step)).collect::<Vec<_>>().join(" or "))
        }
    };
    about(Problem::new(code, format!("job {} is {}{holder}{hint}", job.id, job.state)), job)
}

/// Adds the facts about a job that every answer about it carries.
pub(crate) fn about(problem: Problem, job: &Job) -> Problem {
    let actions: Vec<serde_json::Value> =
        words(job.allowed_actions()).into_iter().map(serde_json::Value::from).collect();
    let problem = problem
        .with("job_id", job.id.to_string())
        .with("job_status", job.state.word())
        .with("allowed_actions", actions);
    match job.resume_from_row() {
        Some(row) => problem.with("resume_from_row", row),
        None => problem,
    }
}

/// What a person would say was done to the job.
fn done(action: Step) -> &'static str {
    match action {
        Step::ForceCancel => "cancelled",
        Step::Pause => "paused",
        Step::Restart => "restarted",
        Step::Resume => "resumed",
        Step::Retry => "retried",
        Step::Start | Step::Complete | Step::Fail => action.word(),
    }
}

fn words(actions: &[Step]) -> Vec<&'static str> {
    actions.iter().map(|action| action.word()).collect()
}
