//! Files that change after their job was made: corrected, edited, attached again.

use std::os::unix::fs::PermissionsExt;

use onward_testkit::proxy::Proxy;
use serde_json::{Value, json};

use super::desk::Desk;

const RUN: &[&str] = &["run", "creators.csv", "-j", "2", "--", "./add.sh", "{handle}"];

/// A desk with a program that refuses handles with `bad` in them, and writes down the others.
pub(crate) fn desk(rows: &[&str]) -> Desk {
    let desk = Desk::new();
    let script = "#!/bin/sh\ncase $1 in *bad*) exit 1;; esac\necho $1 >> calls\n";
    desk.write("add.sh", script);
    std::fs::set_permissions(desk.path().join("add.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    desk.write("creators.csv", &csv(rows));
    desk
}

pub(crate) fn csv(rows: &[&str]) -> String {
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    format!("handle,note\n{lines}")
}

/// What the program was called for, in order of the names.
pub(crate) fn calls(desk: &Desk) -> Vec<String> {
    let text = std::fs::read_to_string(desk.path().join("calls")).unwrap_or_default();
    let mut calls: Vec<String> = text.lines().map(str::to_owned).collect();
    calls.sort();
    calls
}

pub(crate) fn counts(job: &Value) -> Value {
    let (done, results) = (&job["processed_items"], &job["results"]);
    json!([job["status"], job["total_items"], done, results["added"], results["failed"]])
}

#[track_caller]
pub(crate) fn verified(desk: &Desk) {
    let proof = desk.type_in(&["verify", "last", "--json"]).ends_with(0).json();
    assert_eq!(proof["ok"], true, "{proof}");
}

#[test]
fn corrected_rows_of_an_export_take_their_places_and_only_they_are_done_again() {
    let desk = desk(&["ann,1", "bad bob,2", "cy,3", "bad dora,\"4\n5\"", "eve,6"]);
    desk.type_in(RUN).ends_with(3);
    let failed = desk.type_in(&["export", "last", "--outcome", "failed"]).ends_with(0).out;
    assert_eq!(
        failed.lines().next(),
        Some("handle,note,onward_row,onward_outcome,onward_code,onward_message")
    );
    // As a spreadsheet saves it in many countries, with one of two mended.
    let mended = failed.replace("bad bob", "bob").replace(',', ";");
    desk.write("failed.csv", &format!("\u{feff}{mended}"));

    let shown = desk.type_in(&["attach", "last", "failed.csv", "--dry-run", "--json"]).ends_with(0).json();
    assert_eq!(shown["attached"], false);
    assert_eq!(
        json!([shown["matched"], shown["changed"], shown["new"], shown["gone"], shown["again"]]),
        json!([4, 0, 1, 1, 1]),
        "the key was mended, so it is another row; the other one is handed back as it was: {shown}"
    );
    assert_eq!(counts(&desk.last_job()), json!(["completed", 5, 5, 3, 2]), "a dry run changes nothing");

    let said = desk.type_in(&["attach", "last", "failed.csv", "--yes"]).ends_with(0);
    assert!(said.err.contains("1 row is done again"), "{}", said.err);
    assert_eq!(counts(&desk.last_job()), json!(["queued", 5, 3, 3, 0]));
    verified(&desk);
    let said = desk.type_in(RUN).ends_with(3);
    assert!(said.err.contains("5/5 with 1 failed"), "{}", said.err);
    assert_eq!(counts(&desk.last_job()), json!(["completed", 5, 5, 4, 1]));
    assert_eq!(calls(&desk), ["ann", "bob", "cy", "eve"], "nothing that was done is done again");
    let rows = desk.type_in(&["export", "last"]).ends_with(0).out;
    assert!(rows.contains("\nbob,2,2,added"), "{rows}");
    assert!(rows.contains("\"4\n5\",4,failed"), "{rows}");
    verified(&desk);
    assert_eq!(desk.type_in(&["list", "--json"]).ends_with(0).json()["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_was_edited_goes_on_with_what_is_new_or_mended() {
    let desk = desk(&["ann,1", "bad bob,2", "cy,3", "dora,4"]);
    desk.type_in(RUN).ends_with(3);
    // One row in front, one mended in another column, one gone, two changed places, one more.
    desk.write("creators.csv", &csv(&["zoe,0", "dora,4", "ann,1", "bad bob,mended", "fay,7"]));
    let said = desk.type_in(RUN).ends_with(3);
    for part in [
        "has changed since",
        "2 rows are the same, 1 changed, 2 new, 1 gone, 3 moved",
        "gone    row 3        cy",
    ] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    assert_eq!(counts(&desk.last_job()), json!(["completed", 5, 5, 4, 1]));
    assert_eq!(calls(&desk), ["ann", "cy", "dora", "fay", "zoe"], "nothing that was done is done again");
    verified(&desk);
    let rows = desk.type_in(&["rows", "last", "--json"]).ends_with(0).out;
    let key = |line: &str| serde_json::from_str::<Value>(line).unwrap()["key"].as_str().unwrap().to_owned();
    let rows: Vec<String> = rows.lines().map(key).collect();
    assert_eq!(rows, ["zoe", "dora", "ann", "bad bob", "fay"]);
    let said = desk.type_in(RUN).ends_with(3);
    assert!(said.err.contains("every row of creators.csv is done already"), "{}", said.err);

    // Another list that happens to have the same name is a job of its own.
    desk.write("creators.csv", &csv(&["gil,1", "ann,1"]));
    desk.type_in(RUN).ends_with(0);
    assert_eq!(counts(&desk.last_job()), json!(["completed", 2, 2, 2, 0]));
    assert_eq!(desk.type_in(&["list", "--json"]).ends_with(0).json()["jobs"].as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_attached_says_why_and_changes_nothing() {
    let desk = desk(&["ann,1", "bad bob,2"]);
    desk.type_in(RUN).ends_with(3);
    let before = counts(&desk.last_job());
    for (file, part) in [
        ("handle,note\nxena,9\n", "no row of this file is among the 2 rows"),
        ("note\n1\n", "handle"),
        ("handle,note,onward_row\nbob,2,7\n", "line 2: onward_row is `7`, and must be from 1 to 2"),
        ("handle,note,onward_row\nbob,2,2\nbob,2,2\n", "row 2 is in it twice (line 3)"),
        ("handle,onward_row\nbob,2\n", "it has no column note"),
        ("handle,note,more,onward_row\nbob,2,x,2\n", "the job has no column more"),
    ] {
        desk.write("other.csv", file);
        let said = desk.type_in(&["attach", "last", "other.csv", "--yes"]).ends_with(2);
        assert!(said.err.contains(part), "{part}: {}", said.err);
        assert_eq!(counts(&desk.last_job()), before);
    }
    desk.write("other.csv", &csv(&["ann,1", "bad bob,2", "cy,3"]));
    let said = desk.type_in(&["attach", "last", "other.csv"]).ends_with(0);
    assert!(said.err.contains("nothing was changed; attach it with --yes"), "{}", said.err);
    assert_eq!(counts(&desk.last_job()), before);
    verified(&desk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_edited_is_sent_to_the_server_once() {
    const RUN: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];
    let desk = Desk::new();
    desk.write("recipe.toml", "key = [\"handle\"]\n[work]\nkind = \"creators\"\n[add]\ntable = \"people\"\n");
    let note = "a note that makes the file large ".repeat(100);
    let rows = |from: u32| (from..from + 300).map(|row| format!("ann{row},{note}")).collect::<Vec<_>>();
    let file = |from: u32| csv(&rows(from).iter().map(String::as_str).collect::<Vec<_>>());
    desk.write("creators.csv", &file(0));
    let mut server = desk.start(&["serve", "--listen", "127.0.0.1:0"]);
    let mut found = desk.found(&mut server, &desk.data()).await;
    desk.type_in(RUN).ends_with(0);

    let port = found["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::before(port).await.unwrap();
    found["address"] = json!(format!("127.0.0.1:{}", proxy.port()));
    std::fs::write(desk.data().join("server.json"), found.to_string()).unwrap();
    let edited = file(20);
    desk.write("creators.csv", &edited);
    let said = desk.type_in(RUN).ends_with(0);
    assert!(said.err.contains("280 rows are the same, 0 changed, 20 new, 20 gone"), "{}", said.err);
    let (sent, large) = (proxy.sent(), edited.len() as u64);
    assert!((large..large * 3 / 2).contains(&sent), "{sent} bytes were sent for a file of {large}");
    assert_eq!(counts(&desk.last_job()), json!(["completed", 300, 300, 300, 0]));

    // Another list of the same name is compared as well, and nothing is left of that.
    desk.write("creators.csv", &file(1_000));
    desk.type_in(RUN).ends_with(0);
    let kept = proxy.sent();
    assert!(kept > sent + large, "it was compared, then submitted");
    assert_eq!(desk.type_in(&["list", "--json"]).ends_with(0).json()["jobs"].as_array().unwrap().len(), 2);
    verified(&desk);
}
