//! Statements in files of their own: one a file, fenced where it writes to a span.

/// Files with no statement or more than one. Migrations are scripts.
pub(crate) fn statements(path: &str, text: &str) -> Vec<String> {
    if path.contains("/migrations/") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let code: String =
        text.lines().map(|line| line.split("--").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let count = code.split(';').filter(|part| !part.trim().is_empty()).count();
    if count != 1 {
        findings.push(format!("{path}: {count} statements in one file"));
    }
    findings
}

/// Updates of a span that name no epoch: an old owner could make them (G2). Migrations may, for nobody holds a span
/// while they run; but not the functions that they make.
pub(crate) fn unfenced(path: &str, text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
    let words = code.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let writes = words.contains("update span ") || words.contains("update spans ");
    let runs_once = path.contains("/migrations/") && !words.contains("create or replace function");
    if writes && !runs_once && !words.contains("epoch") {
        return vec![format!("{path}: writes to a span and names no epoch")];
    }
    Vec::new()
}

#[test]
fn two_statements_or_none_are_found() {
    assert_eq!(statements("a.sql", "-- Two.\nSELECT 1; SELECT 2;\n").len(), 1);
    assert_eq!(statements("a.sql", "-- None; really.\n").len(), 1);
    assert_eq!(statements("a.sql", "-- One; with a comment.\nSELECT 1 -- it; is\n").len(), 0);
}

#[test]
fn an_unfenced_write_is_found() {
    assert_eq!(unfenced("a.sql", "-- epoch\nUPDATE span SET added = 1 WHERE job = 1").len(), 1);
    assert_eq!(unfenced("a.sql", "UPDATE span SET added = 1 WHERE job = 1 AND epoch = ?").len(), 0);
    assert_eq!(unfenced("a.sql", "SELECT added FROM span").len(), 0);
    assert_eq!(unfenced("x/migrations/a.sql", "UPDATE spans SET added = 1").len(), 0);
    let function = "CREATE OR REPLACE FUNCTION f () AS $$ UPDATE spans SET added = 1 $$";
    assert_eq!(unfenced("x/migrations/a.sql", function).len(), 1);
}
