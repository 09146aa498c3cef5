//! `eip`: every part of the project behind one binary. Reads the command line, runs one command, and
//! says at this one place what went wrong.

mod cli;
mod console;
mod demo;
mod interrupt;
mod text;
mod verify;
mod views;

use std::process::ExitCode;

use clap::Parser as _;

/// Page faults and frees of the engine's big buffers cost less under it than under the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(cli.log_filter())
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match cli.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            cli::Exit::Failed.into()
        }
    }
}
