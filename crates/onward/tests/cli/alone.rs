//! The verbs without a server: they open the store themselves and say the same.

use onward_testkit::{CreatorsJob, Script, Upstream, until};

use super::desk::{Desk, LIMIT};

const NOWHERE: &str = "http://127.0.0.1:9";
const SUBMIT: &[&str] = &["submit", "creators.csv", "--recipe", "recipe.toml"];

#[test]
fn a_job_is_submitted_listed_cancelled_and_resumed_without_a_server() {
    let desk = Desk::new();
    desk.lay(&CreatorsJob::plain("alone", 12, NOWHERE));
    let submitted = desk.type_in(SUBMIT).ends_with(0);
    assert!(submitted.err.contains("12 rows is queued") && submitted.err.contains("onward serve"));
    let id = submitted.out.trim().to_owned();
    assert!(desk.type_in(&["list"]).ends_with(0).out.contains(&id));
    desk.type_in(SUBMIT).ends_with(6);
    assert!(desk.type_in(&["cancel", &id]).ends_with(0).err.contains("Job cancelled"));
    let resumed = desk.type_in(&["resume", &id]).ends_with(0);
    assert!(resumed.err.contains("Job resumed successfully"), "{}", resumed.err);
    assert!(resumed.err.contains("nobody works on this store"), "{}", resumed.err);
}

#[test]
fn the_note_of_a_server_that_is_gone_is_ignored() {
    let desk = Desk::new();
    desk.lay(&CreatorsJob::plain("stale", 5, NOWHERE));
    desk.type_in(SUBMIT).ends_with(0);
    let store = format!("sqlite:{}", desk.data().join("onward.db").display());
    let note = serde_json::json!({"address": "127.0.0.1:9", "pid": 1, "store": store});
    std::fs::write(desk.data().join("server.json"), note.to_string()).unwrap();
    assert_eq!(desk.last_job()["total_items"], 5);
}

#[test]
fn what_a_cell_says_cannot_repaint_the_terminal() {
    let desk = Desk::new();
    let mut job = CreatorsJob::plain("ansi", 2, NOWHERE);
    job.filename = "x".to_owned();
    desk.lay(&job);
    let name = "evil\u{1b}[2J\u{202e}name";
    desk.type_in(&[SUBMIT, &["--name", name]].concat()).ends_with(0);
    for verb in [&["list"][..], &["show", "last"][..]] {
        let out = desk.type_in(verb).ends_with(0).out;
        assert!(out.contains("evil"), "{out}");
        assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out:?}");
    }
}

#[test]
fn the_store_may_be_anywhere_by_flag_environment_or_file() {
    let desk = Desk::new();
    desk.lay(&CreatorsJob::plain("where", 3, NOWHERE));
    desk.type_in(&[SUBMIT, &["--store", "sqlite:by-flag.db"]].concat()).ends_with(0);
    assert!(desk.path().join("by-flag.db").exists());
    desk.write("onward.toml", "store = \"sqlite:by-file.db\"\n");
    desk.type_in(SUBMIT).ends_with(0);
    assert!(desk.path().join("by-file.db").exists());
    let listed = desk.type_in(&["list", "--json", "--store", "sqlite:by-flag.db"]).ends_with(0).json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn the_doctor_finds_a_fresh_machine_well_and_names_a_folder_it_cannot_use() {
    let desk = Desk::new();
    let well = desk.type_in(&["doctor", "--json", "--listen", "127.0.0.1:0"]).ends_with(0).json();
    assert_eq!(well["ok"], true, "{well}");
    desk.write("file", "not a folder");
    let ill = desk.type_in(&["doctor", "--data-dir", "file"]).ends_with(1);
    assert!(ill.out.contains("BAD  data folder"), "{}", ill.out);
}

#[test]
fn a_job_that_nobody_works_on_is_called_stuck_in_the_end_and_not_before() {
    let desk = Desk::new();
    desk.lay(&CreatorsJob::plain("queued", 3, NOWHERE));
    desk.type_in(SUBMIT).ends_with(0);
    let job = desk.last_job();
    assert_eq!(job["status"], "queued");
    assert_eq!(job["stuck"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_job_is_not_nobody() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("first", 3, &upstream.url()));
    let id = desk.type_in(SUBMIT).ends_with(0).out.trim().to_owned();
    desk.type_in(&["cancel", &id]).ends_with(0);
    // At this rate the other job is at work for as long as the test takes.
    desk.lay(&CreatorsJob::plain("other", 9, &upstream.url()).with_work("rate = \"1/hour\""));
    let running = desk.start(&["run", "creators.csv", "--recipe", "recipe.toml"]);
    until("a call", LIMIT, || async { Ok((upstream.count() >= 1).then_some(())) }).await.unwrap();
    let resumed = desk.type_in(&["resume", &id]).ends_with(0);
    assert!(!resumed.err.contains("nobody works"), "{}", resumed.err);
    assert!(resumed.err.contains(&format!("process {}", running.id())), "{}", resumed.err);
    assert!(resumed.err.contains("works on this store now"), "{}", resumed.err);
}
