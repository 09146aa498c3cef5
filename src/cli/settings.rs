//! Settings of a command from three places: its flags, the environment, a TOML file (`--config`).
//!
//! ```text
//! flag ──► environment ──► file ──► default        the first that gives a setting gives all of it
//! ```
//! There is one list of settings, the command's flags: each has a variable in the environment and a
//! key in the file, and is read and checked in one way, whatever it comes from. The file's values are
//! the flags' defaults, so everything behind the command line sees values only. A setting that is a
//! secret (its flag hides the variable's value) can be in a file of its own: `--postgres-file`,
//! `EIP_POSTGRES_FILE`, `postgres_file`.

mod file;
mod named;
mod print;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::builder::ArgPredicate;
use clap::{Arg, ArgMatches, Args, Command};

use file::Entry;
pub(crate) use named::NamedPaths;
use print::Setting;

/// Flags that are no settings: what a file cannot hold.
const NO_SETTINGS: [&str; 5] = ["config", "print_config", "help", "version", "log"];
/// Settings of this kind are below this table in the file.
const LIMITS: &str = "Limits";

/// Where a command's settings come from beside its flags.
#[derive(Args)]
pub(crate) struct SettingsArgs {
    /// A TOML file of settings: the flags' names with _ for -, limits in a table [limits].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print every setting and where it comes from, secrets masked, and end.
    #[arg(long)]
    print_config: bool,
    #[arg(skip)]
    settings: Vec<Setting>,
}

impl SettingsArgs {
    /// Whether output is all that the command makes.
    pub(crate) fn only_prints(&self) -> bool {
        self.print_config
    }

    /// Prints the settings, if that is all that is wanted.
    pub(crate) fn print(&self) -> bool {
        if self.print_config {
            for setting in &self.settings {
                out!("{setting}");
            }
        }
        self.print_config
    }

    /// What they have come to.
    pub(crate) fn are(&mut self, settings: Vec<Setting>) {
        self.settings = settings;
    }
}

/// A command whose settings may come from a file.
pub(crate) struct Layered {
    command: &'static str,
    entries: Vec<Entry>,
    path: String,
}

impl Layered {
    /// Gives `name`, a subcommand of `command`, its variables, and the file's values as defaults.
    /// The file is the one that `arguments` or the environment name.
    pub(crate) fn new(
        command: &mut Command,
        name: &'static str,
        prefix: &str,
        arguments: &[OsString],
    ) -> anyhow::Result<Self> {
        *command = std::mem::take(command)
            .mut_subcommand(name, |subcommand| with_variables(subcommand, prefix));
        let mut layered = Self {
            command: name,
            entries: Vec::new(),
            path: String::new(),
        };
        // What is wrong with the arguments is said when all of them are read.
        let looked = command.clone().ignore_errors(true);
        let matches = looked.try_get_matches_from(arguments).ok();
        let Some(path) = matches.as_ref().and_then(|all| config_of(all, name)) else {
            return Ok(layered);
        };
        layered.path = path.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the settings in {}", layered.path))?;
        let subcommand = command.find_subcommand(name).expect("it was changed above");
        layered.entries = file::read(&text, subcommand)
            .map_err(|at| anyhow::anyhow!("{}:{}: {}", layered.path, at.line, at.problem))?;
        *command = std::mem::take(command).mut_subcommand(name, |subcommand| {
            let entries = layered.entries.iter();
            entries.fold(subcommand, with_default)
        });
        Ok(layered)
    }

    /// Every setting with its value and where it comes from, by key.
    pub(crate) fn settings(&self, command: &Command, matches: &ArgMatches) -> Vec<Setting> {
        let subcommand = command.find_subcommand(self.command);
        let (Some(subcommand), Some(matches)) =
            (subcommand, matches.subcommand_matches(self.command))
        else {
            return Vec::new();
        };
        let mut settings: Vec<Setting> = settings_of(subcommand)
            .map(|arg| {
                let entry = self
                    .entries
                    .iter()
                    .find(|entry| entry.id == arg.get_id().as_str());
                Setting::new(arg, matches, entry.map(|entry| (&*self.path, entry.line)))
            })
            .collect();
        settings.sort();
        settings
    }
}

/// The flags that are settings.
fn settings_of(command: &Command) -> impl Iterator<Item = &Arg> {
    let all = command.get_arguments();
    all.filter(|arg| !NO_SETTINGS.contains(&arg.get_id().as_str()))
}

/// The setting's key in the file.
fn key(arg: &Arg) -> String {
    if arg.get_help_heading() == Some(LIMITS) {
        format!("limits.{}", arg.get_id())
    } else {
        arg.get_id().to_string()
    }
}

/// Whether the value is for nobody's eyes.
fn is_secret(arg: &Arg) -> bool {
    arg.is_hide_env_values_set()
}

fn config_of(matches: &ArgMatches, name: &str) -> Option<std::path::PathBuf> {
    matches.subcommand_matches(name)?.get_one("config").cloned()
}

/// A flag that several commands have has no variable of its own, or the same one everywhere.
fn with_variables(command: Command, prefix: &str) -> Command {
    command.mut_args(|arg| {
        let id = arg.get_id().as_str();
        if arg.get_env().is_some() || matches!(id, "help" | "version" | "print_config") {
            return arg;
        }
        let variable = format!("{prefix}{}", id.to_uppercase());
        arg.env(variable)
    })
}

/// Makes the file's value the default. It gives way when a flag or the environment give the secret in
/// its other form.
fn with_default(command: Command, entry: &Entry) -> Command {
    let other = entry
        .id
        .strip_suffix("_file")
        .map_or_else(|| format!("{}_file", entry.id), str::to_owned);
    let has_other = command
        .get_arguments()
        .any(|arg| arg.get_id() == other.as_str());
    command.mut_arg(&entry.id, |arg| {
        let arg = arg.required(false).default_values(&entry.values);
        if has_other {
            arg.default_value_if(other, ArgPredicate::IsPresent, None::<&'static str>)
        } else {
            arg
        }
    })
}

#[cfg(test)]
mod tests;
