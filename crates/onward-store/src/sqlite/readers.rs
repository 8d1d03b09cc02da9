//! The connections that only read, beside the one that writes.
//!
//! Every read is one short transaction on a thread where waiting is allowed, and ends before its
//! answer is given: no snapshot lives across an await, so the write-ahead log can always be emptied.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use onward_core::store::{Result, StoreError};
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::connect;
use super::failure::{Answer, Fail};

/// Reads at the same time: pages and exports are short, and each connection costs 2 MB of cache.
const READERS: usize = 4;

/// A pool of reading connections.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    watcher: Arc<Mutex<Connection>>,
}

impl Readers {
    /// A pool over a database that is set up already.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let watcher = connect::reader(path)?;
        Ok(Self {
            path: Arc::new(path.to_owned()),
            idle: Arc::new(Mutex::new(Vec::new())),
            permits: Arc::new(Semaphore::new(READERS)),
            watcher: Arc::new(Mutex::new(watcher)),
        })
    }

    /// Runs a read in one snapshot.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answer<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let pool = self.clone();
        let answer = spawn_blocking(move || {
            let _permit = permit;
            let taken = pool.idle().pop();
            let db = taken.map_or_else(|| connect::reader(&pool.path), Ok)?;
            let answer = in_snapshot(&db, work);
            if db.is_autocommit() {
                pool.idle().push(db);
            }
            answer
        });
        Ok(answer.await.map_err(|_| closed())??)
    }

    /// Runs a read on a connection that was not there before: after a commit whose fate is unknown,
    /// nothing an older connection remembers takes part in the answer (G9).
    pub(super) async fn read_anew<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answer<T> + Send + 'static,
    {
        let path = Arc::clone(&self.path);
        let answer = spawn_blocking(move || in_snapshot(&connect::reader(&path)?, work));
        Ok(answer.await.map_err(|_| closed())??)
    }

    /// SQLite's own count of commits by others, on a connection that never writes: every commit, of
    /// this process or another, moves it.
    pub(super) async fn version(&self) -> Result<u64> {
        let watcher = Arc::clone(&self.watcher);
        let answer = spawn_blocking(move || {
            let db = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            let version: i64 = db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
            Answer::Ok(version.unsigned_abs())
        });
        Ok(answer.await.map_err(|_| closed())??)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic while the list was held leaves a list; its connections are still good.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_snapshot<T>(db: &Connection, work: impl FnOnce(&Connection) -> Answer<T>) -> Answer<T> {
    let snapshot = db.unchecked_transaction()?;
    let answer = work(db);
    snapshot.finish().map_err(Fail::from).and(answer)
}

fn closed() -> StoreError {
    StoreError::Unavailable(String::from("the store is closed, or a read has panicked"))
}
