//! GNU parallel and Onward side by side on the same list: what the one gets wrong, the other gets right.

use std::process::Command;

use super::desk::Desk;

/// A list of six, one of which fails until `fixed` is there.
fn desk() -> Desk {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.write(
        "add.sh",
        "#!/bin/sh\necho \"$1\" >> calls\necho \"result of $1\"\ntest \"$1\" != c || test -f fixed\n",
    );
    let path = desk.path().join("add.sh");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    write_list(&desk, "a b c d e f");
    desk
}

fn write_list(desk: &Desk, rows: &str) {
    let lines: String = rows.split(' ').map(|row| format!("{row}\n")).collect();
    desk.write("list.txt", &lines);
    desk.write("list.csv", &format!("handle\n{lines}"));
}

/// What was called since the last look.
fn calls(desk: &Desk) -> Vec<String> {
    let path = desk.path().join("calls");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    desk.write("calls", "");
    let mut calls: Vec<String> = text.lines().map(str::to_owned).collect();
    calls.sort();
    calls
}

/// Whether GNU parallel is to be there; `cargo xtask test --embedded` does without it.
fn beside() -> bool {
    std::env::var_os("ONWARD_TEST_EMBEDDED").is_none()
}

/// Runs GNU parallel over the list and gives its exit code.
fn parallel(desk: &Desk, options: &[&str]) -> i32 {
    let mut command = Command::new("parallel");
    command
        .args(["--will-cite", "--joblog", "joblog", "-a", "list.txt"])
        .args(options)
        .args(["./add.sh", "{}"]);
    let output = command.current_dir(desk.path()).env("HOME", desk.path()).output();
    let output = output.expect("GNU parallel is installed by `cargo xtask setup`");
    output.status.code().expect("it was not killed")
}

const ONWARD: &[&str] = &["run", "list.csv", "--", "./add.sh", "{handle}"];

#[test]
fn a_failure_is_no_success_after_a_second_look() {
    if beside() {
        let desk = desk();
        assert_eq!(parallel(&desk, &[]), 1);
        calls(&desk);
        assert_eq!(parallel(&desk, &["--resume"]), 0, "the failed row counts as done");
        assert!(calls(&desk).is_empty());
    }
    let desk = desk();
    desk.type_in(ONWARD).ends_with(3);
    calls(&desk);
    let again = desk.type_in(ONWARD).ends_with(3);
    assert!(again.err.contains("with 1 failed"), "it is still said: {}", again.err);
    desk.write("fixed", "");
    desk.type_in(&["retry", "last"]).ends_with(0);
    desk.type_in(ONWARD).ends_with(0);
    assert_eq!(calls(&desk), ["c"], "only what had failed was done again");
}

#[test]
fn a_line_put_on_top_is_done() {
    if beside() {
        let desk = desk();
        desk.write("fixed", "");
        assert_eq!(parallel(&desk, &[]), 0);
        calls(&desk);
        write_list(&desk, "new a b c d e f");
        assert_eq!(parallel(&desk, &["--resume"]), 0);
        assert!(!calls(&desk).contains(&"new".to_owned()), "it counts lines, so the new one counts as done");
    }
    let desk = desk();
    desk.write("fixed", "");
    desk.type_in(ONWARD).ends_with(0);
    calls(&desk);
    write_list(&desk, "new a b c d e f");
    desk.type_in(ONWARD).ends_with(0);
    assert!(calls(&desk).contains(&"new".to_owned()));
}

#[test]
fn doing_the_failed_rows_again_keeps_the_results_of_the_others() {
    let desk = desk();
    desk.type_in(ONWARD).ends_with(3);
    desk.write("fixed", "");
    desk.type_in(&["retry", "last"]).ends_with(0);
    desk.type_in(ONWARD).ends_with(0);
    let rows = desk.type_in(&["rows", "last", "--json"]).ends_with(0).out;
    for (line, handle) in rows.lines().zip("a b c d e f".split(' ')) {
        assert!(line.contains(&format!("result of {handle}")), "{line}");
    }
    assert_eq!(rows.lines().count(), 6);
}

const ADOPT: &[&str] = &["adopt", "list.csv", "--joblog", "joblog", "--yes", "--", "./add.sh", "{handle}"];

#[test]
fn onward_goes_on_where_gnu_parallel_stopped() {
    if beside() {
        let desk = desk();
        assert_eq!(parallel(&desk, &["-j1", "--halt", "now,fail=1"]), 1);
        assert_eq!(calls(&desk), ["a", "b", "c"]);
        desk.write("fixed", "");
        let said = desk.type_in(ADOPT).ends_with(0);
        assert!(
            said.err.contains("2 of 6 rows are taken as done; the first one left is row 3"),
            "{}",
            said.err
        );
        assert_eq!(calls(&desk), ["c", "d", "e", "f"], "what failed there is done here");
    }
}

#[test]
fn a_header_that_gnu_parallel_took_for_an_argument_is_noticed() {
    if beside() {
        let desk = desk();
        desk.write("fixed", "");
        std::fs::copy(desk.path().join("list.csv"), desk.path().join("list.txt")).unwrap();
        assert_eq!(parallel(&desk, &[]), 0);
        assert_eq!(calls(&desk), ["a", "b", "c", "d", "e", "f", "handle"]);
        let said = desk.type_in(ADOPT).ends_with(0);
        assert!(said.err.contains("6 of 6 rows are taken as done"), "{}", said.err);
        assert_eq!(calls(&desk), [""; 0]);
    }
}
