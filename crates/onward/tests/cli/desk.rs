//! A desk to type commands at: a folder of its own, and the real binary.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use onward_testkit::{CreatorsJob, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Everything a test waits for is there long before this, also on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A folder, and commands typed in it.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The same, after making sure of the exit code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::with_prefix("onward-cli-").unwrap() }
    }

    /// The current directory of the commands.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the commands keep their data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// Puts a job's file and recipe on the desk, as `creators.csv` and `recipe.toml`.
    pub(crate) fn lay(&self, job: &CreatorsJob) {
        self.write("creators.csv", &job.csv);
        self.write("recipe.toml", &job.recipe);
    }

    /// Types a command and waits for its end.
    pub(crate) fn type_in(&self, args: &[&str]) -> Said {
        self.type_with(&[], args)
    }

    /// The same with these variables in the environment.
    pub(crate) fn type_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Said {
        let output = self.command(args).envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: code_of(output.status), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Types a command and does not wait.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        self.start_with(&[], args)
    }

    /// The same with these variables in the environment.
    pub(crate) fn start_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Running {
        let heard = TempDir::with_prefix("onward-heard-").unwrap();
        let file = |name| File::create(heard.path().join(name)).unwrap();
        let mut command = self.command(args);
        let child =
            command.envs(variables.iter().copied()).stdout(file("out")).stderr(file("err")).spawn().unwrap();
        Running { child: Some(child), heard }
    }

    /// Starts a server on a free port and waits until it can be found.
    pub(crate) async fn serve(&self, args: &[&str]) -> Running {
        let mut server = self.start(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        self.found(&mut server, &self.data()).await;
        server
    }

    /// Waits for the note of a server.
    pub(crate) async fn found(&self, server: &mut Running, data_dir: &Path) -> Value {
        let pid = server.id();
        until("the server's note", LIMIT, || {
            let note = std::fs::read_to_string(data_dir.join("server.json")).unwrap_or_default();
            let note: Option<Value> = serde_json::from_str(&note).ok();
            async move { Ok(note.filter(|note| note["pid"] == pid)) }
        })
        .await
        .unwrap()
    }

    /// The newest job, asked of the command line itself.
    pub(crate) fn last_job(&self) -> Value {
        self.type_in(&["show", "last", "--json"]).ends_with(0).json()
    }

    /// The newest job, once it looks like this.
    pub(crate) async fn job_when(&self, what: &str, looks: impl Fn(&Value) -> bool) -> Value {
        until(what, LIMIT, async || {
            let said = self.type_in(&["show", "last", "--json"]);
            let job: Option<Value> = serde_json::from_str(&said.out).ok();
            Ok(job.filter(&looks))
        })
        .await
        .unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onward"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ONWARD_")) {
            command.env_remove(name);
        }
        let is_demo = args.first() == Some(&"demo");
        if !is_demo {
            command.env("ONWARD_DATA_DIR", self.data());
        }
        command.args(args).current_dir(self.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }
}

/// A command that has not ended. Killed when dropped.
pub(crate) struct Running {
    child: Option<Child>,
    heard: TempDir,
}

impl Running {
    /// Waits until it has said this on stderr.
    pub(crate) async fn says(&self, words: &str) {
        let heard = || async { Ok(self.heard("err").contains(words).then_some(())) };
        until(words, LIMIT, heard).await.unwrap();
    }

    fn heard(&self, name: &str) -> String {
        std::fs::read_to_string(self.heard.path().join(name)).unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// The polite kill.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// kill -9, and its last words.
    pub(crate) fn kill(mut self) -> Said {
        let child = self.child.as_mut().unwrap();
        assert!(child.try_wait().unwrap().is_none(), "it was to be killed and had ended by itself");
        child.kill().unwrap();
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Said {
        let status = self.child.take().unwrap().wait().unwrap();
        Said { code: code_of(status), out: self.heard("out"), err: self.heard("err") }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A process that was killed has no exit code; -9 stands for it.
fn code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-9)
}
