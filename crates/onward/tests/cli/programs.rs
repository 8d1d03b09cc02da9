//! Programs that do the rows, through the real binary: they misbehave, and end with the row, the job and
//! Onward itself.

use std::path::Path;
use std::time::Duration;

use onward_testkit::until;
use serde_json::Value;

use super::desk::{Desk, LIMIT};

/// How long the guarantee gives a group to be gone; the wait itself is generous, the machine is busy.
const GONE_WITHIN: Duration = Duration::from_secs(30);

fn program(desk: &Desk, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    desk.write(name, text);
    let path = desk.path().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn list(desk: &Desk, rows: usize) {
    let lines: String = (1..=rows).map(|row| format!("creator{row},{row}\n")).collect();
    desk.write("creators.csv", &format!("handle,number\n{lines}"));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    let stat = read(Path::new(&format!("/proc/{pid}/stat")));
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn all_gone(pids: &str) {
    until("every process to be gone", GONE_WITHIN, || {
        let gone = !pids.split_whitespace().any(lives);
        async move { Ok(gone.then_some(())) }
    })
    .await
    .unwrap();
}

async fn written(path: &Path, lines: usize) -> String {
    until("the programs' notes", LIMIT, || {
        let text = read(path);
        async move { Ok((text.lines().count() >= lines).then_some(text)) }
    })
    .await
    .unwrap()
}

#[test]
fn a_program_for_each_row_needs_no_recipe_and_only_what_failed_is_done_again() {
    let desk = Desk::new();
    list(&desk, 20);
    program(
        &desk,
        "add.sh",
        "#!/bin/sh\necho \"$1\" >> calls\ncase $2 in n=4) exit 10;; n=5) exit 11;; n=6) echo looking >&2; echo 'no such creator' >&2; test -f fixed;; esac\n",
    );
    let run = &["run", "creators.csv", "-j", "4", "--", "./add.sh", "{handle}", "n={number}"];
    let said = desk.type_in(run).ends_with(3);
    assert!(said.err.contains("20/20 with 1 failed"), "{}", said.err);
    let failed = desk.type_in(&["rows", "last", "--outcome", "failed", "--json"]).json();
    assert_eq!(
        (&failed["row"], &failed["code"], &failed["message"]),
        (&6.into(), &"exit-1".into(), &"no such creator".into())
    );
    assert_eq!(failed["result"]["stderr"], "looking\nno such creator\n");
    desk.write("fixed", "");
    desk.type_in(&["retry", "last"]).ends_with(0);
    desk.type_in(run).ends_with(0);
    assert_eq!(read(&desk.path().join("calls")).lines().count(), 21, "one row was done twice, and no other");
    desk.type_in(run).ends_with(0);
    assert_eq!(read(&desk.path().join("calls")).lines().count(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_leaves_no_program_behind_and_the_next_run_goes_on() {
    let desk = Desk::new();
    list(&desk, 12);
    // It ignores the polite signal and its input, and has a child of its own, which leaves its group.
    let stubborn = "#!/bin/sh\nif test -f calm; then exit 0; fi\ntrap '' TERM\nsetsid sleep 600 &\necho $$ $! >> pids\nwhile :; do sleep 1; done\n";
    program(&desk, "stubborn.sh", stubborn);
    let run = &["run", "creators.csv", "-j", "3", "--", "./stubborn.sh", "{handle}"];
    let running = desk.start(run);
    let pids = written(&desk.path().join("pids"), 3).await;
    assert!(pids.split_whitespace().all(lives), "{pids}");
    running.kill();
    all_gone(&pids).await;
    desk.write("calm", "");
    let said = desk.type_in(run).ends_with(0);
    assert!(said.err.contains("12/12 with 0 failed"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_runs_what_its_owner_named_and_a_cancel_ends_it() {
    let desk = Desk::new();
    list(&desk, 12);
    program(
        &desk,
        "stubborn.sh",
        "#!/bin/sh\ntrap '' TERM\nsleep 600 &\necho $$ $! >> pids\nwhile :; do sleep 1; done\n",
    );
    let path = desk.path().join("stubborn.sh");
    desk.write("onward.toml", &format!("[commands.stubborn]\nargv = ['{}', '{{handle}}']\n", path.display()));
    desk.write("own.toml", "key = ['handle']\n[work]\nkind = 'command'\ncommand = ['./stubborn.sh']\n");
    desk.write(
        "named.toml",
        "key = ['handle']\n[work]\nkind = 'command'\ncommand = 'stubborn'\nconcurrency = 2\n",
    );
    let _server = desk.serve(&[]).await;
    let refused = desk.type_in(&["submit", "creators.csv", "--recipe", "own.toml"]).ends_with(2);
    assert!(refused.err.contains("only the commands that its own onward.toml names"), "{}", refused.err);
    desk.type_in(&["submit", "creators.csv", "--recipe", "named.toml"]).ends_with(0);
    let pids = written(&desk.path().join("pids"), 2).await;
    assert!(pids.split_whitespace().all(lives), "{pids}");
    desk.type_in(&["cancel", "last"]).ends_with(0);
    all_gone(&pids).await;
    assert_eq!(read(&desk.path().join("pids")).lines().count(), 2, "nothing was started after the cancel");
}

/// A child in lines, written in Python.
fn lines(desk: &Desk, python: &str, work: &str) {
    desk.write("row.py", &format!("import sys, json, os, threading\n{python}"));
    desk.write(
        "recipe.toml",
        &format!(
            "key = ['handle']\n[work]\nkind = 'command'\nmode = 'lines'\ncommand = ['python3', 'row.py']\n{work}\n"
        ),
    );
}

const RUN: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];

#[test]
fn children_that_die_at_every_seventh_row_and_answer_in_any_order_lose_no_row() {
    let desk = Desk::new();
    list(&desk, 60);
    lines(
        &desk,
        "

seen, lock = 0, threading.Lock()
def say(row):
    threading.Event().wait(row['row'] % 3 * 0.02)
    with lock:
        print(json.dumps({'row': 999, 'outcome': 'failed'}))
        print(json.dumps({'row': row['row'], 'outcome': 'added', 'result': row['key']}), flush=True)
for line in sys.stdin:
    seen += 1
    if seen == 7:
        print('that was enough', file=sys.stderr, flush=True)
        os._exit(7)
    threading.Thread(target=say, args=(json.loads(line),)).start()
",
        "processes = 2\nconcurrency = 8\nretry = { base = '10ms' }",
    );
    let said = desk.type_in(RUN).ends_with(0);
    assert!(said.err.contains("60/60 with 0 failed"), "{}", said.err);
    let listed = desk.type_in(&["rows", "last", "--limit", "100", "--json"]).ends_with(0).out;
    for line in listed.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["result"], row["key"], "the answer is the row's own");
    }
}

/// Does forty rows with a child that fails at row 13 and at no other, and gives what became of that row.
fn thirteen_fails_alone(python: &str, work: &str) -> serde_json::Value {
    let desk = Desk::new();
    list(&desk, 40);
    lines(&desk, python, work);
    let said = desk.type_in(RUN).ends_with(3);
    assert!(said.err.contains("40/40 with 1 failed"), "{}", said.err);
    let failed = desk.type_in(&["rows", "last", "--outcome", "failed", "--json"]).json();
    assert_eq!(failed["row"], 13);
    failed
}

#[test]
fn a_row_that_always_kills_its_child_fails_alone_with_its_last_words() {
    let failed = thirteen_fails_alone(
        "
for line in sys.stdin:
    row = json.loads(line)
    if row['row'] == 13:
        print('cannot stand 13', file=sys.stderr, flush=True)
        os.kill(os.getpid(), 9)
    print(json.dumps({'row': row['row'], 'outcome': 'added'}), flush=True)
",
        "processes = 2\nretry = { attempts = 3, base = '10ms' }",
    );
    assert_eq!(failed["code"], "program-died");
    assert!(failed["message"].as_str().unwrap().contains("cannot stand 13"), "{failed}");
}

#[test]
fn a_row_over_which_its_child_hangs_fails_alone_at_its_deadline() {
    let failed = thirteen_fails_alone(
        "
for line in sys.stdin:
    row = json.loads(line)
    if row['row'] == 13:
        print('hangs', file=sys.stderr, flush=True)
        threading.Event().wait()
    print(json.dumps({'row': row['row'], 'outcome': 'added'}), flush=True)
",
        "processes = 1\nconcurrency = 16\ntimeout = '1s'\nretry = { attempts = 1 }",
    );
    assert_eq!(failed["code"], "timeout");
}

#[test]
fn a_program_that_prints_a_gigabyte_costs_its_row_and_no_memory() {
    let desk = Desk::new();
    list(&desk, 6);
    program(
        &desk,
        "loud.sh",
        "#!/bin/sh\ncase $1 in 3) yes | head -c 1000000000;; 4) yes | head -c 30000000 >&2;; esac\n",
    );
    let said = desk.type_in(&["run", "creators.csv", "--", "./loud.sh", "{number}"]).ends_with(3);
    assert!(said.err.contains("6/6 with 1 failed"), "{}", said.err);
    let failed = desk.type_in(&["rows", "last", "--outcome", "failed", "--json"]).json();
    assert_eq!((&failed["row"], &failed["code"]), (&3.into(), &"too-much-output".into()));
    assert!(failed["result"]["stdout"].as_str().unwrap().len() < 9_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_lets_the_rows_in_hand_end_and_takes_the_children_with_it() {
    let desk = Desk::new();
    list(&desk, 300);
    lines(
        &desk,
        "
open('pids', 'a').write(str(os.getpid()) + '\\n')
for line in sys.stdin:
    threading.Event().wait(0.02)
    print(json.dumps({'row': json.loads(line)['row'], 'outcome': 'added'}), flush=True)
",
        "processes = 2\nconcurrency = 4",
    );
    let running = desk.start(RUN);
    let pids = written(&desk.path().join("pids"), 2).await;
    desk.job_when("some rows to be done", |job| job["processed_items"].as_u64() > Some(10)).await;
    running.interrupt();
    let said = running.end().ends_with(130);
    assert!(said.err.contains("goes on with:"), "{}", said.err);
    all_gone(&pids).await;
    desk.type_in(RUN).ends_with(0);
}

#[test]
fn a_placeholder_may_be_a_header_as_it_stands_in_the_file() {
    let desk = Desk::new();
    desk.write("creators.csv", "\u{feff} Instagram name ,Followers (k)\nann,12\nbob,7\n");
    let run = |words: &[&str]| desk.type_in(&[&["run", "creators.csv", "--", "echo"], words].concat());
    run(&["{Instagram name}", "{instagram_name}", "x{Followers (k)}y"]).ends_with(0);
    let rows = desk.type_in(&["rows", "last", "--json"]).ends_with(0).out;
    assert!(rows.contains("ann ann x12y") && rows.contains("bob bob x7y"), "{rows}");
    let said = run(&["{Instgram name}"]).ends_with(2).err;
    assert!(said.contains("no column `Instgram name`; did you mean `Instagram name`?"), "{said}");
    let said = run(&["{print $1}"]).ends_with(2).err;
    assert!(said.contains("a brace that means a brace is written twice"), "{said}");
    assert_eq!(
        desk.type_in(&["list", "--json"]).ends_with(0).json()["jobs"].as_array().map(Vec::len),
        Some(1)
    );
}
