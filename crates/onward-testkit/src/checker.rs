//! Compares what was written, counted, shown, exported and called, and says what contradicts what.
//!
//! The guarantees it knows: one outcome per row (G1), what was acknowledged is not started again (G4),
//! bounded repeats (G5) under a stable key (G6), counters equal the ledger (G7), nothing dropped (G17).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use serde_json::Value;

use crate::jobs::{CONCURRENCY, Expected};
use crate::ledger::{Counters, Look};
use crate::upstream::{Call, End};

/// Everything known about a finished job.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// What must become of each row.
    pub expected: &'a [Expected],
    /// Looks at the database, in order; the last one is of the finished job.
    pub looks: &'a [Look],
    /// Jobs as the API showed them, in order.
    pub shown: &'a [Value],
    /// The calls the upstream got.
    pub calls: &'a [Call],
    /// The export as CSV, taken at the end.
    pub export: &'a str,
    /// How often a worker was killed or lost its lease.
    pub crashes: u64,
}

impl Evidence<'_> {
    /// Every contradiction, a sentence each; empty when all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for look in self.looks {
            problems.extend(look_problems(look));
        }
        problems.extend(progress_problems(self.looks));
        for job in self.shown {
            problems.extend(shown_problems(job));
        }
        match self.looks.last() {
            Some(last) => problems.extend(self.final_problems(last)),
            None => problems.push("nobody looked at the finished job".to_owned()),
        }
        problems.extend(self.call_problems());
        problems
    }

    /// Every row has the outcome it must have, in the ledger and in the export.
    fn final_problems(&self, last: &Look) -> Vec<String> {
        let mut problems = Vec::new();
        let ledger: BTreeMap<u64, &str> =
            last.rows.iter().map(|row| (row.row, row.outcome.as_str())).collect();
        let export: BTreeMap<u64, &str> = self.export.lines().skip(1).filter_map(exported).collect();
        if self.export.lines().count() != self.expected.len() + 1 {
            problems.push(format!(
                "the export has {} lines for {} rows and a header",
                self.export.lines().count(),
                self.expected.len()
            ));
        }
        for expected in self.expected {
            for (place, outcome) in
                [("ledger", ledger.get(&expected.row)), ("export", export.get(&expected.row))]
            {
                match outcome {
                    None => problems.push(format!("row {} is not in the {place}", expected.row)),
                    Some(outcome) if *outcome != expected.outcome => problems.push(format!(
                        "row {} is {outcome} in the {place} and should be {}",
                        expected.row, expected.outcome
                    )),
                    Some(_) => {}
                }
            }
        }
        problems
    }

    /// Calls: every row that must be called was, repeats are bounded and carry the same key, and no
    /// row was called after its outcome had been seen.
    fn call_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut per_handle: HashMap<&str, Vec<&Call>> = HashMap::new();
        for call in self.calls {
            per_handle.entry(&call.handle).or_default().push(call);
        }
        let seen = self.first_seen();
        let mut extra = 0;
        for row in self.expected.iter().filter(|row| row.called) {
            let calls = per_handle.remove(row.handle.as_str()).unwrap_or_default();
            let counted = calls.iter().filter(|call| !matches!(call.end, End::Refused(_))).count() as u64;
            if counted == 0 {
                problems.push(format!("row {} has an outcome and was never called", row.row));
            }
            extra += counted.saturating_sub(1);
            problems.extend(key_problems(row, &calls));
            problems.extend(late_call(row, seen.get(&row.row), &calls));
        }
        problems.extend(per_handle.keys().map(|handle| format!("nobody asked for a call for {handle}")));
        let bound = CONCURRENCY * self.crashes;
        if extra > bound {
            problems.push(format!("{extra} calls were repeated; {} crashes allow {bound}", self.crashes));
        }
        problems
    }

    /// When each row was first seen with an outcome.
    fn first_seen(&self) -> HashMap<u64, Instant> {
        let mut seen = HashMap::new();
        for look in self.looks {
            for row in &look.rows {
                seen.entry(row.row).or_insert(look.at);
            }
        }
        seen
    }
}

fn late_call(row: &Expected, seen: Option<&Instant>, calls: &[&Call]) -> Option<String> {
    let late = seen.is_some_and(|seen| calls.iter().any(|call| call.began > *seen));
    late.then(|| format!("row {} was called again after its outcome had been seen", row.row))
}

/// Contradictions inside one look: a row twice, counters that are not the ledger's (G1, G7).
#[must_use]
pub fn look_problems(look: &Look) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    let mut tally: BTreeMap<String, u64> =
        look.counters.results.keys().map(|outcome| (outcome.clone(), 0)).collect();
    for row in &look.rows {
        if !seen.insert(row.row) {
            problems.push(format!("row {} has two outcomes", row.row));
        }
        *tally.entry(row.outcome.clone()).or_default() += 1;
    }
    let Counters { status, total, processed, results } = &look.counters;
    if *results != tally {
        problems.push(format!("the counters say {results:?} and the ledger {tally:?}"));
    }
    if *processed != look.rows.len() as u64 {
        problems.push(format!("processed_items is {processed} and the ledger has {} rows", look.rows.len()));
    }
    if processed > total {
        problems.push(format!("processed_items is {processed} of {total}"));
    }
    if (status == "completed") != (processed == total) {
        problems.push(format!("the job is {status} with {processed} of {total} rows"));
    }
    problems
}

/// Nothing that was seen goes away, and no outcome changes.
fn progress_problems(looks: &[Look]) -> Vec<String> {
    let mut problems = Vec::new();
    for pair in looks.windows(2) {
        let after: HashMap<u64, &str> =
            pair[1].rows.iter().map(|row| (row.row, row.outcome.as_str())).collect();
        for before in &pair[0].rows {
            match after.get(&before.row) {
                None => problems.push(format!("row {} had an outcome and lost it", before.row)),
                Some(outcome) if *outcome != before.outcome => {
                    problems.push(format!("row {} was {} and became {outcome}", before.row, before.outcome));
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// Contradictions inside one job as the API showed it.
fn shown_problems(job: &Value) -> Option<String> {
    let number = |value: &Value| value.as_u64();
    let results = &job["results"];
    let sum: Option<u64> =
        ["added", "failed", "skipped", "filtered"].iter().map(|outcome| number(&results[*outcome])).sum();
    (sum.is_none() || sum != number(&job["processed_items"]))
        .then(|| format!("the API showed processed_items {} with results {results}", job["processed_items"]))
}

fn key_problems(row: &Expected, calls: &[&Call]) -> Option<String> {
    let keys: HashSet<Option<&str>> = calls.iter().map(|call| call.key.as_deref()).collect();
    if keys.contains(&None) {
        return Some(format!("row {} was called without an Idempotency-Key", row.row));
    }
    (keys.len() > 1).then(|| format!("row {} was called under several keys: {keys:?}", row.row))
}

/// Row and outcome of an exported line: the last four columns are row, outcome, code, message. The
/// files of the testkit have no quotes and no commas before them.
fn exported(line: &str) -> Option<(u64, &str)> {
    let mut fields = line.split(',').skip(3);
    Some((fields.next()?.parse().ok()?, fields.next()?))
}

#[cfg(test)]
mod tests;
