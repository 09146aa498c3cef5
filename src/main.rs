//! `eip`: every part of the project behind one binary. Reads the command line, runs one command, and
//! says at this one place what went wrong.

mod chain;
mod cli;
mod clock;
mod console;
mod demo;
mod health;
mod interrupt;
mod keys;
mod pace;
mod text;
mod verify;
mod views;

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
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match cli.run() {
        Ok(exit) => exit.into(),
        // Whoever read our output (`| head`) has seen enough.
        Err(error) if is_broken_pipe(&error) => cli::Exit::Done.into(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    cli::Exit::Failed.into()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
