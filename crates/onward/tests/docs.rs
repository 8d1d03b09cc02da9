//! Documents stay true: every test they name is in the tree, every page they link to is there.

use std::collections::HashSet;

#[path = "tidy/tree.rs"]
mod tree;

/// Guarantees there are.
const GUARANTEES: usize = 24;

/// One guarantee of the document.
struct Guarantee<'a> {
    number: usize,
    shown: Vec<&'a str>,
    planted: Vec<&'a str>,
    not_yet: bool,
}

fn guarantees(text: &str) -> Vec<Guarantee<'_>> {
    let sections = text.split("\n### G").skip(1);
    let read = |section: &'static str, body| names(body, section);
    sections
        .map(|body| Guarantee {
            number: body.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0),
            shown: read("- Shown by:", body),
            planted: read("- Planted bug:", body),
            not_yet: body.contains("\n- Not yet shown:"),
        })
        .collect()
}

/// The words in backticks of the line that begins like this.
fn names<'a>(body: &'a str, begins: &str) -> Vec<&'a str> {
    let line = body.lines().find_map(|line| line.strip_prefix(begins)).unwrap_or("");
    line.split('`').skip(1).step_by(2).collect()
}

/// The names of all functions in the tree.
fn functions() -> HashSet<String> {
    let mut found = HashSet::new();
    for (_, text) in tree::files("rs") {
        for line in text.lines() {
            let Some((_, after)) = line.split_once("fn ") else { continue };
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            found.insert(after[..end].to_owned());
        }
    }
    found
}

fn missing<'a>(named: impl IntoIterator<Item = &'a str>, there: &HashSet<String>) -> Vec<&'a str> {
    named.into_iter().filter(|name| !there.contains(*name)).collect()
}

#[test]
fn every_guarantee_names_a_test_that_is_there_or_says_that_none_is() {
    let text = include_str!("../../../docs/guarantees.md");
    let there = functions();
    let all = guarantees(text);
    assert_eq!(all.iter().map(|one| one.number).collect::<Vec<_>>(), (1..=GUARANTEES).collect::<Vec<_>>());
    for one in all {
        let gone = missing(one.shown.iter().chain(&one.planted).copied(), &there);
        assert!(gone.is_empty(), "G{} names tests that are not there: {gone:?}", one.number);
        assert!(!one.shown.is_empty() || one.not_yet, "G{} is neither shown nor said not to be", one.number);
    }
}

#[test]
fn a_named_test_that_is_not_there_is_found() {
    let text = "x\n### G1 One\n- Shown by: `a_test_nobody_wrote`, `functions`\n- Planted bug: `missing`\n";
    let one = &guarantees(text)[0];
    assert_eq!((one.number, one.planted.as_slice()), (1, ["missing"].as_slice()));
    assert_eq!(missing(one.shown.iter().copied(), &functions()), ["a_test_nobody_wrote"]);
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in tree::files("md") {
        let dir = tree::root().join(&path).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        for link in links(&text) {
            if !dir.join(link).exists() {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Targets of links to files of the repository, without their anchors.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|after| after.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '/']));
    files.map(|target| target.split('#').next().unwrap_or(target)).collect()
}

#[test]
fn links_to_files_are_told_from_others() {
    let text = "[a](docs/a.md) [b](https://example.com/b) [c](#c) [d](../d.md#part)";
    assert_eq!(links(text), ["docs/a.md", "../d.md"]);
}
