//! What a folder of data is, and whether a run would begin with it: the report of its files and rows
//! ([`eip_olist::check()`]) beside the stops that hold for any run (semantics, section 5).
//!
//! The terminal (`eip data check`) and the service (`POST /v1/datasets/{name}/check`) show the same.

use std::fmt;

use eip_olist::check::Content;
use eip_olist::{Checked, DataReport, Dataset, check};
use serde_json::{Value, json};

use crate::run::{AsOfRow, Input, InputStop, Source};

/// What was found. Its `Display` is the text for a person.
#[derive(Clone, Debug)]
pub struct DataCheck {
    /// The files and their rows.
    pub report: DataReport,
    /// Where asOf's default comes from.
    pub as_of_row: Option<AsOfRow>,
    /// Why a run would stop before its first record; empty when it would begin, or when the folder
    /// cannot be read.
    pub stops: Vec<InputStop>,
    /// The same of the folder as the suggested `dataset.toml` reads it.
    pub suggestion_stops: Vec<InputStop>,
}

/// Looks at the folder of a source as a run of it would read it. `now_ms`: the wall clock.
pub fn check_dataset(source: &Source, now_ms: i64) -> DataCheck {
    let checked = check(&source.data, &source.limits);
    let Checked {
        report,
        dataset,
        suggested,
    } = checked.unwrap_or_else(|error| Checked {
        report: DataReport {
            error: Some(error.chain()),
            ..DataReport::default()
        },
        dataset: None,
        suggested: None,
    });
    let stops = |dataset: Option<Dataset>| {
        let Some(dataset) = dataset else {
            return (None, Vec::new());
        };
        let input = Input::of(dataset, source.rules.clone(), source.as_of).report();
        let stops = InputStop::all(&input, source.max_rejected, now_ms);
        (input.as_of_row, stops)
    };
    let (as_of_row, of_folder) = stops(dataset);
    let (suggested_row, suggestion_stops) = stops(suggested);
    DataCheck {
        report,
        as_of_row: as_of_row.or(suggested_row),
        stops: of_folder,
        suggestion_stops,
    }
}

impl DataCheck {
    /// Why the folder cannot be read as it is.
    pub fn error(&self) -> Option<&str> {
        self.report.error.as_deref()
    }

    /// The text of the `dataset.toml` that would read the folder, when it needs one.
    pub fn dataset_toml(&self) -> Option<&str> {
        let suggestion = self.report.suggestion.as_ref()?;
        Some(&suggestion.dataset_toml)
    }

    /// What the rows of the folder as it is say.
    pub fn content(&self) -> Option<&Content> {
        let content = self.report.content.as_ref();
        content.filter(|_| self.report.error.is_none())
    }

    /// [`DataCheck::stops`] in words, each with what would let it through.
    pub fn stop_texts(&self) -> Vec<String> {
        self.stops.iter().map(with_flag).collect()
    }

    /// What programs read: the verdict first, then the whole report.
    pub fn to_json(&self) -> Value {
        let content = self.content();
        json!({
            "error": self.report.error,
            "stops": self.stop_texts(),
            "orders": content.map(|content| content.orders),
            "rows_rejected": content.map(|content| content.rows_rejected),
            "dataset_toml": self.dataset_toml(),
            "as_of_row": self.as_of_row,
            "report": self.report,
        })
    }
}

/// Why a run stops, and what would let it through.
fn with_flag(stop: &InputStop) -> String {
    match stop.flag() {
        Some(flag) => format!("{}; if that is meant: {flag}", stop.cause()),
        None => stop.cause().to_string(),
    }
}

impl fmt::Display for DataCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.report)?;
        writeln!(f)?;
        if let Some(row) = &self.as_of_row {
            let (time, field, order, place) = (row.time, &row.field, &row.order_id, &row.place);
            writeln!(
                f,
                "asOf would be {time}, from {field} of order {order} ({place})"
            )?;
        }
        if self.report.error.is_some() {
            writeln!(f, "a run cannot begin: the data cannot be read")?;
        } else {
            show_verdict(f, "", &self.stops)?;
        }
        let suggestion = self.report.suggestion.as_ref();
        if suggestion.is_some_and(|suggestion| suggestion.orders.is_some()) {
            show_verdict(
                f,
                "with the suggested dataset.toml ",
                &self.suggestion_stops,
            )?;
        }
        Ok(())
    }
}

fn show_verdict(f: &mut fmt::Formatter<'_>, with: &str, stops: &[InputStop]) -> fmt::Result {
    if stops.is_empty() {
        return writeln!(f, "{with}a run would begin");
    }
    writeln!(f, "{with}a run would stop before its first record")?;
    for stop in stops {
        writeln!(f, "  {}", with_flag(stop))?;
    }
    Ok(())
}
