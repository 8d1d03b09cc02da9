//! A program that must not outlive the test, however the test ends.
//!
//! A shell stands between: it holds one end of a pipe whose other end is ours. When the test ends, by
//! itself, by a panic or by kill -9, the pipe closes; the shell then ends the program and removes its
//! folder. Nothing has to run in the test's own process for that.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};

/// $1 is the folder to remove, $2 the signal at which the program ends at once, the rest is the program.
/// A word on the pipe means that the folder is to stay: `leave` that the program was told to end,
/// `stay` that it is to be ended.
const SCRIPT: &str = r#"
folder=$1; signal=$2; shift 2
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
{
    read -r word <&3
    if [ "$word" != leave ]; then
        kill -$signal $program
        while kill -0 $program; do sleep 0.02; done
        [ "$word" = stay ] || rm -rf "$folder"
    fi
} 2>/dev/null &
wait $program
"#;

/// A program under watch.
#[derive(Debug)]
pub(crate) struct Kept {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Kept {
    /// Starts a program; what it says goes to `log`.
    pub(crate) fn start(folder: &Path, log: &Path, signal: &str, program: &[String]) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "keeper"])
            .arg(folder)
            .arg(signal)
            .args(program)
            .env("LC_ALL", "C.UTF-8")
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program[0]))?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    /// Waits for its end, which somebody else brings about; the folder stays.
    pub(crate) fn wait(self) -> Result<()> {
        self.told("leave")
    }

    /// Ends it at once; the folder stays.
    pub(crate) fn end(self) -> Result<()> {
        self.told("stay")
    }

    fn told(mut self, word: &str) -> Result<()> {
        if let Some(pipe) = &mut self.pipe {
            writeln!(pipe, "{word}")?;
        }
        self.shell.wait()?;
        Ok(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.pipe = None;
        drop(self.shell.wait());
    }
}

/// The words that run a program as a user that is not root: servers of databases insist on it.
pub(crate) fn as_its_user(program: &[String]) -> Vec<String> {
    let words = if rustix::process::geteuid().is_root() {
        &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"][..]
    } else {
        &[]
    };
    words.iter().map(|word| (*word).to_owned()).chain(program.iter().cloned()).collect()
}

/// Gives a folder to that user.
pub(crate) fn give(folder: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let to =
        Command::new("chown").arg("postgres:").arg(folder).status().context("chown cannot be started")?;
    anyhow::ensure!(to.success(), "there is no user postgres; `cargo xtask setup` installs PostgreSQL");
    Ok(())
}
