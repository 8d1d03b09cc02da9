//! The live connection in every kind of trouble. After each the page says what the API says.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::proxy::{Proxy, Weather};
use onward_testkit::{Api, CreatorsJob, Home, Process, Upstream, until};
use serde_json::json;

use crate::page::{Page, SOON};
use crate::{BINARY, address, left_out};

/// Rows of a job that runs while the connection is in trouble.
const ROWS: u64 = 313;
const LATENCY: Duration = Duration::from_millis(40);
/// A browser whose clock runs ten times as fast, so that its watchdog of 35 s bites after 3.5 s.
const FAST_CLOCK: &str = "
    const speed = 10, began = Date.now(), now = Date.now.bind(Date);
    const [after, every] = [setTimeout.bind(window), setInterval.bind(window)];
    window.setTimeout = (act, ms = 0, ...rest) => after(act, ms / speed, ...rest);
    window.setInterval = (act, ms = 0, ...rest) => every(act, ms / speed, ...rest);
    Date.now = () => began + (now() - began) * speed;";

/// A server with one job that has begun and is held, and a browser's address for it.
struct Scene {
    home: Home,
    address: String,
    server: Option<Process>,
    api: Api,
    upstream: Upstream,
    job: String,
}

impl Scene {
    async fn new(tag: &str, settings: &str) -> Result<Self> {
        let home = Home::new(BINARY)?;
        std::fs::write(home.path().join("onward.toml"), settings)?;
        let address = address()?;
        let mut server = home.serve_at(&address, &[])?;
        let api = home.ready(&mut server).await?;
        let upstream = Upstream::start(CreatorsJob::mixed_script(tag, ROWS).latency(LATENCY))?;
        let job = api.submit(&CreatorsJob::mixed(tag, ROWS, &upstream.url())).await?;
        let scene = Self { home, address, server: Some(server), api, upstream, job };
        scene.go_to(20).await?;
        Ok(scene)
    }

    /// Lets the job go on until so many rows are done, and holds it there.
    async fn go_to(&self, rows: u64) -> Result<()> {
        self.upstream.release();
        self.api
            .job_when(&self.job, "more rows", SOON, |job| job["processed_items"].as_u64() >= Some(rows))
            .await?;
        self.upstream.hold();
        Ok(())
    }

    /// Lets the job run to its end, and checks that the page knows.
    async fn ends(&self, page: &Page) -> Result<()> {
        self.upstream.release();
        self.api.job_when(&self.job, "its end", SOON, |job| job["status"] == "completed").await?;
        page.agrees(&self.api, &self.job).await
    }

    fn port(&self) -> Result<u16> {
        Ok(self.address.rsplit(':').next().context("a port")?.parse()?)
    }

    /// Clients of the event stream, as the server counts them.
    async fn streams(&self) -> Result<u64> {
        let metrics = onward_testkit::api::client().build()?.get(format!("{}/metrics", self.api.base()));
        let text = metrics.send().await?.text().await?;
        let line = text.lines().find_map(|line| line.strip_prefix("onward_event_streams "));
        Ok(line.context("the metric")?.parse()?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_told_503_comes_back_when_there_is_a_place() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = Scene::new("full", "[server]\nmax_streams = 1\n").await?;
    let events = format!("{}/api/v1/events", scene.api.base());
    let taken = onward_testkit::api::client().build()?.get(&events).send().await?;
    let refused = onward_testkit::api::client().build()?.get(&events).send().await?;
    let after: u64 = refused.headers().get("retry-after").context("Retry-After")?.to_str()?.parse()?;
    ensure!(refused.status() == 503 && after > 0, "{refused:?}");
    let page = Page::open(&format!("{}/", scene.api.base())).await?;
    page.wait_text("#conn", |text| text.contains("Reconnecting in")).await?;
    scene.go_to(60).await?;
    drop(taken);
    page.wait_for("#conn[data-state=live]").await?;
    page.agrees(&scene.api, &scene.job).await?;
    scene.ends(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_open_and_dead_is_noticed_and_made_anew() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = Scene::new("half-open", "").await?;
    let proxy = Proxy::before(scene.port()?).await?;
    let url = format!("http://127.0.0.1:{}/", proxy.port());
    let page = Page::open_with(&url, &[], FAST_CLOCK).await?;
    page.wait_for("#conn[data-state=live]").await?;
    proxy.set(Weather::BlackHole);
    scene.go_to(80).await?;
    // Nobody closes this connection: only the watchdog can know.
    page.wait_true("the page to notice", "return document.querySelector('#conn').dataset.state !== 'live'")
        .await?;
    proxy.set(Weather::Fair);
    page.agrees(&scene.api, &scene.job).await?;
    scene.ends(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_was_frozen_catches_up() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = Scene::new("asleep", "").await?;
    let page = Page::open(&format!("{}/", scene.api.base())).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.command("Page.setWebLifecycleState", json!({ "state": "frozen" })).await?;
    scene.go_to(120).await?;
    page.command("Page.setWebLifecycleState", json!({ "state": "active" })).await?;
    page.agrees(&scene.api, &scene.job).await?;
    scene.ends(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_tabs_share_one_connection_and_outlive_the_one_that_holds_it() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = Scene::new("tabs", "").await?;
    let url = format!("{}/", scene.api.base());
    let page = Page::open(&url).await?;
    page.wait_for("#conn[data-state=live]").await?;
    let first = page.tab().await?;
    let mut others = Vec::new();
    for _ in 0..7 {
        others.push(page.new_tab(&url).await?);
        page.wait_for("#conn[data-state=live]").await?;
    }
    ensure!(scene.streams().await? == 1, "eight tabs hold {} connections", scene.streams().await?);
    scene.go_to(60).await?;
    for tab in [&first, &others[0], &others[6]] {
        page.turn_to(tab).await?;
        page.agrees(&scene.api, &scene.job).await?;
    }
    page.turn_to(&first).await?;
    page.close_tab().await?;
    page.turn_to(&others[3]).await?;
    until("another tab to take over", SOON, async || Ok((scene.streams().await? == 1).then_some(()))).await?;
    scene.go_to(100).await?;
    page.agrees(&scene.api, &scene.job).await?;
    page.wait_for("#conn[data-state=live]").await?;
    scene.ends(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_missed_too_much_gets_everything_anew() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let mut scene = Scene::new("behind", "").await?;
    let page = Page::open(&format!("{}/", scene.api.base())).await?;
    page.wait_for("#conn[data-state=live]").await?;
    scene.server.take().context("a server")?.kill()?;
    page.wait_text("#conn", |text| !text.contains("Live")).await?;
    // More state changes than are told one by one, as if others had worked on the store for days.
    let store = rusqlite::Connection::open(scene.home.database())?;
    let columns: String = store.query_row(
        "select group_concat(name, ', ') from pragma_table_info('events') where name <> 'seq'",
        [],
        |row| row.get(0),
    )?;
    store.execute_batch(&format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1100)
         insert into events ({columns}) select {columns} from events, n
         where seq = (select max(seq) from events)"
    ))?;
    drop(store);
    let mut server = scene.home.serve_at(&scene.address, &[])?;
    scene.home.ready(&mut server).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.agrees(&scene.api, &scene.job).await?;
    scene.ends(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_network_without_encryption_each_visible_tab_reads_for_itself() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = Scene::new("lan", "[server]\nhosts = ['onward.lan']\n").await?;
    let url = format!("http://onward.lan:{}/", scene.port()?);
    let page = Page::open_with(&url, &["--host-resolver-rules=MAP onward.lan 127.0.0.1"], "").await?;
    ensure!(page.ask("return !isSecureContext && !navigator.locks").await? == true, "there are locks");
    page.wait_for("#conn[data-state=live]").await?;
    scene.go_to(60).await?;
    page.agrees(&scene.api, &scene.job).await?;
    page.press("button[data-action=force-cancel]").await?;
    page.press("#confirm-yes").await?;
    page.toast("Job cancelled").await?;
    page.press("button[data-action=resume]").await?;
    page.toast("Job resumed successfully").await?;
    scene.ends(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_open_for_long_grows_nothing() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let scene = Scene::new("long", "").await?;
    let url = format!("{}/", scene.api.base());
    let page = Page::open(&url).await?;
    page.wait_for("#conn[data-state=live]").await?;
    let leader = page.tab().await?;
    let watching = page.new_tab(&url).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.ask(
        "window.longest = window.changes = 0;
         new MutationObserver(() => changes += 1).observe(document.querySelector('[data-bind=progress]'), { subtree: true, childList: true, characterData: true });
         new PerformanceObserver((list) => list.getEntries().forEach((task) => longest = Math.max(longest, task.duration)))
             .observe({ type: 'longtask' });",
    )
    .await?;
    // The leader passes on what the server would say in the course of time, some events in each turn of the
    // clock. `ONWARD_HOUR` makes it as many as come within an hour at 200 a second.
    let hour = std::env::var_os("ONWARD_HOUR").is_some();
    let (looks, turns, events) = if hour { (12, 3_000, 20) } else { (3, 400, 5) };
    let job = scene.api.job(&scene.job).await?;
    let tell = format!(
        "const done = arguments[arguments.length - 1], job = {job}, channel = new BroadcastChannel('onward-events');
         const turn = (left) => {{
             for (let event = 0; event < {events}; event += 1) {{
                 job.processed_items = job.results.added = 20 + ((left * {events} + event) % 250);
                 job.results.failed = job.results.skipped = job.results.filtered = 0;
                 job.rows_per_second = left % 40;
                 channel.postMessage({{ event: {{ type: 'job', data: JSON.stringify(job) }} }});
             }}
             left ? setTimeout(turn, 0, left - 1) : (channel.close(), done(true));
         }};
         turn({turns});"
    );
    let mut held = Vec::new();
    for look in 1..=looks {
        page.turn_to(&leader).await?;
        page.run(&tell).await?;
        page.turn_to(&watching).await?;
        page.wait_true("the page to follow", &format!("return changes >= {look}")).await?;
        held.push((page.holds("Nodes").await?, page.holds("JSEventListeners").await?));
    }
    let longest = page.ask("return longest").await?.as_f64().context("a time")?;
    let changes = page.ask("return changes").await?;
    let told = looks * turns * events;
    println!(
        "{told} events, {changes} changes of the page; longest task: {longest} ms; nodes and listeners: {held:?}"
    );
    // The first look may still see what begins once, such as the tiles being fetched.
    let ((nodes, listeners), last) = (held[1], held[held.len() - 1]);
    ensure!(last.0 <= nodes + 20 && last.1 <= listeners, "{held:?}");
    // Other tests beside this one make every task longer.
    ensure!(!hour || longest <= 50.0, "a task took {longest} ms");
    Ok(())
}
