//! `eip`: every part of the project behind one binary. Reads the command line, runs one command, and
//! says at this one place what went wrong.

#![warn(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod out;

mod chain;
mod cli;
mod clock;
mod console;
mod demo;
mod health;
mod interrupt;
mod keys;
mod pace;
mod refused;
mod text;
mod verify;
mod views;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

/// Page faults and frees of the engine's big buffers cost less under it than under the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::read() {
        Ok(cli) => cli,
        Err(error) => return failed(&error),
    };
    tracing_subscriber::fmt()
        .with_env_filter(cli.log_filter())
        .with_writer(io::stderr)
        .with_ansi(has_colours())
        // They would go to the same stderr, and panic where that cannot be written.
        .log_internal_errors(false)
        .with_target(false)
        .init();
    let only_prints = cli.only_prints();
    match out::ended(cli.run(), only_prints) {
        Ok(exit) => exit.into(),
        Err(error) => failed(&error),
    }
}

/// Colours are for a terminal, and not where <https://no-color.org> says so.
fn has_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}

fn failed(error: &anyhow::Error) -> ExitCode {
    err!("error: {error}");
    for cause in error.chain().skip(1) {
        err!("  because: {cause}");
    }
    cli::Exit::Failed.into()
}
