//! `onward doctor`: checks this machine's set-up and says what to do.

use std::path::Path;

use serde::Serialize;

use crate::args::Json;
use crate::client::Client;
use crate::client::note::Note;
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::{self, Host, Opening};
use crate::output;
use crate::output::text::count;

/// Below this much free room the ledger may soon not grow.
const SCARCE_BYTES: u64 = 1 << 30;
/// Below this much a job pauses before long.
const FULL_BYTES: u64 = 100 << 20;

/// Ends with 0 when a job can run here, and with 1 when something is in the way.
pub(super) async fn run(config: &Config, output: Json) -> Result<Exit, Failure> {
    let server = Client::of_server(config).await?;
    let mut checks = vec![data_folder(config), room(config)];
    checks.push(store(config).await);
    checks.push(listening(config, server.as_ref()).await);
    let ok = checks.iter().all(|check| check.status != Status::Bad);
    if output.json {
        output::json::print(&Report { ok, checks: &checks });
    } else {
        for check in &checks {
            output::data(&format!("{:<5}{:<12}{}", check.status.word(), check.name, check.detail));
            if let Some(advice) = &check.advice {
                output::data(&format!("{:17}{advice}", ""));
            }
        }
    }
    Ok(if ok { Exit::Done } else { Exit::Unexpected })
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Good,
    Note,
    Bad,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Bad => "BAD",
        }
    }
}

impl Check {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Good, detail: detail.into(), advice: None }
    }

    fn note(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, status: Status::Note, detail: detail.into(), advice: Some(advice.into()) }
    }

    fn bad(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, status: Status::Bad, detail: detail.into(), advice: Some(advice.into()) }
    }
}

fn data_folder(config: &Config) -> Check {
    use std::os::unix::fs::PermissionsExt;
    const NAME: &str = "data folder";
    let folder = &config.data_dir;
    let shown = folder.display();
    let Ok(facts) = std::fs::metadata(folder) else {
        return Check::good(NAME, format!("{shown} is made at first use"));
    };
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    if let Err(error) = std::fs::write(&probe, "").and_then(|()| std::fs::remove_file(&probe)) {
        let advice = "make it writable for this user, or choose another with --data-dir";
        return Check::bad(NAME, format!("{shown} cannot be written to: {error}"), advice);
    }
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let advice = format!("rows are personal data: chmod 700 {shown}");
        return Check::note(NAME, format!("{shown} can be read by others (mode {mode:o})"), advice);
    }
    Check::good(NAME, format!("{shown} is there, and private"))
}

fn room(config: &Config) -> Check {
    const NAME: &str = "disk";
    let Some(free) = config.data_dir.ancestors().find_map(free_bytes) else {
        return Check::note(NAME, "the free room cannot be found out", "look with df -h");
    };
    let detail = format!("{} MB free", count(free >> 20));
    if free < FULL_BYTES {
        return Check::bad(NAME, detail, "make room: jobs pause when the ledger cannot grow");
    }
    if free < SCARCE_BYTES {
        return Check::note(NAME, detail, "a file of a million rows needs about 1 GB with its ledger");
    }
    Check::good(NAME, detail)
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

async fn store(config: &Config) -> Check {
    const NAME: &str = "store";
    let shown = config.store_file().map_or_else(|| config.store_shown(), |path| path.display().to_string());
    if !config.store_may_exist() {
        return Check::good(NAME, format!("{shown} is made by the first job"));
    }
    let host = match Host::open(config, Opening::Beside).await {
        Ok(host) => host,
        Err(failure) => {
            let advice = failure.hints.first().cloned();
            return Check { name: NAME, status: Status::Bad, detail: failure.message, advice };
        }
    };
    if let Err(error) = host.engine.store().ping().await {
        let advice = "see that the disk is neither full nor read-only";
        return Check::bad(NAME, format!("{shown} cannot be written to: {error}"), advice);
    }
    let facts = config.store_file().and_then(|path| std::fs::metadata(path).ok());
    let size = facts.map(|facts| format!(" ({} MB)", count(facts.len().div_ceil(1 << 20))));
    Check::good(NAME, format!("{shown} opens and can be written to{}", size.unwrap_or_default()))
}

async fn listening(config: &Config, server: Option<&Client>) -> Check {
    const NAME: &str = "server";
    if let Some(address) = server.and_then(Client::address) {
        return Check::good(NAME, format!("answers at {address}"));
    }
    if let Some(note) = Note::read(config) {
        if Path::new(&format!("/proc/{}", note.pid)).exists() {
            let detail =
                format!("process {} serves this store and does not answer at {}", note.pid, note.address);
            return Check::bad(
                NAME,
                detail,
                format!("is it frozen? kill -9 {} and start it again", note.pid),
            );
        }
        let detail = format!("the one that ran last (process {}) ended without a farewell", note.pid);
        return Check::note(NAME, detail, "start it again: onward serve; jobs go on where they were");
    }
    match host::bind(config.listen).await {
        Ok(_free) => Check::good(NAME, format!("does not run; {} is free for one", config.listen)),
        Err(failure) => {
            let advice = "choose another address with --listen 127.0.0.1:PORT";
            Check::note(NAME, format!("does not run, and {}", failure.message), advice)
        }
    }
}
