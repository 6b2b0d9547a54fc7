//! The picture at the top: services × databases, as a table that a screen reader reads and colours that say the same.

use super::escape;
use crate::render::verify_words::doors;
use crate::report::reach::{Cell, Matrix, Reach};
use crate::report::verify::Report;

/// Class and mark of a cell.
const fn look(reach: Reach) -> (&'static str, &'static str) {
    match reach {
        Reach::Own => ("own", "●"),
        Reach::Open => ("open", "✕"),
        Reach::Shut => ("shut", "✓"),
        Reach::Unknown => ("unknown", "?"),
        Reach::Nothing => ("nothing", "–"),
    }
}

/// What a cell says in words.
const fn words(reach: Reach) -> &'static str {
    match reach {
        Reach::Own => "own database",
        Reach::Nothing => "no role or no database",
        other => other.as_str(),
    }
}

pub(super) fn section(report: &Report) -> String {
    let matrix = Matrix::new(report);
    if matrix.columns.is_empty() {
        return "<p>No service of this report has a database.</p>\n".to_owned();
    }
    format!("{}{}{}", table(&matrix), legend(), reasons(&matrix))
}

fn table(matrix: &Matrix) -> String {
    let mut out = String::from(
        "<p id=\"matrix\">Each row is a service, each column a database: can the one reach the other?</p>\n\
         <div class=\"scroll\" role=\"region\" aria-labelledby=\"matrix\" tabindex=\"0\">\n\
         <table class=\"matrix\" aria-labelledby=\"matrix\">\n<thead>\n<tr><th scope=\"col\">from ↓ to →</th>",
    );
    for column in &matrix.columns {
        out.push_str(&format!(
            "<th scope=\"col\">{}<span class=\"of\"> of {}</span></th>",
            escape(&column.database),
            escape(&column.service)
        ));
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &matrix.rows {
        out.push_str(&format!(
            "<tr><th scope=\"row\">{}</th>{}</tr>\n",
            escape(row.service.as_deref().unwrap_or("everybody else")),
            row.cells.iter().map(cell).collect::<String>()
        ));
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    out
}

fn cell(cell: &Cell) -> String {
    let (class, mark) = look(cell.reach);
    format!(
        "<td class=\"{class}\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span> <span class=\"word\">{}</span></td>",
        words(cell.reach)
    )
}

fn legend() -> String {
    let meaning = |reach| match reach {
        Reach::Own => "the service's own database",
        Reach::Open => "a finding says that it can be reached, accepted or not",
        Reach::Shut => "every question was answered, and no way was found",
        Reach::Unknown => "something that would tell was not looked at",
        Reach::Nothing => "there is no role or no database to ask about",
    };
    let items: String = [
        Reach::Own,
        Reach::Open,
        Reach::Shut,
        Reach::Unknown,
        Reach::Nothing,
    ]
    .into_iter()
    .map(|reach| {
        let (class, mark) = look(reach);
        format!(
            "<li><span class=\"key {class}\" aria-hidden=\"true\">{mark}</span> {}: {}</li>\n",
            words(reach),
            meaning(reach)
        )
    })
    .collect();
    format!(
        "<ul class=\"legend\">\n{items}</ul>\n<p>“Everybody else” is PUBLIC, and whoever gets in without a password of their own.</p>\n"
    )
}

/// Why ways are open or not known.
fn reasons(matrix: &Matrix) -> String {
    let doors = doors(matrix);
    if doors.is_empty() {
        return String::new();
    }
    let items: String = doors
        .iter()
        .map(|door| {
            let (class, mark) = look(door.reach);
            format!(
                "<li><p><span class=\"key {class}\" aria-hidden=\"true\">{mark}</span> <strong>{}:</strong> {}</p><p>{}</p></li>\n",
                words(door.reach),
                escape(&door.ways.join(", ")),
                escape(door.why)
            )
        })
        .collect();
    format!("<h3>Why</h3>\n<ul class=\"reasons\">\n{items}</ul>\n")
}
