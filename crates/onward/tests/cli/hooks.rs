//! Hooks: somebody else's server is told when a job is done, fails, is held or stands still.

use std::time::Duration;

use onward_testkit::receiver::{Letter, OTHER_SECRET, SECRET};
use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{CreatorsJob, Receiver, Script, Upstream, until};
use serde_json::Value;

use super::desk::{Desk, LIMIT, Running};

/// Rows of which the last is not reached before a job is looked at: a fast target answers a hundred in that time.
const MANY: u64 = 3_000;
const SUBMIT: &[&str] = &["submit", "creators.csv", "--recipe", "recipe.toml"];

async fn serve(desk: &Desk, secret: &str) -> Running {
    let variables = [("ONWARD_SECRET_HOOK", secret), ("ONWARD_LOG", "debug")];
    let mut server = desk.start_with(&variables, &["serve", "--listen", "127.0.0.1:0"]);
    desk.found(&mut server, &desk.data()).await;
    server
}

/// The first so many deliveries.
async fn letters(receiver: &Receiver, count: usize) -> Vec<Letter> {
    let there = || async { Ok((receiver.letters().len() >= count).then_some(())) };
    until("deliveries", LIMIT, there).await.unwrap();
    receiver.signed_letters(SECRET).unwrap()
}

/// The newest delivery of the newest job, once it looks like this.
async fn delivery(desk: &Desk, what: &str, looks: impl Fn(&Value) -> bool) -> Value {
    until(what, LIMIT, async || {
        let said = desk.type_in(&["deliveries", "last", "--json"]).ends_with(0);
        Ok(Some(said.json()[0].clone()).filter(&looks))
    })
    .await
    .unwrap()
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["state"] == state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_held_and_then_done_is_told_once_each_with_a_signature_that_holds() {
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    upstream.hold();
    desk.lay(&CreatorsJob::plain("told", 12, &upstream.url()).with_table(&receiver.recipe()));
    let _server = serve(&desk, SECRET).await;
    let id = desk.type_in(SUBMIT).ends_with(0).out.trim().to_owned();
    until("calls", LIMIT, || async { Ok((upstream.open() >= 8).then_some(())) }).await.unwrap();
    let none = desk.type_in(&["deliveries", "last"]).ends_with(0);
    assert!(none.err.contains("nobody was told anything"), "{}", none.err);

    desk.type_in(&["pause", &id]).ends_with(0);
    let paused = letters(&receiver, 1).await.remove(0);
    assert_eq!((paused.kind().as_str(), paused.content_type.as_str()), ("job.paused", "application/json"));
    let job = &paused.json()["data"]["job"];
    assert_eq!((job["job_id"].as_str(), job["status"].as_str()), (Some(&*id), Some("paused")));
    assert_eq!((job["total_items"].as_u64(), job["reason"]["code"].as_str()), (Some(12), Some("user")));
    assert_eq!(job["links"]["page"], format!("/jobs/{id}"));

    upstream.release();
    desk.type_in(&["resume", &id]).ends_with(0);
    desk.type_in(&["watch", &id]).ends_with(0);
    let done = letters(&receiver, 2).await.remove(1);
    let job = &done.json()["data"]["job"];
    assert_eq!((done.kind().as_str(), &job["results"]["added"]), ("job.completed", &Value::from(12)));
    assert_eq!((&job["resume_from_row"], &job["reason"]), (&Value::Null, &Value::Null));
    assert_ne!(done.id, paused.id);
    let shown = delivery(&desk, "the word of the receiver to be written down", is("delivered")).await;
    assert_eq!(
        (&shown["last_status"], &shown["tries"], &shown["event"]),
        (&200.into(), &1.into(), &"completed".into())
    );
    assert_eq!(shown["delivery_id"], done.id);
    let table = desk.type_in(&["deliveries", &id]).ends_with(0).out;
    assert!(
        table.contains("completed") && table.contains("paused") && table.contains(&receiver.url()),
        "{table}"
    );
    assert_eq!(receiver.kinds(), ["job.paused", "job.completed"], "each was told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_told_with_why() {
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let handle = onward_testkit::jobs::handle("fails", 2);
    let script = Script::default().handle(handle, Behaviour::reply(Reply::Forbidden));
    let upstream = Upstream::start(script).unwrap();
    let job = CreatorsJob::plain("fails", MANY, &upstream.url());
    desk.lay(&job.with_table("[stop]\nfailed_rows = 1\n").with_table(&receiver.recipe()));
    let _server = serve(&desk, SECRET).await;
    desk.type_in(&[SUBMIT, &["--watch"]].concat()).ends_with(4);
    let told = letters(&receiver, 1).await.remove(0);
    let job = &told.json()["data"]["job"];
    assert_eq!((told.kind().as_str(), job["status"].as_str()), ("job.failed", Some("failed")));
    let shown = desk.last_job();
    assert_eq!(job["reason"]["code"], shown["error"]["code"]);
    assert_eq!(job["reason"]["message"], shown["error"]["message"]);
    assert_eq!(job["resume_from_row"], shown["resume_from_row"]);
    delivery(&desk, "it to be delivered", is("delivered")).await;
    assert_eq!(receiver.kinds(), ["job.failed"]);
}

/// The duty looks every second; a standstill that lasts over several looks is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_stands_still_is_told_once_and_again_when_it_stands_still_again() {
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    upstream.admit(0);
    let job = CreatorsJob::plain("still", 20, &upstream.url()).with_work("stuck_after = \"2s\"");
    desk.lay(&job.with_table(&receiver.recipe()));
    let _server = serve(&desk, SECRET).await;
    desk.type_in(SUBMIT).ends_with(0);
    let told = letters(&receiver, 1).await.remove(0);
    let job = &told.json()["data"]["job"];
    assert_eq!((told.kind().as_str(), job["status"].as_str()), ("job.stuck", Some("running")));
    let why = job["reason"]["code"].as_str().unwrap();
    assert!(["row-hanging", "no-progress"].contains(&why), "{why}");
    // It stands still over some more looks, each of which finds it stuck.
    onward_testkit::pass(Duration::from_secs(4)).await;
    assert_eq!(receiver.kinds(), ["job.stuck"]);
    upstream.admit(4);
    letters(&receiver, 2).await;
    assert_eq!(receiver.kinds(), ["job.stuck", "job.stuck"], "some rows were saved in between");
    upstream.admit(usize::MAX);
    desk.type_in(&["watch", "last"]).ends_with(0);
    letters(&receiver, 3).await;
    assert_eq!(receiver.kinds(), ["job.stuck", "job.stuck", "job.completed"]);
}

/// The second call comes by itself after five seconds; the third one because a person does not wait five minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_twice_gets_the_same_delivery_until_it_says_yes() {
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("again", 3, &upstream.url()).with_table(&receiver.recipe()));
    receiver.answer([500, 500]);
    let server = serve(&desk, SECRET).await;
    desk.type_in(&[SUBMIT, &["--watch"]].concat()).ends_with(0);
    letters(&receiver, 2).await;
    let failed = delivery(&desk, "two failures", |one| one["tries"] == 2 && one["sending"] == false).await;
    assert_eq!((failed["state"].as_str(), &failed["last_status"]), (Some("waiting"), &500.into()));
    assert_eq!(failed["last_message"], "answered 500");
    assert!(failed["next_try_at"].is_string(), "{failed}");
    let id = failed["delivery_id"].as_str().unwrap();
    let again = desk.type_in(&["deliveries", "last", "--again", id]).ends_with(0);
    assert!(again.err.contains("It is sent again"), "{}", again.err);
    let all = letters(&receiver, 3).await;
    let done = delivery(&desk, "it to be delivered", is("delivered")).await;
    assert_eq!(
        (&done["tries"], &done["last_status"], &done["next_try_at"]),
        (&3.into(), &200.into(), &Value::Null)
    );
    assert!(all.iter().all(|one| one.id == id && one.body == all[0].body), "{all:?}");
    assert!(all[0].timestamp <= all[1].timestamp && all[1].timestamp <= all[2].timestamp);
    let unknown = desk.type_in(&["deliveries", "last", "--again", "msg_nobody"]).ends_with(7);
    assert!(unknown.err.contains("no delivery of this id"), "{}", unknown.err);
    // The canary: what was said by everybody, with everything logged.
    let told = [&["deliveries", "last", "--json"][..], &["show", "last", "--json"]];
    let mut said: Vec<String> = told.iter().map(|verb| desk.type_in(verb).ends_with(0).out).collect();
    said.push(server.kill().err);
    assert!(said[2].contains("a hook was not told"), "the log was to be looked through: {}", said[2]);
    let bytes = SECRET.trim_start_matches("whsec_");
    assert!(said.iter().all(|text| !text.contains(bytes)), "a secret is shown: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gone_ends_it_a_redirect_is_not_followed_and_two_secrets_sign_while_one_replaces_the_other() {
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("ends", 3, &upstream.url()).with_table(&receiver.recipe()));
    receiver.answer_with(302, "location", &format!("{}/hook", upstream.url()));
    receiver.answer([410]);
    let _server = serve(&desk, &format!("{OTHER_SECRET} {SECRET}")).await;
    desk.type_in(&[SUBMIT, &["--watch"]].concat()).ends_with(0);
    let moved = delivery(&desk, "the redirect", |one| one["tries"] == 1).await;
    assert_eq!(moved["last_message"], "answered 302; redirects are not followed");
    let gone = delivery(&desk, "the end", is("gone")).await;
    assert_eq!((&gone["tries"], &gone["next_try_at"]), (&2.into(), &Value::Null));
    for letter in letters(&receiver, 2).await {
        assert_eq!(letter.signature.split(' ').count(), 2, "{letter:?}");
        assert!(letter.is_signed_with(OTHER_SECRET).unwrap() && letter.is_signed_with(SECRET).unwrap());
    }
    let calls = upstream.calls();
    assert_eq!(calls.len(), 3, "nobody was redirected: {calls:?}");
}

/// Nobody serves the store: the process that does the job tells of it before it ends.
#[tokio::test(flavor = "multi_thread")]
async fn run_tells_before_it_ends() {
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("alone", 3, &upstream.url()).with_table(&receiver.recipe()));
    let run: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];
    let refused = desk.type_in(run).ends_with(2);
    assert!(refused.err.contains("ONWARD_SECRET_HOOK"), "{}", refused.err);
    let secret = [("ONWARD_SECRET_HOOK", SECRET)];
    let done = desk.type_with(&secret, run).ends_with(0);
    assert!(!done.err.contains("hooks:"), "{}", done.err);
    assert_eq!(receiver.signed_letters(SECRET).unwrap().len(), 1);
    assert_eq!(receiver.kinds(), ["job.completed"]);
    // Another receiver makes no other work of it.
    let other = Receiver::start().unwrap();
    desk.lay(&CreatorsJob::plain("alone", 3, &upstream.url()).with_table(&other.recipe()));
    let again = desk.type_with(&secret, run).ends_with(0);
    assert!(again.err.contains("is done already"), "{}", again.err);

    receiver.answer([503]);
    desk.lay(&CreatorsJob::plain("later", 3, &upstream.url()).with_table(&receiver.recipe()));
    let waits = desk.type_with(&secret, run).ends_with(0);
    assert!(waits.err.contains("1 delivery waits; `onward serve` sends what waits"), "{}", waits.err);
    let _server = serve(&desk, SECRET).await;
    delivery(&desk, "the server to send it", is("delivered")).await;
}

#[test]
fn what_is_wrong_with_a_hook_is_said_before_anything_runs() {
    let desk = Desk::new();
    let work = "key = ['handle']\n[work]\nkind = 'creators'\n";
    desk.write("creators.csv", "handle\nanna\n");
    let check = |hook: &str, secret: &[(&str, &str)]| {
        desk.write("recipe.toml", &format!("{work}[[hooks]]\n{hook}"));
        desk.type_with(secret, &["recipe", "check", "recipe.toml"])
    };
    let hook = "url = 'https://example.org/onward'\nsecret = '{{ secret.HOOK }}'\n";
    check(hook, &[("ONWARD_SECRET_HOOK", SECRET)]).ends_with(0);
    let unset = check(hook, &[]).ends_with(0);
    assert!(
        unset.err.contains("warning: secret.HOOK is not set here; set ONWARD_SECRET_HOOK"),
        "{}",
        unset.err
    );
    for (hook, secret, said) in [
        (hook, "c2VjcmV0LWNhbmFyeQ==", "ONWARD_SECRET_HOOK does not begin with whsec_"),
        (hook, "whsec_secret-canary", "ONWARD_SECRET_HOOK is not base64"),
        ("url = 'https://exa mple.org'\nsecret = '{{ secret.HOOK }}'\n", SECRET, "is no address"),
        (
            "url = 'https://example.org'\nsecret = '{{ secret.HOOK }}'\non = ['complete']\n",
            SECRET,
            "allowed are completed",
        ),
        ("url = 'https://example.org'\nsecret = 'whsec_c2VjcmV0LWNhbmFyeQ=='\n", SECRET, "{{ secret.NAME }}"),
    ] {
        let variables = [("ONWARD_SECRET_HOOK", secret)];
        let said_there = check(hook, &variables).ends_with(2);
        assert!(said_there.err.contains(said), "{said}: {}", said_there.err);
        assert!(
            !said_there.err.contains("canary") && !said_there.err.contains("c2VjcmV0"),
            "{}",
            said_there.err
        );
    }
    let metadata = "url = 'http://169.254.169.254/x'\nsecret = '{{ secret.HOOK }}'\n";
    let blocked = check(metadata, &[("ONWARD_SECRET_HOOK", SECRET)]).ends_with(9);
    assert!(blocked.err.contains("may not be called from here"), "{}", blocked.err);
}

/// What others reach must not be led into the network it stands in, by a hook neither.
#[test]
fn a_server_that_others_reach_tells_no_private_address() {
    let desk = Desk::new();
    desk.write("creators.csv", "handle\nanna\n");
    let submit = |url: &str| {
        let hook = format!("[[hooks]]\nurl = '{url}'\nsecret = '{{{{ secret.HOOK }}}}'\n");
        desk.write("recipe.toml", &format!("key = ['handle']\n[work]\nkind = 'creators'\n{hook}"));
        let listen = ["--listen", "0.0.0.0:7313"];
        desk.type_with(&[("ONWARD_SECRET_HOOK", SECRET)], &[SUBMIT, &listen].concat())
    };
    for url in ["http://127.0.0.1:7313/x", "http://10.0.0.7/", "http://[::ffff:192.168.0.1]/"] {
        let refused = submit(url).ends_with(9);
        assert!(refused.err.contains("may not be called from here"), "{}", refused.err);
    }
    submit("https://example.org/onward").ends_with(0);
}

/// What people will copy.
#[tokio::test(flavor = "multi_thread")]
async fn the_ten_lines_of_the_docs_verify_a_delivery() {
    let docs = include_str!("../../../../docs/hooks.md");
    let code = docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(code.lines().filter(|line| !line.is_empty()).count() <= 10, "they are said to be ten");
    let (desk, receiver) = (Desk::new(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("docs", 3, &upstream.url()).with_table(&receiver.recipe()));
    let run: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];
    desk.type_with(&[("ONWARD_SECRET_HOOK", SECRET)], run).ends_with(0);
    let letter = letters(&receiver, 1).await.remove(0);
    desk.write("body", std::str::from_utf8(&letter.body).unwrap());
    let check = "\nimport sys\nid, at, signature = sys.argv[1:]\n\
                 headers = {'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature}\n\
                 print(verify(headers, open('body', 'rb').read()))\n";
    desk.write("verify.py", &format!("{code}{check}"));
    let verified = |id: &str, at: &str, secret: &str| {
        let mut python = std::process::Command::new("python3");
        python.args(["verify.py", id, at, &letter.signature]).env("HOOK_SECRET", secret);
        let said = python.current_dir(desk.path()).output().unwrap();
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        (String::from_utf8(said.stdout).unwrap().trim().to_owned(), error)
    };
    let yes = |answer: &str| (answer.to_owned(), String::new());
    assert_eq!(verified(&letter.id, &letter.timestamp, SECRET), yes("True"));
    assert_eq!(verified(&letter.id, &letter.timestamp, OTHER_SECRET), yes("False"));
    assert_eq!(verified("msg_other", &letter.timestamp, SECRET), yes("False"));
    assert_eq!(verified(&letter.id, "1614265330", SECRET), yes("False"), "it is old");
}
