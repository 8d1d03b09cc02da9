//! Opening the database: whatever stands in the way is said before anything is changed.

use std::path::Path;
use std::sync::Arc;

use onward_core::store::{Result, Room, StoreError};
use rusqlite::Connection;

use super::connect::Durability;
use super::failure::{explain, refused};
use super::place::Found;
use super::readers::Readers;
use super::reserve::Reserve;
use super::writer::Writer;
use super::{SqliteStore, connect, migrate, place};
use crate::open::{Mode, OpenError};

/// 3.7.0 to 3.51.2 can lose a commit that races a checkpoint (the WAL-reset bug).
const OLDEST_LIBRARY: i32 = 3_051_003;

impl SqliteStore {
    /// Opens the database at `path`; makes it, and its folder, when there is none.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, with what to do about it; nothing was created or changed then.
    pub fn open(path: &Path, mode: Mode) -> Result<Self, OpenError> {
        Self::open_with(path, mode, Durability::Full)
    }

    pub(super) fn open_with(path: &Path, mode: Mode, durability: Durability) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_LIBRARY {
            return Err(OpenError::OldLibrary(rusqlite::version()));
        }
        // An absolute path also keeps SQLite from reading a name such as `file:x` as an address.
        let path =
            std::path::absolute(path).map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
        place::prepare_folder(&path)?;
        let lock = match mode {
            Mode::Serve => Some(place::lock(&path)?),
            Mode::Join => None,
        };
        match place::inspect(&path)? {
            Found::Nothing => place::create(&path)?,
            Found::Database => {}
        }
        let db = ready(&path, durability)?;
        let readers = Readers::open(&path).map_err(|error| explain(&path, &error))?;
        let reserve = Arc::new(Reserve::beside(&path, mode));
        let kept = Arc::clone(&reserve);
        let writer = Writer::start(db, kept, lock).map_err(|error| OpenError::Io { path, error })?;
        Ok(Self { writer, readers, reserve })
    }

    /// What is kept free for a full disk is not for new files and jobs.
    pub(super) fn may_grow(&self) -> Result<()> {
        match self.reserve.room() {
            Room::Enough => Ok(()),
            Room::Short { .. } => Err(StoreError::DiskFull),
        }
    }
}

/// The writing connection of a database with the present schema.
fn ready(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let sql = |error: rusqlite::Error| explain(path, &error);
    let db = connect::writer(path).map_err(sql)?;
    // Before anything is changed: is it ours, and do we know its schema?
    migrate::inspect(&db).map_err(|error| refused(path, error))?;
    connect::make_durable(&db, durability).map_err(sql)?;
    migrate::migrate(&db).map_err(|error| refused(path, error))?;
    Ok(db)
}
