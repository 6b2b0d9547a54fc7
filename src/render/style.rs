//! How text looks on a terminal: width and colour.

use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

pub(super) use super::narrow::lines;
/// Text that comes from a server or a file, made safe for a terminal.
pub(super) use crate::report::text::lines as safe;

/// Width and colour of the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// The width in columns; `None` where the output is not a terminal.
    pub width: Option<u16>,
    /// Whether to use colour.
    pub color: bool,
    /// Whether to show more.
    pub verbose: bool,
}

/// A colour by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
    /// Of less weight.
    Faint,
}

impl Style {
    /// The text in a colour, where colour is wanted.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// An empty table of this style.
    pub(super) fn table(self, header: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(NOTHING);
        if !header.is_empty() {
            table.set_header(header.iter().copied());
        }
        // Where there is no terminal a line is one thing, whole: a script may look for it.
        if let Some(width) = self.width {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        if !self.color {
            table.force_no_tty();
        }
        self.pad(&mut table);
        table
    }

    /// Two blanks between columns, none before the first.
    pub(super) fn pad(self, table: &mut Table) {
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }
}

/// A duration as people read it.
pub(super) fn duration(took: std::time::Duration) -> String {
    let ms = took.as_millis();
    if ms < 10_000 {
        format!("{ms} ms")
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}
