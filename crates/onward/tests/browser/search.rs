//! A search over more rows than one look takes in goes on by itself.

use anyhow::{Context, Result, ensure};
use onward_testkit::Home;

use crate::page::Page;
use crate::{BINARY, left_out};

/// More than a page looks at in its moment, on any machine.
const ROWS: u64 = 100_000;
/// Looks are held back until the test says so, where the address ends like this.
const HOLDS: &str = "const real = window.fetch;
     window.fetch = (...asked) => location.hash === '#held' && String(asked[0]).includes('/rows?')
         ? new Promise((later) => { window.letGo = () => later(real(...asked)); })
         : real(...asked);";

#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_by_itself_until_it_has_found_something() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let (csv, recipe) = (home.path().join("many.csv"), home.path().join("recipe.toml"));
    let rows = (1..=ROWS).map(|row| format!("creator_{row:06}\n"));
    std::fs::write(&csv, format!("handle\n{}", rows.collect::<String>()))?;
    std::fs::write(&recipe, "key = ['handle']\n[work]\nkind = 'creators'\n")?;
    home.run(&["run", &csv.display().to_string(), "--recipe", &recipe.display().to_string()])?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let jobs = api.get("/jobs").await?;
    let job = jobs.body["jobs"][0]["job_id"].as_str().context("a job")?;
    let rows = |rest: &str| format!("{}/jobs/{job}/rows?q={rest}", api.base());
    let page = Page::open_with("about:blank", &[], HOLDS).await?;

    // What a person sees meanwhile, and that it can be ended.
    page.goto(&rows("creator_100000#held")).await?;
    page.wait_text("#search-state", |text| text == "Searching…").await?;
    ensure!(page.shows("#searched").await?, "no bar is shown");
    ensure!(!page.shows("a[data-search-on]").await?, "it can be told to do what it does");
    ensure!(page.text("#looked").await?.ends_with("of 100,000."), "{}", page.text("#looked").await?);
    page.audit("rows-searching").await?;
    page.enter("#search-stop").await?;
    page.wait_text("#search-state", |text| text == "No match so far").await?;
    ensure!(page.ask("return document.activeElement.dataset.searchOn").await? == "", "the focus is lost");
    let before = page.ask("return location.href").await?;
    page.ask("window.letGo()").await?;
    ensure!(page.ask("return location.href").await? == before, "it went on after it was stopped");

    // By itself, from look to look, to the one row that matches.
    page.goto(&rows("creator_100000")).await?;
    page.wait_text("table.rows tbody", |text| text.contains("creator_100000")).await?;
    ensure!(page.ask("return document.querySelectorAll('table.rows tbody tr').length").await? == 1);
    ensure!(
        page.ask("return location.search.includes('from=')").await? == true,
        "it was found at the first look"
    );
    // The page that had nothing to show is not what Back leads to.
    page.ask("history.back()").await?;
    page.wait_at("#held").await?;

    // To the end, when nothing matches.
    page.goto(&rows("nobody")).await?;
    page.wait_text("main h2", |text| text == "No row matches").await?;
    Ok(())
}
