//! Ends the programs when this process is killed.
//!
//! **Promise.** Also after `kill -9` of this process, which runs no code of ours any more, no program it
//! started lives on for more than a few seconds, whatever it does with its standard input.
//!
//! **How.** A second process of the same binary is told over a pipe which process groups live: `+123`,
//! `-123`. Its end of the pipe is closed by the system when this process dies, however it dies. It then
//! ends the groups that are left: TERM, a moment later KILL. It stands in a group of its own, so that
//! Ctrl-C at the terminal does not reach it.
//!
//! A program that is started in the very moment of the kill is not told of. Where the system has `/proc`
//! (Linux) it is found by a variable in its environment (`ONWARD_GUARD`), as is one that has left its group. None
//! can slip through: until a program of ours is running with that variable, it holds the pipe too.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The variable that programs carry, with a value that is this process's own.
const MARK: &str = "ONWARD_GUARD";

/// How long a program may take to end by itself once it was asked to, in milliseconds.
pub(super) const GRACE_MS: u64 = 1_000;

/// The second process, started when the first program is. Without one, programs notice a kill of this
/// process by their closed input alone.
#[derive(Clone, Default)]
pub struct Guard(Option<Arc<Mutex<State>>>);

struct State {
    command: Vec<OsString>,
    mark: String,
    pipe: Option<ChildStdin>,
    groups: BTreeSet<u32>,
}

impl Guard {
    /// A guard that this command starts; what it starts calls [`stand`].
    #[must_use]
    pub fn started_by(command: Vec<OsString>) -> Self {
        // No secret: it only has to differ from that of any other process.
        let mark = format!("{}-{:016x}", std::process::id(), RandomState::new().build_hasher().finish());
        Self(Some(Arc::new(Mutex::new(State { command, mark, pipe: None, groups: BTreeSet::new() }))))
    }

    /// Makes a program known that is about to start.
    pub(super) fn expect(&self, program: &mut tokio::process::Command) {
        let Some(state) = &self.0 else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.pipe.is_none() {
            state.start();
        }
        program.env(MARK, &state.mark);
    }

    pub(super) fn add(&self, group: u32) {
        self.tell(|state| {
            state.groups.insert(group);
            format!("+{group}\n")
        });
    }

    pub(super) fn remove(&self, group: u32) {
        self.tell(|state| {
            state.groups.remove(&group);
            format!("-{group}\n")
        });
    }

    fn tell(&self, change: impl FnOnce(&mut State) -> String) {
        let Some(state) = &self.0 else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let line = change(&mut state);
        let told = state.pipe.as_mut().is_some_and(|pipe| pipe.write_all(line.as_bytes()).is_ok());
        if !told && !state.groups.is_empty() {
            state.start();
        }
    }
}

impl State {
    /// Starts the second process, and tells it everything.
    fn start(&mut self) {
        self.pipe = None;
        let Some((program, arguments)) = self.command.split_first() else { return };
        let child = Command::new(program)
            .args(arguments)
            .env(MARK, &self.mark)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match child {
            Ok(mut child) => {
                self.pipe = child.stdin.take();
                let all: String = self.groups.iter().map(|group| format!("+{group}\n")).collect();
                if let Some(pipe) = &mut self.pipe {
                    // If it is gone at once, the next program starts another.
                    let _ = pipe.write_all(all.as_bytes());
                }
            }
            Err(error) => tracing::warn!(%error, "programs cannot be ended should this process be killed"),
        }
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Guard" } else { "no Guard" })
    }
}

/// What the second process does: reads which groups live until the pipe is closed, then ends those left.
pub fn stand(pipe: impl BufRead) {
    let mut groups = BTreeSet::new();
    for line in pipe.lines().map_while(Result::ok) {
        match (line.strip_prefix('+'), line.strip_prefix('-')) {
            (Some(group), _) => groups.extend(group.parse::<u32>()),
            (None, Some(group)) => groups.retain(|known: &u32| known.to_string() != group),
            (None, None) => {}
        }
    }
    let mark = std::env::var(MARK).ok().map(|value| format!("{MARK}={value}"));
    let end = |how| {
        let marked = mark.as_deref().map(marked).unwrap_or_default();
        groups.iter().for_each(|group| signal(*group, how));
        for pid in &marked {
            // That it is gone is as good.
            let _ = kill_process(*pid, how);
        }
        groups.is_empty() && marked.is_empty()
    };
    if !end(Signal::TERM) {
        std::thread::sleep(Duration::from_millis(GRACE_MS));
        end(Signal::KILL);
    }
}

/// The processes with this in their environment, without the one that asks.
fn marked(mark: &str) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let carries = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| u32::try_from(*pid).is_ok_and(|pid| pid != std::process::id()) && carries(pid))
        .filter_map(Pid::from_raw)
        .collect()
}

/// Sends a signal to every process of a group. That the group is gone is as good.
pub(super) fn signal(group: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, signal);
    }
}
