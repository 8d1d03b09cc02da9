//! Rows that repeat the key of an earlier row.

use onward_core::id::RowIndex;
use serde_json::json;

use crate::support::{creators, plain, recipe, shared_data, take};

#[test]
fn the_first_row_by_order_wins_and_the_others_name_it() {
    let taken = take("handle\nanna\nberta\nANNA\nÅsa\nA\u{30a}sa\n@anna\n", &creators()).unwrap();
    assert_eq!(taken.codes(), ["", "", "duplicate", "", "duplicate", "duplicate"]);
    assert_eq!(taken.message(3), "duplicate of row 1");
    assert_eq!(taken.message(5), "duplicate of row 4");
    let pairs: Vec<(u32, u32)> = taken.duplicates.pairs.iter().map(|(row, first)| (row.0, first.0)).collect();
    assert_eq!(pairs, [(2, 0), (4, 3), (5, 0)]);
}

#[test]
fn look_alikes_are_not_merged() {
    let taken = take("handle\npaypal\nраураl\n", &creators()).unwrap();
    assert_eq!(taken.codes(), ["", ""]);
}

#[test]
fn rows_that_failed_already_take_no_part() {
    let taken = take("handle,n\nanna\nanna,1\nanna,2\n", &creators()).unwrap();
    assert_eq!(taken.codes(), ["missing-columns", "", "duplicate"]);
    assert_eq!(taken.message(3), "duplicate of row 2");
}

#[test]
fn without_a_key_nothing_is_a_duplicate() {
    assert_eq!(take("a\nx\nx\n", &plain()).unwrap().duplicates.pairs, []);
}

#[test]
fn duplicates_are_found_across_chunks_and_runs() {
    // 260,000 rows: more than one run of keys, and hundreds of chunks.
    let rows: String = (0..260_000).map(|n| format!("user{}\n", n % 259_990)).collect();
    let taken = take(format!("handle\n{rows}"), &creators()).unwrap();
    assert_eq!(taken.count("duplicate"), 10);
    assert_eq!(taken.duplicates.pairs[9], (RowIndex(259_999), RowIndex(9)));
    assert_eq!(taken.message(260_000), "duplicate of row 10");
}

#[test]
fn six_snapshots_of_a_real_list_have_the_known_answer() {
    // A synthetic twin: an address is compared as written, so case in a path tells two apart.
    let by_url = |kind: &str| {
        let work = if kind == "creators" {
            json!({"kind": kind})
        } else {
            json!({"kind": kind, "url": "https://example.com/row"})
        };
        recipe(json!({"key": ["url"], "columns": {"url": ["url", "feed_url"]}, "work": work}))
    };
    let twin =
        "snapshot,feed_url\n1,https://a.example/Feed\n2,https://a.example/feed\n3,https://a.example/Feed\n";
    assert_eq!(take(twin, &by_url("http")).unwrap().codes(), ["", "", "duplicate"]);
    let Some(data) = shared_data() else { return };
    let file = std::fs::read(data.join("real/smallweb/smallweb_6_snapshots_concat.csv")).unwrap();
    for kind in ["http", "creators"] {
        let taken = take(&file, &by_url(kind)).unwrap();
        assert_eq!(taken.summary.rows, 114_259);
        assert_eq!(taken.count("duplicate"), 61_163, "{kind}");
        assert_eq!(taken.count(""), 53_096, "{kind}");
        assert_eq!(taken.duplicates.pairs.len(), 61_163);
    }
}
