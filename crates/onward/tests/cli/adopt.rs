//! Half-done work of other tools: a job begins in the middle, and only the rest is done.

use serde_json::json;

use super::attach::{calls, counts, csv, desk, verified};

const COMMAND: &[&str] = &["--yes", "--", "./add.sh", "{handle}"];

fn adopt<'a>(how: &[&'a str]) -> Vec<&'a str> {
    [&["adopt", "creators.csv"], how, COMMAND].concat()
}

#[test]
fn results_with_a_status_column_are_taken_over_by_key() {
    let desk = desk(&["ann,1", "bob,2", "cy,3", "dora,4"]);
    desk.write("results.csv", "when;Status;handle\n1;OK;cy\n2;error;bob\n3;error;ann\n4;ok;ann\n");
    let shown = desk.type_in(&[
        "adopt",
        "creators.csv",
        "--results",
        "results.csv",
        "--dry-run",
        "--",
        "./add.sh",
        "{handle}",
    ]);
    assert!(shown.ends_with(0).err.contains("2 of 4 rows are taken as done; the first one left is row 2"));
    assert_eq!(desk.type_in(&["list", "--json"]).ends_with(0).json()["jobs"], json!([]));

    desk.type_in(&adopt(&["--results", "results.csv"])).ends_with(0);
    assert_eq!(counts(&desk.last_job()), json!(["completed", 4, 4, 4, 0]));
    assert_eq!(calls(&desk), ["bob", "dora"], "what was done is not done again");
    let rows = desk.type_in(&["rows", "last", "--json"]).ends_with(0).out;
    assert!(rows.contains("taken over from results.csv: Status is ok"), "{rows}");
    verified(&desk);
}

#[test]
fn a_count_is_taken_with_a_warning() {
    let desk = desk(&["ann,1", "bob,2", "cy,3"]);
    let said = desk.type_in(&adopt(&["--done", "2"])).ends_with(0);
    assert!(said.err.contains("a count is only right when the rows were done in order"), "{}", said.err);
    assert_eq!(calls(&desk), ["cy"]);
    verified(&desk);
}

#[test]
fn what_is_in_the_list_of_creators_already_is_taken_as_done() {
    let desk = desk(&["ann,1", "bob,2", "cy,3"]);
    let recipe =
        "key = ['handle']\n[work]\nkind = 'creators'\n[add]\ntable = 'people'\ncolumns = { note = 'note' }\n";
    desk.write("recipe.toml", recipe);
    desk.write("first.csv", &csv(&["bob,2"]));
    desk.type_in(&["run", "first.csv", "--recipe", "recipe.toml"]).ends_with(0);
    let said = desk
        .type_in(&["adopt", "creators.csv", "--recipe", "recipe.toml", "--in-list", "--yes"])
        .ends_with(0);
    assert!(said.err.contains("1 of 3 rows are taken as done; the first one left is row 1"), "{}", said.err);
    assert_eq!(desk.last_job()["results"]["skipped"], 1);
    verified(&desk);
}

#[test]
fn evidence_that_does_not_fit_is_refused_and_nothing_is_kept() {
    let desk = desk(&["ann,1", "bob,2"]);
    let head = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
    desk.write("log", &format!("{head}1\t:\t1700000000.5\t0.1\t0\t0\t0\t0\t./add.sh xena\n"));
    desk.write("results.csv", "handle,note\nann,1\n");
    for (how, part) in [
        (
            &["--joblog", "log"][..],
            "line 2: the call with number 1 (`./add.sh xena`) does not name the key of row 1",
        ),
        (&["--joblog", "creators.csv"], "its first line is not that of a joblog"),
        (&["--joblog", "nowhere"], "it cannot be read"),
        (
            &["--results", "results.csv"],
            "which of its columns says whether a row is done? Name it; they are handle, note",
        ),
        (&["--results", "results.csv", "--status", "state"], "it has no column state"),
        (&["--done", "3"], "3 rows cannot be done: the file has 2"),
        (&["--in-list"], "the recipe adds to no list of creators"),
        (&[], "how is it known which rows are done?"),
        (&["--done", "1", "--in-list"], "how is it known which rows are done?"),
    ] {
        let said = desk.type_in(&adopt(how));
        assert!(said.code != 0 && said.err.contains(part), "{part}: {}", said.err);
        assert_eq!(desk.type_in(&["list", "--json"]).json()["jobs"], json!([]));
    }
    assert_eq!(calls(&desk), [""; 0]);
}
