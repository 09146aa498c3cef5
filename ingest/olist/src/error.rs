//! Why a data set as a whole cannot be read, or not be generated. A bad row is no error.

use std::path::PathBuf;

use crate::kind::Kind;

/// An input that fails the run, with the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OlistError {
    /// A file of the data set is not there.
    #[error(
        "{}: {}", folder.display(),
        if *is_folder {
            format!("none of {name}, {name}.gz and {name}.zst is there; other names need a dataset.toml")
        } else {
            "there is no such folder".to_owned()
        }
    )]
    NoFile {
        /// Where it was looked for.
        folder: PathBuf,
        /// Name of the file.
        name: &'static str,
        /// Whether there is a folder at all.
        is_folder: bool,
    },
    /// The same rows are there in two forms, and nobody can say which one is meant.
    #[error(
        "{first} and {second} are both there; remove one, or name the one that is meant in a dataset.toml"
    )]
    TwoForms {
        /// Name of one file.
        first: String,
        /// Name of the other.
        second: String,
    },
    /// The `dataset.toml` cannot be used.
    #[error("dataset.toml: {problem}")]
    BadDescription {
        /// What is wrong, with its line where the text itself is.
        problem: String,
    },
    /// A file is something else than its name says.
    #[error("{file} is {found}: {advice}")]
    WrongKind {
        /// Name of the file.
        file: String,
        /// What it is.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A Parquet file cannot be read.
    #[error("{file}: {problem}")]
    Parquet {
        /// Name of the file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A file cannot be read.
    #[error("{file}: cannot be read to its end")]
    Read {
        /// Name of the file.
        file: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// An archive is cut or damaged.
    #[error(
        "{file}: the archive is cut or damaged after line {line}; fetch it again or unpack it with gzip to see how far it is good"
    )]
    Archive {
        /// Name of the file.
        file: String,
        /// Last line read whole.
        line: u64,
        /// The decoder's words.
        source: std::io::Error,
    },
    /// The last field of a file is quoted and never closed: all after it may be lost.
    #[error("{file}: the quote opened on line {line} is never closed; close it there")]
    UnclosedQuote {
        /// Name of the file.
        file: String,
        /// Line of the quote.
        line: u64,
    },
    /// No header.
    #[error("{file}: is empty; the first line names the columns")]
    NoHeader {
        /// Name of the file.
        file: String,
    },
    /// The header is over the bounds or is no CSV.
    #[error("{file}: the header {problem}; the first line names the columns{hint}")]
    BadHeader {
        /// Name of the file.
        file: String,
        /// What is wrong.
        problem: String,
        /// What the file may be instead; empty when nothing is known.
        hint: String,
    },
    /// Columns that are needed are not there.
    #[error("{file}: no column {}; the header has {}{hint}", missing.join(", "), found.join(", "))]
    MissingColumns {
        /// Name of the file.
        file: String,
        /// What is needed and not there.
        missing: Vec<String>,
        /// What is there; the first 64 columns, each cut at 64 characters.
        found: Vec<String>,
        /// What the file may be instead; empty when nothing is known.
        hint: String,
    },
    /// A needed column is there twice: nobody can say which one counts.
    #[error("{file}: column {column} is there twice; remove or rename one")]
    DoubledColumn {
        /// Name of the file.
        file: String,
        /// The column.
        column: String,
    },
    /// More rows than allowed.
    #[error("{file}: more than {limit} rows; raise the limit of rows if that is meant")]
    TooManyRows {
        /// Name of the file.
        file: String,
        /// The limit.
        limit: u64,
    },
    /// A file of generated data cannot be written.
    #[error("{}: cannot be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}

impl OlistError {
    /// The error with its whole chain of sources.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }

    pub(crate) fn wrong_kind(file: String, kind: Kind) -> Self {
        Self::WrongKind {
            file,
            found: kind.to_string(),
            advice: kind.advice(),
        }
    }
}
