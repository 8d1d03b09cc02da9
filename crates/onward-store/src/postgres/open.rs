//! Opening a Postgres store: connect, look at the schema, bring it forward where that is allowed, and
//! say in words what stands in the way.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresStore;
use super::address::Address;
use super::failure::{Fail, words};
use super::migrate::{self, MigrateError, Standing};
use super::pool::Pool;
use super::session::{Clock, ConnectError, Session};
use super::tls;

/// Why a Postgres store cannot be opened. No variant holds a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read.
    #[error("{shown} cannot be used: {reason}; write postgres://USER:PASSWORD@HOST/DATABASE")]
    Address {
        /// The URL without user, password and parameters.
        shown: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of root certificates cannot be read.
    #[error("the root certificate {path} cannot be used: {reason}; sslrootcert= names a file in PEM form")]
    RootCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
    /// The server's certificate is not trusted.
    #[error(
        "{place} does not prove who it is: {reason}; name its root certificate with ?sslrootcert=FILE \
         (Supabase: Project Settings, Database, SSL configuration)"
    )]
    Untrusted {
        /// Host, port and database.
        place: String,
        /// What TLS says.
        reason: String,
    },
    /// The server proves to be another one than was meant.
    #[error("{place} proves to be somebody else: {reason}; use a name that its certificate is made out to")]
    OtherHost {
        /// Host, port and database.
        place: String,
        /// What TLS says.
        reason: String,
    },
    /// The host has only an IPv6 address, and there is no way there from this machine.
    #[error(
        "{place} has only an IPv6 address, which cannot be reached from here; Supabase's direct host is \
         IPv6 only: use the URL of its session pooler (Connect, Session pooler, port 5432)"
    )]
    Ipv6Only {
        /// Host, port and database.
        place: String,
    },
    /// Nobody answers.
    #[error("{place} cannot be reached: {reason}")]
    Unreachable {
        /// Host, port and database.
        place: String,
        /// What the system says.
        reason: String,
    },
    /// The server does not let this user in.
    #[error("{place} refuses the login: {reason}; check user, password and database of the URL")]
    Login {
        /// Host, port and database.
        place: String,
        /// What the server says.
        reason: String,
    },
    /// The schema is to be brought forward, and this is not the way to do it.
    #[error(
        "the schema {schema} is not there yet, or of an older version, and {place} is a transaction pooler, \
         through which it is not changed; start once with the direct URL or the session pooler's (Supabase: \
         the same URL with port 5432), then this one can be used"
    )]
    TransactionPooler {
        /// The schema.
        schema: String,
        /// Host, port and database.
        place: String,
    },
    /// A newer program has changed the schema.
    #[error("the schema {schema} has version {found}, this program knows up to {known}; use a newer onward")]
    Newer {
        /// The schema.
        schema: String,
        /// The version found.
        found: usize,
        /// The newest version this program knows.
        known: usize,
    },
    /// A migration that was applied is another one than this program has.
    #[error(
        "the schema {schema} was made by another build (migration {migration} differs); use that build, or \
         another schema with ?schema=NAME"
    )]
    Different {
        /// The schema.
        schema: String,
        /// Which migration.
        migration: String,
    },
    /// The user may not make the schema.
    #[error(
        "the user of {place} may not make the schema {schema}: {reason}; use the owner of the database, or \
         let the owner run CREATE SCHEMA {schema} AUTHORIZATION that user"
    )]
    NotAllowed {
        /// Host, port and database.
        place: String,
        /// The schema.
        schema: String,
        /// What the server says.
        reason: String,
    },
    /// The server says no.
    #[error("{place}: {reason}")]
    Sql {
        /// Host, port and database.
        place: String,
        /// What the server says.
        reason: String,
    },
}

impl PostgresStore {
    /// Opens the store behind a URL; makes its schema when there is none.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, with what to do about it.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_with(url, Clock::Database).await
    }

    /// The same, with leases and times by the `now` of the caller instead of the database's clock. The
    /// cases of the suite play at moments of their own, years apart from the server's.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::open`].
    #[cfg(any(test, feature = "conformance"))]
    pub async fn open_by_callers_clock(url: &str) -> Result<Self, OpenError> {
        Self::open_with(url, Clock::Caller).await
    }

    /// Opens in a task of its own.
    #[cfg(test)]
    pub(super) async fn open_owned(url: String) -> Result<Self, OpenError> {
        Self::open(&url).await
    }

    async fn open_with(url: &str, clock: Clock) -> Result<Self, OpenError> {
        Ok(Self { pool: open(url, clock).await? })
    }
}

/// Connects and makes the schema ready.
pub(super) async fn open(url: &str, clock: Clock) -> Result<Pool, OpenError> {
    let address = Address::parse(url)?;
    let tls = tls::connector(&address)?;
    let session = connect(&address, &tls, clock).await?;
    let standing = migrate::inspect(&session, &address.schema).await;
    if standing.map_err(|error| explained(&address, error))? == Standing::Behind {
        bring_forward(&address, &tls, &session).await?;
    }
    drop(session);
    Ok(Pool::new(address, tls, clock))
}

/// A connection outside of any pool.
#[cfg(test)]
pub(super) async fn session(url: &str) -> Result<Session, OpenError> {
    let address = Address::parse(url)?;
    connect(&address, &tls::connector(&address)?, Clock::Database).await
}

async fn bring_forward(
    address: &Address,
    tls: &MakeRustlsConnect,
    session: &Session,
) -> Result<(), OpenError> {
    let pooler = || OpenError::TransactionPooler { schema: address.schema.clone(), place: address.place() };
    if address.pooled {
        return Err(pooler());
    }
    let second = connect(address, tls, Clock::Database).await?;
    if migrate::is_shared(session, &second).await.map_err(|fail| explained(address, fail.into()))? {
        return Err(pooler());
    }
    migrate::migrate(session, &address.schema).await.map_err(|error| explained(address, error))
}

async fn connect(address: &Address, tls: &MakeRustlsConnect, clock: Clock) -> Result<Session, OpenError> {
    match Session::connect(address, tls, clock).await {
        Ok(session) => Ok(session),
        Err(error) => Err(unconnected(address, &error).await),
    }
}

async fn unconnected(address: &Address, error: &ConnectError) -> OpenError {
    let (place, reason) = (address.place(), error.to_string());
    let ConnectError::Refused(cause) = error else {
        return OpenError::Unreachable { place, reason };
    };
    match cause.code() {
        Some(code) if is_login(code) => return OpenError::Login { place, reason },
        Some(_) => return OpenError::Sql { place, reason },
        None => {}
    }
    if reason.contains("not valid for name") {
        return OpenError::OtherHost { place, reason };
    }
    if reason.contains("certificate") {
        return OpenError::Untrusted { place, reason };
    }
    if let Some((host, port)) = address.host()
        && has_only_ipv6(host, port).await
    {
        return OpenError::Ipv6Only { place };
    }
    OpenError::Unreachable { place, reason }
}

fn is_login(code: &SqlState) -> bool {
    let known = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
    ];
    known.contains(code)
}

/// Whether a name leads to IPv6 addresses and to no other; an address that was written as such was meant.
async fn has_only_ipv6(host: &str, port: u16) -> bool {
    if host.parse::<std::net::IpAddr>().is_ok() || host == "localhost" {
        return false;
    }
    let found: Vec<SocketAddr> = match tokio::net::lookup_host((host, port)).await {
        Ok(found) => found.collect(),
        // A resolver that leaves out what cannot be reached answers like this; Supabase's names tell.
        Err(_) => return host.starts_with("db.") && host.ends_with(".supabase.co"),
    };
    !found.is_empty() && found.iter().all(SocketAddr::is_ipv6)
}

fn explained(address: &Address, error: MigrateError) -> OpenError {
    let (place, schema) = (address.place(), address.schema.clone());
    match error {
        MigrateError::Open(error) => error,
        MigrateError::Failed(Fail::Sql(error)) => {
            let reason = words(&error);
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
                OpenError::NotAllowed { place, schema, reason }
            } else {
                OpenError::Sql { place, reason }
            }
        }
        MigrateError::Failed(Fail::Refused(error)) => OpenError::Sql { place, reason: error.to_string() },
        MigrateError::Failed(Fail::Again) => {
            OpenError::Sql { place, reason: String::from("others changed the schema at the same moment") }
        }
    }
}
