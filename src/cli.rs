//! The command line: one subcommand a file, and what its exit code means.

mod api;
mod ask;
mod bearer;
#[cfg_attr(not(feature = "bench"), path = "cli/no_bench.rs")]
mod bench;
mod cache;
mod chain;
mod cluster;
mod data;
mod dataflow;
mod deadletters;
mod diff;
mod doctor;
mod export;
mod generate;
mod ingest;
mod log;
mod rebuild;
mod repair;
mod replay;
mod runs;
mod service;
mod settings;
mod space;
mod status;
mod token;
mod verify;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

use crate::demo;
pub(crate) use generate::summary_text;
pub(crate) use repair::Mended;
use settings::Layered;

/// A time machine for fulfillment events: replay, back-fill, and correct by retraction.
///
/// Exit codes: 0 done, 1 failed or a difference was found, 2 wrong usage (or, of `eip status`,
/// broken), 3 stopped at a guard
/// before anything was written, 130 interrupted.
#[derive(Parser)]
#[command(name = "eip", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to log to stderr, in the syntax of tracing's `EnvFilter`.
    #[arg(long, env = "EIP_LOG", default_value = "warn", global = true)]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole story in one process: a backfill, a correction by retraction, and its revert.
    Demo(demo::Demo),
    /// Start a run: fast and window backfills, and the revert of a run.
    #[command(subcommand)]
    Replay(replay::Replay),
    /// List the runs of a state folder, or show one.
    Runs(runs::Runs),
    /// Keep the views up to date with the log.
    Dataflow(dataflow::Dataflow),
    /// Launch the processes of one dataflow on this host and watch over them.
    Cluster(cluster::Cluster),
    Ingest(ingest::Ingest),
    /// Make tokens for `eip ingest` and `eip api`.
    #[command(subcommand)]
    Token(token::Token),
    Api(api::Api),
    Shipments(ask::Shipments),
    Routes(ask::Routes),
    Overview(ask::Overview),
    Why(why::Why),
    /// Recompute the views from the log by other means, and compare.
    Verify(verify::Verify),
    /// Write the views as canonical NDJSON files with their digests.
    Export(export::Export),
    /// Read everything that is stored, and mend what is not as the log says.
    Repair(repair::Repair),
    /// Make new Elasticsearch indices beside the present ones, verify them, and swap them in.
    Rebuild(rebuild::Rebuild),
    /// Records that are no events, and documents that the store refused.
    #[command(subcommand, name = "deadletters")]
    DeadLetters(deadletters::DeadLetters),
    /// How far everything is, and whether it is well.
    Status(status::Status),
    /// Look at all that has to be there; say what mends what is not.
    Doctor(doctor::Doctor),
    /// List, make, drop and repoint spaces.
    #[command(subcommand)]
    Space(space::Space),
    /// Compare the views of two spaces.
    Diff(diff::Diff),
    /// Append a log file to the log, or write the log as one.
    #[command(subcommand)]
    Log(log::Log),
    /// Look after the Parquet cache.
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Look at a folder of data before it is replayed.
    #[command(subcommand)]
    Data(data::Data),
    /// Make data of the Olist shape, of any size.
    Generate(generate::Generate),
    /// Measure what the project claims.
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done as asked.
    Done,
    /// It failed, or a comparison found a difference.
    Failed,
    /// Something cannot be reached or read (`eip status`).
    Broken,
    /// Stopped at a guard before anything was written.
    Guard,
    /// Stopped by the person at the terminal.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Broken => 2,
            Exit::Guard => 3,
            Exit::Interrupted => 130,
        })
    }
}

impl Cli {
    /// Reads the command line, with the settings that it takes from elsewhere. Ends the process where
    /// clap does: wrong usage, help, version.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let mut command = Self::command();
        let ingest = Layered::new(&mut command, "ingest", "EIP_INGEST_", &arguments)?;
        let api = Layered::new(&mut command, "api", "EIP_API_", &arguments)?;
        let matches = command.try_get_matches_from_mut(&arguments);
        let matches = matches.unwrap_or_else(|error| error.exit());
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        match &mut cli.command {
            Command::Ingest(it) => it.settings.are(ingest.settings(&command, &matches)),
            Command::Api(it) => it.settings.are(api.settings(&command, &matches)),
            _ => {}
        }
        Ok(cli)
    }

    pub(crate) fn log_filter(&self) -> EnvFilter {
        let is_read = |directive: &&str| match directive.parse::<Directive>() {
            Ok(_) => true,
            Err(error) => {
                err!("warning: --log: {directive:?} is left out: {error}");
                directive.is_empty()
            }
        };
        let read: Vec<&str> = self.log.split(',').filter(is_read).collect();
        // What is left is read without a word on stderr, where this would panic if that is lost.
        EnvFilter::builder().parse_lossy(read.join(","))
    }

    /// Whether output is all that the command makes: then it has failed if that cannot be written.
    pub(crate) fn only_prints(&self) -> bool {
        match &self.command {
            Command::Runs(_)
            | Command::Token(_)
            | Command::Verify(_)
            | Command::Status(_)
            | Command::Doctor(_)
            | Command::Diff(_)
            | Command::Bench(_)
            | Command::Shipments(_)
            | Command::Routes(_)
            | Command::Overview(_)
            | Command::Why(_) => true,
            Command::Data(command) => command.only_prints(),
            Command::DeadLetters(command) => command.only_prints(),
            Command::Space(command) => command.only_prints(),
            Command::Log(command) => command.only_prints(),
            Command::Cache(command) => command.only_prints(),
            Command::Ingest(command) => command.only_prints(),
            Command::Api(command) => command.only_prints(),
            Command::Rebuild(command) => command.only_prints(),
            Command::Demo(_)
            | Command::Replay(_)
            | Command::Dataflow(_)
            | Command::Cluster(_)
            | Command::Export(_)
            | Command::Repair(_)
            | Command::Generate(_) => false,
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Demo(command) => command.run(),
            Command::Replay(command) => command.run(),
            Command::Runs(command) => command.run(),
            Command::Dataflow(command) => command.run(),
            Command::Cluster(command) => command.run(),
            Command::Ingest(command) => command.run(),
            Command::Token(command) => Ok(command.run()),
            Command::Api(command) => command.run(),
            Command::Shipments(command) => command.run(),
            Command::Routes(command) => command.run(),
            Command::Overview(command) => command.run(),
            Command::Why(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Repair(command) => command.run(),
            Command::Rebuild(command) => command.run(),
            Command::DeadLetters(command) => command.run(),
            Command::Status(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Space(command) => command.run(),
            Command::Diff(command) => command.run(),
            Command::Log(command) => command.run(),
            Command::Cache(command) => command.run(),
            Command::Data(command) => command.run(),
            Command::Generate(command) => command.run(),
            Command::Bench(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
