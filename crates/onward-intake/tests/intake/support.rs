//! Short ways to put a file in and look at what comes out.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;

use onward_core::id::InputId;
use onward_core::input::{Chunk, Duplicates, InputRow, InputSummary};
use onward_core::problem::Problem;
use onward_core::recipe::Recipe;
use onward_intake::Limits;
use serde_json::{Value, json};

/// A file that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taken {
    pub(crate) summary: InputSummary,
    pub(crate) duplicates: Duplicates,
    pub(crate) rows: Vec<InputRow>,
}

impl Taken {
    /// The fields of every row.
    pub(crate) fn fields(&self) -> Vec<Vec<&str>> {
        self.rows.iter().map(|row| row.fields.iter().collect()).collect()
    }

    /// The code of every row's decision, empty for rows that need work.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.decided.as_ref().map_or("", |verdict| &verdict.code)).collect()
    }

    /// The message of a row's decision, by its number from 1.
    pub(crate) fn message(&self, row: usize) -> &str {
        self.rows[row - 1].decided.as_ref().map_or("", |verdict| &verdict.message)
    }

    /// The line every row begins on.
    pub(crate) fn lines(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.line).collect()
    }

    /// Codes of the warnings.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.summary.warnings.iter().map(|warning| warning.code.as_str()).collect()
    }

    /// How many rows have this code.
    pub(crate) fn count(&self, code: &str) -> usize {
        self.codes().into_iter().filter(|one| *one == code).count()
    }
}

/// A recipe for a program, with these parts besides.
pub(crate) fn recipe(parts: Value) -> Recipe {
    let mut whole = json!({"work": {"kind": "command", "command": ["true"]}});
    let whole_map = whole.as_object_mut().unwrap();
    whole_map.extend(parts.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

/// A recipe without a key.
pub(crate) fn plain() -> Recipe {
    recipe(json!({}))
}

/// A recipe for creators, known by their handle.
pub(crate) fn creators() -> Recipe {
    recipe(json!({"key": ["handle"], "work": {"kind": "creators"}}))
}

/// A recipe for a file without a header.
pub(crate) fn headerless() -> Recipe {
    recipe(json!({"input": {"header": false}}))
}

pub(crate) fn take(file: impl AsRef<[u8]>, recipe: &Recipe) -> Result<Taken, Problem> {
    take_from(&mut file.as_ref(), recipe, &Limits::default())
}

pub(crate) fn take_from(source: &mut dyn Read, recipe: &Recipe, limits: &Limits) -> Result<Taken, Problem> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut keep = |chunk| {
        chunks.push(chunk);
        ControlFlow::Continue(())
    };
    let id = InputId("00000000-0000-0000-0000-000000000000".parse().unwrap());
    let (summary, duplicates) = onward_intake::read(source, recipe, "list.csv", id, limits, &mut keep)?;
    let mut rows = Vec::new();
    for chunk in &chunks {
        rows.extend(onward_intake::unpack(chunk, &duplicates).unwrap());
    }
    assert_eq!(rows.len() as u64, summary.rows);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.index.0 as usize, at, "rows are numbered without gaps");
    }
    Ok(Taken { summary, duplicates, rows })
}

/// What a file without a key and with a header becomes.
pub(crate) fn accepted(file: impl AsRef<[u8]>) -> Taken {
    take(file, &plain()).unwrap()
}

/// Code and message of a refusal.
pub(crate) fn refused(file: impl AsRef<[u8]>) -> (String, String) {
    let problem = take(file, &plain()).expect_err("this file is to be refused");
    (problem.code.to_string(), problem.detail)
}

/// The folder of files written by others, which stands beside the project; `None` when it is absent.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("shared/data is not beside the project: only the synthetic part of this test ran");
    None
}
