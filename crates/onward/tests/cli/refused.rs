//! What cannot be done is said in a sentence, with what to do, and ends with the right code.

use std::process::Command;

use super::desk::Desk;
use onward_testkit::{CreatorsJob, skipped};

const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn a_mistake_in_the_command_line_ends_with_2() {
    let desk = Desk::new();
    assert!(desk.type_in(&["cancle", "last"]).ends_with(2).err.contains("cancel"));
    assert!(desk.type_in(&["show", "not-an-id"]).ends_with(7).err.contains("there is no store"));
    desk.lay(&CreatorsJob::plain("usage", 3, NOWHERE));
    assert!(desk.type_in(&["run", "creators.csv"]).ends_with(2).err.contains("--recipe"));
    let command = desk.type_in(&["run", "creators.csv", "--", "echo", "{handel}"]).ends_with(2);
    assert!(command.err.contains("handel") && command.err.contains("`handle`?"), "{}", command.err);
    let command = desk.type_in(&["run", "creators.csv", "--", "./no-such-program"]).ends_with(2);
    assert!(command.err.contains("there is no program"), "{}", command.err);
}

#[test]
fn an_empty_list_is_no_error() {
    let desk = Desk::new();
    let said = desk.type_in(&["list"]).ends_with(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "no jobs\n"));
    assert_eq!(desk.type_in(&["list", "--json"]).ends_with(0).json()["jobs"], serde_json::json!([]));
    assert!(!desk.data().exists(), "a question made a store");
}

#[test]
fn a_wrong_id_ends_with_2_and_an_unknown_one_with_7() {
    let desk = Desk::new();
    desk.lay(&CreatorsJob::plain("ids", 3, NOWHERE));
    desk.type_in(&["submit", "creators.csv", "--recipe", "recipe.toml"]).ends_with(0);
    assert!(desk.type_in(&["show", "not-an-id"]).ends_with(2).err.contains("`not-an-id` is not a job id"));
    desk.type_in(&["show", "0199d0a0-0000-7000-8000-000000000000"]).ends_with(7);
    desk.type_in(&["cancel", "0199d0a0-0000-7000-8000-000000000000"]).ends_with(7);
}

#[test]
fn a_missing_file_ends_with_7_and_a_bad_one_with_2() {
    let desk = Desk::new();
    desk.lay(&CreatorsJob::plain("bad", 3, NOWHERE));
    let missing = desk.type_in(&["run", "nowhere.csv", "--recipe", "recipe.toml"]).ends_with(7);
    assert!(missing.err.contains("nowhere.csv"), "{}", missing.err);
    desk.write("quote.csv", "handle,note\nada,\"never closed\n");
    let bad = desk.type_in(&["submit", "quote.csv", "--recipe", "recipe.toml"]).ends_with(2);
    assert!(bad.err.contains('2'), "the line is named: {}", bad.err);
    assert_eq!(desk.type_in(&["list", "--json"]).json()["jobs"], serde_json::json!([]));
}

#[test]
fn a_recipe_with_a_slip_is_refused_with_its_place_and_the_nearest_word() {
    let desk = Desk::new();
    desk.write("recipe.toml", "key = [\"handle\"]\n[work]\nkind = \"creators\"\nconcurency = 8\n");
    let said = desk.type_in(&["recipe", "check", "recipe.toml"]).ends_with(2).err;
    assert!(said.contains("recipe.toml") && said.contains("concurrency"), "{said}");
    assert!(said.contains("line 4") || said.contains(":4"), "{said}");
}

#[test]
fn a_recipe_is_checked_against_a_whole_file_and_shows_what_its_first_rows_would_become() {
    let desk = Desk::new();
    desk.write(
        "recipe.toml",
        "key = [\"handle\"]\n[work]\nkind = \"creators\"\n[filter]\nkeep = \"number(followers) >= 1000\"\n",
    );
    desk.write("rows.csv", "handle,followers\nanna,13.8M\nbert,12\n@Anna,5K\n,9K\ncleo,845.8K\n");
    let check = ["recipe", "check", "recipe.toml", "--file", "rows.csv"];
    let said = desk.type_in(&check).ends_with(0);
    for words in ["5 rows, 3 to do", "1 row repeats an earlier row", "first row 3 (as row 1)", "first row 4"]
    {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    let told = desk.type_in(&[&check[..], &["--json"]].concat()).ends_with(0).json();
    let forecast: Vec<_> =
        told["forecast"]["rows"].as_array().unwrap().iter().map(|row| &row["outcome"]).collect();
    assert_eq!(forecast, ["added", "filtered", "added"]);
    assert_eq!(told["report"]["duplicates"], 1);
    assert_eq!(desk.type_in(&["list", "--json"]).json()["jobs"], serde_json::json!([]), "nothing was done");
}

#[test]
fn a_server_that_others_could_reach_is_refused_with_9() {
    let desk = Desk::new();
    let said = desk.type_in(&["serve", "--listen", "0.0.0.0:7313"]).ends_with(9).err;
    assert!(said.contains("--listen 127.0.0.1:7313"), "{said}");
}

#[test]
fn what_is_not_in_this_version_is_refused_in_plain_words() {
    let desk = Desk::new();
    let said = desk.type_in(&["workers", "--redis", "http://127.0.0.1"]).ends_with(2).err;
    assert!(said.contains("write redis://HOST:PORT/0"), "{said}");
    let said = desk.type_in(&["list", "--store", "mysql://u:secret@host/db"]).ends_with(2).err;
    assert!(said.contains("postgres://") && !said.contains("secret"), "{said}");
}

#[test]
fn a_database_that_does_not_answer_ends_with_8_and_no_password_is_shown() {
    let desk = Desk::new();
    let said = desk.type_in(&["list", "--store", "postgres://u:secret@127.0.0.1:1/db"]).ends_with(8).err;
    assert!(said.contains("127.0.0.1:1/db cannot be reached") && !said.contains("secret"), "{said}");
}

/// In a place of its own where a name has an IPv6 address and no other, as Supabase's direct hosts have.
#[test]
fn a_host_with_only_an_ipv6_address_is_explained() {
    let desk = Desk::new();
    let names = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    desk.write("hosts", &format!("{names}\nfd00:77::1 db.example.test\n"));
    let script =
        "mount --bind hosts /etc/hosts && exec \"$0\" list --store postgres://u:secret@db.example.test/db";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_onward")])
        .current_dir(desk.path())
        .env("HOME", desk.path())
        .output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    match said {
        Ok(said) if !said.contains("unshare:") && !said.contains("mount:") => {
            assert!(said.contains("has only an IPv6 address") && said.contains("session pooler"), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        refused => skipped(&format!("this machine allows no names of a test's own: {refused:?}")),
    }
}

#[test]
fn a_slip_in_onward_toml_is_refused_with_its_place() {
    let desk = Desk::new();
    desk.write("onward.toml", "listen = \"127.0.0.1:7000\"\nstor = \"sqlite:x.db\"\n");
    let said = desk.type_in(&["list"]).ends_with(2).err;
    assert!(said.contains("onward.toml") && said.contains("line 2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_ends_with_6_and_says_how_to_choose_another() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = desk.type_in(&["serve", "--listen", &address]).ends_with(6).err;
    assert!(said.contains("is taken") && said.contains("--listen 127.0.0.1:"), "{said}");
}
