//! Columns of text.

use super::text;

/// No column is wider than this: an error message of a row must not push the rest off the screen.
const WIDEST: usize = 60;

/// A table with a header.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// One more row. Cells are made harmless and cut at 60 characters.
    pub(crate) fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        self.rows.push(cells.into_iter().map(|cell| text::short(&text::plain(&cell), WIDEST)).collect());
    }

    /// Prints it to stdout.
    pub(crate) fn print(&self) {
        super::data(&self.render());
    }

    fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let lines: Vec<String> = self.rows.iter().map(|row| line(row, &widths)).collect();
        lines.join("\n")
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_cells_are_harmless() {
        let mut table = Table::new(&["ROW", "KEY", "WHY"]);
        table.row(["1".to_owned(), "ada".to_owned(), "added".to_owned()]);
        table.row(["229".to_owned(), "b\u{1b}".to_owned(), String::new()]);
        assert_eq!(table.render(), "ROW  KEY  WHY\n1    ada  added\n229  b\u{241b}");
    }
}
