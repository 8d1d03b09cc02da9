//! A real Redis of a test's own, on a free port, with a folder that goes away with it.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::wait::now;

/// How long a start may take on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A Redis server. Killed when dropped.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Redis {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When `redis-server` is not installed or does not start; with what it said.
    pub fn start() -> Result<Self> {
        let folder = TempDir::with_prefix("onward-redis-")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut redis = Self { folder, port, server: None };
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

    /// Ends it at once: what it held is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut server = self.server.take().context("it does not run")?;
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Starts it again, empty, where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub fn launch(&mut self) -> Result<()> {
        let log = File::create(self.folder.path().join("log.txt"))?;
        let port = self.port.to_string();
        let options = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let server = Command::new("redis-server")
            .args(options)
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("redis-server cannot be started; is it installed?")?;
        self.server = Some(server);
        let began = now();
        while self.cli(&["ping"]).is_ok_and(|answer| answer != "PONG") || self.cli(&["ping"]).is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default();
            ensure!(began.elapsed() < READY_WITHIN, "redis does not answer:\n{log}");
            std::thread::sleep(LOOK_EVERY);
        }
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

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // It may be gone already; then there is nothing left to do.
            drop(server.kill());
            drop(server.wait());
        }
    }
}
