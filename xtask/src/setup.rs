//! What the tests need besides Rust: found, installed with the system's package manager where that
//! is allowed, or named exactly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{is_there, root, run, say, target};

/// axe-core, the accessibility checker the page tests load. One version, so that a run can be repeated.
const AXE: &str = "axe-core@4.14.1";

/// A program the tests start, by name or path, and the Debian package that has it.
struct Need {
    program: &'static str,
    package: &'static str,
    reason: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "/usr/lib/postgresql/15/bin/postgres",
        package: "postgresql-15",
        reason: "the ledger is tested on a real PostgreSQL",
    },
    Need {
        program: "/usr/sbin/pgbouncer",
        package: "pgbouncer",
        reason: "the same through a pooler in transaction mode",
    },
    Need {
        program: "redis-server",
        package: "redis-server",
        reason: "checkpoints and hot chunks in a real Redis",
    },
    Need { program: "openssl", package: "openssl", reason: "databases that speak TLS have certificates" },
    Need { program: "chromium", package: "chromium", reason: "the page is tested in a real browser" },
    Need { program: "chromedriver", package: "chromium-driver", reason: "drives the browser" },
    Need { program: "parallel", package: "parallel", reason: "Onward is shown side by side with it" },
    Need { program: "npm", package: "npm", reason: "fetches axe-core, the accessibility checker" },
];

/// Installs what is missing, or says what to install.
///
/// # Errors
/// When something is missing and cannot be installed; the message has the command to run.
pub(crate) fn setup() -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_there(need.program)).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    axe().map(|path| say(&format!("axe-core: {}", path.display())))
}

fn install(missing: &[&Need]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let wanted: Vec<String> = missing
        .iter()
        .map(|need| format!("  {} ({}): {}", need.program, need.package, need.reason))
        .collect();
    let by_hand = format!(
        "missing:\n{}\ninstall with `apt-get install -y {}`, or leave these tests out with \
         `cargo xtask test --embedded`",
        wanted.join("\n"),
        packages.join(" ")
    );
    if !is_there("apt-get") || !is_root() {
        bail!("{by_hand}");
    }
    say(&format!("installing {}", packages.join(" ")));
    run(Command::new("apt-get").arg("update").arg("-qq")).context(by_hand.clone())?;
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    run(command.args(&packages)).context(by_hand)
}

/// The owner of a process is the owner of its folder in /proc; 0 is root.
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uid.and_then(|ids| ids.split_whitespace().next()) == Some("0")
}

/// Unpacks axe-core's one file into `target/tools`, once.
fn axe() -> Result<PathBuf> {
    let tools = tools();
    let file = tools.join("axe.min.js");
    if file.is_file() {
        return Ok(file);
    }
    fs::create_dir_all(&tools)?;
    run(Command::new("npm").args(["pack", "--silent", AXE]).current_dir(&tools))
        .context("axe-core comes from the npm registry; without it the page cannot be checked")?;
    let packed = packed(&tools)?;
    run(Command::new("tar")
        .arg("xzf")
        .arg(&packed)
        .args(["--strip-components=1", "package/axe.min.js"])
        .current_dir(&tools))?;
    fs::remove_file(packed)?;
    Ok(file)
}

/// The browser tests look for tools beside what they were built into.
fn tools() -> PathBuf {
    let target = target();
    let target = if target.is_absolute() { target } else { root().join(target) };
    target.join("tools")
}

fn packed(tools: &Path) -> Result<PathBuf> {
    let found = fs::read_dir(tools)?.filter_map(Result::ok).map(|entry| entry.path());
    found
        .filter(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .max()
        .with_context(|| format!("npm packed nothing into {}", tools.display()))
}
