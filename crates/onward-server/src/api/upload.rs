//! Takes an upload, in parts or as the body itself: the file goes to a temporary file while it arrives, within
//! its limits.
//!
//! Nothing is kept of an upload that breaks off, is too large or too slow: the temporary file goes
//! away with the value that names it, also when the client leaves and the request is dropped.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use onward_core::problem::Code;
use tempfile::TempPath;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api::disposition;
use crate::api::extract::content_type;
use crate::api::spool::{Bounds, Clock, Incoming, MAX_SILENCE, Pieces, Spooled, broken, silent, spool};
use crate::api::uploads::upload_id;
use crate::idempotency::{fingerprint, is_upload};
use crate::problem::Failure;
use crate::state::{App, Settings};
use crate::uploads::Uploads;

/// What a file is that is sent as the body itself; `text/plain` and `text/tab-separated-values` are what
/// some programs call a CSV.
const PLAIN: [&str; 4] = ["text/csv", "application/octet-stream", "text/tab-separated-values", "text/plain"];
/// The largest recipe: a hundred times the largest example.
const MAX_RECIPE_BYTES: usize = 256 << 10;
/// The largest name of a job, in bytes; a card shows a tenth of it.
const MAX_NAME_BYTES: usize = 500;
/// The length of a SHA-256 in hex.
const SHA256_CHARS: usize = 64;
/// The longest number, in bytes.
const MAX_NUMBER_BYTES: usize = 20;

/// An upload that arrived in full.
#[derive(Debug)]
pub struct Upload {
    /// Where the file is.
    pub file: Source,
    /// The name the file came with, cleaned for display.
    pub filename: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Names the content: SHA-256 of the file in hex, or the id of the upload it was sent as.
    pub content: String,
    /// The recipe as it was sent.
    pub recipe: Option<String>,
    /// The job's name for people.
    pub name: Option<String>,
    /// Rows to do before the job is held and a person is asked.
    pub first: Option<u64>,
    /// SHA-256 of the file that the client looked at before, in hex.
    pub sha256: Option<String>,
}

/// Where the bytes of a file are.
#[derive(Debug)]
pub enum Source {
    /// Spooled with this request; gone with it.
    Spooled(TempPath),
    /// Sent before, in parts; it stays until a job was made of it.
    Sent(Uuid, PathBuf),
}

impl Source {
    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Spooled(path) => path,
            Self::Sent(_, path) => path,
        }
    }
}

impl Upload {
    /// Reads a `multipart/form-data` request with one `file`, or the id of an `upload` in its place,
    /// and, if wanted, `recipe` and `name`.
    ///
    /// # Errors
    /// `unsupported-body`, `bad-request`, `too-large`, `upload-aborted`, `disk-full`, and of an upload
    /// `upload-not-found` and `upload-incomplete`.
    pub async fn receive(app: &App, request: Request, max_bytes: u64) -> Result<Self, Failure> {
        Self::receive_parts(app, request, Bounds { max: max_bytes, kept: max_bytes }).await
    }

    /// The same, of which no more than the first `head_bytes` are kept. The rest is taken and let go of, as
    /// clients do not read an answer before they have sent all.
    ///
    /// # Errors
    /// As [`Upload::receive`].
    pub async fn receive_head(app: &App, request: Request, head_bytes: u64) -> Result<Self, Failure> {
        let max = app.settings.max_upload_bytes;
        Self::receive_parts(app, request, Bounds { max, kept: head_bytes }).await
    }

    async fn receive_parts(app: &App, request: Request, bounds: Bounds) -> Result<Self, Failure> {
        if !is_upload(request.headers()) {
            let kind = content_type(request.headers());
            let detail = format!("Send the file as `multipart/form-data`, not `{kind}`.");
            return Err(Failure::new(Code::UnsupportedBody, detail));
        }
        let (head, body) = request.into_parts();
        let incoming = Incoming::of(body);
        let request = Request::from_parts(head, Body::from_stream(incoming.clone()));
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|_| Failure::new(Code::BadRequest, "The multipart body names no boundary."))?;
        let mut found = Found::default();
        let mut clock = Clock::start();
        while let Some(field) = next_field(&mut parts, &found).await? {
            found.take(&app.settings, field, bounds, &mut clock).await?;
        }
        drop(parts);
        incoming.drain(&mut clock).await?;
        found.whole(&app.uploads).await
    }

    /// The same, or the file alone as the body: `text/csv`, `application/octet-stream`. Its name is that of
    /// `Content-Disposition`, or the usual one.
    ///
    /// # Errors
    /// As [`Upload::receive`].
    pub async fn receive_file(app: &App, request: Request, usual: &str) -> Result<Self, Failure> {
        let max_bytes = app.settings.max_upload_bytes;
        let kind = content_type(request.headers());
        if is_upload(request.headers()) {
            return Self::receive(app, request, max_bytes).await;
        }
        if !PLAIN.contains(&&*kind) {
            let detail = format!(
                "Send the file as `multipart/form-data`, or as the body itself: {}; not `{kind}`.",
                PLAIN.map(|kind| format!("`{kind}`")).join(", ")
            );
            return Err(Failure::new(Code::UnsupportedBody, detail));
        }
        let filename = disposition::filename(request.headers()).unwrap_or_else(|| usual.to_owned());
        let pieces = Pieces::Whole(Incoming::of(request.into_body()));
        let bounds = Bounds { max: max_bytes, kept: max_bytes };
        let file = spool(&app.settings, pieces, &filename, bounds, &mut Clock::start()).await?;
        Found { file: Some(file), ..Found::default() }.whole(&app.uploads).await
    }

    /// What makes two uploads to the same address the same request.
    #[must_use]
    pub fn fingerprint(&self, path: &str) -> String {
        let [recipe, name] = [&self.recipe, &self.name].map(|part| part.as_deref().unwrap_or_default());
        let first = self.first.map(|rows| rows.to_string()).unwrap_or_default();
        let seen = self.sha256.as_deref().unwrap_or_default();
        let parts = [&*self.content, recipe, name, &*self.filename, &*first, seen];
        fingerprint(path, &parts.map(str::as_bytes))
    }
}

#[derive(Default)]
struct Found {
    file: Option<Spooled>,
    upload: Option<Uuid>,
    recipe: Option<String>,
    name: Option<String>,
    first: Option<u64>,
    sha256: Option<String>,
}

impl Found {
    async fn take(
        &mut self,
        settings: &Settings,
        field: Field<'_>,
        bounds: Bounds,
        clock: &mut Clock,
    ) -> Result<(), Failure> {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if self.file.is_none() => {
                let filename = field.file_name().unwrap_or_default().to_owned();
                self.file =
                    Some(spool(settings, Pieces::Part(Box::new(field)), &filename, bounds, clock).await?);
            }
            "upload" if self.upload.is_none() => {
                let id = short_text(field, "upload", MAX_NAME_BYTES, clock).await?;
                self.upload = Some(upload_id(id.trim())?);
            }
            "recipe" if self.recipe.is_none() => {
                self.recipe = Some(short_text(field, "recipe", MAX_RECIPE_BYTES, clock).await?);
            }
            "name" if self.name.is_none() => {
                let text = short_text(field, "name", MAX_NAME_BYTES, clock).await?;
                self.name = Some(text.trim().to_owned()).filter(|name| !name.is_empty());
            }
            "first" if self.first.is_none() => {
                let text = short_text(field, "first", MAX_NUMBER_BYTES, clock).await?;
                self.first = rows_first(text.trim())?;
            }
            "sha256" if self.sha256.is_none() => {
                let text = short_text(field, "sha256", SHA256_CHARS, clock).await?;
                self.sha256 = sha256(text.trim())?;
            }
            "file" | "upload" | "recipe" | "name" | "first" | "sha256" => {
                return Err(Failure::new(
                    Code::BadRequest,
                    format!("There are two parts named `{name}`; send one."),
                ));
            }
            _ => {
                let detail = format!(
                    "The part `{name}` is not known here; the parts are file or upload, recipe, name, first and sha256."
                );
                return Err(Failure::new(Code::BadRequest, detail));
            }
        }
        Ok(())
    }

    async fn whole(self, uploads: &Uploads) -> Result<Upload, Failure> {
        let Self { file, upload, recipe, name, first, sha256: seen } = self;
        match (file, upload) {
            (Some(Spooled { path, filename, bytes, sha256 }), None) => {
                let file = Source::Spooled(path);
                Ok(Upload { file, filename, bytes, content: sha256, recipe, name, first, sha256: seen })
            }
            (None, Some(id)) => {
                let (facts, path) = uploads.whole(id).await?;
                let (file, content) = (Source::Sent(id, path), id.to_string());
                let (filename, bytes) = (facts.filename, facts.bytes);
                Ok(Upload { file, filename, bytes, content, recipe, name, first, sha256: seen })
            }
            (None, None) => Err(Failure::new(Code::BadRequest, "The upload has no part named `file`.")),
            (Some(_), Some(_)) => {
                Err(Failure::new(Code::BadRequest, "Send a `file` or name an `upload`, not both."))
            }
        }
    }
}

/// A number of rows; a form that leaves it empty means all.
fn rows_first(text: &str) -> Result<Option<u64>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.map(Some).ok_or_else(|| {
        Failure::new(Code::InvalidParameter, "`first` is a number of rows, from 1.")
            .with("parameter", "first")
    })
}

/// A digest in hex; a form that leaves it empty has seen nothing.
fn sha256(text: &str) -> Result<Option<String>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() != SHA256_CHARS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let detail = format!("`sha256` is the SHA-256 of the file in hex: {SHA256_CHARS} digits.");
        return Err(Failure::new(Code::InvalidParameter, detail).with("parameter", "sha256"));
    }
    Ok(Some(text.to_ascii_lowercase()))
}

async fn next_field<'a>(parts: &'a mut Multipart, found: &Found) -> Result<Option<Field<'a>>, Failure> {
    let begun = found.file.is_some() || found.recipe.is_some() || found.name.is_some();
    match timeout(MAX_SILENCE, parts.next_field()).await {
        Ok(Ok(field)) => Ok(field),
        Ok(Err(error)) if begun => Err(broken(&error)),
        // Too large, or it broke off before its first part; what is no multipart is a 400 there.
        Ok(Err(error)) if error.status().as_u16() != 400 => Err(broken(&error)),
        Ok(Err(_)) => {
            Err(Failure::new(Code::BadRequest, "The body is not multipart with the boundary it names."))
        }
        Err(_) => Err(silent()),
    }
}

async fn short_text(
    field: Field<'_>,
    name: &str,
    max_bytes: usize,
    clock: &mut Clock,
) -> Result<String, Failure> {
    let (mut bytes, mut pieces) = (Vec::new(), Pieces::Part(Box::new(field)));
    while let Some(chunk) = clock.next_chunk(&mut pieces).await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > max_bytes {
            return Err(Failure::new(
                Code::TooLarge,
                format!("The {name} may have at most {max_bytes} bytes."),
            ));
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| Failure::new(Code::BadRequest, format!("The {name} is not UTF-8 text.")))
}
