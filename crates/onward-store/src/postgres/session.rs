//! One connection, and what can be asked over it.

use std::borrow::Cow;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_postgres::{Client, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use onward_core::clock::UnixMs;

use super::address::Address;
use super::failure::Answer;
use super::sql;
use super::values::{Param, typed};

/// How long a connection may take until it can be used: name, TCP, TLS and login together.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A transaction whose owner has fallen silent ends after this, so that a frozen process never keeps a
/// job's row locked: longer than any pause between two statements of a living one.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = on; \
                     SET LOCAL idle_in_transaction_session_timeout = '5s'";

/// One moment for several reads.
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Which clock decides about leases and writes the times of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Clock {
    /// The database's: the one that all machines share.
    #[default]
    Database,
    /// The caller's `now`: for tests, whose cases play at moments of their own.
    #[cfg_attr(
        not(any(test, feature = "conformance")),
        expect(dead_code, reason = "only the suite asks for it, and it is not part of the program")
    )]
    Caller,
}

/// One connection. When it is dropped, the socket closes and the server rolls back what was open.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    connection: AbortHandle,
    schema: String,
    clock: Clock,
}

impl Session {
    /// Makes a connection.
    pub(super) async fn connect(
        address: &Address,
        tls: &MakeRustlsConnect,
        clock: Clock,
    ) -> Result<Self, ConnectError> {
        let connecting = tokio::time::timeout(CONNECT_WITHIN, address.config.connect(tls.clone()));
        let (client, connection) = connecting.await.map_err(|_| ConnectError::Silent)??;
        let task = tokio::spawn(async move {
            // Whoever waits for an answer is told; this only says it once more.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the database ended");
            }
        });
        Ok(Self { client, connection: task.abort_handle(), schema: address.schema.clone(), clock })
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// What cuts the connection while somebody waits for its answer; they are then told that it broke.
    pub(super) fn cutter(&self) -> AbortHandle {
        self.connection.clone()
    }

    /// A statement as it is sent: with the schema of this store.
    pub(super) fn within_schema<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        sql::within(sql, &self.schema)
    }

    /// All rows of a statement. When this has answered, a statement that was its own transaction is
    /// committed: the client waits for the server's last word.
    pub(super) async fn rows(&self, sql: &str, params: &[Param<'_>]) -> Answer<Vec<Row>> {
        Ok(self.client.query_typed(&self.within_schema(sql), &typed(params)).await?)
    }

    /// The only row.
    pub(super) async fn one(&self, sql: &str, params: &[Param<'_>]) -> Answer<Row> {
        Ok(self.client.query_typed_one(&self.within_schema(sql), &typed(params)).await?)
    }

    /// The first row, if there is one.
    pub(super) async fn first(&self, sql: &str, params: &[Param<'_>]) -> Answer<Option<Row>> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(&self, sql: &str, params: &[Param<'_>]) -> Answer<u64> {
        Ok(self.client.execute_typed(&self.within_schema(sql), &typed(params)).await?)
    }

    /// Several statements without parameters.
    pub(super) async fn batch(&self, sql: &str) -> Answer<()> {
        Ok(self.client.batch_execute(&self.within_schema(sql)).await?)
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Answer<()> {
        self.batch(BEGIN).await
    }

    /// Begins a transaction that sees one moment.
    pub(super) async fn begin_snapshot(&self) -> Answer<()> {
        self.batch(BEGIN_SNAPSHOT).await
    }

    /// Ends a transaction.
    pub(super) async fn commit(&self) -> Answer<()> {
        self.batch("COMMIT").await
    }

    /// Takes a transaction back.
    pub(super) async fn roll_back(&self) -> Answer<()> {
        self.batch("ROLLBACK").await
    }

    /// The moment as a parameter: NULL means the database's clock.
    pub(super) fn given(&self, now: UnixMs) -> Option<i64> {
        match self.clock {
            Clock::Database => None,
            Clock::Caller => Some(now.0),
        }
    }

    /// The moment that counts: the caller's, or what a statement read from the database's clock.
    pub(super) fn moment(&self, given: UnixMs, read: i64) -> UnixMs {
        UnixMs(self.given(given).unwrap_or(read))
    }

    /// The moment that counts, read from the database where it is the database's.
    pub(super) async fn now(&self, given: UnixMs) -> Answer<UnixMs> {
        match self.clock {
            Clock::Caller => Ok(given),
            Clock::Database => Ok(UnixMs(super::values::get(&self.one(sql::CLOCK, &[]).await?, 0)?)),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// Nobody answered.
    #[error("the server did not answer within {} s", CONNECT_WITHIN.as_secs())]
    Silent,
    /// The client says no, or the server does.
    #[error("{}", super::failure::words(.0))]
    Refused(#[from] tokio_postgres::Error),
}
