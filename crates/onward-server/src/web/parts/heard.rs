//! What the target of a job answered to its calls: how many with which status, and when.

use std::collections::BTreeMap;

use maud::{Markup, html};
use onward_core::clock::UnixMs;
use onward_core::store::{Heard, NO_ANSWER};

use crate::web::format::{count, whole};
use crate::web::parts::chart::{Chart, Kind, Series};

/// Statuses that are shown by themselves; a target seldom has more than five.
const MOST_STATUSES: usize = 10;
/// Columns of the picture; a day is drawn in stretches of half an hour.
const MOST_COLUMNS: i64 = 48;
const MINUTE_MS: u64 = 60_000;

/// A kind of answer.
struct AnswerKind {
    name: &'static str,
    /// Its colour.
    class: &'static str,
    is: fn(u16) -> bool,
}

/// Every status is of one of them.
const KINDS: [AnswerKind; 5] = [
    AnswerKind { name: "2xx", class: "added", is: |status| (200..300).contains(&status) },
    AnswerKind { name: "429", class: "filtered", is: |status| status == 429 },
    AnswerKind {
        name: "other 3xx and 4xx",
        class: "skipped",
        is: |status| (100..500).contains(&status) && status != 429 && !(200..300).contains(&status),
    },
    AnswerKind { name: "5xx", class: "failed", is: |status| status >= 500 },
    AnswerKind { name: "no answer", class: "open", is: |status| status == NO_ANSWER },
];

/// The figures; nothing for work that calls nobody over HTTP.
#[must_use]
pub(crate) fn heard(heard: &[Heard]) -> Markup {
    html! {
        @if !heard.is_empty() {
            (statuses(heard))
            @if let Some(chart) = over_time(heard) { (chart.render()) }
        }
    }
}

fn statuses(heard: &[Heard]) -> Markup {
    let mut calls: BTreeMap<u16, u64> = BTreeMap::new();
    for told in heard {
        *calls.entry(told.status).or_default() += told.calls;
    }
    let all: u64 = calls.values().sum();
    let mut bars: Vec<(u16, u64)> = calls.into_iter().collect();
    bars.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    let others: u64 = bars.iter().skip(MOST_STATUSES).map(|(_, calls)| calls).sum();
    bars.truncate(MOST_STATUSES);
    let most = bars.first().map_or(1, |(_, calls)| *calls).max(1);
    html! {
        figure.chart #statuses {
            figcaption { h3 { "What the target answered" } p.legend { span { (count(all)) " calls" } } }
            table.bars {
                thead.vh { tr { th scope="col" { "Status" } th scope="col" { "Calls" } th scope="col" { "Share" } } }
                tbody { @for (status, calls) in &bars { tr {
                    th scope="row" { (name(*status)) }
                    td.num { (count(*calls)) }
                    td.bar-cell { svg width="100%" height="12" aria-hidden="true" {
                        rect.{ "p-" (class(*status)) } x="0" y="0" height="12" width={ ((calls * 100 / most).max(1)) "%" } {}
                    } }
                } } }
            }
            p.hint { "Calls that were repeated count each time." }
            @if others > 0 { p.hint { (count(others)) " more with other statuses." } }
        }
    }
}

/// Answers per minute; a single minute says no more than the bars do.
fn over_time(heard: &[Heard]) -> Option<Chart> {
    let (first, last) = (heard.first()?.minute, heard.last()?.minute);
    if last - first < 2 {
        return None;
    }
    let stretch = (last - first + 1 + MOST_COLUMNS - 1) / MOST_COLUMNS;
    let columns = usize::try_from((last - first) / stretch + 1).ok()?;
    let series = KINDS.iter().map(|kind| {
        let mut calls = vec![0; columns];
        for told in heard.iter().filter(|told| (kind.is)(told.status)) {
            let at = usize::try_from((told.minute - first) / stretch).unwrap_or_default();
            if let Some(sum) = calls.get_mut(at) {
                *sum += told.calls;
            }
        }
        let per_minute = |calls: u64| Some(calls as f64 / stretch as f64);
        Series { name: kind.name, class: kind.class, values: calls.into_iter().map(per_minute).collect() }
    });
    let seen = series.filter(|series| series.values.iter().flatten().any(|value| *value > 0.0));
    Some(Chart {
        title: "Answers per minute",
        kind: Kind::Stacked,
        from: UnixMs(first * MINUTE_MS as i64),
        bucket_ms: stretch as u64 * MINUTE_MS,
        series: seen.collect(),
        say: |value| if value >= 10.0 { count(whole(value)) } else { format!("{value:.1}") },
        level: None,
        note: String::new(),
    })
}

fn class(status: u16) -> &'static str {
    KINDS.iter().find(|kind| (kind.is)(status)).map_or("skipped", |kind| kind.class)
}

/// `503 Service Unavailable`.
fn name(status: u16) -> String {
    if status == NO_ANSWER {
        return "no answer".to_owned();
    }
    let known = axum::http::StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(minute: i64, status: u16, calls: u64) -> Heard {
        Heard { minute, status, calls }
    }

    #[test]
    fn statuses_are_the_targets_own_and_add_up() {
        let text = heard(&[told(7, 200, 290), told(7, 503, 4), told(8, 503, 1), told(8, NO_ANSWER, 2)])
            .into_string();
        for part in ["297 calls", "200 OK", "503 Service Unavailable", "no answer"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("<td class=\"num\">5</td>"), "{text}");
        assert!(!text.contains("per minute"), "two minutes are no course of time");
        assert_eq!(heard(&[]).into_string(), "");
    }

    #[test]
    fn a_day_of_answers_is_drawn_in_stretches() {
        let day: Vec<Heard> =
            (0..1_440).map(|minute| told(minute, 200, 60)).chain([told(1_440, 429, 30)]).collect();
        let chart = over_time(&day).unwrap();
        let names: Vec<&str> = chart.series.iter().map(|series| series.name).collect();
        assert_eq!(names, ["2xx", "429"]);
        assert_eq!(chart.series[0].values[0], Some(60.0));
        assert!(chart.series[0].values.len() <= usize::try_from(MOST_COLUMNS).unwrap());
        assert_eq!(chart.series[0].values.len() as u64 * chart.bucket_ms / MINUTE_MS, 1_457);
    }

    #[test]
    fn every_status_is_of_one_kind() {
        for status in (100..600).chain([NO_ANSWER]) {
            assert_eq!(KINDS.iter().filter(|kind| (kind.is)(status)).count(), 1, "{status}");
        }
    }
}
