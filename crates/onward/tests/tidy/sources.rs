//! The shape of a source file, and what may not be in one.

/// The most lines a file may have. A longer one has more than one job.
const MAX_LINES: usize = 400;

/// Text that may not be in a source file, and why. Written in two parts so that this file passes.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("#[ign", "ore", "a test that does not run shows nothing; delete it or make it run"),
    (
        "#[al",
        "low(",
        "use #[expect(…, reason = \"…\")]: it says why and complains when it is no longer needed",
    ),
    ("#![al", "low(", "use #![expect(…, reason = \"…\")]"),
    ("tod", "o!(", "finish it, or leave it out"),
    ("TO", "DO", "an issue is the place for what is left to do"),
    ("FIX", "ME", "an issue is the place for what is broken"),
    ("Ordering::Rel", "axed) // fine", "say why it is"),
];

/// Traces of one person's machine.
const LOCAL: &[(&str, &str)] = &[("/wo", "rk/"), ("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/")];

/// No job on the first line, too many lines, or a name that says nothing.
pub(crate) fn shape(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 12) {
        findings.push(format!("{path}: the first line must be `//! ` and the one job of the file"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        findings.push(format!("{path}: {lines} lines; {MAX_LINES} is the most, so it has several jobs"));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if ["utils.rs", "util.rs", "helpers.rs", "common.rs", "misc.rs"].contains(&name) {
        findings.push(format!("{path}: name the file after its job"));
    }
    findings
}

/// Lines with what the style forbids.
pub(crate) fn forbidden(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (first, second, why) in FORBIDDEN {
        findings.extend(lines_with(text, first, second).map(|line| format!("{path}:{line}: {why}")));
    }
    findings
}

/// Sleeps in tests that do not say why. Between two looks at a condition is a reason; a guess is none.
pub(crate) fn sleeps(path: &str, text: &str) -> Vec<String> {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/conformance/");
    let from = match text.lines().position(|line| line.trim() == "#[cfg(test)]") {
        _ if is_test => 0,
        Some(at) => at,
        None => return Vec::new(),
    };
    // A paused clock moves only when the test moves it; nothing is guessed then.
    if text.contains("start_paused = true") {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let says_why = |line: usize| line > 1 && lines[line - 2].trim_start().starts_with("// ");
    let found = lines_with(text, "sle", "ep(").filter(|line| *line > from && !says_why(*line));
    found
        .map(|line| format!("{path}:{line}: wait for a condition, or say above why time must pass"))
        .collect()
}

/// Paths of one machine.
pub(crate) fn local(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (first, second) in LOCAL {
        let at = lines_with(text, first, second);
        findings.extend(at.map(|line| format!("{path}:{line}: a path of one machine")));
    }
    findings
}

/// The numbers (from 1) of lines that contain the two parts joined.
fn lines_with(text: &str, first: &str, second: &str) -> impl Iterator<Item = usize> {
    let needle = format!("{first}{second}");
    text.lines().enumerate().filter(move |(_, line)| line.contains(&needle)).map(|(at, _)| at + 1)
}

#[test]
fn a_file_without_a_job_and_one_with_too_many_lines_are_found() {
    assert_eq!(shape("a/b.rs", "use std::fs;\n").len(), 1);
    assert_eq!(shape("a/utils.rs", "//! Does one thing well.\n").len(), 1);
    let long = format!("//! Does one thing well.\n{}", "// line\n".repeat(MAX_LINES));
    assert_eq!(shape("a/b.rs", &long).len(), 1);
    assert_eq!(shape("a/b.rs", "//! Does one thing well.\n").len(), 0);
}

#[test]
fn every_forbidden_text_is_found() {
    for (first, second, _) in FORBIDDEN {
        assert_eq!(forbidden("a/b.rs", &format!("//! x\n{first}{second}\n")).len(), 1, "{first}");
    }
    for (first, second) in LOCAL {
        assert_eq!(local("a/b.md", &format!("see {first}{second}x\n")).len(), 1, "{first}");
    }
}

#[test]
fn a_sleep_in_a_test_is_found_and_one_in_the_program_is_not() {
    let call = format!("    tokio::time::{}{}x).await;\n", "sle", "ep(");
    assert_eq!(sleeps("a/tests/b.rs", &call).len(), 1);
    assert_eq!(sleeps("a/src/b.rs", &call).len(), 0);
    assert_eq!(sleeps("a/tests/b.rs", &format!("    // Between two looks.\n{call}")).len(), 0);
    assert_eq!(sleeps("a/src/b.rs", &format!("{call}#[cfg(test)]\nmod tests {{\n{call}}}\n")).len(), 1);
}
