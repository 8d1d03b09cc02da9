//! A PgBouncer of the test's own in transaction mode, in front of a server of the test's own: what a
//! program meets at Supabase's port 6543.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::keeper::{Kept, as_its_user, give};
use crate::postgres::{Postgres, free_port};

/// How many looks at 20 ms a start may take.
const LOOKS: u32 = 1_500;

/// A running pooler.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    // Ended before its folder goes.
    _server: Kept,
    _dir: TempDir,
}

impl PgBouncer {
    /// Starts it in front of `postgres`, with so many connections to it.
    ///
    /// # Errors
    /// When it is not installed or does not start; with what it said.
    pub fn start(postgres: &Postgres, connections: u32) -> Result<Self> {
        let dir = TempDir::with_prefix("onward-pgbouncer-").context("no temporary folder")?;
        give(dir.path())?;
        let port = free_port()?;
        let settings = format!(
            "[databases]\n* = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = {connections}\nmax_client_conn = 500\nlog_connections = 0\n\
             log_disconnections = 0\n",
            postgres.folder().display(),
            postgres.port(),
        );
        let (file, log) = (dir.path().join("pgbouncer.ini"), dir.path().join("pgbouncer.log"));
        std::fs::write(&file, settings)?;
        let words = ["/usr/sbin/pgbouncer".to_owned(), file.display().to_string()];
        let mut server = Kept::start(dir.path(), &log, "KILL", &as_its_user(&words))?;
        for _ in 0..LOOKS {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Self { port, _server: server, _dir: dir });
            }
            if !server.is_running() {
                break;
            }
            // Between two looks.
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("PgBouncer did not start:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// The URL of the database through it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}
