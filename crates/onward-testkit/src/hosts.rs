//! Machines with addresses of their own: network namespaces, each with a cable to this machine. They
//! see each other and this machine's loopback address only where that is meant.
//!
//! A namespace lives as long as a process in it, and its cable as long as the namespace: whatever
//! becomes of the test, nothing is left behind.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::keeper::Kept;
use crate::wait::now;

/// How long a namespace may take to come up on a busy machine.
const WITHIN: Duration = Duration::from_secs(20);
/// Another test may have the same network at the same moment; then the next is tried.
const TRIES: u32 = 4;

/// A few machines.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Host>,
    subnet: u8,
}

/// One of them.
#[derive(Debug)]
pub struct Host {
    pid: String,
    cable: String,
    // Ended before its folder goes.
    _holder: Kept,
    _dir: TempDir,
}

impl Hosts {
    /// So many machines; `None`, with a line that says why, where this one does not allow it.
    #[must_use]
    pub fn start(count: u8) -> Option<Self> {
        let mut last = None;
        for _ in 0..TRIES {
            match Self::on(own_subnet(), count) {
                Ok(hosts) => return Some(hosts),
                Err(error) => last = Some(error),
            }
        }
        skipped(&format!("this machine allows no network namespaces: {last:?}"));
        None
    }

    fn on(subnet: u8, count: u8) -> Result<Self> {
        let mut hosts = Self { hosts: Vec::new(), subnet };
        for no in 0..count {
            let host = Host::start(subnet, no)?;
            if no == 0 {
                // This machine's address on the network of the test; it goes with the first cable.
                let address = format!("{}/32", hosts.here());
                ip(&["address", "add", &address, "dev", &host.cable])?;
            }
            hosts.hosts.push(host);
        }
        Ok(hosts)
    }

    /// The address at which they find this machine.
    #[must_use]
    pub fn here(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 213, self.subnet, 254))
    }

    /// One of them, from 0.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn host(&self, no: usize) -> Result<&Host> {
        self.hosts.get(no).context("there is such a host")
    }
}

impl Host {
    fn start(subnet: u8, no: u8) -> Result<Self> {
        let dir = TempDir::with_prefix("onward-host-")?;
        let pid_file = dir.path().join("pid");
        let script = format!("echo $$ >{}; exec sleep infinity", pid_file.display());
        let words = ["unshare", "--net", "sh", "-c", &script].map(str::to_owned);
        let holder = Kept::start(dir.path(), &dir.path().join("log"), "KILL", &words)?;
        let pid = written(&pid_file)?;
        let (cable, far_end) = (format!("onw{subnet}n{no}"), format!("onw{subnet}f{no}"));
        let near = Ipv4Addr::new(10, 213, subnet, 4 * no + 1);
        let far = Ipv4Addr::new(10, 213, subnet, 4 * no + 2);
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", &far_end, "netns", &pid])?;
        ip(&["address", "add", &format!("{near}/30"), "dev", &cable])?;
        ip(&["link", "set", &cable, "up"])?;
        let host = Self { pid, cable, _holder: holder, _dir: dir };
        host.run(&["ip", "link", "set", "lo", "up"])?;
        host.run(&["ip", "address", "add", &format!("{far}/30"), "dev", &far_end])?;
        host.run(&["ip", "link", "set", &far_end, "up"])?;
        host.run(&["ip", "route", "add", "default", "via", &near.to_string()])?;
        Ok(host)
    }

    /// The words that run a program there.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        ["nsenter", "--net", "--target", &self.pid, "--"].map(str::to_owned).to_vec()
    }

    /// Pulls its cable.
    ///
    /// # Errors
    /// When the system says no.
    pub fn unplug(&self) -> Result<()> {
        ip(&["link", "set", &self.cable, "down"])
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// When the system says no.
    pub fn plug_in(&self) -> Result<()> {
        ip(&["link", "set", &self.cable, "up"])
    }

    fn run(&self, words: &[&str]) -> Result<()> {
        let inside = self.words();
        run(Command::new(&inside[0]).args(&inside[1..]).args(words))
    }
}

/// A network that no other test of this process has, and hardly one of another.
fn own_subnet() -> u8 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let no = std::process::id().wrapping_mul(7).wrapping_add(LAST.fetch_add(1, Ordering::Relaxed));
    u8::try_from(no % 251).unwrap_or_default()
}

/// A test that a machine does not allow is left out, and says why.
#[expect(clippy::print_stderr, reason = "the runner shows what a test prints")]
pub fn skipped(why: &str) {
    eprintln!("left out: {why}");
}

fn written(pid_file: &Path) -> Result<String> {
    let since = now();
    loop {
        let pid = std::fs::read_to_string(pid_file).unwrap_or_default();
        if pid.ends_with('\n') {
            return Ok(pid.trim().to_owned());
        }
        ensure!(since.elapsed() < WITHIN, "no namespace came up");
        // Between two looks.
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ip(words: &[&str]) -> Result<()> {
    run(Command::new("ip").args(words))
}

fn run(command: &mut Command) -> Result<()> {
    let done = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}
