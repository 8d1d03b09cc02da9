//! Who of this machine still works. Each process that does holds a lock on a file of its own in the data
//! folder; the system frees the lock when the process ends, however it ends.
//!
//! **Promise.** The next process that works gives back at once what a dead one held, and need not wait
//! for its leases to lapse (G19). The lock is a hint and never a fence: whoever is taken for dead and
//! lives finds out at its next write, as after any rescue.
//!
//! **What each failure does.** No file can be made, or the store does not answer: the leases lapse. The
//! folder is shared by several machines, some of which do not see each other's locks: a file counts on
//! the machine and since the start of it that it was made on, and nowhere else.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use onward_core::id::WorkerId;
use onward_engine::Engine;

use crate::clock;

/// The folder of the files, in the data folder.
const FOLDER: &str = "alive";

/// The lock of this process. It is given up when dropped.
#[derive(Debug)]
pub(crate) struct Lifeline {
    path: PathBuf,
    _locked: File,
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        // A file that stays is found by the next process, which gives back nothing.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Gives back what dead processes of this data folder held, and says from now on that this one lives.
pub(crate) async fn hold(engine: &Engine, data_dir: &Path) -> Option<Lifeline> {
    let folder = data_dir.join(FOLDER);
    for (worker, path) in dead(&folder) {
        match engine.store().release_of(&worker, clock::now()).await {
            Ok(released) => {
                for rescued in released {
                    tracing::info!(job.id = %rescued.job, span = %rescued.span, %worker, "given back");
                }
                drop(std::fs::remove_file(path));
            }
            Err(error) => tracing::debug!(%worker, %error, "what it held comes back when its leases lapse"),
        }
    }
    match take(&folder, engine.worker()) {
        Ok(lifeline) => Some(lifeline),
        Err(error) => {
            tracing::debug!(%error, "no file says that this process lives");
            None
        }
    }
}

fn take(folder: &Path, worker: &WorkerId) -> io::Result<Lifeline> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(&worker.0);
    let unlocked = folder.join(format!(".{worker}"));
    let mut file = File::create(&unlocked)?;
    file.try_lock()?;
    write!(file, "{}", this_start())?;
    // Nobody sees it before it is locked.
    std::fs::rename(unlocked, &path)?;
    Ok(Lifeline { path, _locked: file })
}

/// The workers of this machine, since its start, whose processes have ended.
fn dead(folder: &Path) -> Vec<(WorkerId, PathBuf)> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let dead = |path: PathBuf| {
        let name = path.file_name()?.to_str().filter(|name| !name.starts_with('.'))?;
        let mut file = File::open(&path).ok()?;
        let mut made = String::new();
        file.read_to_string(&mut made).ok()?;
        let has_ended = made == this_start() && file.try_lock_shared().is_ok();
        has_ended.then(|| (WorkerId(name.to_owned()), path.clone()))
    };
    files.filter_map(Result::ok).filter_map(|entry| dead(entry.path())).collect()
}

/// Names this machine and its start, where the system does so.
fn this_start() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_dead_when_its_lock_is_free_and_no_sooner() {
        let data = tempfile::tempdir().unwrap();
        let worker = WorkerId("host-1-abc".to_owned());
        let alive = take(data.path(), &worker).unwrap();
        assert_eq!(dead(data.path()), []);
        // As when a process ends without a word: the lock is freed and the file stays.
        let Lifeline { path, .. } = &alive;
        let kept = std::fs::read_to_string(path).unwrap();
        drop(std::fs::remove_file(path));
        std::fs::write(path, &kept).unwrap();
        assert_eq!(dead(data.path()), [(worker, path.clone())]);
        std::fs::write(path, "another machine").unwrap();
        assert_eq!(dead(data.path()), [], "what another machine sees of a lock counts for nothing");
        drop(alive);
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "an orderly end leaves nothing");
    }
}
