//! One running program and the process group it leads: ended as a whole, and never left behind.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::guard::{GRACE_MS, Guard, signal};

/// A running program. Dropped before it has ended, its group is asked to end and then killed.
pub(super) struct Process {
    /// `None` once it has ended and was waited for.
    child: Option<Child>,
    group: Group,
    guard: Guard,
}

/// The processes of a program: itself, and what it has started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(u32);

impl Group {
    /// Ends all of them at once.
    pub(super) fn kill(self) {
        signal(self.0, Signal::KILL);
    }
}

/// The three pipes of a program.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// Starts it; the command has a group of its own and pipes for everything.
    pub(super) fn start(mut command: Command, guard: &Guard) -> std::io::Result<(Self, Pipes)> {
        guard.expect(&mut command);
        let mut child = command.spawn()?;
        let group = Group(child.id().unwrap_or_default());
        guard.add(group.0);
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let process = Self { child: Some(child), group, guard: guard.clone() };
        let Some(((stdin, stdout), stderr)) = pipes else {
            return Err(std::io::Error::other("the program has no pipes"));
        };
        Ok((process, Pipes { stdin, stdout, stderr }))
    }

    /// Waits until the program has ended, and then ends whatever it has left behind in its group.
    pub(super) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        let Some(child) = &mut self.child else { return Err(std::io::Error::other("it has ended before")) };
        let status = child.wait().await;
        self.child = None;
        self.group.kill();
        self.guard.remove(self.group.0);
        status
    }

    /// Its group.
    pub(super) fn group(&self) -> Group {
        self.group
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(end(child, self.group, self.guard.clone()))),
            Err(_) => self.group.kill(),
        }
    }
}

async fn end(mut child: Child, group: Group, guard: Guard) {
    signal(group.0, Signal::TERM);
    let ended = tokio::time::timeout(Duration::from_millis(GRACE_MS), child.wait()).await;
    // Also when the program has ended: what it has started may not have.
    group.kill();
    if ended.is_err() {
        // Nothing survives KILL; waiting takes away what is left in the table of processes.
        drop(child.wait().await);
    }
    guard.remove(group.0);
}
