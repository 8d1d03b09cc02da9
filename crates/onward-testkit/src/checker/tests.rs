//! The checker itself: it is silent when all is well and speaks up at every planted contradiction.

use super::*;
use crate::ledger::Row;
use crate::wait::now;

struct World {
    expected: Vec<Expected>,
    looks: Vec<Look>,
    shown: Vec<Value>,
    calls: Vec<Call>,
    export: String,
    crashes: u64,
}

impl World {
    fn problems(&self) -> String {
        let evidence = Evidence {
            expected: &self.expected,
            looks: &self.looks,
            shown: &self.shown,
            calls: &self.calls,
            export: &self.export,
            crashes: self.crashes,
        };
        evidence.problems().join("; ")
    }
}

fn call(row: u64) -> Call {
    let key = Some(format!("job/{row}/1"));
    Call { handle: format!("h{row}"), key, began: now(), ended: Some(now()), end: End::Answered(200) }
}

fn look(rows: u64, total: u64) -> Look {
    let results = BTreeMap::from([
        ("added".to_owned(), rows),
        ("failed".to_owned(), 0),
        ("skipped".to_owned(), 0),
        ("filtered".to_owned(), 0),
    ]);
    let status = if rows == total { "completed" } else { "running" }.to_owned();
    let row =
        |row| Row { row, key: format!("h{row}"), outcome: "added".to_owned(), code: "added".to_owned() };
    Look {
        at: now(),
        counters: Counters { status, total, processed: rows, results },
        rows: (1..=rows).map(row).collect(),
    }
}

fn good() -> World {
    let expected = |row| Expected { row, handle: format!("h{row}"), outcome: "added", called: true };
    let calls = (1..=3).map(call).collect();
    let shown = serde_json::json!({
        "processed_items": 3, "results": { "added": 3, "failed": 0, "skipped": 0, "filtered": 0 }
    });
    World {
        expected: (1..=3).map(expected).collect(),
        calls,
        looks: vec![look(2, 3), look(3, 3)],
        shown: vec![shown],
        export: "handle,platform,note,onward_row,onward_outcome,onward_code,onward_message\n\
                 h1,i,x,1,added,added,added\nh2,i,x,2,added,added,added\nh3,i,x,3,added,added,added\n"
            .to_owned(),
        crashes: 0,
    }
}

/// Plants one contradiction and expects the checker to name it.
fn planted(bug: impl FnOnce(&mut World), named: &str) {
    let mut world = good();
    bug(&mut world);
    let problems = world.problems();
    assert!(problems.contains(named), "expected `{named}` in `{problems}`");
}

#[test]
fn a_good_run_has_no_problems() {
    assert_eq!(good().problems(), "");
}

#[test]
fn two_outcomes_for_a_row_are_found() {
    planted(|world| world.looks[1].rows[2].row = 2, "row 2 has two outcomes");
}

#[test]
fn counters_that_are_not_the_ledger_are_found() {
    planted(|world| world.looks[0].counters.processed = 1, "processed_items is 1 and the ledger has 2");
    planted(
        |world| {
            world.looks[0].counters.results.insert("added".to_owned(), 7);
        },
        "the counters say",
    );
}

#[test]
fn a_lost_row_is_found() {
    planted(
        |world| {
            world.looks[1].rows.pop();
        },
        "row 3 is not in the ledger",
    );
    planted(|world| world.looks[1].rows[0].row = 9, "row 1 had an outcome and lost it");
}

#[test]
fn completed_with_rows_left_is_found() {
    planted(|world| world.looks[0].counters.status = "completed".to_owned(), "completed with 2 of 3");
}

#[test]
fn an_outcome_that_changes_is_found() {
    planted(
        |world| world.looks[0].rows[0].outcome = "failed".to_owned(),
        "row 1 was failed and became added",
    );
}

#[test]
fn a_wrong_outcome_is_found() {
    planted(|world| world.expected[1].outcome = "skipped", "row 2 is added in the ledger");
    planted(|world| world.export = world.export.replace("2,added,", "2,failed,"), "failed in the export");
}

#[test]
fn more_repeats_than_the_crashes_allow_are_found() {
    let repeat = |world: &mut World, times: usize| {
        let before = world.looks[0].at;
        for _ in 0..times {
            let mut again = call(3);
            again.began = before;
            world.calls.push(again);
        }
    };
    planted(|world| repeat(world, 1), "1 calls were repeated; 0 crashes allow 0");
    let mut world = good();
    world.crashes = 1;
    repeat(&mut world, 8);
    assert_eq!(world.problems(), "", "eight repeats for one crash are within the bound");
    repeat(&mut world, 1);
    assert!(world.problems().contains("9 calls were repeated"));
}

#[test]
fn a_call_after_the_outcome_was_seen_is_found() {
    planted(
        |world| {
            world.crashes = 1;
            world.calls.push(call(1));
        },
        "row 1 was called again after its outcome had been seen",
    );
}

#[test]
fn another_key_at_a_repeat_is_found() {
    planted(
        |world| {
            world.crashes = 1;
            let mut again = call(3);
            again.key = Some("job/3/2".to_owned());
            world.calls.push(again);
        },
        "under several keys",
    );
    planted(|world| world.calls[0].key = None, "without an Idempotency-Key");
}

#[test]
fn a_row_never_called_and_a_call_nobody_asked_for_are_found() {
    planted(
        |world| {
            world.calls.pop();
        },
        "row 3 has an outcome and was never called",
    );
    planted(|world| world.calls.push(call(77)), "nobody asked for a call for h77");
}

#[test]
fn numbers_on_the_page_that_do_not_add_up_are_found() {
    planted(|world| world.shown[0]["processed_items"] = 4.into(), "the API showed processed_items 4");
}
