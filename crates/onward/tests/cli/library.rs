//! A Rust program of somebody's that uses Onward as a library: the example, run as people run it.

use std::process::Command;

use super::desk::Desk;

/// The example, which is built with the tests, unless only some of them were.
fn example() -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().and_then(std::path::Path::parent).unwrap().join("examples/library");
    if !example.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        let built = cargo.args(["build", "--quiet", "--package", "onward", "--example", "library"]).status();
        assert!(built.unwrap().success(), "the example cannot be built");
    }
    example
}

fn run(desk: &Desk) -> String {
    let output = Command::new(example()).arg("people.csv").current_dir(desk.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn a_program_of_thirty_lines_does_a_list_and_the_command_line_reads_its_store() {
    let desk = Desk::new();
    desk.write("people.csv", "handle,n\nanna,1\nbo,2\nanna,3\na-rather-long-handle,4\n,5\n");
    let said = run(&desk);
    assert!(said.contains("5/5 with 0 failed"), "{said}");
    assert_eq!(run(&desk), said, "the second time all is done, and it is the same job");
    let job = desk.type_in(&["show", "last", "--json", "--store", "sqlite:jobs.db"]).ends_with(0).json();
    assert_eq!((&job["results"]["added"], &job["results"]["filtered"]), (&2.into(), &1.into()), "{job}");
    assert_eq!(job["results"]["skipped"], 2, "a repeat and an empty key: {job}");
}
