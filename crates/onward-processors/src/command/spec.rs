//! How a program is started: its arguments, and an environment that holds nothing by accident.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_core::processor::CannotStart;
use tokio::process::Command;

use super::NamedCommand;
use super::guard::Guard;
use crate::settings::{SECRET_PREFIX, Secrets, Settings};

/// What every program gets of the environment: enough to find other programs and to write text.
const USUAL: [&str; 3] = ["PATH", "HOME", "LANG"];

/// How a program is started.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) argv: Vec<String>,
    /// Names of variables, and their values where they are set.
    env: Vec<(String, Option<OsString>)>,
    pub(super) secrets: Secrets,
    pub(super) guard: Guard,
}

impl Spec {
    /// The error is a sentence.
    pub(super) fn new(chosen: NamedCommand, settings: &Settings) -> Result<Self, String> {
        let NamedCommand { argv, env } = chosen;
        if argv.first().is_none_or(String::is_empty) {
            return Err("`work.command` names no program".to_owned());
        }
        if argv.iter().chain(&env).any(|word| word.contains('\0')) {
            return Err("`work.command` and `work.env` cannot hold a NUL character".to_owned());
        }
        if let Some(name) = env.iter().find(|name| name.contains('=') || name.is_empty()) {
            return Err(format!("`work.env` lists names of variables; `{name}` is none"));
        }
        let value = |name: &str| match name.strip_prefix(SECRET_PREFIX) {
            Some(secret) => settings.secrets.get(secret).map(OsString::from),
            None => std::env::var_os(name),
        };
        let usual = USUAL.iter().filter_map(|name| Some(((*name).to_owned(), Some(value(name)?))));
        let named = env.into_iter().map(|name| {
            let value = value(&name);
            (name, value)
        });
        let env = usual.chain(named).collect();
        Ok(Self { argv, env, secrets: settings.secrets.clone(), guard: settings.guard.clone() })
    }

    /// Whether the program and everything it is promised is there.
    pub(super) fn check(&self) -> Result<(), CannotStart> {
        if let Some((name, _)) = self.env.iter().find(|(_, value)| value.is_none()) {
            if let Some(secret) = name.strip_prefix(SECRET_PREFIX) {
                return Err(crate::settings::missing_secret(secret));
            }
            let message = format!("the variable {name}, which `env` names, is not set where the work runs");
            return Err(CannotStart { code: Code::RecipeInvalid, message });
        }
        let program = &self.argv[0];
        if found(program) {
            return Ok(());
        }
        let message = format!(
            "there is no program `{program}` that may be run here; write its path, such as ./{}, and make it \
             executable with chmod +x",
            program.rsplit('/').next().unwrap_or(program)
        );
        Err(CannotStart { code: Code::RecipeInvalid, message })
    }

    /// A command that runs the program with these arguments, in a process group of its own.
    pub(super) fn command(&self, words: &[String], job: JobId) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().process_group(0);
        command.envs(self.env.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
        command.env("ONWARD_JOB", job.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Whether there is such a program, as the system would look for it.
fn found(program: &str) -> bool {
    if program.contains('/') {
        return is_executable(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_executable(&folder.join(program)))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
