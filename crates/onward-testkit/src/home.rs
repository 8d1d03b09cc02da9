//! A folder with a store, in which the real binary is started, killed, frozen and thawed.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::api::Api;
use crate::hosts::{Host, skipped};
use crate::wait::until;

/// How long a server may take to answer on a busy machine. Its budget is tested elsewhere.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The folder of a store that is on a disk of its own.
const DISK: &str = "disk";

/// A data folder and the binary that works in it. Deleted when dropped.
#[derive(Debug)]
pub struct Home {
    binary: PathBuf,
    dir: TempDir,
    /// Another store than the folder's own, and the Redis beside it.
    shared: Option<(String, Option<String>)>,
    /// The words before the binary's own: those that run it on another host.
    host: Vec<String>,
    /// Secrets in the environment of the binary.
    secrets: Vec<(String, String)>,
}

impl Home {
    /// An empty one. Tests pass `env!("CARGO_BIN_EXE_onward")`.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new(binary: &str) -> Result<Self> {
        let dir = TempDir::with_prefix("onward-test-").context("no temporary folder")?;
        Ok(Self { binary: PathBuf::from(binary), dir, shared: None, host: Vec::new(), secrets: Vec::new() })
    }

    /// An empty one whose binary works on a store that others share, with a Redis or without.
    ///
    /// # Errors
    /// As [`Home::new`].
    pub fn sharing(binary: &str, store: &str, redis: Option<&str>) -> Result<Self> {
        let shared = Some((store.to_owned(), redis.map(str::to_owned)));
        Ok(Self { shared, ..Self::new(binary)? })
    }

    /// The same on another host.
    #[must_use]
    pub fn on(mut self, host: &Host) -> Self {
        self.host = host.words();
        self
    }

    /// The same with its store on a disk of so many MiB, which lives as long as the process that is started in it;
    /// see [`Process::disk`]. `None`, with a line that says why, where this machine allows no disks.
    #[must_use]
    pub fn on_a_disk_of(mut self, mib: u32) -> Option<Self> {
        let disk = self.path().join(DISK);
        let mount = |then: &str| {
            let disk = disk.display();
            let script =
                format!("mkdir -p '{disk}' && mount -t tmpfs -o size={mib}m tmpfs '{disk}' && {then}");
            ["unshare", "--mount", "sh", "-c", &script, "disk"].map(str::to_owned).to_vec()
        };
        let words = mount("true");
        match Command::new(&words[0]).args(&words[1..]).output() {
            Ok(tried) if tried.status.success() => {}
            Ok(tried) => {
                skipped(&format!("no disk of its own: {}", String::from_utf8_lossy(&tried.stderr)));
                return None;
            }
            Err(error) => {
                skipped(&format!("no disk of its own: {error}"));
                return None;
            }
        }
        self.shared = Some((format!("sqlite:{}/onward.db", disk.display()), None));
        self.host = mount("exec \"$@\"");
        Some(self)
    }

    /// The same with a secret: `ONWARD_SECRET_NAME` in the environment of the binary.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.push((format!("ONWARD_SECRET_{name}"), value.to_owned()));
        self
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The SQLite file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path().join("onward.db")
    }

    /// Starts `onward <args>` on this folder's store. What it says goes to `log.txt` in the folder.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start(&self, args: &[&str]) -> Result<Process> {
        let log = File::options().create(true).append(true).open(self.path().join("log.txt"))?;
        let mut command = self.command(args);
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        let child = child.with_context(|| format!("cannot start {}", self.binary.display()))?;
        Ok(Process { child })
    }

    /// Runs `onward <args>` to its end and gives what it printed.
    ///
    /// # Errors
    /// When it cannot be started or fails; with what it said.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        let done = self.command(args).output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "onward {} ended with {}: {said}", args.join(" "), done.status);
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    fn command(&self, args: &[&str]) -> Command {
        let words = self.host.iter().map(OsStr::new).chain([self.binary.as_os_str()]);
        let words: Vec<&OsStr> = words.collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ONWARD_")) {
            command.env_remove(name);
        }
        command.envs(self.secrets.iter().map(|(name, value)| (name, value)));
        let own = || (format!("sqlite:{}", self.database().display()), None);
        let (store, redis) = self.shared.clone().unwrap_or_else(own);
        if let Some(redis) = redis {
            command.arg("--redis").arg(redis);
        }
        command.args(args).arg("--data-dir").arg(self.path()).arg("--store").arg(store);
        command.env("NO_COLOR", "1").current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Starts a server on a free loopback port.
    ///
    /// # Errors
    /// As [`Home::start`].
    pub fn serve(&self, more: &[&str]) -> Result<Process> {
        self.serve_at("127.0.0.1:0", more)
    }

    /// Starts a server at an address, so that a page finds it again after a kill.
    ///
    /// # Errors
    /// As [`Home::start`].
    pub fn serve_at(&self, address: &str, more: &[&str]) -> Result<Process> {
        self.start(&[&["serve", "--listen", address], more].concat())
    }

    /// Waits until the server answers, and gives its API.
    ///
    /// # Errors
    /// When the process ends or does not become ready; with the end of its log.
    pub async fn ready(&self, process: &mut Process) -> Result<Api> {
        let pid = process.id();
        let mut ended = None;
        let api = until("the server to be ready", READY_WITHIN, || {
            ended = process.child.try_wait().ok().flatten();
            let found = self.address_of(pid);
            let ended = ended;
            async move {
                if ended.is_some() {
                    return Ok(Some(None));
                }
                let Some(address) = found else { return Ok(None) };
                let api = Api::at(&address)?;
                Ok(api.is_ready().await.then_some(Some(api)))
            }
        })
        .await
        .with_context(|| self.log_tail())?;
        api.ok_or_else(|| anyhow!("the server ended ({ended:?}) before it was ready\n{}", self.log_tail()))
    }

    /// The last lines of what the binaries said.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.path().join("log.txt")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        format!("the log ends with:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"))
    }

    /// The address in `server.json`, if the process with this id wrote it.
    fn address_of(&self, pid: u32) -> Option<String> {
        let text = std::fs::read_to_string(self.path().join("server.json")).ok()?;
        let server: Value = serde_json::from_str(&text).ok()?;
        (server["pid"].as_u64()? == u64::from(pid)).then(|| server["address"].as_str().map(str::to_owned))?
    }
}

/// A running binary. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The disk of its store as others see it, if it was given one by [`Home::on_a_disk_of`].
    #[must_use]
    pub fn disk(&self, home: &Home) -> PathBuf {
        let root = format!("/proc/{}/root", self.id());
        Path::new(&root).join(home.path().strip_prefix("/").unwrap_or(home.path())).join(DISK)
    }

    /// Kills it with kill -9 and waits until it is gone. No handler of its own runs.
    ///
    /// # Errors
    /// When it had ended by itself before: the test then tested nothing.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the process was to be killed and had ended by itself: {status}");
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// How it ended, if it has by itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop, as a supervisor would, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        until("the process to stop", READY_WITHIN, || {
            let ended = self.ended();
            async move { ended }
        })
        .await
        .map(drop)
    }

    /// Freezes it in the middle of whatever it does (SIGSTOP).
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).context("an odd process id")?;
        kill_process(pid, signal).context("the signal could not be sent")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing left to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
