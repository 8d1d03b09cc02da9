//! One process per row: the row in its arguments and on its standard input, its exit code the outcome.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use async_trait::async_trait;
use onward_core::input::InputRow;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, CannotStart, Processor};
use onward_core::row::{Outcome, Text, Verdict};
use serde_json::{Map, Value as Json};
use tokio::io::AsyncWriteExt;

use super::argument::Argument;
use super::invalid;
use super::output::{MAX_OUTPUT, Tail};
use super::process::{Pipes, Process};
use super::spec::Spec;
use crate::answers::{failed, one_line};
use crate::wire;

/// Exit codes with a meaning of their own; 0 is added, every other one is failed.
const SKIPPED: i32 = 10;
const FILTERED: i32 = 11;
/// `EX_TEMPFAIL` of sysexits.h.
const RETRY: i32 = 75;
/// The last line of a program's words is cut there, in characters.
const MAX_MESSAGE: usize = 1_000;
/// What is in the pipes when the program has ended is there at once; whoever holds them open for
/// longer, in milliseconds, is not the program.
const DRAIN_MS: u64 = 250;

/// A program that is started for each row.
pub(super) struct RowCommand {
    spec: Spec,
    arguments: Vec<Argument>,
}

impl RowCommand {
    pub(super) fn new(spec: Spec, key: Option<&str>) -> Result<Self, Problem> {
        let arguments: Result<Vec<_>, String> =
            spec.argv.iter().map(|word| Argument::read(word, key)).collect();
        let arguments = arguments.map_err(|message| invalid("work.command", message, None))?;
        if arguments.first().is_some_and(|program| program.fields().next().is_some()) {
            let message = "the program itself must be written out; a row may not choose it".to_owned();
            return Err(invalid("work.command", message, None));
        }
        Ok(Self { spec, arguments })
    }

    async fn one(&self, call: &Call, row: &InputRow) -> Result<Answer, Answer> {
        let words = self.words(call, row)?;
        let mut command = self.spec.command(&words, call.job);
        command.env("ONWARD_ROW", row.index.row().to_string());
        command.env("ONWARD_TRY", call.attempt.to_string());
        command.env("ONWARD_KEY", call.idempotency_key(row).to_string());
        let started = Process::start(command, &self.spec.guard);
        let (process, pipes) = started.map_err(|error| cannot_start(&error))?;
        let (out, err) = (Tail::default(), Tail::default());
        let Some(status) = run(process, pipes, &wire::one_row(call, row), &out, &err).await else {
            let message = format!("the program wrote more than {MAX_OUTPUT} bytes and was ended");
            let verdict = Verdict::new(Outcome::Failed, "too-much-output", message);
            return Ok(self.with_output(verdict, &out, &err));
        };
        Ok(self.answer(status.map_err(|error| cannot_start(&error))?, &out, &err))
    }

    fn answer(&self, status: ExitStatus, out: &Tail, err: &Tail) -> Answer {
        let words = err.last_line().map(|line| self.spec.secrets.hide(one_line(&line, MAX_MESSAGE)));
        let told = |usual: String| Text::from(words.clone().unwrap_or(usual));
        let plain = |outcome: Outcome| Verdict::new(outcome, outcome.word(), told(outcome.word().to_owned()));
        let verdict = match status.code() {
            Some(0) => Verdict::added(),
            Some(SKIPPED) => plain(Outcome::Skipped),
            Some(FILTERED) => plain(Outcome::Filtered),
            Some(RETRY) => {
                let message = told(format!("the program ended with {RETRY}, which means later"));
                return Answer::Retry { code: "retry".into(), message, wait_ms: None };
            }
            Some(code) => {
                let message = told(format!("the program ended with exit code {code}"));
                Verdict::new(Outcome::Failed, format!("exit-{code}"), message)
            }
            None => {
                let signal = status.signal().unwrap_or_default();
                let message = format!("the program was ended by signal {signal}");
                let message = words.map_or(message.clone(), |words| format!("{message}: {words}"));
                Verdict::new(Outcome::Failed, "killed", message)
            }
        };
        self.with_output(verdict, out, err)
    }

    /// Keeps the end of what the program wrote with the row.
    fn with_output(&self, mut verdict: Verdict, out: &Tail, err: &Tail) -> Answer {
        let mut kept = Map::new();
        for (name, tail) in [("stdout", out), ("stderr", err)] {
            let text = tail.text();
            if !text.trim().is_empty() {
                kept.insert(name.to_owned(), Json::String(self.spec.secrets.hide(text)));
            }
        }
        if !kept.is_empty() {
            verdict.result = Some(Json::Object(kept).to_string().into());
        }
        Answer::Done(verdict)
    }

    fn words(&self, call: &Call, row: &InputRow) -> Result<Vec<String>, Answer> {
        let mut options_are_over = false;
        let mut words = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            let word = argument.fill(call, row)?;
            // A row's value would be read as an option of the program's, which it is not.
            if argument.begins_with_field() && word.starts_with('-') && !options_are_over {
                let message = "a value that begins with - would be read as an option; put -- before its \
                               placeholder in the command";
                return Err(failed("like-an-option", message));
            }
            options_are_over |= word == "--";
            words.push(word);
        }
        Ok(words)
    }
}

#[async_trait]
impl Processor for RowCommand {
    fn calls_out(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<String> {
        self.arguments.iter().flat_map(Argument::fields).map(str::to_owned).collect()
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(call.rows.len());
        for row in &call.rows {
            answers.push(self.one(call, row).await.unwrap_or_else(|answer| answer));
        }
        answers
    }

    async fn check(&self) -> Result<(), CannotStart> {
        self.spec.check()
    }
}

/// Feeds the program, reads what it writes and waits for its end; `None` when it wrote too much.
async fn run(
    mut process: Process,
    pipes: Pipes,
    row: &[u8],
    out: &Tail,
    err: &Tail,
) -> Option<std::io::Result<ExitStatus>> {
    let Pipes { mut stdin, stdout, stderr } = pipes;
    let feed = async move {
        // A program need not read what it is told.
        let _ = stdin.write_all(row).await;
        let _ = stdin.write_all(b"\n").await;
    };
    let group = process.group();
    let reading = async move {
        let out = async {
            let within = out.read(stdout, MAX_OUTPUT).await;
            if !within {
                group.kill();
            }
            within
        };
        tokio::join!(out, err.read(stderr, usize::MAX), feed).0
    };
    tokio::pin!(reading);
    let (within, status) = tokio::select! {
        within = &mut reading => (within, process.ended().await),
        status = process.ended() => {
            let rest = tokio::time::timeout(Duration::from_millis(DRAIN_MS), reading).await;
            (rest.unwrap_or_else(|_| out.fits(MAX_OUTPUT)), status)
        }
    };
    within.then_some(status)
}

/// A program that cannot be started now may be later, unless there is none.
pub(super) fn cannot_start(error: &std::io::Error) -> Answer {
    use std::io::ErrorKind;
    let kind = error.kind();
    if matches!(kind, ErrorKind::NotFound | ErrorKind::PermissionDenied) {
        let message = format!("the program cannot be started: {error}");
        return Answer::Fatal { code: "no-program".into(), message: message.into(), wait_ms: None };
    }
    if matches!(kind, ErrorKind::InvalidInput | ErrorKind::ArgumentListTooLong) {
        return failed("bad-argument", format!("the program cannot be started with this row: {error}"));
    }
    let message = format!("the program could not be started: {error}");
    Answer::Retry { code: "not-started".into(), message: message.into(), wait_ms: None }
}
