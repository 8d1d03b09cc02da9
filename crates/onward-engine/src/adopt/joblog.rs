//! The log of GNU parallel (`--joblog`): a line for each call, with its number, its end and its words.
//!
//! Columns as its manual says: Seq, Host, Starttime, JobRuntime, Send, Receive, Exitval, Signal, Command.
//! The number counts the arguments it was given, so with a header line that it took for an argument it is
//! one more than the row. Which of both it was is told by the words of the commands: each has to name the
//! key of its row. A call that was repeated has several lines; the last one counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::id::RowIndex;
use onward_core::input::InputRow;
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;

use super::Proof;
use crate::handle::Submission;

/// A line of the log.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    line: usize,
    seq: u64,
    started_s: f64,
    took_s: f64,
    ended_well: bool,
    command: String,
}

pub(super) fn proofs(
    path: &Path,
    rows: &[Arc<InputRow>],
    submission: &Submission,
) -> Result<Vec<(RowIndex, Proof)>, Problem> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| refused(path, &format!("it cannot be read: {error}")))?;
    let calls = read(&text).map_err(|why| refused(path, &why))?;
    if submission.recipe.key.is_empty() {
        return Err(refused(path, "the recipe names no key, so nothing tells which row a command was for"));
    }
    // The number of a row, or one more when the header was an argument as well.
    let fits = |header: u64| calls.values().filter(|call| row_of(call, header, rows).is_some()).count();
    let header = if fits(1) > fits(0) { 1 } else { 0 };
    let of_header = |call: &&Call| call.seq <= header;
    let astray =
        calls.values().filter(|call| !of_header(call)).find(|call| row_of(call, header, rows).is_none());
    if let Some(call) = astray {
        let why = format!(
            "line {}: the call with number {} (`{}`) does not name the key of row {}; was another file given to it?",
            call.line,
            call.seq,
            call.command.chars().take(80).collect::<String>(),
            call.seq - header
        );
        return Err(refused(path, &why));
    }
    let done = calls.values().filter(|call| call.ended_well);
    let proof = |call: &Call| {
        let index = row_of(call, header, rows)?.index;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 and of a call fit")]
        let (started_ms, took_ms) = ((call.started_s * 1_000.0) as i64, (call.took_s * 1_000.0) as i64);
        let message = format!("GNU parallel has done it: call {} ended with 0", call.seq);
        let (finished_at, duration_ms) = (UnixMs(started_ms.saturating_add(took_ms)), took_ms.unsigned_abs());
        Some((index, Proof { outcome: Outcome::Added, message, finished_at, duration_ms }))
    };
    Ok(done.filter_map(proof).collect())
}

/// The last line of each number.
fn read(text: &str) -> Result<BTreeMap<u64, Call>, String> {
    let mut lines = text.lines().enumerate();
    let head = lines.next().map_or("", |(_, line)| line);
    if !head.starts_with("Seq\tHost\tStarttime\tJobRuntime\t") {
        return Err("its first line is not that of a joblog (Seq, Host, Starttime, JobRuntime, …)".to_owned());
    }
    let mut calls = BTreeMap::new();
    for (at, line) in lines {
        // The last line of a log whose writer was killed may be cut off.
        let Some(call) = call(at + 1, line) else {
            if at + 1 == text.lines().count() && !text.ends_with('\n') {
                break;
            }
            return Err(format!("line {} is not that of a joblog", at + 1));
        };
        calls.insert(call.seq, call);
    }
    Ok(calls)
}

fn call(line: usize, text: &str) -> Option<Call> {
    let mut fields = text.splitn(9, '\t');
    let mut next = || fields.next().map(str::trim);
    let seq = next()?.parse().ok()?;
    let _host = next()?;
    let (started_s, took_s) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let (_sent, _received) = (next()?, next()?);
    let (exit, signal): (i64, i64) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let command = next()?.to_owned();
    Some(Call { line, seq, started_s, took_s, ended_well: exit == 0 && signal == 0, command })
}

/// The row a call was for, when its words name the row's key.
fn row_of<'a>(call: &Call, header: u64, rows: &'a [Arc<InputRow>]) -> Option<&'a Arc<InputRow>> {
    let at = usize::try_from(call.seq.checked_sub(header + 1)?).ok()?;
    let row = rows.get(at)?;
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !"\\'\"".contains(*c)).flat_map(char::to_lowercase).collect()
    };
    let words = plain(&call.command);
    let named = row.key.split(onward_core::key::SEPARATOR).all(|part| names(&words, &plain(part)));
    (named && !row.key.is_empty()).then_some(row)
}

/// Whether a text has a word, and not only as a part of a longer one.
fn names(text: &str, word: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word)
        .any(|(at, _)| ends(text[..at].chars().next_back()) && ends(text[at + word.len()..].chars().next()))
}

fn refused(path: &Path, why: &str) -> Problem {
    Problem::new(Code::InvalidParameter, format!("the joblog {} is of no use: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

    #[test]
    fn a_key_is_named_as_a_word() {
        assert!(
            names("./add.sh a", "a")
                && names("curl x?q=ann&b", "ann")
                && names("./add.sh new york", "new york")
        );
        assert!(!names("./add.sh b", "a") && !names("./add.sh anna", "ann"));
    }

    #[test]
    fn the_last_line_of_a_call_counts_and_a_line_that_was_cut_off_does_not() {
        let text = format!(
            "{HEAD}1\t:\t1700000000.500\t     0.250\t0\t3\t1\t0\t./add.sh ann\n2\t:\t1700000001.0\t0.1\t0\t0\t0\t9\t./add.sh bob\n\
             1\t:\t1700000002.000\t0.5\t0\t0\t0\t0\t./add.sh ann\n3\t:\t17000"
        );
        let calls = read(&text).unwrap();
        assert_eq!(calls.len(), 2);
        assert!(calls[&1].ended_well && !calls[&2].ended_well);
        assert_eq!((calls[&1].started_s, calls[&1].took_s), (1_700_000_002.0, 0.5));
        assert!(read("handle\nann\n").unwrap_err().contains("not that of a joblog"));
        assert!(read(&format!("{HEAD}one\n")).unwrap_err().contains("line 2"));
    }
}
