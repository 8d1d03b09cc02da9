//! A real Redis of a test's own, on free ports, with a folder that goes away with it. It ends with the
//! test, however that ends.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::keeper::Kept;
use crate::postgres::free_port;
use crate::wait::now;

/// How long a start may take on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    server: Option<Kept>,
    port: u16,
    tls_port: u16,
    options: Vec<String>,
    folder: TempDir,
}

impl Redis {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When `redis-server` is not installed or does not start; with what it said.
    pub fn start() -> Result<Self> {
        Self::with(Vec::new())
    }

    /// The same, reachable at an address of this machine besides the loopback one.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn start_at(address: IpAddr) -> Result<Self> {
        if address.is_loopback() {
            return Self::start();
        }
        let bind = ["--bind", "127.0.0.1", &address.to_string(), "--protected-mode", "no"];
        Self::with(bind.map(str::to_owned).to_vec())
    }

    /// The same, which also speaks TLS, as whom these certificates name.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn start_with_tls(certificates: &Certificates) -> Result<Self> {
        let file = |path: std::path::PathBuf| path.display().to_string();
        let (root, server, key) = (certificates.root(), certificates.server(), certificates.key());
        let (root, server, key) = (file(root), file(server), file(key));
        let words = ["--tls-ca-cert-file", &root, "--tls-cert-file", &server, "--tls-key-file", &key];
        let mut options = words.map(str::to_owned).to_vec();
        options.extend(["--tls-auth-clients", "no"].map(str::to_owned));
        let tls_port = free_port()?;
        options.extend([String::from("--tls-port"), tls_port.to_string()]);
        Ok(Self { tls_port, ..Self::with(options)? })
    }

    fn with(options: Vec<String>) -> Result<Self> {
        let folder = TempDir::with_prefix("onward-redis-")?;
        let mut redis = Self { server: None, port: free_port()?, tls_port: 0, options, folder };
        redis.launch()?;
        Ok(redis)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port on the loopback address.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its port for TLS.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Ends it at once: what it held is gone, but for what `save` has written.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.server.take().context("it does not run")?.end()
    }

    /// Starts it again where it was: empty, or with what `save` has written.
    ///
    /// # Errors
    /// When it does not start.
    pub fn launch(&mut self) -> Result<()> {
        let (port, folder) = (self.port.to_string(), self.folder.path().display().to_string());
        let words = ["redis-server", "--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", &folder];
        let words: Vec<String> = words.map(str::to_owned).into_iter().chain(self.options.clone()).collect();
        let log = self.folder.path().join("log.txt");
        let mut server = Kept::start(self.folder.path(), &log, "KILL", &words)?;
        let began = now();
        while self.cli(&["ping"]).is_ok_and(|answer| answer != "PONG") || self.cli(&["ping"]).is_err() {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            ensure!(server.is_running() && began.elapsed() < READY_WITHIN, "redis does not answer:\n{log}");
            std::thread::sleep(LOOK_EVERY);
        }
        self.server = Some(server);
        Ok(())
    }

    /// What `redis-cli` says to a command.
    ///
    /// # Errors
    /// When it fails.
    pub fn cli(&self, command: &[&str]) -> Result<String> {
        let mut cli = Command::new("redis-cli");
        let said = cli.args(["-e", "-p", &self.port.to_string()]).args(command).output()?;
        ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }
}
