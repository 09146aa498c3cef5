//! What the program prints: lines on stdout and stderr that never stop the work behind them.
//!
//! A pipe whose reader has gone and a full disk are met here. The first write to stdout that fails
//! is remembered and nothing more is written there; `main` reports it when the command has ended
//! ([`ended`]). A write to stderr that fails is dropped: no place is left to report it.

use std::fmt;
use std::io::{self, BufRead as _, ErrorKind, Write};
use std::sync::OnceLock;

use crate::cli::Exit;

/// Prints a line on stdout, like `println!`, and never panics.
macro_rules! out {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}

/// Prints a line on stderr, like `eprintln!`, and never panics.
macro_rules! err {
    ($($text:tt)*) => { $crate::out::error_line(format_args!($($text)*)) };
}

/// Why stdout takes nothing any more.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes to stdout. The first error is remembered for [`ended`].
pub(crate) struct Stdout;

/// In place of the system's error, so that [`ended`] knows whose it is.
#[derive(Debug)]
struct StdoutLost;

impl fmt::Display for StdoutLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output cannot be written")
    }
}

impl std::error::Error for StdoutLost {}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        attempt(|| io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        attempt(|| io::stdout().flush())
    }
}

fn attempt<T>(write: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let lost = match LOST.get() {
        Some(lost) => lost,
        None => match write() {
            Err(error) if error.kind() != ErrorKind::Interrupted => LOST.get_or_init(|| error),
            written => return written,
        },
    };
    Err(io::Error::new(lost.kind(), StdoutLost))
}

/// See [`out!`].
pub(crate) fn line(text: fmt::Arguments<'_>) {
    // One write, so that lines of several threads stay whole. An error is remembered.
    let _ = Stdout.write_all(format!("{text}\n").as_bytes());
}

/// See [`err!`].
pub(crate) fn error_line(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Whether nothing more can be printed on stdout.
pub(crate) fn is_lost() -> bool {
    LOST.get().is_some()
}

/// Shows a question on stdout and reads the line that answers it.
pub(crate) fn ask(question: &str) -> io::Result<String> {
    Stdout.write_all(question.as_bytes())?;
    Stdout.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

/// How a command ended, once all that it printed is written. A reader that has seen enough is no
/// failure. Any other output that is lost is one of a command that `only_prints`; of all others the
/// result counts, and the loss is a warning.
pub(crate) fn ended(result: anyhow::Result<Exit>, only_prints: bool) -> anyhow::Result<Exit> {
    let _ = Stdout.flush();
    let exit = match result {
        Err(error) if !is_of_stdout(&error) => return Err(error),
        result => result.unwrap_or(Exit::Done),
    };
    match LOST.get() {
        Some(lost) if lost.kind() != ErrorKind::BrokenPipe => {
            if only_prints && exit == Exit::Done {
                anyhow::bail!("standard output cannot be written: {lost}");
            }
            err!("warning: standard output cannot be written: {lost}");
        }
        _ => {}
    }
    Ok(exit)
}

fn is_of_stdout(error: &anyhow::Error) -> bool {
    let causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes
        .filter_map(io::Error::get_ref)
        .any(<dyn std::error::Error + Send + Sync>::is::<StdoutLost>)
}
