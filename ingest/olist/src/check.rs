//! What a folder of data is: its files as they lie there, what their rows say, and the
//! `dataset.toml` that would read them where Olist's own form does not.
//!
//! ```text
//!  folder ─ files ─ each: kind, encoding, columns, rows, times (file, facts, shape, times)
//!     │                └─► which tables they can be (names) ─► plan ─► suggest: a dataset.toml
//!     └─ read as a run would read it ─► content: rejects, joins, ranges, orders touched
//! ```
//! Nothing that is wrong with the data is an error here: it is what the report says. Memory is that
//! of reading the data set, twice where a suggestion is tried beside it.

mod content;
mod facts;
mod file;
mod folder;
mod names;
mod plan;
mod report;
mod shape;
mod suggest;
mod text;
mod times;

use std::path::Path;

use eip_contract::RejectReason;
use serde::Serialize;

use crate::dataset::Dataset;
use crate::description::{DESCRIPTION_FILE, Description};
use crate::error::OlistError;
use crate::files::FILES;
use crate::limits::Limits;
pub use content::{Content, Shown, TimeRange, Touched, Unusual, UnusualSample};
pub use file::{CheckedFile, NotUtf8, NullWords};
pub use names::{Fit, TableMatch};
use suggest::Draft;
pub use text::LineEnds;
pub use times::{TimeColumn, TimeForm};

/// What a folder is. Its `Display` is the text for a person.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataReport {
    /// The files, in the order of their names.
    pub files: Vec<CheckedFile>,
    /// Files beyond the first 1,000, which were not looked at.
    pub files_left_out: u64,
    /// Whether the folder has a `dataset.toml`.
    pub has_description: bool,
    /// Why the folder cannot be read as it is.
    pub error: Option<String>,
    /// What the rows say: of the folder as it is, or where that cannot be read, with the suggestion.
    pub content: Option<Content>,
    /// The `dataset.toml` that would read the folder, when it needs one.
    pub suggestion: Option<Suggestion>,
}

/// A `dataset.toml`, and what comes of it.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// Its text.
    pub dataset_toml: String,
    /// What only a person knows: the lines with `# ?`.
    pub questions: Vec<String>,
    /// Orders accepted with it; `None` when it cannot be used before a question is answered.
    pub orders: Option<u64>,
    /// Rows rejected with it, without repeated and replaced ones.
    pub rows_rejected: Option<u64>,
    /// Why the folder cannot be read with it either.
    pub error: Option<String>,
}

/// A report with the data that it is about.
#[derive(Debug)]
pub struct Checked {
    /// The report.
    pub report: DataReport,
    /// The folder as it is, when it can be read.
    pub dataset: Option<Dataset>,
    /// The folder as the suggestion reads it.
    pub suggested: Option<Dataset>,
}

/// Looks at a folder. It fails when the folder itself cannot be listed.
pub fn check(folder: &Path, limits: &Limits) -> Result<Checked, OlistError> {
    if !folder.is_dir() {
        return Err(OlistError::NoFile {
            folder: folder.to_owned(),
            name: FILES[0],
            is_folder: false,
        });
    }
    let (listed, files_left_out) = folder::list(folder)?;
    let looked: Vec<file::Looked> = listed.iter().map(|file| file::look(file, limits)).collect();
    let has_description = folder.join(DESCRIPTION_FILE).exists();
    let read = Dataset::open(folder, limits);
    let draft = if has_description && read.is_ok() {
        None
    } else {
        suggest::draft(&looked)
    };
    let is_wanted = match &read {
        Ok(data) => rejects_for_its_form(data),
        Err(_) => true,
    };
    let tried = draft
        .filter(|_| is_wanted)
        .map(|draft| try_it(folder, draft, limits));
    let accepted = read.as_ref().map_or(0, Dataset::order_count);
    // Of a folder that can be read, one that reads no more is no help.
    let tried = tried.filter(|(suggestion, _)| {
        let is_open = suggestion.orders.is_none() && suggestion.error.is_none();
        read.is_err() || is_open || suggestion.orders.is_some_and(|orders| orders > accepted)
    });
    let (suggestion, suggested) = tried.unzip();
    let suggested = suggested.flatten();
    let (dataset, error) = match read {
        Ok(dataset) => (Some(dataset), None),
        Err(error) => (None, Some(error.chain())),
    };
    Ok(Checked {
        report: DataReport {
            files: looked.into_iter().map(|looked| looked.file).collect(),
            files_left_out,
            has_description,
            error,
            content: dataset.as_ref().or(suggested.as_ref()).map(Content::of),
            suggestion,
        },
        dataset,
        suggested,
    })
}

/// Whether rows are rejected for how they are written rather than for what they say.
fn rejects_for_its_form(data: &Dataset) -> bool {
    let of_form = [RejectReason::NotATime, RejectReason::NotUtf8];
    data.rejects_by_reason()
        .any(|count| of_form.contains(&count.reason))
}

fn try_it(folder: &Path, draft: Draft, limits: &Limits) -> (Suggestion, Option<Dataset>) {
    let Draft {
        text,
        questions,
        is_ambiguous,
    } = draft;
    let mut suggestion = Suggestion {
        dataset_toml: text,
        questions,
        orders: None,
        rows_rejected: None,
        error: None,
    };
    if is_ambiguous {
        return (suggestion, None);
    }
    let read = Description::parse(&suggestion.dataset_toml)
        .and_then(|description| Dataset::open_with(folder, &description, limits));
    match read {
        Ok(data) => {
            suggestion.orders = Some(data.order_count());
            suggestion.rows_rejected = Some(content::rows_rejected(&data));
            (suggestion, Some(data))
        }
        Err(error) => {
            suggestion.error = Some(error.chain());
            (suggestion, None)
        }
    }
}

#[cfg(test)]
mod tests;
