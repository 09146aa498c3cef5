//! The report as a person reads it.

mod rows;

use std::fmt;

use super::file::CheckedFile;
use super::names::{Fit, TableMatch};
use super::text::{counted, grouped, shown_delimiter};
use super::times::TimeColumn;
use super::{DataReport, Suggestion};

/// Most columns of a file that are listed.
const MAX_COLUMNS: usize = 24;
/// Most forms of one column that are listed.
const MAX_FORMS: usize = 4;

impl fmt::Display for DataReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "files")?;
        for file in &self.files {
            write!(f, "{file}")?;
        }
        if self.files.is_empty() {
            writeln!(f, "  none")?;
        }
        if self.files_left_out > 0 {
            let left_out = grouped(self.files_left_out);
            writeln!(f, "  and {left_out} more, which were not looked at")?;
        }
        let as_what = if self.has_description {
            "with its dataset.toml"
        } else {
            "in Olist's form"
        };
        match &self.error {
            None => writeln!(f, "\nread {as_what}")?,
            Some(error) => writeln!(f, "\ncannot be read {as_what}\n  {}", indented(error))?,
        }
        if self.error.is_some() && self.content.is_some() {
            writeln!(f, "\nread with the suggested dataset.toml")?;
        }
        if let Some(content) = &self.content {
            write!(f, "{content}")?;
        }
        match &self.suggestion {
            Some(suggestion) => write!(f, "\n{suggestion}"),
            None if self.has_description || self.error.is_some() => Ok(()),
            None => writeln!(f, "\nno dataset.toml is needed"),
        }
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n  ")
}

impl fmt::Display for CheckedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}, {} bytes", self.name, grouped(self.bytes))?;
        if let Some(packing) = self.packing {
            write!(f, ", {packing}")?;
        }
        if let Some(rows) = self.rows {
            write!(f, ", {}", counted(rows, "row"))?;
        }
        writeln!(f)?;
        if let Some(kind) = &self.kind {
            writeln!(f, "    is {kind}")?;
        }
        if let Some(error) = &self.error {
            writeln!(f, "    {error}")?;
        }
        if !self.encoding.is_empty() {
            let mark = if self.byte_order_mark {
                " with a byte order mark"
            } else {
                ""
            };
            let likely = if self.not_utf8.is_some() {
                "most likely "
            } else {
                ""
            };
            let encoding = self.encoding.to_uppercase().replace("WINDOWS", "windows");
            let delimiter = shown_delimiter(self.delimiter.map(|c| c as u8));
            let ends = self.line_ends;
            writeln!(f, "    {likely}{encoding}{mark}, {delimiter}, {ends}")?;
        }
        if let Some(bad) = &self.not_utf8 {
            let (rows, line, sample) = (counted(bad.rows, "row"), bad.line, &bad.sample);
            writeln!(
                f,
                "    not UTF-8 in {rows}, first on line {line}: {sample:?} as {}",
                self.encoding
            )?;
        }
        if !self.columns.is_empty() {
            let shown = &self.columns[..self.columns.len().min(MAX_COLUMNS)];
            let more = self.columns.len() - shown.len();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            writeln!(f, "    columns: {}{more}", shown.join(", "))?;
        }
        if !self.columns.is_empty() {
            show_tables(f, &self.tables)?;
        }
        // Files of other tables are of no further interest.
        if self.tables.is_empty() {
            return Ok(());
        }
        if let Some((rows, line)) = self.ragged {
            let rows = counted(rows, "row");
            writeln!(
                f,
                "    {rows} without the fields of the header, the first on line {line}"
            )?;
        }
        show_times(f, &self.times)?;
        for nulls in &self.null_words {
            let words = nulls.words.iter();
            let words: Vec<String> = words
                .map(|(word, count)| format!("{word:?} {}", counted(*count, "time")))
                .collect();
            writeln!(
                f,
                "    {} has words that look like null: {}",
                nulls.column,
                words.join(", ")
            )?;
        }
        Ok(())
    }
}

/// The tables on one line, the orders first.
fn show_tables(f: &mut fmt::Formatter<'_>, tables: &[TableMatch]) -> fmt::Result {
    if tables.is_empty() {
        return writeln!(f, "    is none of the four tables, by its columns");
    }
    let mut shown: Vec<String> = Vec::new();
    for name in ["orders", "items", "customers", "sellers"] {
        let Some(table) = tables.iter().find(|table| table.table == name) else {
            continue;
        };
        shown.push(if table.missing.is_empty() {
            name.to_owned()
        } else {
            format!("{name} (without {})", table.missing.join(", "))
        });
    }
    let by = match tables.iter().map(|table| table.fit).max() {
        Some(Fit::Synonym) => "other names",
        Some(Fit::Alike) => "Olist's names in other letters",
        _ => "Olist's names",
    };
    writeln!(f, "    can be the {}, by {by}", shown.join(", "))
}

/// The columns of times, those together that are written alike.
fn show_times(f: &mut fmt::Formatter<'_>, times: &[TimeColumn]) -> fmt::Result {
    let mut alike: Vec<(String, &str, Vec<String>)> = Vec::new();
    for column in times {
        for form in column.forms.iter().take(MAX_FORMS) {
            let how = match form.forms.as_slice() {
                _ if form.built_in => "read as they are".to_owned(),
                [one] => format!("written as {one}"),
                several => format!(
                    "written as {} (no value shows whether day or month comes first)",
                    several.join(" or ")
                ),
            };
            let name = if column.forms.len() > 1 {
                format!("{} ({})", column.column, counted(form.values, "time"))
            } else {
                column.column.clone()
            };
            match alike.iter_mut().find(|(other, ..)| *other == how) {
                Some((_, _, columns)) => columns.push(name),
                None => alike.push((how, &form.sample, vec![name])),
            }
        }
    }
    for (how, sample, columns) in alike {
        writeln!(
            f,
            "    times {how}, like {sample:?}: {}",
            columns.join(", ")
        )?;
    }
    for column in times {
        if let Some((count, sample, line)) = &column.others {
            let (column, rows) = (&column.column, counted(*count, "row"));
            writeln!(
                f,
                "    {column} is no time in {rows}, first {sample:?} on line {line}"
            )?;
        }
    }
    Ok(())
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "suggested dataset.toml")?;
        for line in self.dataset_toml.lines() {
            writeln!(f, "{}", format!("  {line}").trim_end())?;
        }
        match (self.orders, self.rows_rejected, &self.error) {
            (Some(orders), Some(rejected), _) => writeln!(
                f,
                "\nwith this dataset.toml {} accepted, {} rejected",
                counted(orders, "order"),
                counted(rejected, "row")
            )?,
            (_, _, Some(error)) => writeln!(
                f,
                "\nwith this dataset.toml the folder cannot be read yet: {}",
                indented(error)
            )?,
            _ => writeln!(f, "\nthis dataset.toml is not complete")?,
        }
        if !self.questions.is_empty() {
            writeln!(f, "look at the lines with # ? before you use it")?;
        }
        Ok(())
    }
}
