//! Where the database file lies, and whether it may be used there.
//!
//! Everything is looked at before anything is created: a file that is damaged, foreign or read-only is
//! refused as it lies, and no empty database ever appears beside it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::open::OpenError;

/// What every SQLite file begins with.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// What a SQLite rollback journal begins with once it counts.
const JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Only the owner reads and writes the ledger: it holds what people upload.
pub(super) const FILE_MODE: u32 = 0o600;

/// Likewise its folder.
const FOLDER_MODE: u32 = 0o700;

/// File systems over a network, by `statfs` magic (linux/magic.h): their locks and shared memory do
/// not hold between machines, and SQLite's write-ahead log needs both.
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
];

/// What lies at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or an empty file: a database may be made.
    Nothing,
    /// A SQLite file.
    Database,
}

/// Makes the folder, and refuses one that lies on a network.
pub(super) fn prepare_folder(path: &Path) -> Result<(), OpenError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(|error| OpenError::Io { path: folder.to_owned(), error })?;
    let facts = rustix::fs::statfs(folder)
        .map_err(|error| OpenError::Io { path: folder.to_owned(), error: error.into() })?;
    // The width and sign of the magic number differ between platforms; its 32 bits do not.
    match network_name(facts.f_type as u32) {
        Some(kind) => Err(OpenError::Network { path: folder.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Looks at the file without changing it.
pub(super) fn inspect(path: &Path) -> Result<Found, OpenError> {
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    let length = match fs::metadata(path) {
        Ok(facts) if !facts.is_file() => return Err(OpenError::NotADatabase(path.to_owned())),
        Ok(facts) => facts.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(io(error)),
    };
    if length == 0 {
        let log = beside(path, "-wal");
        return match fs::metadata(&log) {
            Ok(facts) if facts.len() > 0 => Err(OpenError::Lost { path: path.to_owned(), log }),
            Ok(_) | Err(_) => Ok(Found::Nothing),
        };
    }
    // Opening for writing changes nothing, and tells whether it would be allowed.
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
        if is_read_only(&error) { OpenError::ReadOnly(path.to_owned()) } else { io(error) }
    })?;
    match starts_with(&mut file, HEADER) {
        Ok(true) => Ok(Found::Database),
        // Cut short while it was being made: the journal beside it says how to go back.
        Ok(false) if has_journal(path) => Ok(Found::Database),
        Ok(false) => Err(OpenError::NotADatabase(path.to_owned())),
        Err(error) => Err(io(error)),
    }
}

fn is_read_only(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn has_journal(path: &Path) -> bool {
    File::open(beside(path, "-journal"))
        .is_ok_and(|mut file| starts_with(&mut file, &JOURNAL).unwrap_or(false))
}

fn starts_with(file: &mut File, expected: &[u8]) -> std::io::Result<bool> {
    let mut start = Vec::with_capacity(expected.len());
    file.take(expected.len() as u64).read_to_end(&mut start)?;
    Ok(start == expected)
}

/// Makes an empty file that only its owner can read; SQLite gives its companions the same mode. The
/// name is synced too: a ledger whose name a power cut takes away has lost everything.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path).map_err(io)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// The lock of the one server of a store; held as long as the value lives. The kernel takes it back
/// whatever way the process ends.
#[derive(Debug)]
pub(super) struct ServerLock {
    _file: File,
}

/// Takes the lock, or says who has it.
pub(super) fn lock(path: &Path) -> Result<ServerLock, OpenError> {
    let lock = beside(path, ".lock");
    let io = |error| OpenError::Io { path: lock.clone(), error };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    let mut file = options
        .open(&lock)
        .map_err(|error| if is_read_only(&error) { OpenError::ReadOnly(lock.clone()) } else { io(error) })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::Held { path: path.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(io(error)),
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
    write!(file, "process {} on {host}", std::process::id()).map_err(io)?;
    Ok(ServerLock { _file: file })
}

/// The path of a companion file.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn network_name(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

/// Who holds the lock, and since when: the file was last written when it was taken.
fn holder(file: &mut File) -> String {
    let mut who = String::new();
    if file.read_to_string(&mut who).is_err() || who.is_empty() {
        return String::from("a process that is just starting");
    }
    match file.metadata().and_then(|facts| facts.modified()).ok().and_then(utc) {
        Some(since) => format!("{who}, since {since}"),
        None => who,
    }
}

/// A moment as people write it; SQLite knows the calendar.
fn utc(at: SystemTime) -> Option<String> {
    let seconds = i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let calendar = rusqlite::Connection::open_in_memory().ok()?;
    let format = "SELECT strftime('%Y-%m-%d %H:%M:%S UTC', ?1, 'unixepoch')";
    calendar.query_row(format, [seconds], |row| row.get(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_magic_and_local_ones_pass() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(network_name(0xff53_4d42), Some("CIFS"));
        for local in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x794c_7630] {
            assert_eq!(network_name(local), None, "ext4, tmpfs, btrfs, xfs and overlayfs are local");
        }
    }
}
