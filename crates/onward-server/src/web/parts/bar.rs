//! The four-part bar and the sentence beside it.
//!
//! Widths are attributes of SVG rectangles: the pages' content policy allows no inline style. Each
//! part has a pattern of its own, so that nobody needs the colours to tell them apart.

use maud::{Markup, html};
use onward_core::row::Outcome;
use onward_core::tally::Tally;

use crate::web::format::count;

/// Parts of a bar, of which the whole has so many.
const WHOLE: u64 = 1_000;
/// The least width of an outcome that occurred at all: 5 of 1,000 is 2 px on a telephone.
const LEAST: u64 = 5;

/// `228/313 with 11 failed`.
#[must_use]
pub(crate) fn sentence(tally: &Tally, total: u64) -> String {
    format!("{}/{} with {} failed", count(tally.processed()), count(total), count(tally.failed))
}

/// Whole per cent done; 100 only when every row is.
#[must_use]
pub(crate) fn percent(tally: &Tally, total: u64) -> u64 {
    tally.processed().saturating_mul(100).checked_div(total).unwrap_or(100)
}

/// Width of each outcome in thousandths, in the order of [`Outcome::ALL`]. Never more in sum than
/// the rows done take, unless each needs its least width; `assets/patch.js` does the same sum.
#[must_use]
pub(crate) fn widths(tally: &Tally, total: u64) -> [u64; 4] {
    let total = total.max(1);
    let mut widths = Outcome::ALL.map(|outcome| match tally.of(outcome) {
        0 => 0,
        rows => (rows.saturating_mul(WHOLE) / total).max(LEAST),
    });
    let allowed = tally.processed().saturating_mul(WHOLE) / total;
    let excess = widths.iter().sum::<u64>().saturating_sub(allowed.min(WHOLE));
    if let Some(widest) = widths.iter_mut().max() {
        *widest = (*widest).min(widest.saturating_sub(excess).max(LEAST));
    }
    widths
}

/// The bar.
#[must_use]
pub(crate) fn bar(tally: &Tally, total: u64, label_id: &str) -> Markup {
    let mut left = 0;
    let parts = Outcome::ALL.into_iter().zip(widths(tally, total)).map(|(outcome, width)| {
        let part = (outcome, left, width);
        left += width;
        part
    });
    html! {
        div.bar role="progressbar" aria-labelledby=(label_id) aria-valuemin="0" aria-valuemax=(total)
            aria-valuenow=(tally.processed()) aria-valuetext=(sentence(tally, total)) {
            svg aria-hidden="true" width="100%" height="100%" {
                @for (outcome, left, width) in parts {
                    rect data-part=(outcome.word()) class={ "p-" (outcome.word()) } x=(share(left)) y="0" width=(share(width)) height="100%" {}
                }
            }
        }
    }
}

/// The patterns the bars refer to, once a page.
#[must_use]
pub(crate) fn patterns() -> Markup {
    html! {
        svg.defs aria-hidden="true" width="0" height="0" {
            defs {
                pattern id="hatch-failed" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.ground width="7" height="7" {}
                    rect.failed-ink width="4.5" height="7" {}
                }
                pattern id="stripe-skipped" width="5" height="6" patternUnits="userSpaceOnUse" {
                    rect.ground width="5" height="6" {}
                    rect.skipped-ink width="3" height="6" {}
                }
                pattern id="dot-filtered" width="6" height="6" patternUnits="userSpaceOnUse" {
                    rect.ground width="6" height="6" {}
                    circle.filtered-ink cx="3" cy="3" r="2.1" {}
                }
            }
        }
    }
}

fn share(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALLY: Tally = Tally { added: 201, failed: 11, skipped: 12, filtered: 4 };

    #[test]
    fn the_sentence_has_the_words_of_the_user() {
        assert_eq!(sentence(&TALLY, 313), "228/313 with 11 failed");
    }

    #[test]
    fn per_cent_is_100_only_when_every_row_is_done() {
        let all_but_one = Tally { added: 999_999, ..Tally::default() };
        assert_eq!(percent(&all_but_one, 1_000_000), 99);
        assert_eq!(percent(&TALLY, 228), 100);
        assert_eq!(percent(&Tally::default(), 0), 100);
    }

    #[test]
    fn a_rare_outcome_is_seen_and_the_bar_never_runs_over() {
        let rare = Tally { added: 999_998, failed: 1, skipped: 0, filtered: 1 };
        let parts = widths(&rare, 1_000_000);
        assert_eq!(parts, [990, 5, 0, 5]);
        assert!(widths(&TALLY, 313).iter().sum::<u64>() <= 228 * 1_000 / 313);
        assert_eq!(widths(&Tally::default(), 0), [0; 4]);
    }

    #[test]
    fn widths_are_attributes_not_styles() {
        let text = bar(&TALLY, 313, "h").into_string();
        assert!(!text.contains("style"), "{text}");
        assert!(text.contains("aria-valuetext=\"228/313 with 11 failed\""), "{text}");
        assert!(text.contains("x=\"64.2%\""), "{text}");
    }
}
