//! The one thread that writes, and the queue in front of it.
//!
//! **Greedy group commit.** The moment a transaction ends, everything that is queued is carried out
//! in the next one; nothing waits for a timer. Under light load a group is one operation and its
//! answer comes after one sync of the disk; under heavy load the sync is shared by thousands of rows.
//!
//! **Promise.** An answer is given after `COMMIT` succeeded, never before (G8). An operation that the
//! contract refuses has written nothing. When one operation of a group breaks, the whole group is
//! rolled back and each of its operations runs again in a transaction of its own: nobody suffers for
//! a neighbour. When `COMMIT` itself fails, everybody in the group is told what is known; but when it
//! failed for want of room and there was a reserve to give free, each of them runs again in that.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use onward_core::store::{Result, Room, StoreError};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::failure::{Answer, Fail, commit_failed, rolled_back};
use super::reserve::Reserve;

/// Rows queued or being written at most: callers beyond wait. Twice the largest group, so that the
/// next group is full while one is being synced; some 10 MB of records.
const QUEUE_ROWS: u32 = 20_000;

/// Rows in one transaction at most: beyond this a larger group is no faster, and the answer of its
/// first operation would wait for its last.
const GROUP_ROWS: u32 = 10_000;

/// An operation without rows counts as so many: a small transaction is about as much work.
const PLAIN_OPERATION_ROWS: u32 = 10;

/// So long without work the thread empties the write-ahead log into the database.
const IDLE: Duration = Duration::from_millis(500);

/// After the disk was full, whether there is room is looked at every so many turns of the thread: at rest, every two
/// seconds.
const TURNS_PER_LOOK: u32 = 4;

/// The way to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Operation>>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread over its connection. `keep` lives exactly as long as the thread.
    pub(super) fn start<K: Send + 'static>(
        db: Connection,
        reserve: Arc<Reserve>,
        keep: K,
    ) -> std::io::Result<Self> {
        let (queue, inbox) = mpsc::channel();
        let work = move || {
            write_until_closed(&db, &reserve, &inbox);
            drop(db);
            drop(keep);
        };
        let thread = thread::Builder::new().name(String::from("ledger-writer")).spawn(work)?;
        let room = Arc::new(Semaphore::new(QUEUE_ROWS as usize));
        Ok(Self { queue: Some(queue), room, thread: Some(thread) })
    }

    /// Carries out a small operation and answers once it is durable.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Answer<T> + Send + 'static,
    {
        self.write_rows(0, work).await
    }

    /// Carries out an operation of so many rows and answers once it is durable. `work` may run twice,
    /// and what it did the first time has then been rolled back.
    pub(super) async fn write_rows<T, F>(&self, rows: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Answer<T> + Send + 'static,
    {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX).clamp(PLAIN_OPERATION_ROWS, QUEUE_ROWS);
        let room = Arc::clone(&self.room).acquire_many_owned(rows).await.map_err(|_| gone())?;
        let (reply, answer) = oneshot::channel();
        let task = Task { work, rows, outcome: None, reply, _room: room };
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(Box::new(task)).map_err(|_| gone())?;
        // The thread answers every task it took. Without an answer it has died, perhaps after the commit.
        answer.await.map_err(|_| StoreError::Unknown(String::from("the writing thread has ended")))?
    }
}

impl Drop for Writer {
    /// Waits for what is queued, so that whoever opens the file next finds it at rest.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread of the ledger has panicked");
        }
    }
}

/// An operation on its way, whatever it answers.
trait Operation: Send {
    fn rows(&self) -> u32;
    /// Runs inside a transaction. `Err` means: the transaction must be rolled back.
    fn run(&mut self, db: &Connection) -> std::result::Result<(), Broken>;
    /// Tells the caller: its own answer, or that the commit failed.
    fn settle(self: Box<Self>, commit: &Result<()>);
}

/// The transaction an operation ran in must not be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// For want of room.
    NoRoom,
    Otherwise,
}

struct Task<T, F> {
    work: F,
    rows: u32,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
    _room: OwnedSemaphorePermit,
}

impl<T, F> Operation for Task<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> Answer<T> + Send,
{
    fn rows(&self) -> u32 {
        self.rows
    }

    fn run(&mut self, db: &Connection) -> std::result::Result<(), Broken> {
        let before = db.total_changes();
        let (outcome, end) = match (self.work)(db) {
            Ok(value) => (Ok(value), Ok(())),
            // Checks come before writes; should one ever come after, its writes must not stay.
            Err(Fail::Refused(error)) if db.total_changes() == before => (Err(error), Ok(())),
            Err(Fail::Refused(error)) => (Err(error), Err(Broken::Otherwise)),
            Err(Fail::Sql(error)) => {
                let error = rolled_back(&error);
                let why = if error == StoreError::DiskFull { Broken::NoRoom } else { Broken::Otherwise };
                (Err(error), Err(why))
            }
        };
        self.outcome = Some(outcome);
        end
    }

    fn settle(self: Box<Self>, commit: &Result<()>) {
        let answer = match (self.outcome, commit) {
            // Also for a refusal: what it saw may be what a neighbour wrote and this commit lost.
            (_, Err(error)) => Err(error.clone()),
            (Some(answer), Ok(())) => answer,
            (None, Ok(())) => Err(StoreError::Unavailable(String::from("the operation did not run"))),
        };
        // Whoever asked may have gone; what was written stays written.
        drop(self.reply.send(answer));
    }
}

fn write_until_closed(db: &Connection, reserve: &Reserve, inbox: &mpsc::Receiver<Box<dyn Operation>>) {
    let mut tidy = true;
    for turn in 1_u32.. {
        match inbox.recv_timeout(IDLE) {
            Ok(first) => {
                write_group(db, reserve, first, inbox);
                tidy = false;
            }
            Err(mpsc::RecvTimeoutError::Timeout) if tidy => {}
            Err(mpsc::RecvTimeoutError::Timeout) => {
                empty_log(db);
                tidy = true;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return empty_log(db),
        }
        if turn.is_multiple_of(TURNS_PER_LOOK) && reserve.room() != Room::Enough {
            reserve.look_for_room();
        }
    }
}

/// One transaction with everything that is queued.
fn write_group(
    db: &Connection,
    reserve: &Reserve,
    first: Box<dyn Operation>,
    inbox: &mpsc::Receiver<Box<dyn Operation>>,
) {
    let mut group = Vec::new();
    let mut rows = 0;
    let mut next = Some(first);
    let mut end = begin(db);
    while let Some(mut operation) = next.take() {
        rows += operation.rows();
        let ran = if end.is_ok() { operation.run(db) } else { Ok(()) };
        group.push(operation);
        if let Err(broken) = ran {
            roll_back(db);
            if broken == Broken::NoRoom {
                make_room(db, reserve);
            }
            return write_singly(db, reserve, group);
        }
        if rows < GROUP_ROWS && end.is_ok() {
            next = inbox.try_recv().ok();
        }
    }
    if end.is_ok() {
        end = commit(db);
    }
    // A full disk is known to have kept nothing of the group, so all of it may run again.
    if end == Err(StoreError::DiskFull) && make_room(db, reserve) {
        return write_singly(db, reserve, group);
    }
    for operation in group {
        operation.settle(&end);
    }
}

/// After one of a group broke: each in a transaction of its own, so that only the broken one fails.
fn write_singly(db: &Connection, reserve: &Reserve, group: Vec<Box<dyn Operation>>) {
    for mut operation in group {
        let end = begin(db).and_then(|()| match operation.run(db) {
            Ok(()) => commit(db),
            Err(_broken) => {
                roll_back(db);
                Ok(())
            }
        });
        if end == Err(StoreError::DiskFull) {
            make_room(db, reserve);
        }
        operation.settle(&end);
    }
}

/// Gives the reserve free, and what the log holds twice. Answers whether there was a reserve.
fn make_room(db: &Connection, reserve: &Reserve) -> bool {
    let given = reserve.give();
    if given {
        empty_log(db);
    }
    given
}

fn begin(db: &Connection) -> Result<()> {
    db.prepare_cached("BEGIN IMMEDIATE")
        .and_then(|mut begin| begin.execute([]))
        .map(drop)
        .map_err(|error| rolled_back(&error))
}

fn commit(db: &Connection) -> Result<()> {
    let end = db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    end.map(drop).map_err(|error| {
        tracing::warn!(%error, "a commit of the ledger failed");
        roll_back(db);
        commit_failed(&error)
    })
}

/// SQLite rolls back by itself after some errors; after the others it must be told.
fn roll_back(db: &Connection) {
    if !db.is_autocommit()
        && let Err(error) = db.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction of the ledger could not be rolled back");
    }
}

/// Moves the write-ahead log into the database and cuts it to nothing. A reader may be in the way;
/// then it happens at the next rest.
fn empty_log(db: &Connection) {
    if let Err(error) = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::debug!(%error, "the write-ahead log was not emptied");
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable(String::from("the store is closed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::Mode;

    /// The second operation is refused because of what the first one wrote in the same group. The
    /// commit fails, so what it would be told of never came to be (G8).
    #[tokio::test]
    async fn a_refusal_is_not_told_when_what_it_saw_was_never_committed() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE jobs (id INTEGER PRIMARY KEY);
             CREATE TABLE spans (job INTEGER REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED);",
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&folder.path().join("onward.db"), Mode::Join);
        let writer = Writer::start(db, Arc::new(reserve), ()).unwrap();
        let (go, gate) = mpsc::channel::<()>();
        let first = writer.write(move |db| {
            gate.recv().expect("the test opens the gate");
            db.execute("INSERT INTO spans (job) VALUES (7)", [])?;
            Ok(())
        });
        let second = writer.write(|db| {
            let there: i64 = db.query_row("SELECT count(*) FROM spans", [], |row| row.get(0))?;
            if there == 0 { Ok(()) } else { Err(Fail::Refused(StoreError::NothingToRetry)) }
        });
        let both = async { tokio::join!(first, second, async { go.send(()) }) };
        let (first, second, opened) = both.await;
        opened.unwrap();
        assert!(matches!(first, Err(StoreError::Unknown(_))), "{first:?}");
        assert!(matches!(second, Err(StoreError::Unknown(_))), "{second:?}");
    }
}
