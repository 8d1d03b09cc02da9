//! A running chromedriver, which in turn runs the browser. Both end when it is dropped.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// How often it is started before that is an error.
const STARTS: u32 = 5;

/// chromedriver on a free port, in a process group of its own.
#[derive(Debug)]
pub struct ChromeDriver {
    child: Child,
    url: String,
}

impl ChromeDriver {
    /// Starts it. It picks a port that is free for one version of the internet protocol and gives up when
    /// somebody has it for the other; then the next one picks another.
    ///
    /// # Errors
    /// When it is not installed or, however often it is started, does not say its port.
    pub fn start() -> Result<Self> {
        for _ in 1..STARTS {
            if let Some(driver) = Self::start_once()? {
                return Ok(driver);
            }
        }
        Self::start_once()?.context("chromedriver did not say its port")
    }

    /// `None` when it ended before it said its port.
    fn start_once() -> Result<Option<Self>> {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver is missing; `cargo xtask setup` installs it or says how")?;
        let stdout = child.stdout.take().context("stdout was piped")?;
        let mut driver = Self { child, url: String::new() };
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let Some(port) = lines.find_map(|line| port_in(&line)) else { return Ok(None) };
        driver.url = format!("http://127.0.0.1:{port}");
        // Somebody has to read on, or the driver blocks when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Some(driver))
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        // The browser's processes are in the same group; some may be gone already.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
        drop(self.child.wait());
    }
}

/// The port in `ChromeDriver was started successfully on port 34567.`
fn port_in(line: &str) -> Option<u16> {
    let (_, after) = line.split_once("successfully on port ")?;
    after.trim_end_matches('.').trim().parse().ok()
}

#[test]
fn the_port_is_read_from_the_drivers_first_words() {
    assert_eq!(port_in("ChromeDriver was started successfully on port 34567."), Some(34_567));
    assert_eq!(port_in("Starting ChromeDriver 156.0 on port 0"), None);
}
