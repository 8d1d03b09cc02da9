//! The command work with real programs, well-behaved and not.

use std::time::Duration;

use crate::support::{apart, call, one, processor, settings, told, verdict};
use onward_core::processor::{Answer, Call, Processor};
use onward_core::recipe::Recipe;
use onward_core::row::Outcome;
use onward_processors::{Commands, NamedCommand, Settings, build};
use serde_json::Value;

const ANNA: [&str; 3] = ["anna", "tiktok", "13.8M"];

/// A program for each row: this script, with these arguments.
fn script(script: &str, arguments: &str) -> std::sync::Arc<dyn Processor> {
    processor(&format!(
        "key = ['handle']\n[work]\nkind = 'command'\ncommand = ['sh', '-c', '''{script}''', 'sh'{arguments}]\n"
    ))
}

/// A child that lives on: this Python.
fn lines(python: &str, work: &str) -> std::sync::Arc<dyn Processor> {
    let python = format!("import sys, json\n{python}");
    processor(&format!(
        "key = ['handle']\n[work]\nkind = 'command'\nmode = 'lines'\n{work}\ncommand = ['python3', '-c', '''{python}''']\n"
    ))
}

fn result(answer: Answer) -> Value {
    serde_json::from_str(verdict(answer).result.as_deref().unwrap_or("null")).unwrap()
}

#[tokio::test]
async fn an_exit_code_is_an_outcome_and_the_last_words_are_the_message() {
    for (code, outcome, word) in [
        (0, Outcome::Added, "added"),
        (10, Outcome::Skipped, "skipped"),
        (11, Outcome::Filtered, "filtered"),
        (1, Outcome::Failed, "exit-1"),
        (255, Outcome::Failed, "exit-255"),
    ] {
        let work = script(&format!("echo first >&2; echo 'bad canary-42' >&2; exit {code}"), "");
        let (found, code, message) = told(one(&*work, ANNA).await);
        assert_eq!((found, code.as_str()), (outcome, word));
        assert!(outcome == Outcome::Added || message == "bad (secret)", "{message}");
    }
    let later = one(&*script("echo busy >&2; exit 75", ""), ANNA).await;
    assert!(matches!(&later, Answer::Retry { message, .. } if message == "busy"), "{later:?}");
    assert_eq!(told(one(&*script("kill -9 $$", ""), ANNA).await).1, "killed");
    assert_eq!(told(one(&*script("exit 3", ""), ANNA).await).2, "the program ended with exit code 3");
}

#[tokio::test]
async fn a_row_is_in_the_arguments_on_the_input_and_in_the_environment() {
    let work = script(
        "printf '%s|' \"$@\"; cat; env | cut -d= -f1 | sort | tr '\\n' ' ' >&2",
        ", '{handle}', 'p={platform}', '{}'",
    );
    let evil = "; rm -rf / $(id)\n`x`";
    let kept = result(one(&*work, [evil, "x", "1"]).await);
    let out = kept["stdout"].as_str().unwrap();
    let (arguments, row) = out.rsplit_once('|').unwrap();
    assert_eq!(arguments, format!("{evil}|p=x|{evil}"), "one argument each, through no shell");
    let row: Value = serde_json::from_str(row).unwrap();
    assert_eq!((&row["row"], &row["fields"]["handle"]), (&1.into(), &evil.into()));
    let names: Vec<_> = kept["stderr"].as_str().unwrap().split_whitespace().collect();
    for name in ["ONWARD_JOB", "ONWARD_KEY", "ONWARD_ROW", "ONWARD_TRY", "PATH"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(names.iter().all(|name| !name.contains("CARGO") && !name.contains("SECRET")), "{names:?}");
}

#[tokio::test]
async fn a_secret_reaches_the_program_that_names_it_and_nobody_else() {
    let recipe = "[work]\nkind = 'command'\nenv = ['ONWARD_SECRET_API_KEY']\ncommand = ['sh', '-c', 'test \"$ONWARD_SECRET_API_KEY\" = canary-42 && echo \"$ONWARD_SECRET_API_KEY\"']\n";
    let work = processor(recipe);
    assert_eq!(work.check().await, Ok(()));
    let answer = one(&*work, ANNA).await;
    assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    assert_eq!(told(answer).0, Outcome::Added);
    let missing = processor(&recipe.replace("API_KEY", "OTHER"));
    assert_eq!(missing.check().await.unwrap_err().code.word(), "secret-missing");
}

#[tokio::test]
async fn a_value_that_looks_like_an_option_is_no_option() {
    let plain = script("echo \"$1\"", ", '{handle}'");
    assert_eq!(told(one(&*plain, ["-rf", "", ""]).await).1, "like-an-option");
    assert_eq!(told(one(&*script("exit 0", ", '--name={handle}'"), ["-rf", "", ""]).await).0, Outcome::Added);
    let marked = script("echo \"$2\"", ", '--', '{handle}'");
    assert_eq!(result(one(&*marked, ["-rf", "", ""]).await)["stdout"], "-rf\n");
    assert_eq!(told(one(&*plain, ["a\0b", "", ""]).await).1, "bad-argument");
}

#[tokio::test]
async fn a_program_that_writes_without_an_end_is_ended_and_its_end_is_kept() {
    let (outcome, code, _) = told(one(&*script("yes", ""), ANNA).await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "too-much-output"));
    let words = script("yes error | head -c 3000000 >&2; echo last >&2; exit 1", "");
    let answer = one(&*words, ANNA).await;
    assert!(result(answer.clone())["stderr"].as_str().unwrap().len() < 9_000);
    assert_eq!(told(answer).2, "last");
}

/// Whether a process with this number is there and no zombie.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn gone(pid: &str) {
    for _ in 0..1_000 {
        if !lives(pid) {
            return;
        }
        // Between two looks.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} lives on");
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_ended_with_it() {
    let kept = result(one(&*script("sleep 600 & echo $!", ""), ANNA).await);
    gone(kept["stdout"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_program_that_ignores_the_polite_signal_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pids");
    let text = format!(
        "trap '' TERM; sleep 600 & echo $$ $! > {0}.tmp; mv {0}.tmp {0}; while :; do sleep 1; done",
        note.display()
    );
    let work = script(&text, "");
    let given_up = tokio::spawn(async move { one(&*work, ANNA).await });
    while !note.exists() {
        // Between two looks.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    given_up.abort();
    for pid in std::fs::read_to_string(&note).unwrap().split_whitespace() {
        gone(pid).await;
    }
}

#[tokio::test]
async fn children_in_lines_answer_in_any_order_and_for_rows_nobody_asked() {
    let python = "
held = []
for line in sys.stdin:
    held.append(json.loads(line))
    if len(held) == 3:
        print(json.dumps({'row': 999, 'outcome': 'failed'}))
        print()
        for row in reversed(held):
            print(json.dumps({'row': row['row'], 'outcome': 'added', 'result': row['key']}))
        sys.stdout.flush()
        held = []
";
    let work = lines(python, "processes = 1");
    let calls = apart(&[["a", "", ""], ["b", "", ""], ["c", "", ""]]);
    let (a, b, c) = tokio::join!(work.process(&calls[0]), work.process(&calls[1]), work.process(&calls[2]));
    let results: Vec<_> = [a, b, c].into_iter().map(|mut answers| result(answers.remove(0))).collect();
    assert_eq!(results, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_row_that_kills_the_child_takes_no_neighbour_with_it() {
    let python = "
for line in sys.stdin:
    row = json.loads(line)
    if row['row'] == 2:
        print('cannot stand this row', file=sys.stderr)
        sys.exit(3)
    print(json.dumps({'row': row['row'], 'outcome': 'added'}), flush=True)
";
    let work = lines(python, "processes = 1");
    let calls = apart(&[["a", "", ""], ["b", "", ""], ["c", "", ""]]);
    let (a, b, c) = tokio::join!(work.process(&calls[0]), work.process(&calls[1]), work.process(&calls[2]));
    assert_eq!((told(a[0].clone()).0, told(c[0].clone()).0), (Outcome::Added, Outcome::Added), "{a:?} {c:?}");
    assert!(
        matches!(&b[0], Answer::Retry { code, message, .. } if code == "program-died" && message.contains("cannot stand")),
        "{b:?}"
    );
}

/// A program that does one row after the other: those behind the one it hangs over have not been begun.
#[tokio::test]
async fn a_row_over_which_the_child_hangs_is_late_and_those_that_wait_behind_it_are_not() {
    let python = "
import threading
for line in sys.stdin:
    row = json.loads(line)
    if row['key'] == 'hangs':
        threading.Event().wait()
    print(json.dumps({'row': row['row'], 'outcome': 'added'}), flush=True)
";
    let work = lines(python, "processes = 1\ntimeout = '1s'");
    let calls = apart(&[
        ["a", "", ""],
        ["hangs", "", ""],
        ["c", "", ""],
        ["d", "", ""],
        ["hangs", "", ""],
        ["f", "", ""],
    ]);
    let tried = calls.iter().map(|call| work.process(call));
    let answers = tokio::time::timeout(Duration::from_secs(60), futures::future::join_all(tried));
    let answers = answers.await.expect("whoever keeps the time of a row ends it");
    for (call, mut answers) in calls.iter().zip(answers) {
        let answer = answers.remove(0);
        if &*call.rows[0].key == "hangs" {
            assert_eq!(answer, Answer::late(Duration::from_secs(1)), "{call:?}");
        } else {
            assert_eq!(told(answer).0, Outcome::Added, "{call:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_is_one_line_and_a_row_it_leaves_out_is_asked_alone() {
    let python = "
for line in sys.stdin:
    rows = json.loads(line)['rows']
    said = [{'row': r['row'], 'outcome': 'added', 'result': len(rows)} for r in rows if r['row'] != 2 or len(rows) == 1]
    print(json.dumps({'rows': said}), flush=True)
";
    let work = lines(python, "batch = 3\nprocesses = 1");
    let answers = work.process(&call(&[["a", "", ""], ["b", "", ""], ["c", "", ""]])).await;
    assert_eq!(result(answers[0].clone()), 3);
    assert!(matches!(&answers[1], Answer::Confirm(_)), "{answers:?}");
    assert_eq!(result(one(&*work, ANNA).await), 1);
}

#[tokio::test]
async fn a_child_that_talks_nonsense_is_told_off_in_words() {
    let work = lines("for line in sys.stdin: print('hello', flush=True)", "processes = 1");
    let answer = one(&*work, ANNA).await;
    assert!(
        matches!(&answer, Answer::Retry { message, .. } if message.contains("no answer: hello")),
        "{answer:?}"
    );
    let gone = lines("sys.exit(0)", "processes = 1");
    let answer = one(&*gone, ANNA).await;
    assert!(
        matches!(&answer, Answer::Retry { message, .. } if message.contains("exit status: 0")),
        "{answer:?}"
    );
}

/// More calls than a child is sent at a time, through the queue, and it dies over some of them.
#[tokio::test]
async fn of_many_calls_in_a_queue_each_has_its_answer() {
    let python = "
import os
for line in sys.stdin:
    row = json.loads(line)
    if row['row'] % 400 == 7:
        sys.exit(3)
    print(json.dumps({'key': row['key'], 'outcome': 'added', 'result': row['row']}), flush=True)
";
    let work = lines(python, "processes = 2");
    let names: Vec<String> = (1..=1_500).map(|row| format!("a{row}")).collect();
    let all = call(&names.iter().map(|name| [name.as_str(), "", ""]).collect::<Vec<_>>());
    let calls: Vec<Call> = all.rows.iter().map(|row| Call { rows: vec![row.clone()], ..call(&[]) }).collect();
    let mut answers = vec![None; calls.len()];
    let queue = work.queue().expect("lines have a queue");
    let mut ended = |ended: Vec<(usize, Vec<Answer>)>| {
        for (at, mut given) in ended {
            assert!(answers[at].replace(given.remove(0)).is_none(), "row {} is answered once", at + 1);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), queue.work_off(&calls, &mut ended)).await.unwrap();
    for (row, answer) in (1_u64..).zip(answers) {
        let answer = answer.unwrap_or_else(|| panic!("row {row} has an answer"));
        if row % 400 == 7 {
            assert!(matches!(&answer, Answer::Retry { code, .. } if code == "program-died"), "{answer:?}");
        } else {
            assert_eq!(result(answer), row);
        }
    }
}

#[tokio::test]
async fn children_end_when_nobody_asks_any_more() {
    let python = "
import os
for line in sys.stdin:
    print(json.dumps({'row': json.loads(line)['row'], 'outcome': 'added', 'result': os.getpid()}), flush=True)
";
    let work = lines(python, "processes = 1");
    let pid = result(one(&*work, ANNA).await).to_string();
    assert!(lives(&pid));
    drop(work);
    gone(&pid).await;
}

#[test]
fn a_server_runs_only_what_its_owner_has_named() {
    let named = NamedCommand { argv: vec!["true".into()], env: vec![] };
    let commands = Commands::Named([("add-creator".to_owned(), named)].into());
    let settings = Settings { commands, ..settings() };
    let recipe =
        |command: &str| Recipe::parse(&format!("[work]\nkind = 'command'\ncommand = {command}\n")).unwrap();
    assert!(build(&recipe("'add-creator'"), &settings).is_ok());
    let unknown = build(&recipe("'add-creater'"), &settings).err().unwrap();
    assert_eq!(unknown.facts["errors"][0]["nearest"], "add-creator");
    let any = build(&recipe("['id']"), &settings).err().unwrap();
    assert!(any.detail.contains("only the commands that its own onward.toml names"), "{any}");
    assert!(build(&recipe("'x'"), &Settings::default()).err().unwrap().detail.contains("names none"));
}
