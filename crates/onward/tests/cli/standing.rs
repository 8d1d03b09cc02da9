//! What an owner says once: the hook of all jobs, and where others reach the server.

use onward_testkit::receiver::{OTHER_SECRET, SECRET};
use onward_testkit::{CreatorsJob, Receiver, Script, Upstream, until};

use super::attach;
use super::desk::{Desk, LIMIT};

const SUBMIT: &[&str] = &["submit", "creators.csv", "--recipe", "recipe.toml", "--watch"];

async fn told(receiver: &Receiver, count: usize) {
    let there = || async { Ok((receiver.letters().len() >= count).then_some(())) };
    until("deliveries", LIMIT, there).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_tells_its_own_hook_of_every_job_beside_those_of_the_recipe_with_links_that_lead_to_it() {
    let (desk, owner, author) = (Desk::new(), Receiver::start().unwrap(), Receiver::start().unwrap());
    let upstream = Upstream::start(Script::default()).unwrap();
    let toml = format!(
        "public_url = 'https://onward.example.org/'\n[hook]\nurl = '{}'\nsecret = 'OWNER'\n",
        owner.url()
    );
    desk.write("onward.toml", &toml);
    let secrets = [("ONWARD_SECRET_OWNER", OTHER_SECRET), ("ONWARD_SECRET_HOOK", SECRET)];
    let mut server = desk.start_with(&secrets, &["serve", "--listen", "127.0.0.1:0"]);
    let note = desk.found(&mut server, &desk.data()).await;

    desk.lay(&CreatorsJob::plain("plain", 3, &upstream.url()));
    desk.type_in(SUBMIT).ends_with(0);
    told(&owner, 1).await;
    desk.lay(&CreatorsJob::plain("both", 3, &upstream.url()).with_table(&author.recipe()));
    desk.type_in(SUBMIT).ends_with(0);
    told(&owner, 2).await;
    told(&author, 1).await;
    let letters = owner.signed_letters(OTHER_SECRET).unwrap();
    author.signed_letters(SECRET).unwrap();
    let job = &letters[1].json()["data"]["job"];
    let id = job["job_id"].as_str().unwrap();
    assert_eq!(job["links"]["page"], format!("https://onward.example.org/jobs/{id}"));
    assert_eq!(job["links"]["api"], format!("https://onward.example.org/api/v1/jobs/{id}"));
    // Whoever follows the link asks for that name.
    let client = onward_testkit::api::client().build().unwrap();
    let page = client.get(format!("http://{}/settings", note["address"].as_str().unwrap()));
    let answer = page.header("host", "onward.example.org").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let settings = answer.text().await.unwrap();
    for said in ["https://onward.example.org", &owner.url(), "ONWARD_SECRET_OWNER"] {
        assert!(settings.contains(said), "{said}: {settings}");
    }

    // The canary: neither secret is in anything that is shown or stored.
    let shown = [&["show", "last", "--json"][..], &["deliveries", "last", "--json"]];
    let mut all: Vec<String> = shown.iter().map(|verb| desk.type_in(verb).ends_with(0).out).collect();
    assert!(all[1].contains(&owner.url()), "{}", all[1]);
    all.push(server.kill().err);
    for file in std::fs::read_dir(desk.data()).unwrap().filter_map(Result::ok) {
        all.push(String::from_utf8_lossy(&std::fs::read(file.path()).unwrap_or_default()).into_owned());
    }
    for secret in [SECRET, OTHER_SECRET] {
        assert!(all.iter().all(|text| !text.contains(secret.trim_start_matches("whsec_"))));
    }
}

#[test]
fn what_an_owner_says_wrong_is_told_before_the_server_starts() {
    let desk = Desk::new();
    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    for (variable, value, code, said) in [
        ("ONWARD_PUBLIC_URL", "onward.example.org", 2, "the public URL is no address"),
        ("ONWARD_PUBLIC_URL", "https://onward.example.org/app", 2, "has something after the name"),
        ("ONWARD_HOOK", "nowhere", 2, "the hook of all jobs cannot be used: its address is none"),
        ("ONWARD_HOOK", "https://a.example", 2, "set ONWARD_SECRET_HOOK where the server runs"),
    ] {
        let refused = desk.type_with(&[(variable, value)], serve).ends_with(code);
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    let secret = [("ONWARD_SECRET_HOOK", SECRET)];
    let inside = desk.type_with(&secret, &[serve, &["--hook", "http://169.254.169.254/x"]].concat());
    assert!(inside.ends_with(9).err.contains("may not be called from here"));
    desk.write("creators.csv", "handle\nanna\n");
    let hook = "[[hooks]]\nurl = 'https://a.example'\nsecret = '{{ secret.HOOK }}'\n".repeat(5);
    desk.write("recipe.toml", &format!("[work]\nkind = 'creators'\n{hook}"));
    let run = &["run", "creators.csv", "--recipe", "recipe.toml", "--hook", "https://b.example"];
    let many = desk.type_with(&secret, run).ends_with(2);
    assert!(many.err.contains("take one out of the recipe"), "{}", many.err);
}

/// Nothing is left to be done, and whoever waits for the job hears so all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_adopted_whole_is_told_as_completed() {
    let desk = attach::desk(&["ann,1", "bob,2", "cy,3"]);
    let receiver = Receiver::start().unwrap();
    let adopt: &[&str] = &["adopt", "creators.csv", "--done", "3", "--yes", "--hook", &receiver.url()];
    let adopt = [adopt, &["--", "./add.sh", "{handle}"]].concat();
    desk.type_with(&[("ONWARD_SECRET_HOOK", SECRET)], &adopt).ends_with(0);
    assert_eq!(receiver.signed_letters(SECRET).unwrap().len(), 1, "told before the command ends");
    let letter = receiver.letters().remove(0);
    let job = &letter.json()["data"]["job"];
    assert_eq!((letter.kind().as_str(), &job["results"]["added"]), ("job.completed", &3.into()));
    assert_eq!(attach::calls(&desk), Vec::<String>::new(), "nothing was left to be done");
    attach::verified(&desk);
}
