//! The TOML file: its keys are the flags' names, and what it holds is checked as a flag is.

use std::error::Error as _;

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{is_secret, key, settings_of};

/// A setting that the file gives.
#[derive(Debug)]
pub(super) struct Entry {
    /// The flag's id.
    pub(super) id: String,
    /// As the flag takes them.
    pub(super) values: Vec<String>,
    /// Where it is, from 1.
    pub(super) line: usize,
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// All settings of a file, for `command`.
pub(super) fn read(text: &str, command: &Command) -> Result<Vec<Entry>, Wrong> {
    let wrong = |at: usize, problem: String| {
        let line = line_of(text, at);
        Wrong { line, problem }
    };
    let table = DeTable::parse(text).map_err(|error| {
        // The error's own text shows the line, which may hold a secret.
        let at = error.span().map_or(0, |span| span.start);
        wrong(at, format!("not TOML: {}", error.message()))
    })?;
    let mut given = Vec::new();
    for (name, value) in table.get_ref() {
        match (&**name.get_ref(), value.get_ref()) {
            ("limits", DeValue::Table(limits)) => {
                for (name, value) in limits {
                    given.push((
                        format!("limits.{}", name.get_ref()),
                        name.span().start,
                        value,
                    ));
                }
            }
            (key, _) => given.push((key.to_owned(), name.span().start, value)),
        }
    }
    let mut entries = Vec::new();
    for (name, at, value) in given {
        let arg = settings_of(command).find(|arg| key(arg) == name);
        let arg = arg.ok_or_else(|| wrong(at, unknown(&name, command)))?;
        let values = values(value).map_err(|what| wrong(at, format!("{name} {what}")))?;
        check(arg, &values).map_err(|what| wrong(at, format!("{name}: {what}")))?;
        entries.push(Entry {
            id: arg.get_id().to_string(),
            values,
            line: line_of(text, at),
        });
    }
    Ok(entries)
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.matches('\n').count() + 1
}

fn unknown(name: &str, command: &Command) -> String {
    let known: Vec<String> = settings_of(command).map(key).collect();
    format!("unknown key {name}; known are {}", known.join(", "))
}

/// The values as a flag takes them: a table as `NAME=VALUE`, tokens as `NAME:ROLE:SHA256`.
fn values(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Table(table) => table
            .iter()
            .map(|(name, value)| {
                let name = name.get_ref();
                match value.get_ref() {
                    DeValue::Table(fields) => Ok(format!("{name}:{}", token(name, fields)?)),
                    value => Ok(format!("{name}={}", scalar(value)?)),
                }
            })
            .collect(),
        DeValue::Array(_) => Err("is a list; it is one value or a table".to_owned()),
        value => Ok(vec![scalar(value)?]),
    }
}

/// `role` and `sha256` of one holder.
fn token(name: &str, fields: &DeTable<'_>) -> Result<String, String> {
    let mut pairs = Vec::new();
    for (field, value) in fields {
        let text = match value.get_ref() {
            DeValue::Array(all) => {
                let all: Result<Vec<String>, String> =
                    all.iter().map(|one| scalar(one.get_ref())).collect();
                all?.join("+")
            }
            value => scalar(value)?,
        };
        pairs.push((field.get_ref().to_string(), text));
    }
    match &pairs[..] {
        [(role, first), (sha256, second)] if role == "role" && sha256 == "sha256" => {
            Ok(format!("{first}:{second}"))
        }
        _ => Err(format!(
            "{name} needs the keys role and sha256, and takes no other"
        )),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string().replace('_', "")),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        _ => Err("is not a text, a number or true or false".to_owned()),
    }
}

/// Lets the flag itself look at the values.
fn check(arg: &Arg, values: &[String]) -> Result<(), String> {
    let long = arg.get_long().expect("every setting is a long flag");
    // Alone, and of a value of its own: neither the environment nor another flag counts.
    let mut alone = Arg::new("alone")
        .long(long.to_owned())
        .action(arg.get_action().clone())
        .value_parser(arg.get_value_parser().clone());
    if let Some(delimiter) = arg.get_value_delimiter() {
        alone = alone.value_delimiter(delimiter);
    }
    let looked = Command::new("settings").no_binary_name(true).arg(alone);
    let given = values.iter().map(|value| format!("--{long}={value}"));
    match looked.try_get_matches_from(given) {
        Ok(_) => Ok(()),
        Err(error) => Err(why(arg, &error, values)),
    }
}

fn why(arg: &Arg, error: &clap::Error, values: &[String]) -> String {
    match error.source() {
        _ if is_secret(arg) => "not a value that it takes".to_owned(),
        Some(source) => format!("{}: {source}", values.join(", ")),
        None => format!("{}: not a value that it takes", values.join(", ")),
    }
}
