//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are built, vendored or not ours to read.
const NOT_OURS: [&str; 5] = ["target", ".git", "vendor", "node_modules", ".onward"];

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Path (from the root) and text of every file with this extension.
pub(crate) fn files(extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root(), extension, &mut found);
    found.sort();
    assert!(!found.is_empty(), "there is no .{extension} file; is the root right?");
    found
}

fn collect(dir: &Path, extension: &str, found: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(dir).expect("a folder of the repository can be read");
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                collect(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            // A file somebody deletes meanwhile, or that is no text, has nothing to say here.
            if let Ok(text) = fs::read_to_string(&path) {
                let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                found.push((shown, text));
            }
        }
    }
}
