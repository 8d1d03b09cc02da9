//! The charts of a job: its pace, the time a row takes, the places that were busy, and the reasons.

use maud::{Markup, html};
use onward_core::row::Outcome;
use onward_core::store::Group;
use onward_core::trend::{Bucket, Trend};
use onward_engine::Snapshot;

use crate::web::format::{count, duration, rows, took, whole};
use crate::web::parts::chart::{Chart, Kind, Series};
use crate::web::parts::heard::heard;
use crate::web::picture::Picture;
use crate::web::reasons::Reasons;

/// Codes in the chart of what rows ended with.
const MOST_CODES: usize = 8;

/// All of them.
#[must_use]
pub(crate) fn charts(snapshot: &Snapshot, places: Option<u32>, picture: &Picture) -> Markup {
    html! {
        section.panel #charts {
            h2 { "How it goes" }
            @match &picture.trend {
                None => p.hint { "Charts appear with the first finished rows." },
                Some(trend) => {
                    (where_time_goes(snapshot, places, trend))
                    div.charts {
                        (pace(snapshot, trend).render())
                        (latency(trend).render())
                        (busy(snapshot, places, trend).render())
                        (heard(&picture.heard))
                        (codes(snapshot, picture))
                    }
                    @if trend.every > 1 { p.hint { "Drawn from every " (count(u64::from(trend.every))) "th row; the counts above are exact." } }
                },
            }
        }
    }
}

/// `Of 8 places for calls 5.2 were busy on average; rows that needed more than one call took 14 % of that.`
fn where_time_goes(snapshot: &Snapshot, places: Option<u32>, trend: &Trend) -> Markup {
    let wall_ms = trend.wall_ms().max(1);
    let average = trend.busy_ms as f64 / wall_ms as f64;
    let share = |part: u64, of: u64| whole(part as f64 * 100.0 / of.max(1) as f64).min(100);
    let places = f64::from(places.unwrap_or(1).max(1));
    let busy = whole((average / places).min(1.0) * 100.0);
    let retried = share(trend.retried_ms, trend.busy_ms) * busy / 100;
    let parts = [
        ("added", "first calls", busy - retried.min(busy)),
        ("failed", "rows called again", retried),
        ("open", "no call under way", 100 - busy),
    ];
    let mut left = 0;
    let beside = parts.map(|(class, _, part)| {
        left += part;
        (class, left - part, part)
    });
    html! {
        div.time-goes {
            p {
                b { "Where the time goes" } ": of " (count(whole(places))) @if places > 1.0 { " places for calls " } @else { " place for a call " }
                b { (format!("{average:.1}")) } " were busy on average over " (duration(wall_ms)) ". "
                @if trend.retried_rows > 0 { (rows(trend.retried_rows, "")) " needed more than one call. " }
                @if busy < 50 && trend.busy_ms > 0 { "The rest of the time no call was allowed or needed: the rate limit, a target that asked to wait, or saving." }
                @if trend.busy_ms == 0 { "This work calls nobody: all of it went into reading and saving." }
            }
            @if trend.busy_ms > 0 {
                svg.share-bar width="100%" height="12" aria-hidden="true" {
                    @for (class, left, part) in beside {
                        rect.{ "p-" (class) } x={ (left) "%" } y="0" width={ (part) "%" } height="12" {}
                    }
                }
                p.legend { @for (class, word, part) in parts { span { i.cell.(class) {} (word) " " (part) " %" } } }
            }
        }
        @if snapshot.job.attempt > 1 { p.hint { "Of attempt " (snapshot.job.attempt) " alone." } }
    }
}

fn series(
    name: &'static str,
    class: &'static str,
    trend: &Trend,
    value: impl Fn(&Bucket) -> Option<f64>,
) -> Series {
    Series { name, class, values: trend.buckets.iter().map(value).collect() }
}

fn pace(snapshot: &Snapshot, trend: &Trend) -> Chart {
    let seconds = trend.bucket_ms as f64 / 1_000.0;
    let of = |outcome: Outcome| {
        series(outcome.word(), outcome.word(), trend, move |bucket| {
            Some(bucket.tally.of(outcome) as f64 / seconds)
        })
    };
    let seen = Outcome::ALL.into_iter().filter(|outcome| snapshot.job.tally.of(*outcome) > 0);
    Chart {
        title: "Rows per second",
        kind: Kind::Stacked,
        from: trend.from,
        bucket_ms: trend.bucket_ms,
        series: seen.map(of).collect(),
        say: per_second,
        level: None,
        note: String::new(),
    }
}

fn latency(trend: &Trend) -> Chart {
    let ms = |value: Option<u64>| value.map(|ms| ms as f64);
    Chart {
        title: "Time per row",
        kind: Kind::Lines,
        from: trend.from,
        bucket_ms: trend.bucket_ms,
        series: vec![
            series("half are faster", "p50", trend, |bucket| ms(bucket.p50_ms)),
            series("95 % are faster", "p95", trend, |bucket| ms(bucket.p95_ms)),
        ],
        say: |ms| took(whole(ms)),
        level: None,
        note: String::new(),
    }
}

/// What is under way now is counted when it ends, so the newest bucket of a job that runs would lie.
fn busy(snapshot: &Snapshot, places: Option<u32>, trend: &Trend) -> Chart {
    let mut under_way = series("busy places", "busy", trend, |bucket| Some(bucket.in_flight));
    if let Some(newest) = under_way.values.last_mut().filter(|_| snapshot.job.state.is_active()) {
        *newest = None;
    }
    Chart {
        title: "Calls under way",
        kind: Kind::Lines,
        from: trend.from,
        bucket_ms: trend.bucket_ms,
        series: vec![under_way],
        say: |value| format!("{value:.1}"),
        level: places.map(|places| (f64::from(places), format!("{places} places"))),
        note: String::new(),
    }
}

/// What rows ended with, by code; statuses of the target where the sentences name them.
fn codes(snapshot: &Snapshot, picture: &Picture) -> Markup {
    let tally = &snapshot.job.tally;
    let mut bars: Vec<(String, &str, u64)> = Vec::new();
    if tally.added > 0 {
        bars.push(("added".to_owned(), "added", tally.added));
    }
    let known = std::iter::once((Outcome::Failed, &picture.failed))
        .chain(picture.others.iter().map(|(outcome, reasons)| (*outcome, reasons)));
    for (outcome, reasons) in known {
        match reasons {
            Reasons::TooMany => bars.push((outcome.word().to_owned(), outcome.word(), tally.of(outcome))),
            Reasons::Known(groups) => {
                for group in groups {
                    let name = answer(group);
                    match bars.iter_mut().find(|(known, class, _)| *known == name && *class == outcome.word())
                    {
                        Some((_, _, rows)) => *rows += group.count,
                        None => bars.push((name, outcome.word(), group.count)),
                    }
                }
            }
        }
    }
    bars.sort_by_key(|(_, _, rows)| std::cmp::Reverse(*rows));
    bars.truncate(MOST_CODES);
    let most = bars.first().map_or(1, |(_, _, rows)| *rows).max(1);
    html! {
        figure.chart {
            figcaption { h3 { "What rows ended with" } }
            table.bars {
                thead.vh { tr { th scope="col" { "Answer" } th scope="col" { "Rows" } th scope="col" { "Share" } } }
                tbody { @for (name, class, rows) in &bars { tr {
                    th scope="row" { (name) }
                    td.num { (count(*rows)) }
                    td.bar-cell { svg width="100%" height="12" aria-hidden="true" {
                        rect.{ "p-" (class) } x="0" y="0" height="12" width={ ((rows * 100 / most).max(1)) "%" } {}
                    } }
                } } }
            }
        }
    }
}

/// `http-5xx (503)`: the code, and the status where the sentence has one.
fn answer(group: &Group) -> String {
    let status = group
        .message
        .split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 3 && digits.starts_with(['1', '2', '3', '4', '5']));
    match status {
        Some(status) if group.message.contains("answered") || group.message.contains('(') => {
            format!("{} ({status})", group.code)
        }
        _ => group.code.clone(),
    }
}

fn per_second(value: f64) -> String {
    if value >= 100.0 { count(whole(value)) } else { format!("{value:.1}") }
}
