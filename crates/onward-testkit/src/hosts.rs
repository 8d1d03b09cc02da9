//! Machines with addresses of their own: network namespaces, each with a cable to the one the test is in.
//! They see each other and its loopback address only where that is meant.
//!
//! The test has a namespace of its own too. An address that comes or goes is seen by every program in the
//! same one, and a browser gives up what it is loading: two tests in one network disturb each other.
//!
//! A namespace lives as long as a process in it, and its cable as long as the namespace: whatever
//! becomes of the test, nothing is left behind.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::keeper::Kept;
use crate::wait::now;

/// How long a namespace may take to come up on a busy machine.
const WITHIN: Duration = Duration::from_secs(20);

/// A few machines.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Host>,
}

/// One of them.
#[derive(Debug)]
pub struct Host {
    namespace: Namespace,
    cable: String,
}

/// A network namespace, and the process that holds it.
#[derive(Debug)]
struct Namespace {
    pid: String,
    // Ended before its folder goes.
    _holder: Kept,
    _dir: TempDir,
}

impl Hosts {
    /// Runs a test beside so many machines, in a network that it has for itself, and so have the threads
    /// and programs it starts. `None`, with a line that says why, where this machine does not allow it.
    ///
    /// # Errors
    /// What the test says.
    pub fn beside(count: u8, test: impl AsyncFnOnce(Option<Self>) -> Result<()>) -> Result<()> {
        let hosts = Self::start(count)
            .inspect_err(|error| skipped(&format!("this machine allows no network namespaces: {error:?}")));
        // Threads are in the network of the one that starts them, so they are started now.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(test(hosts.ok()))
    }

    fn start(count: u8) -> Result<Self> {
        // It lives on as this thread's, once the process that held it has ended.
        Namespace::start()?.enter()?;
        ip(&["link", "set", "lo", "up"])?;
        let mut hosts = Self { hosts: Vec::new() };
        for no in 0..count {
            let host = Host::start(no)?;
            if no == 0 {
                let address = format!("{}/32", hosts.here());
                ip(&["address", "add", &address, "dev", &host.cable])?;
            }
            hosts.hosts.push(host);
        }
        Ok(hosts)
    }

    /// The address at which they find the test.
    #[must_use]
    pub fn here(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 213, 0, 254))
    }

    /// One of them, from 0.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn host(&self, no: usize) -> Result<&Host> {
        self.hosts.get(no).context("there is such a host")
    }
}

impl Namespace {
    fn start() -> Result<Self> {
        let dir = TempDir::with_prefix("onward-host-")?;
        let pid_file = dir.path().join("pid");
        let script = format!("echo $$ >{}; exec sleep infinity", pid_file.display());
        let words = ["unshare", "--net", "sh", "-c", &script].map(str::to_owned);
        let holder = Kept::start(dir.path(), &dir.path().join("log"), "KILL", &words)?;
        Ok(Self { pid: written(&pid_file)?, _holder: holder, _dir: dir })
    }

    /// This thread is in it from here on.
    fn enter(&self) -> Result<()> {
        let network = File::open(format!("/proc/{}/ns/net", self.pid))?;
        Ok(move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?)
    }
}

impl Host {
    fn start(no: u8) -> Result<Self> {
        let namespace = Namespace::start()?;
        let (cable, far_end) = (format!("near{no}"), format!("far{no}"));
        let near = Ipv4Addr::new(10, 213, 0, 4 * no + 1);
        let far = Ipv4Addr::new(10, 213, 0, 4 * no + 2);
        let netns = &namespace.pid;
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", &far_end, "netns", netns])?;
        ip(&["address", "add", &format!("{near}/30"), "dev", &cable])?;
        ip(&["link", "set", &cable, "up"])?;
        let host = Self { namespace, cable };
        host.run(&["ip", "link", "set", "lo", "up"])?;
        host.run(&["ip", "address", "add", &format!("{far}/30"), "dev", &far_end])?;
        host.run(&["ip", "link", "set", &far_end, "up"])?;
        host.run(&["ip", "route", "add", "default", "via", &near.to_string()])?;
        Ok(host)
    }

    /// The words that run a program there.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        ["nsenter", "--net", "--target", &self.namespace.pid, "--"].map(str::to_owned).to_vec()
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
