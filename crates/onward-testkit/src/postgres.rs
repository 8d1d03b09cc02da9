//! A PostgreSQL server of the test's own: in a temporary folder, on a Unix socket and a free port of
//! this machine. It ends with the test, however that ends.

use std::io::Write as _;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::keeper::{Kept, as_its_user, give};
use crate::ledger::Look;
use crate::wait::now;

/// Where Debian puts the server's programs; on other systems they are on the PATH.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// How long a server may take to start or stop on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// How a server treats its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// Nothing is synced: quick, for tests in which the machine does not lose power.
    Quick,
    /// As in production, for figures: synced, and with a quarter of the machine's memory, as PostgreSQL's manual advises.
    Synced,
}

/// How a server is made to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Transactions are rolled back, connections are ended.
    Fast,
    /// As after a crash: at the next start the log is replayed.
    Immediate,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    server: Option<Kept>,
    port: u16,
    dir: TempDir,
}

impl Postgres {
    /// Makes a database cluster and starts a server over it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start; with what it said.
    pub fn start(disk: Disk) -> Result<Self> {
        Self::start_at(disk, None)
    }

    /// The same, reachable at an address of this machine besides the loopback one, from the networks this
    /// machine is part of.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_at(disk: Disk, address: Option<IpAddr>) -> Result<Self> {
        let dir = TempDir::with_prefix("onward-pg-").context("no temporary folder")?;
        give(dir.path())?;
        let port = free_port()?;
        let mut server = Self { server: None, port, dir };
        let data = server.data();
        let init = ["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"];
        run(&[&[program("initdb"), "--no-sync".to_owned()], &init.map(str::to_owned)[..]].concat())?;
        let folder = server.dir.path().display();
        let manner = match disk {
            Disk::Quick => {
                "fsync = off\nfull_page_writes = off\nshared_buffers = 128MB\nmax_wal_size = 2GB\n".to_owned()
            }
            Disk::Synced => format!("shared_buffers = {}MB\nmax_wal_size = 8GB\n", memory_mb()? / 4),
        };
        let address = address.filter(|address| !address.is_loopback());
        let addresses = address.map_or_else(String::new, |address| format!(", {address}"));
        let settings = format!(
            "listen_addresses = '127.0.0.1{addresses}'\nport = {port}\nunix_socket_directories = '{folder}'\n\
             max_connections = 200\n{manner}"
        );
        let path = Path::new(&data).join("postgresql.auto.conf");
        std::fs::write(&path, settings).with_context(|| format!("cannot write {}", path.display()))?;
        if address.is_some() {
            let rules = Path::new(&data).join("pg_hba.conf");
            let mut rules = std::fs::File::options().append(true).open(rules)?;
            writeln!(rules, "host all all samenet trust")?;
        }
        server.launch()?;
        Ok(server)
    }

    /// The URL of its one database, over TCP on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Runs SQL, as a person would with psql. Answers the values, a row a line, columns between bars.
    ///
    /// # Errors
    /// What psql says.
    pub fn sql(&self, sql: &str) -> Result<String> {
        let done = self.psql().args(["-v", "ON_ERROR_STOP=1", "-c", sql]).output()?;
        let (said, complaint) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(done.status.success(), "{sql}: {complaint}");
        Ok(said.trim_end().to_owned())
    }

    /// The plans by which the server carries out SQL, those of statements within functions too.
    ///
    /// # Errors
    /// What psql says.
    pub fn plans(&self, sql: &str) -> Result<String> {
        const TELL: &str = "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; \
                            SET auto_explain.log_nested_statements = on; SET client_min_messages = log";
        let done = self.psql().args(["-v", "ON_ERROR_STOP=1", "-c", TELL, "-c", sql]).output()?;
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        ensure!(done.status.success(), "{sql}: {told}");
        Ok(told)
    }

    /// Runs statements one after the other, each a transaction of its own.
    ///
    /// # Errors
    /// What psql says.
    pub fn script(&self, sql: &str) -> Result<()> {
        let file = self.dir.path().join("script.sql");
        std::fs::write(&file, sql)?;
        let done = self.psql().args(["-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f"]).arg(file).output()?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// Counters and ledger of a job, of one committed state: one statement sees one moment.
    ///
    /// # Errors
    /// What psql says; or when the views have other columns: they are a public surface.
    pub fn look(&self, job: &str) -> Result<Look> {
        let text = self.sql(&format!(
            "SELECT json_build_object('counters', (SELECT row_to_json(p) FROM onward.job_progress p \
             WHERE job_id = '{job}'), 'rows', (SELECT coalesce(json_agg(r ORDER BY row), '[]') \
             FROM onward.rows r WHERE job_id = '{job}'))"
        ))?;
        Look::read(&serde_json::from_str(&text)?)
    }

    /// Ends every connection but the one that asks, as an administrator would.
    ///
    /// # Errors
    /// What psql says.
    pub fn terminate_backends(&self) -> Result<()> {
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        .map(drop)
    }

    /// From now on the server also speaks TLS, as whom these certificates name.
    ///
    /// # Errors
    /// When the files cannot be put where the server reads them.
    pub fn speak_tls(&self, certificates: &Certificates) -> Result<()> {
        let data = PathBuf::from(self.data());
        for (from, name) in [(certificates.server(), "server.crt"), (certificates.key(), "server.key")] {
            let to = data.join(name);
            std::fs::copy(from, &to)?;
            // A key that others can read is refused.
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600))?;
            give(&to)?;
        }
        self.sql("ALTER SYSTEM SET ssl = on")?;
        self.sql("SELECT pg_reload_conf()").map(drop)
    }

    /// Stops the server and leaves its data.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self, how: Stop) -> Result<()> {
        let Some(server) = self.server.take() else { return Ok(()) };
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        let words = ["stop", "-D", &self.data(), "-m", mode, "-w", "-t", "60"].map(str::to_owned);
        run(&[&[program("pg_ctl")], &words[..]].concat())?;
        server.wait()
    }

    /// Starts it again after a stop.
    ///
    /// # Errors
    /// When it does not start.
    pub fn launch(&mut self) -> Result<()> {
        let log = self.dir.path().join("server.log");
        let words = [program("postgres"), "-D".to_owned(), self.data()];
        let mut server = Kept::start(self.dir.path(), &log, "QUIT", &as_its_user(&words))?;
        let since = now();
        while !self.psql().args(["-c", "SELECT 1"]).output()?.status.success() {
            if !server.is_running() || since.elapsed() > WITHIN {
                bail!("PostgreSQL did not start:\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            // Between two looks.
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(server);
        Ok(())
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(program("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-U", "postgres", "-d", "postgres", "-p", &self.port.to_string()]);
        psql.arg("-h").arg(self.dir.path());
        psql
    }
}

/// Whether tests on real servers are left out: with `--embedded` nothing but Rust is there.
#[must_use]
pub fn left_out() -> bool {
    std::env::var_os("ONWARD_TEST_EMBEDDED").is_some()
}

/// The path of one of PostgreSQL's programs.
pub(crate) fn program(name: &str) -> String {
    let here = PathBuf::from(PROGRAMS).join(name);
    if here.is_file() { here.display().to_string() } else { name.to_owned() }
}

/// A port nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The memory of this machine.
fn memory_mb() -> Result<u64> {
    let known =
        std::fs::read_to_string("/proc/meminfo").context("only Linux says how much memory there is")?;
    let kilobytes = known.split_whitespace().nth(1).context("no size of the memory")?;
    Ok(kilobytes.parse::<u64>()? / 1_024)
}

/// Runs a program to its end as a user a database server accepts.
fn run(words: &[String]) -> Result<()> {
    let words = as_its_user(words);
    let done = Command::new(&words[0])
        .args(&words[1..])
        .current_dir("/")
        .output()
        .with_context(|| format!("cannot start {}; `cargo xtask setup` installs it", words.join(" ")))?;
    ensure!(done.status.success(), "{}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr));
    Ok(())
}
