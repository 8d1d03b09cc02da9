//! The address of a Postgres store: what a URL says, what is assumed where it says nothing, and what of
//! it may be shown.
//!
//! `postgres://user:password@host:port/database?schema=…&sslmode=…&sslrootcert=…&max_connections=…`.
//! Whatever else PostgreSQL's own URLs may carry is taken as well.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::OpenError;
use crate::percent::decoded;

/// The schema, unless the URL says another: never `public`, which belongs to everybody.
pub(super) const DEFAULT_SCHEMA: &str = "onward";

/// Connections of one process, unless the URL says otherwise: the whole pool of a small Supabase
/// project is 15, and several processes and the user's own program share it.
const DEFAULT_CONNECTIONS: usize = 5;

/// The most that can be asked for; beyond it the database only switches between them.
const MAX_CONNECTIONS: usize = 100;

/// Supabase's transaction pooler listens here.
const TRANSACTION_POOLER_PORT: u16 = 6543;

/// How long a TCP connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer that acknowledges nothing for so long is gone: sooner than a lease lapses.
const SILENT_TIMEOUT: Duration = Duration::from_secs(8);

/// How the way to the server is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// Not at all: a Unix socket, this machine, or because the URL says so.
    Off,
    /// Encrypted, and the server proves with its certificate that it is the one that was meant:
    /// signed by a root in this file, or by one this machine trusts.
    VerifyFull(Option<PathBuf>),
}

/// Where a store is, and how to get there. Its `Debug` shows no password.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// For the client.
    pub(super) config: Config,
    /// The schema of the tables.
    pub(super) schema: String,
    /// Protection.
    pub(super) tls: Tls,
    /// Connections at most.
    pub(super) max_connections: usize,
    /// Known to lead to a transaction pooler.
    pub(super) pooled: bool,
}

impl Address {
    /// Reads a URL.
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let bad = |reason: String| OpenError::Address { shown: shown(url), reason };
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
        if authority.matches('@').count() > 1 {
            return Err(bad(String::from("an @ in a user name or password is written %40")));
        }
        let mut said = Said::default();
        let mut passed_on = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !said.take(key, value).map_err(bad)? {
                passed_on.push(pair);
            }
        }
        let rest = if passed_on.is_empty() { String::new() } else { format!("?{}", passed_on.join("&")) };
        let mut config: Config =
            format!("{base}{rest}").parse().map_err(|error: tokio_postgres::Error| {
                // The client's own words may repeat what was given; the reason behind them does not.
                let reason =
                    std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                bad(reason)
            })?;
        if config.get_hosts().is_empty() {
            return Err(bad(String::from("it names no host")));
        }
        if config.get_user().is_none() {
            return Err(bad(String::from("it names no user")));
        }
        let tls = said.tls.unwrap_or(Ask::ByHost);
        let tls = match tls {
            Ask::Off => Tls::Off,
            Ask::ByHost if said.root.is_none() && config.get_hosts().iter().all(is_here) => Tls::Off,
            Ask::ByHost | Ask::On => Tls::VerifyFull(said.root),
        };
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(SILENT_TIMEOUT);
        config
            .keepalives_idle(SILENT_TIMEOUT)
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("onward");
        }
        let pooled = said.pooled || config.get_ports().contains(&TRANSACTION_POOLER_PORT);
        Ok(Self {
            config,
            schema: said.schema.unwrap_or_else(|| String::from(DEFAULT_SCHEMA)),
            tls,
            max_connections: said.max_connections.unwrap_or(DEFAULT_CONNECTIONS),
            pooled,
        })
    }

    /// Host, port and database, for people. Never the password.
    pub(super) fn place(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::from("localhost"),
        };
        let port = self.config.get_ports().first().map_or_else(String::new, |port| format!(":{port}"));
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("{host}{port}/{database}")
    }

    /// The name of the first host, where it is one.
    pub(super) fn host(&self) -> Option<(&str, u16)> {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => Some((name, port)),
            Some(Host::Unix(_)) | None => None,
        }
    }
}

/// What the URL says of our own.
#[derive(Default)]
struct Said {
    schema: Option<String>,
    tls: Option<Ask>,
    root: Option<PathBuf>,
    max_connections: Option<usize>,
    pooled: bool,
}

/// What was asked of the protection.
#[derive(Clone, Copy)]
enum Ask {
    Off,
    On,
    ByHost,
}

impl Said {
    /// Takes a parameter that is ours; `false` when it is the client's.
    fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "schema" => self.schema = Some(schema(value)?),
            "sslmode" => {
                self.tls = Some(match value {
                    "disable" => Ask::Off,
                    // What only encrypts can be read by whoever stands in between: verified all the same.
                    "require" | "verify-ca" | "verify-full" => Ask::On,
                    "allow" | "prefer" => Ask::ByHost,
                    _ => return Err(String::from("sslmode is disable or verify-full")),
                });
            }
            "sslrootcert" => self.root = Some(PathBuf::from(decoded(value))),
            "max_connections" => {
                let asked = value.parse().ok().filter(|asked| (2..=MAX_CONNECTIONS).contains(asked));
                self.max_connections =
                    Some(asked.ok_or(format!("max_connections is a number from 2 to {MAX_CONNECTIONS}"))?);
            }
            // Other programs mark a transaction pooler like this.
            "pgbouncer" => self.pooled = value == "true",
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A name that needs no quotes, so that it stands in every statement as it is.
fn schema(name: &str) -> Result<String, String> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let fits = name.bytes().next().is_some_and(letters)
        && name.bytes().all(|byte| letters(byte) || byte.is_ascii_digit())
        && name.len() <= 63
        && !name.starts_with("pg_");
    if fits {
        Ok(name.to_owned())
    } else {
        Err(String::from("a schema's name is made of a-z, 0-9 and _, and begins with a letter"))
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

/// The URL without user, password and parameters.
fn shown(url: &str) -> String {
    let base = url.split('?').next().unwrap_or(url);
    match (base.split_once("://"), base.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (Some(_), None) => base.to_owned(),
        (None, _) => String::from("postgres:…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn what_the_url_leaves_out_is_the_safe_choice() {
        let far = parsed("postgres://anna:secret@db.example.com/crm");
        assert_eq!((far.schema.as_str(), far.max_connections, far.pooled), ("onward", 5, false));
        assert_eq!(far.tls, Tls::VerifyFull(None));
        assert_eq!(far.place(), "db.example.com:5432/crm");
        for here in ["localhost", "127.0.0.1", "[::1]", "%2Ftmp"] {
            assert_eq!(parsed(&format!("postgres://anna@{here}/crm")).tls, Tls::Off, "{here}");
        }
    }

    #[test]
    fn encryption_without_proof_is_not_offered() {
        for mode in ["require", "verify-ca", "verify-full", "prefer"] {
            let address = parsed(&format!("postgres://a@db.example.com/x?sslmode={mode}"));
            assert_eq!(address.tls, Tls::VerifyFull(None), "{mode}");
        }
        assert_eq!(parsed("postgres://a@db.example.com/x?sslmode=disable").tls, Tls::Off);
        let root = parsed("postgres://a@127.0.0.1/x?sslrootcert=%2Fetc/ca%20one.crt");
        assert_eq!(root.tls, Tls::VerifyFull(Some(PathBuf::from("/etc/ca one.crt"))));
    }

    #[test]
    fn a_transaction_pooler_is_known_by_its_port_or_its_mark() {
        assert!(parsed("postgres://postgres.ref:pw@aws-0-eu.pooler.supabase.com:6543/postgres").pooled);
        assert!(parsed("postgres://a@db.example.com/x?pgbouncer=true").pooled);
        assert!(!parsed("postgres://postgres.ref:pw@aws-0-eu.pooler.supabase.com:5432/postgres").pooled);
    }

    #[test]
    fn a_url_that_cannot_be_read_is_refused_without_its_password() {
        for url in [
            "postgres://anna:se@cret@db/x",
            "postgres://anna:secret@db:port/x",
            "postgres://anna:secret@db/x?schema=Public;drop",
            "postgres://anna:secret@db/x?sslmode=maybe",
            "postgres://anna:secret@db/x?max_connections=1",
            "postgres://anna:secret@db/x?colour=secret",
            "postgres://:secret@/x",
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(!error.contains("cret"), "{error}");
        }
        assert!(!format!("{:?}", parsed("postgres://anna:secret@db/x")).contains("secret"));
    }
}
