//! Which row of one file is which row of another.

use std::sync::Arc;

use onward_core::id::RowIndex;
use onward_core::input::{InputRow, InputSummary, spans};
use onward_core::job::Job;
use onward_core::problem::Problem;
use onward_core::store::{Move, RowQuery, Store};
use sha2::{Digest, Sha256};

use super::{Kind, NAMED, NamedRow, PAGE};
use crate::input::{gone, read_span};
use crate::mishap;

/// The rows that are in both files.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// By their old number.
    pub(super) pairs: Vec<Pair>,
    /// A few rows of each kind, by number.
    pub(super) named: Vec<NamedRow>,
}

/// A row that is in both files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) old: RowIndex,
    pub(super) new: RowIndex,
    pub(super) changed: bool,
}

impl Comparison {
    /// Where an old row now stands.
    pub(super) fn place(&self, old: RowIndex) -> Option<RowIndex> {
        self.pair(old).map(|pair| pair.new)
    }

    /// Whether an old row has other fields now.
    pub(super) fn has_changed(&self, old: RowIndex) -> bool {
        self.pair(old).is_some_and(|pair| pair.changed)
    }

    /// The pairs as stretches of neighbours.
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves: Vec<Move> = Vec::new();
        for pair in &self.pairs {
            match moves.last_mut() {
                Some(last)
                    if last.from.0 + last.rows == pair.old.0 && last.to.0 + last.rows == pair.new.0 =>
                {
                    last.rows += 1;
                }
                _ => moves.push(Move { from: pair.old, to: pair.new, rows: 1 }),
            }
        }
        moves
    }

    fn pair(&self, old: RowIndex) -> Option<&Pair> {
        self.pairs.binary_search_by_key(&old, |pair| pair.old).ok().map(|at| &self.pairs[at])
    }
}

/// What identifies a row, which one it is, and what it says; 0 when that is not known.
type Mark = ([u8; 16], u32, u64);

/// Compares the input of a job with a sealed one.
pub(super) async fn compare(
    store: &Arc<dyn Store>,
    job: &Job,
    new: &InputSummary,
) -> Result<Comparison, Problem> {
    // The very same file: nothing has to be read, which is as well when what was kept of it is lost or damaged.
    if new.sha256 == job.input.sha256 && new.rows == job.total {
        let same = |row| Pair { old: RowIndex(row), new: RowIndex(row), changed: false };
        let rows = u32::try_from(job.total).unwrap_or(u32::MAX);
        return Ok(Comparison { pairs: (0..rows).map(same).collect(), named: Vec::new() });
    }
    let old_marks = if job.input.available {
        let old = store.input(job.input.id).await.map_err(mishap::problem)?.ok_or_else(|| gone(job))?;
        marks(store, job, &old).await?
    } else {
        marks_of_ledger(store, job).await?
    };
    let new_marks = marks(store, job, new).await?;
    let mut comparison = pair_up(&old_marks, &new_marks);
    comparison.named = named(store, job, &comparison, new).await?;
    Ok(comparison)
}

/// The marks of all rows of an input, sorted: the n-th row of a key stands at the n-th place of it.
async fn marks(store: &Arc<dyn Store>, job: &Job, input: &InputSummary) -> Result<Vec<Mark>, Problem> {
    // Fields are compared by the name of their column, so that columns may change places.
    let mut order: Vec<usize> = (0..input.columns.len()).collect();
    order.sort_by(|a, b| input.columns[*a].cmp(&input.columns[*b]));
    let mut marks = Vec::with_capacity(usize::try_from(input.rows).unwrap_or_default());
    for (no, _, _) in spans(input.rows) {
        let rows =
            read_span(&**store, input.id, no).await.map_err(|unreadable| unreadable.problem(job, no))?;
        marks.extend(rows.iter().map(|row| mark(row, &input.columns, &order)));
    }
    marks.sort_unstable();
    Ok(marks)
}

fn mark(row: &InputRow, columns: &[String], order: &[usize]) -> Mark {
    let mut says = Sha256::new();
    let mut field = |name: &str, value: &str| {
        for part in [name, value] {
            says.update((part.len() as u64).to_le_bytes());
            says.update(part);
        }
    };
    for at in order {
        if let Some(value) = row.fields.get(*at) {
            field(&columns[*at], value);
        }
    }
    row.fields.iter().skip(columns.len()).for_each(|value| field("", value));
    let says = says.finalize();
    let identity = if row.key.is_empty() { first_16(&says) } else { of_key(&row.key) };
    let says = u64::from_le_bytes(says[16..24].try_into().expect("a digest has 32 bytes"));
    (identity, row.index.0, says.max(1))
}

/// The input is gone: what is left of its rows is the keys of those that are done.
async fn marks_of_ledger(store: &Arc<dyn Store>, job: &Job) -> Result<Vec<Mark>, Problem> {
    let mut marks = Vec::new();
    let (outcome, code, text, until) = (None, None, None, None);
    let mut query = RowQuery { job: job.id, outcome, code, text, after: None, until, limit: PAGE };
    loop {
        let page = store.rows(&query).await.map_err(mishap::problem)?;
        let Some(last) = page.last() else { break };
        query.after = Some(last.index);
        let keyed = page.iter().filter(|row| !row.key.is_empty());
        marks.extend(keyed.map(|row| (of_key(&row.key), row.index.0, 0)));
    }
    marks.sort_unstable();
    Ok(marks)
}

fn of_key(key: &str) -> [u8; 16] {
    first_16(&Sha256::digest(key))
}

fn first_16(digest: &[u8]) -> [u8; 16] {
    digest[..16].try_into().expect("a digest has 32 bytes")
}

/// Both lists are sorted by identity, then by row: the n-th of one is the n-th of the other.
fn pair_up(old: &[Mark], new: &[Mark]) -> Comparison {
    let mut pairs = Vec::with_capacity(old.len().min(new.len()));
    let (mut at_old, mut at_new) = (0, 0);
    while let (Some(a), Some(b)) = (old.get(at_old), new.get(at_new)) {
        match a.0.cmp(&b.0) {
            std::cmp::Ordering::Less => at_old += 1,
            std::cmp::Ordering::Greater => at_new += 1,
            std::cmp::Ordering::Equal => {
                let changed = a.2 != 0 && a.2 != b.2;
                pairs.push(Pair { old: RowIndex(a.1), new: RowIndex(b.1), changed });
                (at_old, at_new) = (at_old + 1, at_new + 1);
            }
        }
    }
    pairs.sort_unstable_by_key(|pair| pair.old);
    Comparison { pairs, named: Vec::new() }
}

/// The first few rows of each kind, with their keys.
async fn named(
    store: &Arc<dyn Store>,
    job: &Job,
    comparison: &Comparison,
    new: &InputSummary,
) -> Result<Vec<NamedRow>, Problem> {
    let rows = |total: u64| (0..u32::try_from(total).unwrap_or(u32::MAX)).map(RowIndex);
    let changed = comparison.pairs.iter().filter(|pair| pair.changed).map(|pair| pair.new);
    let mut taken: Vec<RowIndex> = comparison.pairs.iter().map(|pair| pair.new).collect();
    taken.sort_unstable();
    let is_new = |row: &RowIndex| taken.binary_search(row).is_err();
    let is_gone = |row: &RowIndex| comparison.pair(*row).is_none();
    let mut named = Vec::new();
    for (kind, which) in [
        (Kind::Changed, changed.take(NAMED).collect::<Vec<_>>()),
        (Kind::New, rows(new.rows).filter(is_new).take(NAMED).collect()),
        (Kind::Gone, rows(job.total).filter(is_gone).take(NAMED).collect()),
    ] {
        let input = if kind == Kind::Gone { job.input.id } else { new.id };
        let mut reader = crate::input::SpanReader::new(Arc::clone(store), input);
        for index in which {
            let span = reader.span(onward_core::input::span_of(index)).await.ok();
            let row = span.as_ref().and_then(|rows| rows.iter().find(|row| row.index == index));
            let key = row.map(|row| row.key.to_string()).unwrap_or_default();
            named.push(NamedRow { kind, index, key });
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks_of(keys: &[(&str, u64)]) -> Vec<Mark> {
        let mark = |(row, (key, says)): (usize, &(&str, u64))| (of_key(key), row as u32, *says);
        let mut marks: Vec<Mark> = keys.iter().enumerate().map(mark).collect();
        marks.sort_unstable();
        marks
    }

    fn pairs(old: &[(&str, u64)], new: &[(&str, u64)]) -> Vec<(u32, u32, bool)> {
        let found = pair_up(&marks_of(old), &marks_of(new));
        found.pairs.iter().map(|pair| (pair.old.0, pair.new.0, pair.changed)).collect()
    }

    #[test]
    fn the_nth_row_of_a_key_is_the_nth_row_of_that_key() {
        let old = [("ann", 1), ("bob", 1), ("ann", 2), ("cy", 1)];
        assert_eq!(pairs(&old, &old), [(0, 0, false), (1, 1, false), (2, 2, false), (3, 3, false)]);
        let new = [("dora", 1), ("ann", 1), ("cy", 9), ("bob", 1)];
        assert_eq!(pairs(&old, &new), [(0, 1, false), (1, 3, false), (3, 2, true)]);
        assert_eq!(pairs(&old, &[("eve", 1)]), []);
    }

    #[test]
    fn neighbours_move_together() {
        let pair = |old, new| Pair { old: RowIndex(old), new: RowIndex(new), changed: false };
        let pairs = vec![pair(0, 2), pair(1, 3), pair(2, 0), pair(4, 5), pair(5, 6)];
        let moves = Comparison { pairs, named: Vec::new() }.moves();
        let moves: Vec<_> = moves.iter().map(|moved| (moved.from.0, moved.to.0, moved.rows)).collect();
        assert_eq!(moves, [(0, 2, 2), (2, 0, 1), (4, 5, 2)]);
    }
}
