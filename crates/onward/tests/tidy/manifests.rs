//! Which crate may name which dependency, and that each says why it is there.

use crate::tree;

/// A dependency and the crates that may name it. `(dev)` means: only for tests.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["onward-store", "onward-testkit", "onward (dev)", "onward-engine (dev)"]),
    ("tokio-postgres", &["onward-store"]),
    ("tokio-postgres-rustls", &["onward-store"]),
    ("redis", &["onward-store"]),
    ("axum", &["onward-server", "onward", "onward-testkit", "onward-processors (dev)"]),
    ("tower-http", &["onward-server"]),
    ("maud", &["onward-server"]),
    ("utoipa", &["onward-server"]),
    ("rust-embed", &["onward-server"]),
    ("reqwest", &["onward", "onward-testkit"]),
    ("hyper-util", &["onward-processors", "onward (dev)"]),
    ("hyper-rustls", &["onward-processors"]),
    ("cel", &["onward-processors"]),
    ("minijinja", &["onward-processors"]),
    ("csv-core", &["onward-intake"]),
    ("encoding_rs", &["onward-intake"]),
    ("chardetng", &["onward-intake"]),
    ("clap", &["onward", "xtask"]),
    ("clap_complete", &["onward"]),
    ("indicatif", &["onward"]),
    ("anyhow", &["onward", "onward-testkit", "xtask"]),
    ("fantoccini", &["onward (dev)"]),
    (
        "onward-testkit",
        &["onward (dev)", "onward-processors (dev)", "onward-server (dev)", "onward-store (dev)"],
    ),
    // The engine knows the traits and none of their implementations; the server knows the engine.
    ("onward-store", &["onward", "onward-core (dev)", "onward-engine (dev)", "onward-server (dev)"]),
    ("onward-processors", &["onward", "onward-server (dev)", "onward-engine (dev)"]),
    ("onward-server", &["onward"]),
];

/// What the core may name: values, words and checks. Nothing that does I/O, waits, or knows the time.
const CORE: &[&str] =
    &["async-trait", "serde", "serde_json", "strsim", "thiserror", "toml", "unicode-normalization", "uuid"];

/// Path and text of the manifest of every crate.
pub(crate) fn all() -> Vec<(String, String)> {
    let manifests = tree::files("toml")
        .into_iter()
        .filter(|(path, text)| path.ends_with("/Cargo.toml") && text.lines().any(|line| line == "[package]"));
    manifests.collect()
}

/// Dependencies named where they may not be.
pub(crate) fn misplaced(path: &str, text: &str) -> Vec<String> {
    let name = name(path);
    let mut findings = Vec::new();
    for dependency in dependencies(text) {
        let asked = if dependency.dev { format!("{name} (dev)") } else { name.to_owned() };
        if let Some((_, owners)) = OWNERS.iter().find(|(known, _)| *known == dependency.name) {
            let allowed = owners.iter().any(|owner| *owner == asked || *owner == name);
            if !allowed {
                findings.push(format!("{path}: {} is only for {}", dependency.name, owners.join(", ")));
            }
        }
        if name == "onward-core" && !dependency.dev && !CORE.contains(&dependency.name.as_str()) {
            findings
                .push(format!("{path}: the core decides and does nothing; {} has no place", dependency.name));
        }
    }
    findings
}

/// Dependencies without a reason: neither they nor the lines of their group carry a comment above.
pub(crate) fn unexplained(path: &str, text: &str) -> Vec<String> {
    let bare = dependencies(text).into_iter().filter(|dependency| !dependency.explained);
    bare.map(|dependency| format!("{path}: say in a comment above why {} is there", dependency.name))
        .collect()
}

/// A crate with another name than its folder, or with lints of its own.
pub(crate) fn odd(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.lines().any(|line| line == format!("name = \"{}\"", name(path))) {
        findings.push(format!("{path}: the crate has another name than its folder"));
    }
    if !text.contains("[lints]\nworkspace = true") {
        findings.push(format!("{path}: the lints of the workspace are not on"));
    }
    if !text.lines().any(|line| line.starts_with("description = \"")) {
        findings.push(format!("{path}: no description"));
    }
    findings
}

struct Dependency {
    name: String,
    dev: bool,
    explained: bool,
}

fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = None;
    let mut explained = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = match line {
                "[dependencies]" | "[build-dependencies]" => Some(false),
                "[dev-dependencies]" => Some(true),
                _ => None,
            };
            explained = false;
        } else if line.is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if let (Some(dev), Some((name, _))) = (section, line.split_once('=')) {
            let name = name.trim().trim_end_matches(".workspace").to_owned();
            found.push(Dependency { name, dev, explained });
        }
    }
    found
}

/// The folder of a manifest.
fn name(path: &str) -> &str {
    path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or(path)
}

#[test]
fn a_misplaced_dependency_is_found() {
    let core = "[dependencies]\n# why\ntokio = { workspace = true }\n";
    assert_eq!(misplaced("crates/onward-core/Cargo.toml", core).len(), 1);
    let server = "[dependencies]\n# why\nrusqlite.workspace = true\n";
    assert_eq!(misplaced("crates/onward-server/Cargo.toml", server).len(), 1);
    assert_eq!(misplaced("crates/onward-store/Cargo.toml", server).len(), 0);
    let engine = "[dev-dependencies]\nonward-store = { workspace = true }\n";
    assert_eq!(misplaced("crates/onward-engine/Cargo.toml", engine).len(), 0);
    let engine = "[dependencies]\nonward-store = { workspace = true }\n";
    assert_eq!(misplaced("crates/onward-engine/Cargo.toml", engine).len(), 1);
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let text = "[dependencies]\n# Reads JSON.\nserde = { workspace = true }\nserde_json = { workspace = true }\n\n\
                tokio = { workspace = true }\n[dev-dependencies]\ninsta = { workspace = true }\n";
    let found = unexplained("crates/x/Cargo.toml", text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("tokio") && found[1].contains("insta"));
}

#[test]
fn an_odd_crate_is_found() {
    assert_eq!(odd("crates/onward-x/Cargo.toml", "[package]\nname = \"y\"\n").len(), 3);
}
