//! Why a data set as a whole cannot be read, or not be generated. A bad row is no error.

use std::path::PathBuf;

/// An input that fails the run, with the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OlistError {
    /// A file of the data set is not there.
    #[error("{}: neither {name} nor {name}.gz is there", folder.display())]
    NoFile {
        /// Where it was looked for.
        folder: PathBuf,
        /// Name of the file.
        name: &'static str,
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
        "{file}: the archive is cut or damaged behind line {line}; fetch it again or unpack it with gzip to see how far it is good"
    )]
    Archive {
        /// Name of the file.
        file: String,
        /// Last line read whole.
        line: u64,
        /// The decoder's words.
        source: std::io::Error,
    },
    /// The last field of a file is quoted and never closed: all behind it may be lost.
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
    #[error("{file}: the header {problem}; the first line names the columns")]
    BadHeader {
        /// Name of the file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// Columns that are needed are not there.
    #[error("{file}: no column {}; the header has {}", missing.join(", "), found.join(", "))]
    MissingColumns {
        /// Name of the file.
        file: String,
        /// What is needed and not there.
        missing: Vec<&'static str>,
        /// What is there; the first 64 columns, each cut at 64 characters.
        found: Vec<String>,
    },
    /// A needed column is there twice: nobody can say which one counts.
    #[error("{file}: column {column} is there twice; remove or rename one")]
    DoubledColumn {
        /// Name of the file.
        file: String,
        /// The column.
        column: &'static str,
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
