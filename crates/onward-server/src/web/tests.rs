//! What the pages say and offer, state by state.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::Group;
use onward_engine::Snapshot;
use tower::{Layer, ServiceExt};
use tower_http::CompressionLevel;

use super::filter::Filter;
use super::pages::{confirm, job, main, row, rows};
use super::parts::card::card;
use super::parts::layout::{Kind, Page, layout};
use super::reasons::Reasons;
use super::sample_views::{group, job_view, record, row_view, rows_view};
use super::{assets, sample};
use crate::router;

/// The words of a page without its tags.
fn words(html: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => words.push(letter),
            _ => {}
        }
    }
    words.replace("&amp;", "&")
}

/// The actions whose buttons a card has, in order.
fn offered(snapshot: &Snapshot) -> Vec<String> {
    let html = card(snapshot).into_string();
    html.split("data-action=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect()
}

#[test]
fn each_state_has_its_own_buttons_and_completed_only_show_details() {
    assert_eq!(offered(&sample::queued()), ["force-cancel", "details"]);
    assert_eq!(offered(&sample::running()), ["restart", "force-cancel", "details"]);
    assert_eq!(offered(&sample::stuck()), ["restart", "force-cancel", "details"]);
    assert_eq!(offered(&sample::paused()), ["resume", "force-cancel", "details"]);
    assert_eq!(offered(&sample::failed()), ["resume", "details"]);
    assert_eq!(offered(&sample::cancelled()), ["resume", "details"]);
    assert_eq!(offered(&sample::file_missing()), ["attach", "details"]);
    assert_eq!(offered(&sample::completed()), ["details"]);
}

#[test]
fn resume_is_green_with_a_play_icon_restart_yellow_with_refresh_cancel_red_with_pause() {
    let button = |html: &str, action: &str| {
        let at = html.find(&format!("data-action=\"{action}\"")).unwrap();
        let start = html[..at].rfind("<button").unwrap();
        html[start..start + html[start..].find("</button>").unwrap()].to_owned()
    };
    let failed = card(&sample::failed()).into_string();
    let resume = button(&failed, "resume");
    assert!(resume.contains("class=\"resume\"") && resume.contains("#play\""), "{resume}");
    assert!(words(&resume).contains("Resume from row 229"), "{resume}");
    let running = card(&sample::running()).into_string();
    let restart = button(&running, "restart");
    assert!(restart.contains("class=\"restart\"") && restart.contains("#refresh-cw\""), "{restart}");
    let cancel = button(&running, "force-cancel");
    assert!(cancel.contains("class=\"cancel\"") && cancel.contains("#pause\""), "{cancel}");
}

#[test]
fn a_card_says_the_sentence_the_facts_and_why() {
    let said = |snapshot: &Snapshot| words(&card(snapshot).into_string());
    let running = said(&sample::running());
    assert!(running.contains("640/1,000 with 9 failed"), "{running}");
    let facts = "12.4 rows/s · about 29 s left · checkpoint at row 640, 0.4 s ago · worker eu-1";
    assert!(running.contains(facts), "{running}");
    assert!(said(&sample::stuck()).contains("Stuck for 6 min"));
    assert!(said(&sample::stuck()).contains("No row was saved for 360 s (limit 120 s)"));
    let failed = said(&sample::failed());
    assert!(failed.contains("228/313 with 11 failed"), "{failed}");
    let why = "Stopped 2 min ago: upstream answered 503 for 10 rows in a row · nothing is lost";
    assert!(failed.contains(why), "{failed}");
    assert!(said(&sample::paused()).contains("tries one row again in 24 s"));
    assert!(said(&sample::cancelled()).contains("Cancelled 1 h ago · 50 rows are saved"));
    assert!(said(&sample::completed()).contains("Took 41 s"));
    assert!(said(&sample::completed()).contains("4 failed rows can be retried"));
    assert!(said(&sample::file_missing()).contains("Failed, file missing"));
}

#[test]
fn the_four_counts_lead_to_their_rows() {
    let snapshot = sample::failed();
    let html = card(&snapshot).into_string();
    for outcome in Outcome::ALL {
        let href = format!("href=\"/jobs/{}/rows?outcome={outcome}\"", snapshot.job.id);
        assert!(html.contains(&href), "{href}");
    }
}

#[test]
fn a_card_has_the_hooks_that_scripts_and_tests_rely_on() {
    let snapshot = sample::stuck();
    let html = card(&snapshot).into_string();
    for hook in [
        format!("data-job=\"{}\"", snapshot.job.id),
        "data-status=\"running\"".to_owned(),
        "data-stuck=\"no-progress\"".to_owned(),
        "data-actions=\"restart force-cancel pause\"".to_owned(),
        "data-bind=\"progress\"".to_owned(),
    ] {
        assert!(html.contains(&hook), "{hook} is not in {html}");
    }
}

#[test]
fn restart_is_asked_about_only_while_the_job_makes_progress_and_cancel_always() {
    let asks = |snapshot: &Snapshot, action: &str| {
        let html = card(snapshot).into_string();
        let at = html.find(&format!("data-act=\"{action}\"")).unwrap();
        html[at..].split('>').next().unwrap().contains("data-asks")
    };
    assert!(asks(&sample::running(), "restart") && asks(&sample::running(), "force-cancel"));
    assert!(!asks(&sample::stuck(), "restart") && asks(&sample::stuck(), "force-cancel"));
    assert!(!asks(&sample::failed(), "resume"));
}

#[test]
fn without_scripts_the_question_is_a_page_and_the_safe_answer_comes_first() {
    let html = confirm::render(&sample::running(), Step::ForceCancel).into_string();
    assert!(words(&html).contains("640 rows are saved; you can resume from row 641."), "{html}");
    assert!(html.find("Keep it running").unwrap() < html.find("Cancel the job").unwrap());
    let html = confirm::render(&sample::running(), Step::Restart).into_string();
    assert!(html.contains("name=\"force\" value=\"true\""), "{html}");
}

#[test]
fn what_people_named_is_escaped_everywhere() {
    let evil = "<script>alert(1)</script>\"'";
    let mut snapshot = sample::failed();
    snapshot.job.name = evil.to_owned();
    snapshot.job.input.filename = evil.to_owned();
    snapshot.job.error.as_mut().unwrap().message = evil.to_owned();
    let mut view = job_view(snapshot.clone());
    view.picture.tail[0].key = evil.to_owned();
    view.picture.failed = Reasons::Known(vec![Group { message: evil.to_owned(), ..group() }]);
    view.events[0].detail = evil.to_owned();
    let mut found = rows_view(snapshot.clone());
    found.found.rows[0].message = evil.to_owned();
    found.filter.search = Some(evil.to_owned());
    let mut one = row_view(snapshot.clone());
    one.row.fields[0].1 = evil.to_owned();
    for html in [
        card(&snapshot).into_string(),
        job::render(&view).into_string(),
        rows::render(&found).into_string(),
        row::render(&one).into_string(),
    ] {
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}

#[test]
fn no_element_has_two_class_attributes() {
    let page = page("Job", Kind::Job, job::render(&job_view(sample::failed())));
    for tag in page.split('<').filter_map(|rest| rest.split('>').next()) {
        assert!(tag.matches(" class=\"").count() <= 1, "{tag}");
    }
}

#[test]
fn every_icon_is_in_the_sprite() {
    let sprite = String::from_utf8(assets::bytes("sprite.svg")).unwrap();
    let cards: String = sample::all().iter().map(|snapshot| card(snapshot).into_string()).collect();
    let pages = [
        cards,
        page("Jobs", Kind::Jobs, main::render(&main_view())),
        page("Job", Kind::Job, job::render(&job_view(sample::completed()))),
        page("Rows", Kind::Rows, rows::render(&rows_view(sample::completed()))),
        page("Row", Kind::Rows, row::render(&row_view(sample::completed()))),
    ];
    for name in pages.iter().flat_map(|html| html.split("sprite.svg#").skip(1)) {
        let name = name.split('"').next().unwrap();
        assert!(sprite.contains(&format!("<symbol id=\"{name}\"")), "{name}");
    }
}

#[test]
fn no_page_has_an_inline_script_or_style() {
    let pages = [
        page("Jobs", Kind::Jobs, main::render(&main_view())),
        page("Job", Kind::Job, job::render(&job_view(sample::failed()))),
        page("Rows", Kind::Rows, rows::render(&rows_view(sample::failed()))),
        page("Row", Kind::Rows, row::render(&row_view(sample::failed()))),
    ];
    for html in pages {
        assert!(
            !html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"),
            "{html}"
        );
        for script in html.split("<script").skip(1) {
            assert!(script.contains("src=\"/assets/"), "{script}");
        }
    }
}

#[test]
fn the_main_page_has_its_heading_tiles_strip_and_filters() {
    let html = main::render(&main_view()).into_string();
    let said = words(&html);
    assert!(html.contains("<h1>Active &amp; Recent Job Progress</h1>"), "{html}");
    assert!(said.contains("3 jobs need attention: 1 stuck, 1 failed, 1 paused."), "{said}");
    for tile in ["2running", "3need attention", "744rows/min", "144failed rows today"] {
        assert!(said.contains(tile), "{tile}: {said}");
    }
    for filter in ["All", "Active", "Needs attention", "Finished"] {
        assert!(said.contains(filter), "{filter}");
    }
    let calm = main::View { summary: main::Summary::default(), ..main_view() };
    assert!(!main::render(&calm).into_string().contains("class=\"strip\""));
}

#[test]
fn the_job_page_says_where_it_goes_on_and_what_happened() {
    let html = job::render(&job_view(sample::failed())).into_string();
    let said = words(&html);
    assert!(
        said.contains("next row 229 · checkpoint 228 saved 0.4 s ago in SQLite · file present, its digest is checked at resume"),
        "{said}"
    );
    assert!(said.contains("Attempt 1: rows 1-228"), "{said}");
    assert!(said.contains("Attempt 2: from row 229"), "{said}");
    assert!(said.contains("Why 11 rows failed"), "{said}");
    assert!(html.contains("/export?outcome=failed\""), "{html}");
    let completed = job::render(&job_view(sample::completed())).into_string();
    assert!(words(&completed).contains("Retry these"), "{completed}");
}

#[tokio::test]
async fn pages_stay_within_their_weight() {
    let jobs: Vec<Snapshot> = (0..3).flat_map(|_| sample::all()).take(20).collect();
    let main_html = page("Jobs", Kind::Jobs, main::render(&main::View { recent: jobs, ..main_view() }));
    let mut view = job_view(sample::failed());
    view.picture.tail = (0..50).map(record).collect();
    let job_html = page("Job", Kind::Job, job::render(&view));
    let mut found = rows_view(sample::failed());
    found.found.rows = (0..50).map(record).collect();
    let rows_html = page("Rows", Kind::Rows, rows::render(&found));
    for (what, html, most) in
        [("main page", main_html, 30_000), ("job page", job_html, 60_000), ("rows", rows_html, 60_000)]
    {
        let own = packed(html.as_bytes(), router::PAGES).await;
        let mut loaded = 0;
        for name in loaded_by(&html) {
            loaded += packed(&assets::bytes(&name), CompressionLevel::Best).await;
        }
        let size = own + loaded;
        println!("{what}: {size} bytes compressed, {own} of them HTML");
        assert!(size <= most, "{what}: {size} bytes compressed, at most {most}");
    }
}

/// The assets that a page names, and all that its scripts import.
fn loaded_by(html: &str) -> BTreeSet<String> {
    let named = html.split("/assets/").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
    let mut names: BTreeSet<String> =
        named.filter_map(|path| path.split_once('/')).map(|(_, name)| name.to_owned()).collect();
    loop {
        let imported: Vec<String> = names
            .iter()
            .filter(|name| name.ends_with(".js"))
            .flat_map(|name| {
                let text = String::from_utf8(assets::bytes(name)).unwrap();
                let parts: Vec<String> = text.split("from \"./").skip(1).map(str::to_owned).collect();
                parts.into_iter().filter_map(|rest| rest.split('"').next().map(str::to_owned))
            })
            .collect();
        let before = names.len();
        names.extend(imported);
        if names.len() == before {
            return names;
        }
    }
}

/// The size of a text as it goes over the wire: through the compression the server uses.
async fn packed(bytes: &[u8], level: CompressionLevel) -> usize {
    let body = bytes.to_vec();
    let service = tower::service_fn(move |_: Request<Body>| {
        let answer = ([(header::CONTENT_TYPE, "text/html")], body.clone()).into_response();
        async move { Ok::<_, Infallible>(answer) }
    });
    let service = router::packing(level).layer(service);
    let request = Request::get("/").header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
    answer.into_body().collect().await.unwrap().to_bytes().len()
}

fn page(title: &str, kind: Kind, body: maud::Markup) -> String {
    layout(&Page { title, kind, now: sample::NOW, flash: None, body }).into_string()
}

fn main_view() -> main::View {
    main::View {
        filter: Filter::ALL,
        active: vec![sample::running(), sample::stuck(), sample::paused()],
        recent: vec![sample::failed(), sample::cancelled(), sample::completed()],
        newer: None,
        older: Some("/?before=1".to_owned()),
        summary: main::Summary {
            running: 2,
            failed: 1,
            paused: 1,
            stuck: 1,
            rows_per_minute: 744,
            failed_rows_today: 144,
            jobs: 6,
        },
    }
}
