//! Takes the bytes of an upload as they arrive, within its limits, and puts a file aside.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use futures::{Stream, StreamExt};
use onward_core::hex::hex;
use onward_core::problem::Code;
use onward_intake::display_name;
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::problem::Failure;
use crate::state::Settings;

/// How long nothing may arrive; a client that is silent for longer has gone.
pub(super) const MAX_SILENCE: Duration = Duration::from_secs(30);
/// The slowest upload on average, in bytes a second, once the first [`MAX_SILENCE`] is over: a
/// tenth of a bad mobile line. Slower ones only hold a place.
const MIN_BYTES_PER_SECOND: u64 = 1 << 10;

/// Bytes after the last part that are let go of: a mail program may sign there, no HTTP client does.
const MAX_BEYOND_BYTES: usize = 64 << 10;

/// A file that was put aside.
pub(super) struct Spooled {
    pub(super) path: TempPath,
    pub(super) filename: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Puts a file aside.
pub(super) async fn spool(
    settings: &Settings,
    mut pieces: Pieces<'_>,
    filename: &str,
    bounds: Bounds,
    clock: &mut Clock,
) -> Result<Spooled, Failure> {
    let filename = display_name(filename);
    let (mut file, path) = temporary(settings).map_err(|error| not_spooled(&error))?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0u64);
    let max_bytes = bounds.max;
    while let Some(mut chunk) = clock.next_chunk(&mut pieces).await? {
        let room = bounds.kept.saturating_sub(bytes);
        bytes += chunk.len() as u64;
        if bytes > max_bytes {
            let detail = format!("The file may have at most {max_bytes} bytes; nothing was kept.");
            return Err(Failure::new(Code::TooLarge, detail).with("max_bytes", max_bytes));
        }
        hasher.update(&chunk);
        chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        file.write_all(&chunk).await.map_err(|error| not_spooled(&error))?;
    }
    file.flush().await.map_err(|error| not_spooled(&error))?;
    Ok(Spooled { path, filename, bytes: bytes.min(bounds.kept), sha256: hex(&hasher.finalize()) })
}

/// How much of a file is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// A larger one is refused.
    pub(super) max: u64,
    /// Bytes from its beginning that are kept.
    pub(super) kept: u64,
}

/// What a file arrives in.
pub(super) enum Pieces<'a> {
    /// A part of a multipart body.
    Part(Box<Field<'a>>),
    /// The body itself.
    Whole(Incoming),
}

/// The body of a request. A reader of parts stops at their last boundary; what comes after it is read here.
#[derive(Clone)]
pub(super) struct Incoming(Arc<Mutex<BodyDataStream>>);

impl Incoming {
    pub(super) fn of(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }

    /// Reads to the end of the request: one that breaks off after its last part has not arrived.
    pub(super) async fn drain(self, clock: &mut Clock) -> Result<(), Failure> {
        let (mut pieces, mut beyond) = (Pieces::Whole(self), 0);
        while let Some(chunk) = clock.next_chunk(&mut pieces).await? {
            beyond += chunk.len();
            if beyond > MAX_BEYOND_BYTES {
                return Err(Failure::new(Code::BadRequest, "The body goes on after its last part."));
            }
        }
        Ok(())
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, axum::Error>;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_next(context)
    }
}

impl Pieces<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Part(field) => field.chunk().await.map_err(|error| broken(&error)),
            Self::Whole(body) => body.next().await.transpose().map_err(|_| stopped()),
        }
    }
}

/// Watches how fast an upload arrives.
pub(super) struct Clock {
    since: Instant,
    bytes: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { since: Instant::now(), bytes: 0 }
    }

    pub(super) async fn next_chunk(&mut self, pieces: &mut Pieces<'_>) -> Result<Option<Bytes>, Failure> {
        let chunk = match timeout(MAX_SILENCE, pieces.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => return Err(silent()),
        };
        self.bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        let beyond = self.since.elapsed().saturating_sub(MAX_SILENCE).as_secs();
        if self.bytes < beyond.saturating_mul(MIN_BYTES_PER_SECOND) {
            return Err(Failure::new(Code::UploadAborted, "The upload is too slow; nothing was kept."));
        }
        Ok(chunk)
    }
}

fn temporary(settings: &Settings) -> io::Result<(File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("onward-upload-");
    let file = match &settings.spool_dir {
        Some(dir) => builder.tempfile_in(dir)?,
        None => builder.tempfile()?,
    };
    let (file, path) = file.into_parts();
    Ok((File::from_std(file), path))
}

pub(super) fn broken(error: &MultipartError) -> Failure {
    if error.status().as_u16() == 413 {
        return Failure::new(
            Code::TooLarge,
            "The upload is larger than this server takes; nothing was kept.",
        );
    }
    stopped()
}

fn stopped() -> Failure {
    Failure::new(Code::UploadAborted, "The upload stopped before its end; nothing was kept.")
}

pub(super) fn silent() -> Failure {
    let detail = format!("Nothing arrived for {} s; nothing was kept.", MAX_SILENCE.as_secs());
    Failure::new(Code::UploadAborted, detail)
}

fn not_spooled(error: &io::Error) -> Failure {
    tracing::error!(error = %error, "an upload could not be spooled");
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Failure::new(Code::DiskFull, "No room is left for the upload; nothing was kept.");
    }
    Failure::new(Code::Internal, "The upload could not be written to the temporary folder.")
}
