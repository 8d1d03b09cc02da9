//! How the program ends: the exit codes of the command line, and failures that carry one.

use std::fmt;
use std::process::ExitCode;

use onward_core::problem::{Code, Problem};
use onward_core::state::JobState;
use onward_server::api::view::{JobView, ProblemView};

/// The exit codes; scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All done, and no row failed.
    Done,
    /// Something nobody thought of.
    Unexpected,
    /// The command line, a file or a recipe is wrong.
    Usage,
    /// The job is done; some of its rows failed.
    SomeFailed,
    /// The job failed, or it is stuck.
    JobFailed,
    /// The job was cancelled.
    Cancelled,
    /// Something else is in the way: the job's state, another process.
    Conflict,
    /// There is no such job or file, or it is gone.
    NotFound,
    /// The server or the store does not answer.
    Unreachable,
    /// Not allowed.
    NotAllowed,
    /// Interrupted by the person; what to type to go on was printed.
    Interrupted,
}

impl Exit {
    /// The number the process ends with.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::SomeFailed => 3,
            Self::JobFailed => 4,
            Self::Cancelled => 5,
            Self::Conflict => 6,
            Self::NotFound => 7,
            Self::Unreachable => 8,
            Self::NotAllowed => 9,
            Self::Interrupted => 130,
        }
    }

    /// How a command ends that ran or watched a job to its end; `None` while it has not ended.
    pub(crate) fn of_job(job: &JobView) -> Option<Self> {
        match job.status {
            JobState::Queued | JobState::Running | JobState::Paused => None,
            JobState::Completed if job.results.failed == 0 => Some(Self::Done),
            JobState::Completed => Some(Self::SomeFailed),
            JobState::Failed => Some(Self::JobFailed),
            JobState::Cancelled => Some(Self::Cancelled),
        }
    }

    /// How a command ends that the system refused something.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        let kind = error.kind();
        if kind == std::io::ErrorKind::NotFound {
            Self::NotFound
        } else if kind == std::io::ErrorKind::PermissionDenied {
            Self::NotAllowed
        } else {
            Self::Unexpected
        }
    }

    /// The exit code of a problem.
    fn of_code(code: Code) -> Self {
        match code.exit() {
            2 => Self::Usage,
            6 => Self::Conflict,
            7 => Self::NotFound,
            8 => Self::Unreachable,
            9 => Self::NotAllowed,
            _ => Self::Unexpected,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a command could not do what it was asked: an exit code, a sentence, and what to do next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do, a line each.
    pub(crate) hints: Vec<String>,
    /// The problem document behind it, if the API said so.
    pub(crate) problem: Option<Box<ProblemView>>,
}

impl Failure {
    /// A failure with nothing more to say.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new(), problem: None }
    }

    /// The same with one more line on what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Whether the API answered with this problem.
    pub(crate) fn is(&self, code: Code) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == code.word())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for hint in &self.hints {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let failure = Self::new(Exit::of_code(problem.code), problem.detail);
        with_facts(failure, &problem.facts)
    }
}

impl From<ProblemView> for Failure {
    fn from(view: ProblemView) -> Self {
        let code = Code::ALL.iter().copied().find(|code| code.word() == view.code);
        let exit = code.map_or(Exit::Unexpected, Exit::of_code);
        let message = if view.detail.is_empty() { view.title.clone() } else { view.detail.clone() };
        let mut failure = with_facts(Self::new(exit, message), &view.facts);
        if let Some(actions) = view.allowed_actions.as_ref().filter(|actions| !actions.is_empty()) {
            failure = failure.hint(format!("possible now: {}", actions.join(", ")));
        }
        if exit == Exit::Unexpected {
            failure = failure.hint(format!("request {}; see the server's log", view.request_id));
        }
        failure.problem = Some(Box::new(view));
        failure
    }
}

/// The facts of a problem that help a person: the errors of a recipe, the job that is in the way.
fn with_facts(mut failure: Failure, facts: &serde_json::Map<String, serde_json::Value>) -> Failure {
    if let Some(errors) = facts.get("errors").and_then(serde_json::Value::as_array) {
        for error in errors {
            let mistake = mistake(error);
            // The message tells the first one already.
            if !failure.message.contains(&mistake) {
                failure = failure.hint(mistake);
            }
        }
    }
    if let Some(id) = facts.get("existing_job_id").and_then(serde_json::Value::as_str) {
        failure = failure.hint(format!("watch it with: onward watch {id}"));
    }
    failure
}

/// One mistake of a recipe: `line 4, column 1: …`.
fn mistake(error: &serde_json::Value) -> String {
    let message = error.get("message").and_then(serde_json::Value::as_str);
    let Some(message) = message else { return error.to_string() };
    let number = |name: &str| error.get(name).and_then(serde_json::Value::as_u64);
    match (number("line"), number("column")) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: {message}"),
        (Some(line), None) => format!("line {line}: {message}"),
        (None, _) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_the_exit_code_its_table_says() {
        for code in Code::ALL {
            assert_eq!(Exit::of_code(*code).number(), code.exit(), "{code}");
        }
    }
}
