//! The row map: every range of rows in its worst outcome, each a way to its rows.

use maud::{Markup, html};
use onward_core::id::JobId;
use onward_core::row::Outcome;
use onward_core::row_map::Cell;

use crate::web::format::{count, rows};

/// Ranges with failed rows that are listed beside the picture.
const MOST_LISTED: usize = 12;

/// The map of a job.
#[must_use]
pub(crate) fn map(job: JobId, cells: &[Cell]) -> Markup {
    let each = cells.iter().map(|cell| u64::from(cell.rows)).max().unwrap_or(1);
    html! {
        section.panel #map {
            div.panel-head {
                h2 { "Row map" }
                p.legend {
                    @for (class, word) in [("added", "added"), ("failed", "failed"), ("skipped", "skipped"), ("filtered", "filtered"), ("open", "to do")] {
                        span { i.cell.(class) {} (word) }
                    }
                }
            }
            div.map role="group" aria-label={ "Row map, " (rows(each, "")) " to a cell" } {
                @for (at, cell) in cells.iter().enumerate() {
                    a.cell.(class(cell)).part[cell.worst().is_some() && !cell.is_done()]
                        tabindex=(if at == 0 { "0" } else { "-1" }) href=(href(job, cell)) title=(title(cell)) aria-label=(title(cell)) {}
                }
            }
            p.hint { (rows(each, "")) " to a cell, in its worst outcome; a cell leads to its rows." @if cells.len() > 1 { span.js-only { " Arrow keys move." } } }
            (table(job, cells))
        }
    }
}

/// The same in words, for whom a picture says nothing.
fn table(job: JobId, cells: &[Cell]) -> Markup {
    let failed: Vec<&Cell> = cells.iter().filter(|cell| cell.tally.failed > 0).collect();
    html! {
        details.behind {
            summary { "As a table" }
            @if failed.is_empty() { p.hint { "No range has failed rows." } } @else {
                table {
                    thead { tr { th scope="col" { "Rows" } th.num scope="col" { "Failed" } th.num scope="col" { "Done" } } }
                    tbody { @for cell in failed.iter().take(MOST_LISTED) { tr {
                        th scope="row" { a href=(href(job, cell)) { (range(cell)) } }
                        td.num { (count(cell.tally.failed)) }
                        td.num { (count(cell.tally.processed())) " of " (count(u64::from(cell.rows))) }
                    } } }
                }
                @if failed.len() > MOST_LISTED { p.hint { "And " (failed.len() - MOST_LISTED) " more ranges with failed rows." } }
            }
        }
    }
}

fn class(cell: &Cell) -> &'static str {
    cell.worst().map_or("open", Outcome::word)
}

fn href(job: JobId, cell: &Cell) -> String {
    let outcome = if cell.tally.failed > 0 { "outcome=failed&" } else { "" };
    format!("/jobs/{job}/rows?{outcome}from={}", cell.first.row())
}

fn range(cell: &Cell) -> String {
    let first = cell.first.row();
    match cell.rows {
        1 => count(first),
        more => format!("{} to {}", count(first), count(first + u64::from(more) - 1)),
    }
}

fn title(cell: &Cell) -> String {
    let what: Vec<String> = [Outcome::Failed, Outcome::Added, Outcome::Skipped, Outcome::Filtered]
        .into_iter()
        .filter(|outcome| cell.tally.of(*outcome) > 0)
        .map(|outcome| format!("{} {outcome}", count(cell.tally.of(outcome))))
        .collect();
    let noun = if cell.rows == 1 { "row" } else { "rows" };
    let what = match (cell.rows, cell.worst()) {
        (_, None) => "to do".to_owned(),
        (1, Some(outcome)) => outcome.word().to_owned(),
        _ => what.join(", "),
    };
    format!("{noun} {}: {what}", range(cell))
}

#[cfg(test)]
mod tests {
    use onward_core::id::RowIndex;
    use onward_core::tally::Tally;

    use super::*;

    #[test]
    fn a_cell_says_its_rows_and_leads_to_the_failed_ones() {
        let tally = Tally { added: 20, failed: 3, ..Tally::default() };
        let cell = Cell { first: RowIndex(200), rows: 25, tally };
        let html = map(JobId(uuid::Uuid::nil()), &[cell]).into_string();
        assert!(html.contains("title=\"rows 201 to 225: 3 failed, 20 added\""), "{html}");
        assert!(html.contains("/rows?outcome=failed&amp;from=201\""), "{html}");
        assert!(html.contains("cell failed part"), "{html}");
    }
}
