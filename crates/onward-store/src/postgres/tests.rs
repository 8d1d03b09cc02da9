//! What is PostgreSQL's own, on real servers that the tests start.

mod on_a_server;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use onward_core::id::JobId;
use onward_testkit::Postgres;
use onward_testkit::postgres::{Disk, left_out};

use super::PostgresStore;
use crate::conformance::{Damage, Subject};

/// A bug in the SQL itself: what a statement says, and what it says with the bug.
#[derive(Debug, Clone, Copy)]
pub(super) struct SqlBug {
    pub(super) sound: &'static str,
    pub(super) planted: &'static str,
}

/// The schemas whose statements have a bug.
static PLANTED: Mutex<BTreeMap<String, SqlBug>> = Mutex::new(BTreeMap::new());

/// The bug of a schema, if a test planted one.
pub(super) fn planted_in(schema: &str) -> Option<SqlBug> {
    PLANTED.lock().unwrap_or_else(PoisonError::into_inner).get(schema).copied()
}

/// A server for one test; none with `--embedded`.
fn server() -> Option<Arc<Postgres>> {
    (!left_out()).then(|| Arc::new(Postgres::start(Disk::Quick).unwrap()))
}

/// A schema that nobody has used yet.
fn fresh_schema() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    format!("case_{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// The URL of a server or pooler with a schema.
fn within(url: &str, schema: &str) -> String {
    format!("{url}?schema={schema}")
}

/// A fresh store in a schema of its own, reached through `url` once the schema is there.
async fn subject(server: Arc<Postgres>, url: String) -> Subject {
    subject_in(server, url, fresh_schema()).await
}

/// The same with a bug in its SQL.
async fn subject_with(server: Arc<Postgres>, bug: SqlBug) -> Subject {
    let (url, schema) = (server.url(), fresh_schema());
    PLANTED.lock().unwrap_or_else(PoisonError::into_inner).insert(schema.clone(), bug);
    subject_in(server, url, schema).await
}

async fn subject_in(server: Arc<Postgres>, url: String, schema: String) -> Subject {
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    let store = PostgresStore::open_by_callers_clock(&within(&url, &schema)).await.unwrap();
    let planter = Arc::new(move |job, damage| plant(&server, &schema, job, damage));
    Subject::new(Arc::new(store)).with_planter(planter)
}

/// Damages the tables through psql, as another program would.
fn plant(server: &Postgres, schema: &str, job: JobId, damage: Damage) -> bool {
    let of_job = format!("(SELECT id FROM {schema}.jobs WHERE uuid = '{job}')");
    let of_input = format!("(SELECT input FROM {schema}.jobs WHERE uuid = '{job}')");
    let damaged = match damage {
        Damage::CounterRaised => {
            format!("UPDATE {schema}.spans SET added = added + 1 WHERE no = 0 AND job = {of_job}")
        }
        Damage::RecordLost => format!("DELETE FROM {schema}.outcomes WHERE row = 0 AND job = {of_job}"),
        Damage::ChunkChanged => format!(
            "UPDATE {schema}.chunks SET packed = set_byte(packed, 0, 88) WHERE no = 0 AND input = {of_input}"
        ),
        Damage::ChunkLost => format!("DELETE FROM {schema}.chunks WHERE no = 0 AND input = {of_input}"),
        Damage::CheckpointMoved => {
            format!("UPDATE {schema}.spans SET low_water = low_water + 1 WHERE no = 0 AND job = {of_job}")
        }
    };
    server.sql(&format!("WITH done AS ({damaged} RETURNING 1) SELECT count(*) FROM done")).unwrap() == "1"
}
