//! Charts as SVG made on the server, each with its numbers in a table behind it.
//!
//! Shapes are stretched to the width there is; words stand beside the picture as HTML, so that they
//! are neither stretched nor lost to a reader that sees none.

use std::fmt::Write as _;

use maud::{Markup, html};
use onward_core::clock::UnixMs;

use crate::web::format::clock_time;

/// Units of the drawing; the browser stretches them.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// One quantity over time.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its name in the legend and in the table.
    pub(crate) name: &'static str,
    /// The class that gives its colour.
    pub(crate) class: &'static str,
    /// A value for each bucket; none where nothing is known.
    pub(crate) values: Vec<Option<f64>>,
}

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bars that stand on one another.
    Stacked,
    /// Lines.
    Lines,
}

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// What it shows.
    pub(crate) title: &'static str,
    /// How.
    pub(crate) kind: Kind,
    /// When the first bucket begins, and how long each is.
    pub(crate) from: UnixMs,
    /// In milliseconds.
    pub(crate) bucket_ms: u64,
    /// What is drawn.
    pub(crate) series: Vec<Series>,
    /// Writes a value for people.
    pub(crate) say: fn(f64) -> String,
    /// A level to compare with, if there is one.
    pub(crate) level: Option<(f64, String)>,
    /// A sentence under it.
    pub(crate) note: String,
}

impl Chart {
    /// The chart.
    #[must_use]
    pub(crate) fn render(&self) -> Markup {
        let buckets = self.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
        let top = self.top(buckets);
        let to = self.from.plus_ms(self.bucket_ms * buckets as u64);
        html! {
            figure.chart {
                figcaption {
                    h3 { (self.title) }
                    p.legend { @for series in &self.series { span { i.ink.(series.class) {} (series.name) } } }
                }
                div.plot {
                    span.top-label { ((self.say)(top)) }
                    svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
                        line.grid x1="0" x2=(WIDTH) y1="50" y2="50" {}
                        @match self.kind {
                            Kind::Stacked => { (self.bars(buckets, top)) }
                            Kind::Lines => { (self.lines(buckets, top)) }
                        }
                        @if let Some((level, _)) = &self.level { line.level x1="0" x2=(WIDTH) y1=(round(y(*level, top))) y2=(round(y(*level, top))) {} }
                    }
                }
                p.axis { span { (clock_time(self.from)) } @if let Some((_, what)) = &self.level { span { (what) } } span { (clock_time(to)) } }
                @if !self.note.is_empty() { p.hint { (self.note) } }
                (self.table(buckets))
            }
        }
    }

    fn top(&self, buckets: usize) -> f64 {
        let sum = |at: usize| -> f64 {
            let values = self.series.iter().filter_map(|series| series.values.get(at).copied().flatten());
            match self.kind {
                Kind::Stacked => values.sum(),
                Kind::Lines => values.fold(0.0, f64::max),
            }
        };
        let highest = (0..buckets).map(sum).fold(0.0, f64::max);
        let level = self.level.as_ref().map_or(0.0, |(level, _)| *level);
        nice(highest.max(level))
    }

    fn bars(&self, buckets: usize, top: f64) -> Markup {
        let width = WIDTH / buckets.max(1) as f64;
        let mut base = vec![0.0; buckets];
        html! {
            @for series in &self.series {
                @let path = {
                    let mut path = String::new();
                    for (at, base) in base.iter_mut().enumerate() {
                        let value = series.values.get(at).copied().flatten().unwrap_or(0.0);
                        if value > 0.0 {
                            let (low, high) = (y(*base, top), y(*base + value, top));
                            let left = at as f64 * width;
                            let _ = write!(path, "M{} {}h{}V{}h-{}z", round(left), round(low), round(width * 0.86), round(high), round(width * 0.86));
                            *base += value;
                        }
                    }
                    path
                };
                @if !path.is_empty() { path.(series.class) d=(path) {} }
            }
        }
    }

    fn lines(&self, buckets: usize, top: f64) -> Markup {
        let width = WIDTH / buckets.max(1) as f64;
        html! {
            @for series in &self.series {
                @let path = {
                    let mut path = String::new();
                    let mut pen = 'M';
                    for (at, value) in series.values.iter().enumerate() {
                        // Buckets without a value are bridged: nothing happened in them.
                        let Some(value) = value else { continue };
                        let _ = write!(path, "{pen}{} {}", round((at as f64 + 0.5) * width), round(y(*value, top)));
                        pen = 'L';
                    }
                    path
                };
                @if !path.is_empty() { path.line.(series.class) d=(path) {} }
            }
        }
    }

    fn table(&self, buckets: usize) -> Markup {
        html! {
            details.behind {
                summary { "As a table" }
                div.scroll tabindex="0" role="region" aria-label={ (self.title) ", as a table" } { table {
                    thead { tr { th scope="col" { "From, UTC" } @for series in &self.series { th.num scope="col" { (series.name) } } } }
                    tbody { @for at in 0..buckets { tr {
                        th scope="row" { (clock_time(self.from.plus_ms(self.bucket_ms * at as u64))) }
                        @for series in &self.series { td.num { (series.values.get(at).copied().flatten().map_or_else(|| "–".to_owned(), self.say)) } }
                    } } }
                } }
            }
        }
    }
}

fn y(value: f64, top: f64) -> f64 {
    HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn nice(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|top| *top >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        let tops = [0.0, 0.3, 1.0, 3.1, 7.0, 12.0, 640.0].map(nice);
        assert_eq!(tops, [1.0, 0.5, 1.0, 5.0, 10.0, 20.0, 1000.0]);
    }

    #[test]
    fn every_number_of_the_picture_stands_in_the_table() {
        let series = |name, values: &[f64]| Series {
            name,
            class: "added",
            values: values.iter().map(|value| Some(*value)).collect(),
        };
        let chart = Chart {
            title: "Rows",
            kind: Kind::Stacked,
            from: UnixMs(0),
            bucket_ms: 1_000,
            series: vec![series("added", &[3.0, 4.0]), series("failed", &[1.0, 0.0])],
            say: |value| format!("{value:.1}"),
            level: None,
            note: String::new(),
        };
        let html = chart.render().into_string();
        for number in [">3.0<", ">4.0<", ">1.0<", ">0.0<", "00:00:01"] {
            assert!(html.contains(number), "{number}: {html}");
        }
        assert!(!html.contains("style="), "{html}");
    }
}
