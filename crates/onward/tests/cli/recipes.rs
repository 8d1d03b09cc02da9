//! The recipes of `examples/recipes`, each at a faithful double of the API it is for.

use onward_testkit::Doubles;
use onward_testkit::doubles::KEY;
use serde_json::Value;

use super::desk::{Desk, Said};

const SECRETS: [(&str, &str); 5] = [
    ("ONWARD_SECRET_YOUTUBE_KEY", KEY),
    ("ONWARD_SECRET_TWITCH_TOKEN", KEY),
    ("ONWARD_SECRET_TWITCH_CLIENT", KEY),
    ("ONWARD_SECRET_SUPABASE_KEY", KEY),
    ("ONWARD_SECRET_SCRAPER_KEY", KEY),
];

/// Runs an example's recipe over a file; the double stands in for the real address.
fn run(
    desk: &Desk,
    doubles: &Doubles,
    recipe: &str,
    real: &str,
    csv: &str,
    secrets: &[(&str, &str)],
) -> Said {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/recipes").join(recipe);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(real), "{recipe} is for {real}");
    desk.write("recipe.toml", &doubles.instead_of(real, &text));
    desk.write("rows.csv", csv);
    let said = desk.type_with(secrets, &["run", "rows.csv", "--recipe", "recipe.toml", "--json"]);
    assert!(!format!("{said:?}").contains(KEY), "a secret was shown: {said:?}");
    said
}

/// Outcome and code of each row.
fn outcomes(desk: &Desk) -> Vec<(String, String)> {
    let listed = desk.type_in(&["rows", "last", "--limit", "1000", "--json"]).ends_with(0).out;
    assert!(!listed.contains(KEY), "a secret was kept");
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (row["outcome"].as_str().unwrap().to_owned(), row["code"].as_str().unwrap().to_owned())
    };
    listed.lines().map(row).collect()
}

fn count(outcomes: &[(String, String)], outcome: &str, code: &str) -> usize {
    outcomes.iter().filter(|found| **found == (outcome.to_owned(), code.to_owned())).count()
}

#[test]
fn youtube_takes_50_ids_for_one_unit_of_quota() {
    let (desk, doubles) = (Desk::new(), Doubles::start().unwrap());
    let id = |row: usize| match row % 25 {
        7 => format!("XX{row}"),
        9 => format!("UC{row}-hidden"),
        _ => format!("UC{row}"),
    };
    let csv: String =
        std::iter::once("channel_id\n".to_owned()).chain((1..=200).map(|row| id(row) + "\n")).collect();
    run(&desk, &doubles, "youtube.toml", "https://www.googleapis.com", &csv, &SECRETS).ends_with(3);
    let found = outcomes(&desk);
    let counts = [("added", "added"), ("failed", "not-found"), ("filtered", "filtered")];
    assert_eq!(counts.map(|(outcome, code)| count(&found, outcome, code)), [184, 8, 8]);
    assert_eq!(doubles.books().calls.len(), 4, "{:?}", doubles.books().calls);
}

#[tokio::test]
async fn a_used_up_quota_stops_the_job_and_fails_no_row() {
    let (desk, doubles) = (Desk::new(), Doubles::start().unwrap());
    doubles.books().quota = Some(1);
    let csv: String =
        std::iter::once("channel_id\n".to_owned()).chain((1..=200).map(|row| format!("UC{row}\n"))).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/recipes/youtube.toml");
    let recipe = std::fs::read_to_string(path).unwrap().replace("concurrency = 4", "concurrency = 1");
    desk.write("recipe.toml", &doubles.instead_of("https://www.googleapis.com", &recipe));
    desk.write("rows.csv", &csv);
    let running = desk.start_with(&SECRETS, &["run", "rows.csv", "--recipe", "recipe.toml"]);
    let stopped = |job: &Value| job["status"] == "paused";
    let stopped = desk.job_when("the job to be stopped", stopped).await;
    running.interrupt();
    drop(running);
    assert_eq!(
        (&stopped["results"]["added"], &stopped["results"]["failed"]),
        (&50.into(), &0.into()),
        "{stopped}"
    );
    let told = stopped["pause"]["message"].as_str().unwrap_or_default();
    assert!(stopped["pause"]["reason"] == "quota" && told.contains("exceeded your quota"), "{stopped}");
}

#[test]
fn twitch_takes_100_logins_and_a_dead_token_fails_no_row() {
    let (desk, doubles) = (Desk::new(), Doubles::start().unwrap());
    let login = |row: usize| if row % 50 == 3 { format!("nobody{row}") } else { format!("Streamer{row}") };
    let csv: String =
        std::iter::once("login\n".to_owned()).chain((1..=200).map(|row| login(row) + "\n")).collect();
    run(&desk, &doubles, "twitch.toml", "https://api.twitch.tv", &csv, &SECRETS).ends_with(3);
    let found = outcomes(&desk);
    assert_eq!((count(&found, "added", "added"), count(&found, "failed", "not-found")), (196, 4));
    assert_eq!(doubles.books().calls.len(), 2, "{:?}", doubles.books().calls);
}

#[test]
fn postgrest_upserts_fifty_rows_in_one_call_and_a_repeat_changes_nothing() {
    let (desk, doubles) = (Desk::new(), Doubles::start().unwrap());
    let row = |row: usize| format!("\"cre,ator \"\"{row}\"\"\",tiktok,13.{}K\n", row % 10);
    let csv: String =
        std::iter::once("handle,platform,followers\n".to_owned()).chain((1..=100).map(row)).collect();
    run(&desk, &doubles, "postgrest.toml", "https://project.supabase.co", &csv, &SECRETS).ends_with(0);
    let books = doubles.books();
    assert_eq!((books.table.len(), books.calls.len()), (100, 2));
    assert_eq!(books.table["cre,ator \"1\""]["followers"], 13_100);
}

#[test]
fn a_scraper_that_always_says_200_is_understood_and_its_lie_is_asked_again() {
    let (desk, doubles) = (Desk::new(), Doubles::start().unwrap());
    let csv = "handle\nanna\nbad-1\ngone-1\nshy-1\nsick-1\nprivate-1\n";
    run(&desk, &doubles, "scraper.toml", "https://api.scraper.example", csv, &SECRETS).ends_with(3);
    let found = outcomes(&desk);
    let expected = [
        ("added", "added"),
        ("failed", "failed"),
        ("failed", "not-found"),
        ("added", "added"),
        ("added", "added"),
        ("filtered", "filtered"),
    ];
    assert_eq!(found, expected.map(|(outcome, code)| (outcome.to_owned(), code.to_owned())));
    assert_eq!(doubles.books().calls.len(), 9, "three rows were asked twice: {:?}", doubles.books().calls);
}
