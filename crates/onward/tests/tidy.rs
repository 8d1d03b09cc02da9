//! The invariants of ARCHITECTURE.md, read from manifests and files. What clippy and the compiler can
//! see is theirs; this sees the rest. Each rule is also shown a bad sample, so that it is known to bite.

#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/sql.rs"]
mod sql;
#[path = "tidy/tree.rs"]
mod tree;

/// Fails with one line per finding.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn a_dependency_is_named_only_by_the_crates_that_own_it() {
    none(manifests::all().iter().flat_map(|(path, text)| manifests::misplaced(path, text)).collect());
}

#[test]
fn every_dependency_says_why_it_is_there() {
    none(manifests::all().iter().flat_map(|(path, text)| manifests::unexplained(path, text)).collect());
}

#[test]
fn every_crate_has_the_name_of_its_folder_and_the_lints_of_the_workspace() {
    none(manifests::all().iter().flat_map(|(path, text)| manifests::odd(path, text)).collect());
}

#[test]
fn every_source_file_says_its_one_job_on_its_first_line_and_stays_short() {
    none(tree::files("rs").iter().flat_map(|(path, text)| sources::shape(path, text)).collect());
}

#[test]
fn no_source_file_has_what_the_style_forbids() {
    none(tree::files("rs").iter().flat_map(|(path, text)| sources::forbidden(path, text)).collect());
}

#[test]
fn tests_wait_for_conditions_and_never_for_a_guessed_time() {
    none(tree::files("rs").iter().flat_map(|(path, text)| sources::sleeps(path, text)).collect());
}

#[test]
fn every_sql_file_is_one_statement() {
    none(tree::files("sql").iter().flat_map(|(path, text)| sql::statements(path, text)).collect());
}

#[test]
fn no_statement_writes_to_a_span_without_an_epoch() {
    none(tree::files("sql").iter().flat_map(|(path, text)| sql::unfenced(path, text)).collect());
}

#[test]
fn nothing_in_the_repository_knows_the_machine_it_was_written_on() {
    let kinds = ["rs", "toml", "md", "sql"];
    none(kinds.iter().flat_map(|kind| tree::files(kind)).flat_map(|(p, t)| sources::local(&p, &t)).collect());
}
