//! `--print-config`: every setting with its value and its origin.

use std::fmt;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

use super::{is_secret, key, named};

/// One setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Setting {
    key: String,
    /// In TOML; `None`: not set.
    value: Option<String>,
    origin: String,
}

impl Setting {
    /// What `matches` hold for `arg`; `file` is where the file has it, if it does.
    pub(super) fn new(arg: &Arg, matches: &ArgMatches, file: Option<(&str, usize)>) -> Self {
        let id = arg.get_id().as_str();
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<String> = values
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        let is_list = matches!(arg.get_action(), clap::ArgAction::Append);
        let origin = match (matches.value_source(id), file) {
            (Some(ValueSource::CommandLine), _) => "flag".to_owned(),
            (Some(ValueSource::EnvVariable), _) => {
                let variable = arg.get_env().unwrap_or_default().to_string_lossy();
                format!("environment {variable}")
            }
            (Some(_), Some((path, line))) => format!("file {path}:{line}"),
            _ => "default".to_owned(),
        };
        let value = match &values[..] {
            [] => None,
            _ if is_secret(arg) => Some(quoted("********")),
            // The flags that may be given several times; a variable has all in one.
            [all] if is_list && matches.value_source(id) == Some(ValueSource::EnvVariable) => {
                Some(table(named::parts(all)))
            }
            _ if is_list => Some(table(values.iter().map(String::as_str))),
            [one] if one.bytes().all(|byte| byte.is_ascii_digit()) => Some(one.clone()),
            [one, ..] => Some(quoted(one)),
        };
        Self {
            key: key(arg),
            value,
            origin,
        }
    }
}

/// A line of TOML.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, origin } = self;
        match value {
            Some(value) => write!(f, "{key} = {value}  # {origin}"),
            None => write!(f, "# {key} is not set"),
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// `NAME=VALUE` of each as an inline table.
fn table<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let pairs = values.into_iter().map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{} = {}", quoted(name), quoted(value))
    });
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}
