//! What people complain about in other dashboards, and must not meet here.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::jobs::handle;
use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{Api, CreatorsJob, Home, Process, Script, Upstream, until};
use serde_json::{Value, json};

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

const ROWS: u64 = 313;
const LATENCY: Duration = Duration::from_millis(40);

/// A server with a job, and the API to look at it.
struct Scene {
    _home: Home,
    _server: Process,
    api: Api,
    upstream: Upstream,
    job: String,
}

async fn scene(tag: &str, rows: u64, script: Script) -> Result<Scene> {
    let home = Home::new(BINARY)?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let upstream = Upstream::start(script)?;
    let job = api.submit(&CreatorsJob::mixed(tag, rows, &upstream.url())).await?;
    Ok(Scene { _home: home, _server: server, api, upstream, job })
}

impl Scene {
    async fn reaches(&self, rows: u64) -> Result<Value> {
        self.api
            .job_when(&self.job, "more rows", SOON, |job| job["processed_items"].as_u64() >= Some(rows))
            .await
    }

    fn page(&self, rest: &str) -> String {
        format!("{}/jobs/{}{rest}", self.api.base(), self.job)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_and_a_bulk_action_reach_every_row_and_not_one_page_of_them() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let private =
        |script: Script, row| script.handle(handle("bulk", row), Behaviour::reply(Reply::Forbidden));
    let script = (1..=ROWS).filter(|row| row % 2 == 0).fold(Script::default(), private);
    let scene = scene("bulk", ROWS, script).await?;
    let done = scene.reaches(ROWS).await?;
    let failed = done["results"]["failed"].as_u64().context("a count")?;
    ensure!(failed > 150, "several pages of failed rows: {done}");
    let page = Page::open(&scene.page("/rows?outcome=failed")).await?;
    ensure!(page.ask("return document.querySelectorAll('table.rows tbody tr').length").await? == 50);
    let all = page.text("button[value=all]").await?;
    ensure!(all.contains(&format!("Retry all {failed} matching")), "{all}");
    page.goto(&scene.page(&format!("/rows?q={}", handle("bulk", ROWS - 1)))).await?;
    ensure!(page.text("table.rows tbody th").await? == (ROWS - 1).to_string(), "the search stops early");

    scene.upstream.follow(Script::default());
    page.goto(&scene.page("/rows?outcome=failed")).await?;
    page.press("button[value=all]").await?;
    page.toast(&format!("{failed} rows are tried again")).await?;
    let end = scene.api.job_when(&scene.job, "no failed row", SOON, |job| {
        job["status"] == "completed" && job["results"]["failed"] == 0
    });
    end.await?;
    page.goto(&scene.page("")).await?;
    page.agrees(&scene.api, &scene.job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_update_takes_away_no_question_and_nothing_that_was_typed() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene =
        scene("question", ROWS, CreatorsJob::mixed_script("question", ROWS).latency(10 * LATENCY)).await?;
    scene.reaches(10).await?;
    // The job waits for the browser, however long that takes to start.
    scene.upstream.hold();
    let page = Page::open(&scene.page("")).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.press("#steer #rate").await?;
    page.write_over("70/min").await?;
    page.press("button[data-action=force-cancel]").await?;
    page.wait_for("dialog#confirm[open]").await?;
    let before = page.text("article.job [data-bind=progress]").await?;
    scene.upstream.release();
    page.wait_text("article.job [data-bind=progress]", |text| text != before).await?;
    // A change of state fetches the buttons anew, right below the question.
    ensure!(
        scene.api.act(&scene.job, "restart").await?.status == 409,
        "a healthy job is not restarted unasked"
    );
    let forced = scene.api.post(&format!("/jobs/{}/restart", scene.job), &json!({ "force": true })).await?;
    ensure!(forced.status == 202, "{forced:?}");
    page.wait_for("article.job[data-attempt='2']").await?;
    ensure!(page.shows("dialog#confirm[open]").await?, "the question is gone");
    ensure!(page.ask("return document.activeElement.id").await? == "confirm-no", "the focus is gone");
    ensure!(
        page.ask("return document.querySelector('#steer #rate').value").await? == "70/min",
        "the typed text is gone"
    );
    page.press("#confirm-yes").await?;
    page.toast("Job cancelled").await?;
    page.wait_for("article.job[data-status=cancelled]").await?;
    page.agrees(&scene.api, &scene.job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_the_page_was_opened_is_on_it() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = scene("before", ROWS, CreatorsJob::mixed_script("before", ROWS).latency(LATENCY)).await?;
    scene.reaches(70).await?;
    ensure!(scene.api.act(&scene.job, "force-cancel").await?.status == 200);
    let told = scene.api.job(&scene.job).await?;
    let page = Page::open(&scene.page("")).await?;
    let tail = page
        .ask("return [...document.querySelectorAll('#tail li a')].map((row) => Number(row.dataset.row))")
        .await?;
    let tail = tail.as_array().context("rows")?;
    ensure!(tail.len() == 50, "{} lines", tail.len());
    let rows = scene.api.get(&format!("/jobs/{}/rows?limit=1000", scene.job)).await?;
    let mut known = rows.body["rows"].as_array().context("rows")?.clone();
    known.sort_by_key(|row| {
        std::cmp::Reverse((row["finished_at"].as_str().map(str::to_owned), row["row"].as_u64()))
    });
    let newest: Vec<_> = known.iter().take(50).map(|row| row["row"].clone()).collect();
    ensure!(*tail == newest, "{tail:?} is not {newest:?}");
    let events = page.ask("return document.querySelectorAll('#timeline li').length").await?;
    ensure!(events == scene.api.timeline(&scene.job).await?.len(), "{events} lines of the timeline");
    ensure!(told["processed_items"] == known.len(), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_in_another_time_zone_sees_one_zone_and_it_is_named() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = scene("zone", 40, CreatorsJob::mixed_script("zone", 40)).await?;
    scene.reaches(40).await?;
    let page = Page::open(&scene.page("")).await?;
    page.command("Emulation.setTimezoneOverride", json!({ "timezoneId": "America/St_Johns" })).await?;
    for rest in ["", "/rows", "/rows/29"] {
        page.goto(&scene.page(rest)).await?;
        // Every hour on the page is that of the API, and the page says which zone that is.
        let script = "const hours = [...document.body.innerText.matchAll(/\\b(\\d\\d):\\d\\d:\\d\\d\\b/g)].map((found) => found[1]);
            const titles = [...document.querySelectorAll('time')].map((time) => time.title).filter((title) => !title.endsWith(' UTC'));
            return { hours: [...new Set(hours)], titles, named: document.body.innerText.includes('UTC') }";
        let seen = page.ask(script).await?;
        let told = scene.api.job(&scene.job).await?;
        let hours: Vec<&str> =
            ["started_at", "finished_at"].iter().filter_map(|at| told[at].as_str()?.get(11..13)).collect();
        for hour in seen["hours"].as_array().context("hours")? {
            ensure!(
                hour.as_str().is_some_and(|hour| hours.contains(&hour)),
                "{rest}: {seen} beside {hours:?}"
            );
        }
        ensure!(seen["titles"] == json!([]) && seen["named"] == true, "{rest}: {seen}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_on_a_page_never_contradict_each_other() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = scene("sums", ROWS, CreatorsJob::mixed_script("sums", ROWS).latency(2 * LATENCY)).await?;
    scene.reaches(10).await?;
    scene.upstream.hold();
    let page = Page::open(&format!("{}/", scene.api.base())).await?;
    // Looked at after every single change of the page, not only when a test happens to look.
    let script = "window.sums = { looks: 0, wrong: [] };
        let last = 0;
        const number = (text) => Number(text.replaceAll(',', ''));
        new MutationObserver(() => {
            const card = document.querySelector('article.job');
            const bound = (name) => number(card.querySelector(`[data-bind=${name}]`).textContent);
            const sentence = card.querySelector('[data-bind=progress]').textContent;
            const done = number(sentence.split('/')[0]);
            const sum = ['added', 'failed', 'skipped', 'filtered'].reduce((all, name) => all + bound(name), 0);
            const failed = number(sentence.match(/with ([\\d,]+) failed/)[1]);
            const bar = Number(card.querySelector('.bar').getAttribute('aria-valuenow'));
            sums.looks += 1;
            if (sum !== done || failed !== bound('failed') || bar !== done || done < last) sums.wrong.push([sentence, sum, bar, last]);
            last = done;
        }).observe(document.getElementById('jobs'), { subtree: true, childList: true, characterData: true });";
    page.ask(script).await?;
    scene.upstream.release();
    page.wait_for("article.job[data-status=completed]").await?;
    let sums = page.ask("return sums").await?;
    ensure!(sums["looks"].as_u64() > Some(4), "{sums}");
    ensure!(sums["wrong"] == json!([]), "{sums:#}");
    page.agrees(&scene.api, &scene.job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_asks_the_server_for_next_to_nothing() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = scene("quiet", ROWS, CreatorsJob::mixed_script("quiet", ROWS).latency(2 * LATENCY)).await?;
    scene.reaches(10).await?;
    scene.upstream.hold();
    let page = Page::open(&format!("{}/", scene.api.base())).await?;
    let script = "window.changes = 0;
        new MutationObserver(() => changes += 1).observe(document.querySelector('[data-bind=progress]'), { subtree: true, childList: true, characterData: true });";
    page.ask(script).await?;
    scene.upstream.release();
    page.wait_true("three changes of the numbers", "return changes >= 3").await?;
    let asked = page.ask("return performance.getEntriesByType('resource').filter((entry) => entry.initiatorType === 'fetch').map((entry) => new URL(entry.name).pathname)").await?;
    // The numbers come by the one stream; only the tiles are asked for, once in five seconds.
    let asked = asked.as_array().context("addresses")?;
    ensure!(asked.len() <= 2 && asked.iter().all(|path| path == "/summary"), "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_a_cell_breaks_no_total() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default())?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let mut truth = CreatorsJob::plain("lines", 3, &upstream.url());
    truth.csv = "handle,platform,note\r\nlines.0001,x,\"a\nb\r\nc\"\r\n\r\n\"lines.0002\",x,\"\n\"\r\nlines.0003,\"y\n\",z\r\n".to_owned();
    let job = api.submit(&truth).await?;
    api.job_when(&job, "its end", SOON, |job| job["status"] == "completed").await?;
    let page = Page::open(&format!("{}/jobs/{job}", api.base())).await?;
    ensure!(page.text("[data-bind=progress]").await? == "3/3 with 0 failed");
    page.agrees(&api, &job).await?;
    let export = api.text(&format!("/jobs/{job}/export")).await?;
    ensure!(export.matches("lines.000").count() == 3 && export.contains("\"a\nb\r\nc\""), "{export}");
    page.goto(&format!("{}/jobs/{job}/rows", api.base())).await?;
    ensure!(page.ask("return document.querySelectorAll('table.rows tbody tr').length").await? == 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_success_is_told_for_what_was_refused() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = scene("refused", ROWS, CreatorsJob::mixed_script("refused", ROWS).latency(LATENCY)).await?;
    scene.reaches(30).await?;
    ensure!(scene.api.act(&scene.job, "force-cancel").await?.status == 200);
    let page = Page::open(&format!("{}/", scene.api.base())).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.press("#pause").await?;
    scene.upstream.hold();
    ensure!(scene.api.act(&scene.job, "resume").await?.status == 202);
    // This page still shows what was true a moment ago.
    page.press("button[data-action=resume]").await?;
    page.toast("already running").await?;
    let toast = page.text(".toast").await?;
    ensure!(toast.contains("Request "), "{toast}");
    ensure!(!page.shows(".toast.ok").await?, "a success is told: {toast}");
    until("the buttons of a running job", SOON, async || {
        Ok(page.shows("button[data-action=force-cancel]").await?.then_some(()))
    })
    .await?;
    scene.upstream.release();
    Ok(())
}
