//! A CSV of results: the key of each row, and a column that says whether it is done.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use onward_core::id::RowIndex;
use onward_core::input::{InputRow, InputSummary};
use onward_core::problem::{Code, Problem};
use onward_core::recipe::InputOptions;
use onward_core::row::Outcome;
use onward_core::store::Store;

use super::{Proof, rows as rows_of, source};
use crate::clock;
use crate::handle::Submission;
use crate::input::{discard, take_in};
use crate::mishap;

/// Columns that are looked for when none is named.
const USUAL_COLUMNS: [&str; 5] = ["onward_outcome", "status", "outcome", "result", "state"];
/// What such a column says of a row that is done.
const USUAL_WORDS: [&str; 14] = [
    "added",
    "done",
    "ok",
    "success",
    "succeeded",
    "successful",
    "completed",
    "complete",
    "created",
    "imported",
    "true",
    "yes",
    "1",
    "200",
];

pub(super) async fn proofs(
    store: &Arc<dyn Store>,
    submission: &Submission,
    file: &Path,
    status: Option<&str>,
    done: &[String],
    rows: &[Arc<InputRow>],
) -> Result<Vec<(RowIndex, Proof)>, Problem> {
    if submission.recipe.key.is_empty() {
        return Err(refused(file, "the recipe names no key, so nothing tells which row a result is for"));
    }
    let mut recipe = submission.recipe.clone();
    recipe.input = InputOptions::default();
    let (id, from) = source(file);
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let read = match take_in(store, id, from, &name, &recipe).await {
        Ok((summary, duplicates)) => match store.seal_input(&summary, &duplicates, clock::now()).await {
            Ok(()) => rows_of(store, &summary).await.map(|results| (summary, results)),
            Err(error) => Err(mishap::problem(error)),
        },
        Err(problem) => Err(problem),
    };
    discard(store, id).await;
    let (summary, results) = read?;
    let column = column(file, &summary, status)?;
    let said = said(&results, column);
    let proof = |row: &Arc<InputRow>| {
        let word = said.get(&*row.key)?;
        let outcome = outcome(word, done)?;
        let message = format!("taken over from {name}: {} is {word}", summary.columns[column]);
        Some((row.index, Proof { outcome, message, finished_at: clock::now(), duration_ms: 0 }))
    };
    Ok(rows.iter().filter(|row| !row.key.is_empty()).filter_map(proof).collect())
}

/// The last word on each key: a file of results may have grown over several runs.
fn said(results: &[Arc<InputRow>], column: usize) -> HashMap<&str, &str> {
    let with_key = results.iter().filter(|row| !row.key.is_empty());
    with_key.filter_map(|row| Some((&*row.key, row.fields.get(column)?.trim()))).collect()
}

fn column(file: &Path, summary: &InputSummary, status: Option<&str>) -> Result<usize, Problem> {
    let place =
        |name: &str| summary.columns.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
    if let Some(name) = status {
        let why = || format!("it has no column {name}; its columns are {}", summary.columns.join(", "));
        return place(name).ok_or_else(|| refused(file, &why()));
    }
    USUAL_COLUMNS.into_iter().find_map(place).ok_or_else(|| {
        let columns = summary.columns.join(", ");
        refused(
            file,
            &format!("which of its columns says whether a row is done? Name it; they are {columns}"),
        )
    })
}

/// How a row ended that is done; `None` for one that is not.
fn outcome(word: &str, done: &[String]) -> Option<Outcome> {
    let is = |other: &str| word.eq_ignore_ascii_case(other);
    if !done.is_empty() {
        return done.iter().any(|other| is(other)).then_some(Outcome::Added);
    }
    if is(Outcome::Skipped.word()) || is(Outcome::Filtered.word()) {
        return word.to_ascii_lowercase().parse().ok();
    }
    USUAL_WORDS.into_iter().any(is).then_some(Outcome::Added)
}

fn refused(file: &Path, why: &str) -> Problem {
    Problem::new(Code::InvalidParameter, format!("the results in {} are of no use: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_words_are_known_and_others_must_be_named() {
        assert_eq!(outcome("OK", &[]), Some(Outcome::Added));
        assert_eq!(outcome("Filtered", &[]), Some(Outcome::Filtered));
        assert_eq!(outcome("failed", &[]), None);
        assert_eq!(outcome("imported v2", &["Imported V2".to_owned()]), Some(Outcome::Added));
        assert_eq!(outcome("ok", &["imported v2".to_owned()]), None);
    }
}
