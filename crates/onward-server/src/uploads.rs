//! Uploads that go on after a broken connection: `/api/v1/uploads`.
//!
//! **Promise.** A client announces a file with its size, then sends it in parts, each with the offset
//! at which it goes on. What arrived is kept, also of a part that broke off; the server says how far it
//! got, and the client goes on there, also after a restart of either. A part at another offset is
//! refused and changes nothing, so a repeat can do no harm.
//!
//! A finished upload is looked at (`check`), tried on a few rows (`try`) and made a job of, by its id in
//! place of the file. Uploads are named by ids of the server and lie in its own folder; the name of the
//! file is for people only. After a day an upload is forgotten.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::problem::Code;
use onward_intake::display_name;
use serde::{Deserialize, Serialize};
use tokio::fs;
use uuid::Uuid;

use crate::clock;
use crate::problem::Failure;
use crate::state::Settings;

/// Uploads kept at one time: more than a person has open, few enough to bound the disk.
const MAX_UPLOADS: usize = 32;
/// An upload that nobody made a job of is forgotten after this, in milliseconds: a day.
const FORGOTTEN_MS: u64 = 24 * 60 * 60 * 1_000;
/// How long nothing may arrive of a part; a client that is silent for longer has gone.
pub(crate) const MAX_SILENCE: Duration = Duration::from_secs(30);

/// What is known of an upload beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The name the file came with, cleaned for display.
    pub(crate) filename: String,
    /// Its announced size.
    pub(crate) bytes: u64,
    /// When it was announced.
    pub(crate) created_at: UnixMs,
}

/// The uploads of this server.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    folder: PathBuf,
    max_bytes: u64,
    /// Those that a request is writing to or reading now.
    busy: Arc<Mutex<HashSet<Uuid>>>,
}

/// The only user of an upload, as long as it lives.
pub(crate) struct Hold {
    id: Uuid,
    busy: Arc<Mutex<HashSet<Uuid>>>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Uploads {
    /// Uploads beside the spooled files of these settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let beside = settings.spool_dir.clone().unwrap_or_else(std::env::temp_dir);
        let (folder, max_bytes) = (beside.join("uploads"), settings.max_upload_bytes);
        Self { folder, max_bytes, busy: Arc::default() }
    }

    /// Announces a file; nothing of it is there yet.
    pub(crate) async fn announce(&self, filename: &str, bytes: u64) -> Result<(Uuid, Facts), Failure> {
        if bytes > self.max_bytes {
            let detail = format!("The file may have at most {} bytes.", self.max_bytes);
            return Err(Failure::new(Code::TooLarge, detail).with("max_bytes", self.max_bytes));
        }
        let now = clock::now();
        fs::create_dir_all(&self.folder).await.map_err(|error| not_kept(&error))?;
        if self.sweep(now).await.map_err(|error| not_kept(&error))? >= MAX_UPLOADS {
            let detail = format!("{MAX_UPLOADS} uploads are kept already; make jobs of them or remove them.");
            return Err(Failure::new(Code::TooManyRequests, detail));
        }
        let id = Uuid::now_v7();
        let facts = Facts { filename: display_name(filename), bytes, created_at: now };
        let text = serde_json::to_vec(&facts).expect("facts have only text keys");
        fs::write(self.part(id), b"").await.map_err(|error| not_kept(&error))?;
        fs::write(self.facts_path(id), text).await.map_err(|error| not_kept(&error))?;
        Ok((id, facts))
    }

    /// What is known of an upload, and how much of it is there.
    pub(crate) async fn look(&self, id: Uuid) -> Result<(Facts, u64), Failure> {
        let text = fs::read(self.facts_path(id)).await.map_err(|_| unknown())?;
        let facts = serde_json::from_slice(&text).map_err(|_| unknown())?;
        let there = fs::metadata(self.part(id)).await.map_err(|_| unknown())?;
        Ok((facts, there.len()))
    }

    /// The upload for this request alone.
    pub(crate) fn hold(&self, id: Uuid) -> Result<Hold, Failure> {
        let fresh = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        let refused = || Failure::new(Code::UploadOffset, "Another request is at work on this upload.");
        if fresh { Ok(Hold { id, busy: Arc::clone(&self.busy) }) } else { Err(refused()) }
    }

    /// A finished upload: its name and where its bytes are.
    pub(crate) async fn whole(&self, id: Uuid) -> Result<(Facts, PathBuf), Failure> {
        let (facts, there) = self.look(id).await?;
        if there != facts.bytes {
            let detail = format!("{there} of {} bytes have arrived; send the rest first.", facts.bytes);
            return Err(Failure::new(Code::UploadIncomplete, detail).with("offset", there));
        }
        Ok((facts, self.part(id)))
    }

    /// Forgets an upload; one that is not there is forgotten already.
    pub(crate) async fn forget(&self, id: Uuid) {
        for path in [self.facts_path(id), self.part(id)] {
            if let Err(error) = fs::remove_file(path).await
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(upload = %id, %error, "an upload could not be removed");
            }
        }
    }

    /// Where the bytes are. A path is made of an id of ours, never of a name of theirs.
    pub(crate) fn part(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{}.part", id.simple()))
    }

    fn facts_path(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{}.json", id.simple()))
    }

    /// Removes what is too old, and answers how many are left.
    async fn sweep(&self, now: UnixMs) -> io::Result<usize> {
        let mut left = 0;
        let mut entries = fs::read_dir(&self.folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) else { continue };
            let Ok(id) = Uuid::try_parse(id) else { continue };
            match self.look(id).await {
                Ok((facts, _)) if now.ms_since(facts.created_at) < FORGOTTEN_MS => left += 1,
                Ok(_) | Err(_) => self.forget(id).await,
            }
        }
        Ok(left)
    }
}

/// The problem of a disk that does not take an upload.
pub(crate) fn not_kept(error: &io::Error) -> Failure {
    tracing::error!(%error, "an upload could not be kept");
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Failure::new(Code::DiskFull, "No room is left for the upload; what arrived is kept.");
    }
    Failure::new(Code::Internal, "The upload could not be written to the server's folder.")
}

fn unknown() -> Failure {
    Failure::new(Code::UploadNotFound, "No upload has this id; it may have been forgotten after a day.")
}
