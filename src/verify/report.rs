//! How a verification reads.

use std::fmt;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::{Difference, VerifyReport, ViewComparison};

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["view", "rows stored", "rows expected", "sha-256", "equal"]);
        for view in &self.views {
            let digests = if view.stored_sha256 == view.expected_sha256 {
                view.stored_sha256.clone()
            } else {
                format!(
                    "stored   {}\nexpected {}",
                    view.stored_sha256, view.expected_sha256
                )
            };
            table.add_row([
                view.name.to_owned(),
                view.stored_rows.to_string(),
                view.expected_rows.to_string(),
                digests,
                if view.is_equal() { "yes" } else { "NO" }.to_owned(),
            ]);
        }
        if let Some((start, end)) = self.range {
            writeln!(f, "range {start} to {end} (half-open)")?;
        }
        writeln!(f, "{}", table.trim_fmt())?;
        self.views
            .iter()
            .filter(|view| !view.is_equal())
            .try_for_each(|view| differing(f, view))?;
        write!(f, "records read: {}", self.records)?;
        let dead: u64 = self.dead_letters.values().sum();
        write!(f, "; dead letters: {dead}")?;
        if !self.dead_letters.is_empty() {
            let reasons: Vec<_> = self
                .dead_letters
                .iter()
                .map(|(code, count)| format!("{code} {count}"))
                .collect();
            write!(f, " ({})", reasons.join(", "))?;
        }
        if self.stored_dead_letters != dead {
            write!(f, "; listed in the store: {}", self.stored_dead_letters)?;
        }
        writeln!(f)?;
        if let Some(first) = &self.first_foreign_id {
            let written = first
                .written
                .map_or("none".to_owned(), |written| written.to_string());
            writeln!(
                f,
                "records whose eventId does not follow from their fields: {}; the first is \
                 partition {} offset {}, order {}: written {written}, computed {}",
                self.foreign_ids, first.partition, first.offset, first.order_id, first.computed
            )?;
        }
        if self.behind > 0 {
            writeln!(
                f,
                "BEHIND: offsets of the log that are not in the views yet: {}; let a dataflow \
                 write them (`eip dataflow`)",
                self.behind
            )?;
        }
        let verdict = if self.is_equal() {
            "equal"
        } else {
            "NOT equal"
        };
        write!(f, "the stored views and the log are {verdict}")
    }
}

fn differing(f: &mut fmt::Formatter<'_>, view: &ViewComparison) -> fmt::Result {
    writeln!(
        f,
        "{}: {} missing, {} extra, {} different; the first:",
        view.name, view.missing, view.extra, view.different
    )?;
    for difference in &view.first {
        match difference {
            Difference::Missing(line) => writeln!(f, "  missing   {line}")?,
            Difference::Extra(line) => writeln!(f, "  extra     {line}")?,
            Difference::Different { stored, expected } => {
                writeln!(f, "  stored    {stored}\n  expected  {expected}")?;
            }
            Difference::Misfiled { id, stored } => {
                writeln!(f, "  under id {id:?}: {stored}")?;
            }
        }
    }
    Ok(())
}
