//! Why rows ended as they did: groups by code and sentence, with what differs from row to row left out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use onward_core::id::JobId;
use onward_core::row::Outcome;
use onward_core::store::Group;
use onward_engine::{Engine, Snapshot};

use crate::problem::Result;

/// Sentences that are put together to groups; more differ in more than numbers and names.
const MOST_SENTENCES: usize = 100_000;
/// Groups that are told: a page shows the first few, and nobody reads on after these.
const MOST_GROUPS: usize = 200;
/// Up to so many rows are grouped while a page is made, a few milliseconds; more are grouped when a
/// person asks, on a page of their own.
const MOST_AT_ONCE: u64 = 10_000;

/// Groups, or the reason why there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reasons {
    /// The groups, largest first.
    Known(Vec<Group>),
    /// Too many rows to group them for every visitor.
    TooMany,
}

/// The groups of the rows with this outcome, if there are not too many of them.
pub(crate) async fn read(engine: &Engine, snapshot: &Snapshot, outcome: Outcome) -> Result<Reasons> {
    match snapshot.job.tally.of(outcome) {
        0 => Ok(Reasons::Known(Vec::new())),
        1..=MOST_AT_ONCE => Ok(Reasons::Known(read_all(engine, snapshot.job.id, outcome).await?)),
        _ => Ok(Reasons::TooMany),
    }
}

/// The groups, however many rows there are.
pub(crate) async fn read_all(engine: &Engine, job: JobId, outcome: Outcome) -> Result<Vec<Group>> {
    let mut groups = together(engine.store().groups(job, outcome, MOST_SENTENCES).await?);
    groups.truncate(MOST_GROUPS);
    Ok(groups)
}

/// Groups whose sentences differ in numbers, addresses or quoted words alone are one group.
fn together(groups: Vec<Group>) -> Vec<Group> {
    let mut merged: HashMap<(String, String), Group> = HashMap::new();
    for group in groups {
        let form = normal_form(&group.message);
        match merged.entry((group.code.clone(), form)) {
            Entry::Occupied(mut known) => {
                let form = known.key().1.clone();
                let known = known.get_mut();
                known.count += group.count;
                known.first = known.first.min(group.first);
                known.last = known.last.max(group.last);
                known.message = form;
            }
            Entry::Vacant(place) => drop(place.insert(group)),
        }
    }
    let mut groups: Vec<Group> = merged.into_values().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.count), group.first));
    groups
}

/// A sentence with `…` for each number and for what stands in quotes. Statuses of HTTP stay: 404 and
/// 503 are different reasons.
fn normal_form(message: &str) -> String {
    let mut form = String::with_capacity(message.len());
    let mut letters = message.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '`' | '"' => {
                form.push(letter);
                form.push('…');
                for inside in letters.by_ref() {
                    if inside == letter {
                        break;
                    }
                }
                form.push(letter);
            }
            '0'..='9' => {
                let mut digits = String::from(letter);
                while let Some(next) = letters.next_if(char::is_ascii_digit) {
                    digits.push(next);
                }
                let status = digits.len() == 3 && ('1'..='5').contains(&letter);
                form.push_str(if status { &digits } else { "…" });
            }
            _ => form.push(letter),
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use onward_core::id::RowIndex;

    use super::*;

    fn group(code: &str, message: &str, count: u64, first: u32) -> Group {
        Group {
            code: code.to_owned(),
            message: message.to_owned(),
            count,
            first: RowIndex(first),
            last: RowIndex(first + 5),
        }
    }

    #[test]
    fn sentences_that_differ_in_a_number_or_a_name_are_one_reason() {
        let merged = together(vec![
            group("timeout", "no answer after 30 s", 1, 9),
            group("timeout", "no answer after 31 s", 2, 3),
            group("http-5xx", "the target answered 503", 2, 1),
            group("http-5xx", "the target answered 500", 1, 2),
            group("bad-url", "`anna` is none", 1, 7),
            group("bad-url", "`ben` is none", 1, 8),
        ]);
        let said: Vec<_> = merged.iter().map(|group| (group.message.as_str(), group.count)).collect();
        assert_eq!(
            said,
            [
                ("no answer after … s", 3),
                ("the target answered 503", 2),
                ("`…` is none", 2),
                ("the target answered 500", 1)
            ]
        );
        assert_eq!((merged[0].first, merged[0].last), (RowIndex(3), RowIndex(14)));
    }
}
