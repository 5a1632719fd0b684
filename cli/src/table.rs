//! Tables for people: columns side by side, as wide as their widest cell.
//!
//! A cell may hold text of other people, such as the response of an endpoint. Its control characters are
//! escaped: none of it can steer the terminal or break a row.

use unicode_width::UnicodeWidthStr as _;

/// On which side the cells of a column begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Text.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

/// The rows under the names of their columns, a line each, without a line break at the end.
///
/// ```
/// use storehook::table::{Column::{Left, Right}, table};
///
/// let rows = [["delivery".to_owned(), "7".to_owned()], ["jobs".to_owned(), "12".to_owned()]];
/// assert_eq!(table([Left("queue"), Right("waiting")], rows), "\
/// queue     waiting
/// delivery        7
/// jobs           12");
/// ```
pub fn table<const N: usize>(columns: [Column; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let head = columns.map(|(Column::Left(name) | Column::Right(name))| name.to_owned());
    let rows: Vec<_> = [head].into_iter().chain(rows).map(|row| row.map(|cell| printable(&cell))).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(columns).zip(widths).map(|((cell, column), width)| {
            let space = " ".repeat(width - cell.width());
            match column {
                Column::Left(_) => format!("{cell}{space}"),
                Column::Right(_) => format!("{space}{cell}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A text in one line, with its control characters escaped.
pub fn printable(text: &str) -> String {
    let escaped = |character: char| match character {
        control if control.is_control() => control.escape_default().to_string(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::{Column::*, *};

    #[test]
    fn columns_are_as_wide_as_they_show_and_cells_cannot_steer_the_terminal() {
        let rows = [["日本".to_owned(), "1".to_owned()], ["a\u{1b}[2J\nb".to_owned(), "23456".to_owned()]];
        let expected = "\
name               n
日本               1
a\\u{1b}[2J\\nb  23456";
        assert_eq!(table([Left("name"), Right("n")], rows), expected);
        assert_eq!(table([Left("name"), Left("n")], []), "name  n");
    }
}
