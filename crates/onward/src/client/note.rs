//! The note a server leaves in the data folder, so that the other verbs find it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::exit_code::{Exit, Failure};

/// Who serves a store, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) pid: u32,
    /// The store it holds, without what may be a password.
    pub(crate) store: String,
}

impl Note {
    /// The note of this process.
    pub(crate) fn of_process(address: SocketAddr, config: &Config) -> Self {
        Self { address, pid: std::process::id(), store: config.store_shown() }
    }

    /// The note in the data folder, if there is one about this store. It may be stale: whoever reads
    /// it asks the address.
    pub(crate) fn read(config: &Config) -> Option<Self> {
        let text = std::fs::read_to_string(path(&config.data_dir)).ok()?;
        let note: Self = serde_json::from_str(&text).ok()?;
        (note.store == config.store_shown()).then_some(note)
    }

    /// Leaves the note. It appears whole or not at all.
    pub(crate) fn leave(&self, config: &Config) -> Result<(), Failure> {
        let path = path(&config.data_dir);
        let text = serde_json::to_string(self).expect("a note always serialises");
        let fresh = path.with_extension(format!("{}.new", self.pid));
        std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &path)).map_err(|error| {
            Failure::new(Exit::Unexpected, format!("failed to write {}: {error}", path.display()))
        })
    }

    /// Takes the note away, if it is still this process's.
    pub(crate) fn take_away(&self, config: &Config) {
        if Self::read(config).as_ref() == Some(self) {
            // Left behind it is only stale; readers ask the address anyway.
            let _stale = std::fs::remove_file(path(&config.data_dir));
        }
    }

    /// As `http://127.0.0.1:7313`.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_about_one_store_and_taken_away_by_its_writer_only() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            store: "sqlite:/a.db".to_owned(),
            redis: None,
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: folder.path().to_owned(),
            commands: std::collections::BTreeMap::new(),
            allowed: Vec::new(),
            hosts: Vec::new(),
            max_streams: None,
            public_url: None,
            hook: None,
        };
        let note = Note::of_process("127.0.0.1:7313".parse().unwrap(), &config);
        note.leave(&config).unwrap();
        assert_eq!(Note::read(&config), Some(note.clone()));
        let other_store = Config { store: "sqlite:/b.db".to_owned(), ..config.clone() };
        assert_eq!(Note::read(&other_store), None);
        Note { pid: note.pid + 1, ..note.clone() }.take_away(&config);
        assert_eq!(Note::read(&config), Some(note.clone()));
        note.take_away(&config);
        assert_eq!(Note::read(&config), None);
    }
}
