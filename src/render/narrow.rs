//! Tables that do not break words: where the columns have no room side by side, each row becomes a few lines.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Row, Table, Width};

use super::wrap::wrap;

/// A table's text, without blanks at the ends of its lines and without broken words.
pub(super) fn lines(table: &Table) -> String {
    let width = table
        .width()
        .filter(|_| matches!(table.content_arrangement(), ContentArrangement::Dynamic));
    let Some(width) = width else {
        return trimmed(table);
    };
    let mut table = table.clone();
    let longest: Vec<u16> = table
        .column_iter()
        .map(|column| {
            let cells = table.column_cells_with_header_iter(column.index);
            cells.flatten().map(longest_word).max().unwrap_or_default() + column.padding_width()
        })
        .collect();
    // No blank follows the last column.
    let padding = table
        .column_iter()
        .last()
        .map_or(0, |last| last.padding_width());
    let needed: u32 = longest.iter().map(|width| u32::from(*width)).sum();
    if needed > u32::from(width) + u32::from(padding) {
        return cards(&table, width);
    }
    table.set_width(width.saturating_add(padding));
    table.set_constraints(
        longest
            .into_iter()
            .map(|width| ColumnConstraint::LowerBoundary(Width::Fixed(width))),
    );
    trimmed(&table)
}

fn trimmed(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn longest_word(cell: &Cell) -> u16 {
    let text = plain(&cell.content());
    let words = text.split_whitespace().map(|word| word.chars().count());
    words
        .max()
        .and_then(|width| u16::try_from(width).ok())
        .unwrap_or_default()
}

/// The text without the colours that [`super::Style::paint`] gave it.
fn plain(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, rest)| rest));
    rest.fold(first, |text, part| text + part)
}

/// Each row as its first cell and, below it, the others under their names.
fn cards(table: &Table, width: u16) -> String {
    let names: Vec<String> = table
        .header()
        .map(|header| {
            header
                .cell_iter()
                .map(|cell| cell.content().to_lowercase())
                .collect()
        })
        .unwrap_or_default();
    table
        .row_iter()
        .map(|row| card(row, &names, usize::from(width)))
        .collect()
}

fn card(row: &Row, names: &[String], width: usize) -> String {
    let mut cells = row.cell_iter().enumerate();
    let mut out = String::new();
    let mut indent = 2;
    if let Some((_, first)) = cells.next() {
        let text = first.content();
        // A cell that is itself set in from the left takes the others with it.
        let margin = text.len() - text.trim_start().len();
        out.push_str(&wrap(text.trim(), width, margin));
        indent += margin;
    }
    for (index, cell) in cells {
        let text = cell.content();
        if plain(&text).trim().is_empty() {
            continue;
        }
        let line = names
            .get(index)
            .map_or_else(|| text.clone(), |name| format!("{name}: {text}"));
        out.push_str(&wrap(&line, width, indent));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::super::style::Tone;
    use super::{lines, plain};

    fn table(width: u16, color: bool) -> String {
        let style = Style {
            width: Some(width),
            color,
            verbose: false,
        };
        let mut table = style.table(&["SERVICE", "DATABASE", "ERRORS"]);
        table.add_row([
            "simply-kaspa-indexer".to_owned(),
            "simply_kaspa at localhost:5434".to_owned(),
            style.paint(Tone::Bad, "12"),
        ]);
        table.add_row(["a", "b", "0"]);
        lines(&table)
    }

    #[test]
    fn words_are_whole_at_every_width() {
        for width in 20..100 {
            for color in [false, true] {
                let text = table(width, color);
                for word in [
                    "simply-kaspa-indexer",
                    "simply_kaspa",
                    "localhost:5434",
                    "12",
                ] {
                    assert!(text.contains(word), "{width}:\n{text}");
                }
                for line in text.lines() {
                    let long = plain(line).chars().count();
                    assert!(long <= usize::from(width.max(22)), "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(plain(&table(80, true)), table(80, false));
        assert_eq!(
            table(80, false),
            "SERVICE               DATABASE                        ERRORS\n\
             simply-kaspa-indexer  simply_kaspa at localhost:5434  12\n\
             a                     b                               0\n"
        );
    }

    #[test]
    fn what_has_no_room_side_by_side_stands_below_each_other() {
        assert_eq!(
            table(40, false),
            "simply-kaspa-indexer\n  database: simply_kaspa at\n  localhost:5434\n  errors: 12\na\n  database: b\n  errors: 0\n"
        );
    }
}
