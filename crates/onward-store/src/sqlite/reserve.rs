//! Room that is kept free for the moment in which the disk is full.
//!
//! SQLite writes nothing on a full disk, not even that a job is held. So a file without use lies beside the
//! database (`onward.db-reserve`). When a write finds no room, the file is emptied: that is enough to save the rows
//! in hand and to hold the jobs. Everything new is refused from then on. Once so much is free that the file can
//! be filled again with as much to spare, it is, and work goes on.
//!
//! **Several processes** share one file, and its size is all they need to agree on: whoever finds it emptied
//! is short of room too, whoever finds it filled is not.
//!
//! **What a crash leaves.** The file, emptied or not. The next process to open the store finds it so.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use onward_core::store::Room;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::place::{FILE_MODE, beside};
use crate::open::Mode;

/// The file's size, in bytes: twenty thousand rows of work that only computes, all that can be in hand, take less.
const MOST: u64 = 8 * 1024 * 1024;
/// Its size on a very small disk: a few hundred rows in hand and what it takes to hold their job.
const LEAST: u64 = 512 * 1024;
/// On small disks it is this part of the whole.
const PART: u64 = 32;
/// What is written where the file system cannot set room aside: anything that does not compress.
const NOISE: usize = 64 * 1024;

/// The reserve of one database.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    wanted: u64,
    /// Whether this process has found the disk full, or so near to it that no reserve could be made.
    short: AtomicBool,
    /// Whether it has seen the reserve filled.
    seen: AtomicBool,
}

/// What came of an attempt to fill the file.
enum Filled {
    Yes,
    NoRoom,
    /// The file system will not have it, whatever room there is.
    Never(std::io::Error),
}

impl Reserve {
    /// The reserve beside a database. A server fills it; another process takes it as it lies.
    pub(super) fn beside(database: &Path, mode: Mode) -> Self {
        let path = beside(database, "-reserve");
        let total = disk(database).map_or(u64::MAX, |(total, _)| total);
        let reserve = Self {
            path,
            wanted: (total / PART).clamp(LEAST, MOST),
            short: AtomicBool::new(false),
            seen: AtomicBool::new(false),
        };
        match mode {
            Mode::Serve => {
                reserve.short.store(true, Ordering::Relaxed);
                reserve.look_for_room();
            }
            Mode::Join => {
                let there = reserve.size();
                reserve.seen.store(there.is_some(), Ordering::Relaxed);
            }
        }
        reserve
    }

    /// Whether there is room to write. Costs one look at the file's size.
    pub(super) fn room(&self) -> Room {
        let emptied = self.seen.load(Ordering::Relaxed) && !self.is_filled();
        if self.short.load(Ordering::Relaxed) || emptied {
            Room::Short { needs: 2 * self.wanted }
        } else {
            Room::Enough
        }
    }

    /// The disk is full: empties the file. Answers whether that made room.
    pub(super) fn give(&self) -> bool {
        self.short.store(true, Ordering::Relaxed);
        if self.size().is_none_or(|bytes| bytes == 0) {
            return false;
        }
        let emptied = OpenOptions::new().write(true).open(&self.path).and_then(|file| {
            file.set_len(0)?;
            // Some file systems hand room out again only once they have noted that it is free.
            file.sync_all()
        });
        match emptied {
            Ok(()) => tracing::warn!(
                "the disk of the ledger is full: jobs are held, and go on by themselves when there is room"
            ),
            Err(error) => tracing::warn!(%error, "the disk is full and the reserve was not given free"),
        }
        true
    }

    /// When the disk was full: fills the file again as soon as there is room for it, and as much to spare.
    pub(super) fn look_for_room(&self) {
        if self.room() == Room::Enough {
            return;
        }
        let was_seen = self.seen.load(Ordering::Relaxed);
        let roomy = || {
            let disk = disk(self.path.parent().unwrap_or(Path::new("/")));
            disk.is_none_or(|(_, free)| free >= 2 * self.wanted)
        };
        if self.is_filled() {
            self.seen.store(true, Ordering::Relaxed);
        } else if !roomy() {
            return;
        } else {
            match self.fill() {
                Filled::Yes => self.seen.store(true, Ordering::Relaxed),
                Filled::NoRoom => return self.empty(),
                // Without a reserve a full disk stops the work just the same; it can only not be said in the ledger.
                Filled::Never(error) => tracing::debug!(%error, "no room can be kept free on this disk"),
            }
        }
        self.short.store(false, Ordering::Relaxed);
        if was_seen {
            tracing::info!("the disk of the ledger has room again");
        }
    }

    fn is_filled(&self) -> bool {
        self.size().is_some_and(|bytes| bytes >= self.wanted)
    }

    fn size(&self) -> Option<u64> {
        std::fs::metadata(&self.path).ok().map(|facts| facts.len())
    }

    fn fill(&self) -> Filled {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(FILE_MODE).open(&self.path);
        let set_aside =
            file.and_then(|file| match fallocate(&file, FallocateFlags::empty(), 0, self.wanted) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => self.write_noise(file),
                done => Ok(done?),
            });
        match set_aside {
            Ok(()) => Filled::Yes,
            Err(error) if is_full(&error) => Filled::NoRoom,
            Err(error) => Filled::Never(error),
        }
    }

    fn write_noise(&self, mut file: File) -> std::io::Result<()> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut noise = Vec::with_capacity(NOISE);
        for _ in 0..self.wanted.div_ceil(NOISE as u64) {
            noise.clear();
            while noise.len() < NOISE {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                noise.extend_from_slice(&state.to_le_bytes());
            }
            file.write_all(&noise)?;
        }
        file.sync_all()
    }

    /// Half a file would be taken for one that was given free, which it is.
    fn empty(&self) {
        if let Err(error) = OpenOptions::new().write(true).open(&self.path).and_then(|file| file.set_len(0)) {
            tracing::debug!(%error, "a half-filled reserve was left");
        }
    }
}

/// How large the disk is and how much of it is free, in bytes; `None` where the file system does not say.
fn disk(path: &Path) -> Option<(u64, u64)> {
    let disk = statvfs(path).ok().filter(|disk| disk.f_blocks > 0)?;
    Some((disk.f_blocks.saturating_mul(disk.f_frsize), disk.f_bavail.saturating_mul(disk.f_frsize)))
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_free_on_a_full_disk_is_taken_back_when_there_is_room_and_all_processes_see_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("onward.db");
        let bytes = || std::fs::metadata(folder.path().join("onward.db-reserve")).unwrap().len();
        let server = Reserve::beside(&database, Mode::Serve);
        let worker = Reserve::beside(&database, Mode::Join);
        assert_eq!((server.room(), worker.room()), (Room::Enough, Room::Enough));
        assert_eq!(bytes(), server.wanted);

        assert!(worker.give(), "there was something to give");
        assert!(!server.give(), "and now there is nothing left");
        let short = Room::Short { needs: 2 * server.wanted };
        assert_eq!((server.room(), worker.room(), bytes()), (short, short, 0));
        let next = Reserve { wanted: u64::MAX / 2, ..Reserve::beside(&database, Mode::Join) };
        next.look_for_room();
        assert!(matches!(next.room(), Room::Short { .. }), "no disk has so much");

        server.look_for_room();
        assert_eq!(
            (server.room(), worker.room()),
            (Room::Enough, short),
            "it has found the disk full itself"
        );
        worker.look_for_room();
        assert_eq!((worker.room(), bytes()), (Room::Enough, server.wanted));
    }

    #[test]
    fn a_reserve_that_was_emptied_before_the_start_is_filled_by_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("onward.db");
        std::fs::write(folder.path().join("onward.db-reserve"), "").unwrap();
        assert!(matches!(Reserve::beside(&database, Mode::Join).room(), Room::Short { .. }));
        assert_eq!(Reserve::beside(&database, Mode::Serve).room(), Room::Enough);
        assert_eq!(Reserve::beside(&database, Mode::Join).room(), Room::Enough);
    }

    #[test]
    fn where_room_cannot_be_set_aside_it_is_taken_with_what_does_not_compress() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&folder.path().join("onward.db"), Mode::Join);
        let path = folder.path().join("noise");
        reserve.write_noise(File::create(&path).unwrap()).unwrap();
        let noise = std::fs::read(path).unwrap();
        assert!(noise.len() as u64 >= reserve.wanted);
        let (first, second) = noise.split_at(NOISE);
        assert_ne!(first, &second[..NOISE]);
    }
}
