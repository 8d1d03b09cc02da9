//! The words of `--help` are a public surface: they change only together with their golden files.

use super::desk::Desk;

const VERBS: &[&str] = &[
    "demo",
    "serve",
    "worker",
    "workers",
    "run",
    "adopt",
    "submit",
    "list",
    "show",
    "watch",
    "resume",
    "restart",
    "cancel",
    "pause",
    "attach",
    "retry",
    "settle",
    "tune",
    "rows",
    "errors",
    "export",
    "deliveries",
    "verify",
    "delete",
    "move",
    "doctor",
    "recipe",
    "completions",
];

#[test]
fn the_help_of_every_verb_is_the_golden_one() {
    let desk = Desk::new();
    let mut differing = Vec::new();
    compare(&desk, "onward", &["--help"], &mut differing);
    for verb in VERBS {
        compare(&desk, verb, &[verb, "--help"], &mut differing);
    }
    compare(&desk, "recipe-check", &["recipe", "check", "--help"], &mut differing);
    let advice = "look at the difference, then write them anew with UPDATE_GOLDEN=1";
    assert!(differing.is_empty(), "{advice}: {differing:?}");
}

#[test]
fn the_help_names_every_verb() {
    let help = Desk::new().type_in(&["--help"]).ends_with(0).out;
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed, VERBS);
}

#[test]
fn completions_know_the_verbs() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.type_in(&["completions", shell]).ends_with(0).out;
        assert!(script.contains("resume") && script.contains("--data-dir") || script.contains("data-dir"));
    }
}

fn compare(desk: &Desk, name: &str, args: &[&str], differing: &mut Vec<String>) {
    let golden =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/help/{name}.txt"));
    let said = desk.type_in(args).ends_with(0).out;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &said).unwrap();
    }
    if std::fs::read_to_string(&golden).ok().as_deref() != Some(&said) {
        differing.push(format!("{name}:\n{said}"));
    }
}
