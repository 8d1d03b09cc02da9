//! The pace of the last two minutes as a line. Decoration: the rate beside it says the same in words.

use std::fmt::Write as _;

use maud::{Markup, html};

/// The width of the drawing; the browser stretches it.
const WIDTH: usize = 96;
/// Its height.
const HEIGHT: f64 = 20.0;

/// The line; empty until there are two values. `assets/patch.js` writes the same points.
#[must_use]
pub(crate) fn sparkline(pace: &[f64]) -> Markup {
    html! {
        svg.spark data-spark="" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
            polyline points=(points(pace)) {}
        }
    }
}

fn points(pace: &[f64]) -> String {
    if pace.len() < 2 {
        return String::new();
    }
    let top = pace.iter().copied().fold(0.1, f64::max);
    pace.iter().enumerate().fold(String::new(), |mut points, (at, rate)| {
        let x = at * WIDTH / (pace.len() - 1);
        let y = (HEIGHT - 1.0 - rate / top * (HEIGHT - 2.0)).round();
        let gap = if at == 0 { "" } else { " " };
        let _ = write!(points, "{gap}{x},{y}");
        points
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fills_its_room_and_needs_two_values() {
        assert_eq!(points(&[3.0]), "");
        assert_eq!(points(&[0.0, 5.0, 10.0]), "0,19 48,10 96,1");
        assert_eq!(points(&[0.0, 0.0]), "0,19 96,19");
    }
}
