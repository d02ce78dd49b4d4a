//! What a command prints: one value that is text for people and JSON for programs.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use crate::client::Listed;

/// The result of a command.
pub trait Report: Serialize {
    /// Returns the form for people; a last newline is added where there is none.
    fn text(&self) -> String;
}

/// A table for people: aligned columns without borders.
pub(super) struct Columns {
    table: Table,
}

impl Columns {
    /// Makes a table; a heading that begins with `>` stands over a column aligned to the right.
    pub(super) fn new(headings: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let cells = headings.iter().map(|heading| {
            let name = heading.trim_start_matches('>');
            Cell::new(name.to_uppercase())
        });
        table.set_header(cells);
        for (column, heading) in table.column_iter_mut().zip(headings) {
            column.set_padding((0, 2));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.table.add_row(cells);
    }

    /// Returns the table without white space at the ends of its lines.
    pub(super) fn text(&self) -> String {
        let table = self.table.to_string();
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        lines.join("\n")
    }
}

/// Returns a list as a table, and says where it is cut.
pub(super) fn table<T>(
    listed: &Listed<T>,
    nothing: &str,
    headings: &[&str],
    row: impl Fn(&T) -> Vec<String>,
) -> String {
    if listed.items.is_empty() {
        return nothing.to_owned();
    }
    let mut columns = Columns::new(headings);
    for item in &listed.items {
        columns.row(row(item));
    }
    let mut text = columns.text();
    if listed.more {
        text.push_str("\nThere are more; say --limit N.");
    }
    text
}

/// Returns names and values, one a line, the values aligned.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name:width$}  {value}").trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// Returns the first digits of a hash or id, enough for people and for the commands.
pub(super) fn short(id: &impl ToString) -> String {
    id.to_string().chars().take(12).collect()
}
