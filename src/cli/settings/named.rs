//! Settings that are names with a path each, `NAME=PATH`.
//!
//! A flag gives one of them, and the file a table. A variable of the environment holds all of them:
//! there a comma begins the next one where a name and `=` follow it; any other comma is the path's.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::bail;
use clap::builder::{TypedValueParser, ValueParserFactory};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Command, Error};

/// What one flag or one variable gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPaths(Vec<(String, PathBuf)>);

impl NamedPaths {
    /// All paths by their names; a name that is there twice is refused. `flag` is for the error.
    pub(crate) fn by_name(flag: &str, all: Vec<Self>) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let mut map = BTreeMap::new();
        for (name, path) in all.into_iter().flat_map(|named| named.0) {
            if let Some(other) = map.insert(name.clone(), path) {
                bail!("{flag} names {name} twice (first {})", other.display());
            }
        }
        Ok(map)
    }
}

impl ValueParserFactory for NamedPaths {
    type Parser = NamedPathsParser;
    fn value_parser() -> NamedPathsParser {
        NamedPathsParser
    }
}

/// Reads a [`NamedPaths`] by where it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedPathsParser;

impl TypedValueParser for NamedPathsParser {
    type Value = NamedPaths;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<NamedPaths, Error> {
        self.parse_ref_(command, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<NamedPaths, Error> {
        let refused = |why: String| {
            let flag = arg.map_or_else(String::new, ToString::to_string);
            let text = format!("invalid value '{}' for '{flag}': {why}\n", value.display());
            Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        };
        let text = value
            .to_str()
            .ok_or_else(|| refused("is not UTF-8".to_owned()))?;
        let parts = if source == ValueSource::EnvVariable {
            parts(text)
        } else {
            vec![text]
        };
        let pairs = parts.into_iter().map(|part| match part.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok((name.to_owned(), PathBuf::from(path)))
            }
            _ => Err(refused(format!("{part:?} is not NAME=PATH"))),
        });
        pairs.collect::<Result<_, _>>().map(NamedPaths)
    }
}

/// The pairs in the text of a variable.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (comma, _) in text.match_indices(',') {
        if begins_with_name(&text[comma + 1..]) {
            parts.push(&text[begin..comma]);
            begin = comma + 1;
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// Whether a name and `=` stand at the beginning. Names are those of the HTTP interface.
fn begins_with_name(text: &str) -> bool {
    let is_of_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let name = text.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.bytes().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, source: ValueSource) -> Result<Vec<(String, String)>, String> {
        let read =
            NamedPathsParser.parse_ref_(&Command::new("eip"), None, OsStr::new(text), source);
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        read.map(|named| {
            named
                .0
                .into_iter()
                .map(|(name, path)| (name, text(path)))
                .collect()
        })
        .map_err(|error| error.to_string())
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter()
            .map(|&(name, path)| (name.to_owned(), path.to_owned()))
            .collect()
    }

    #[test]
    fn a_flag_is_one_pair_whatever_stands_in_its_path() {
        let flag = ValueSource::CommandLine;
        for path in ["/a,b", "/a,half=/b", "/a=b", ","] {
            let read = read(&format!("olist={path}"), flag).unwrap();
            assert_eq!(read, pairs(&[("olist", path)]));
        }
        for wrong in ["", "olist", "olist=", "=/a", "/a,b"] {
            let error = read(wrong, flag).unwrap_err();
            assert!(
                error.contains(&format!("{wrong:?} is not NAME=PATH")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_variable_is_cut_where_another_name_begins() {
        let variable = ValueSource::EnvVariable;
        let read = |text| read(text, variable);
        let two = pairs(&[("olist", "/a,b"), ("half-2", "/c, d=e")]);
        assert_eq!(read("olist=/a,b,half-2=/c, d=e"), Ok(two));
        assert_eq!(
            read("olist=/a,,x=/b"),
            Ok(pairs(&[("olist", "/a,"), ("x", "/b")]))
        );
        assert_eq!(read("olist=/a,"), Ok(pairs(&[("olist", "/a,")])));
        assert!(
            read("olist=/a,half=")
                .unwrap_err()
                .contains("\"half=\" is not NAME=PATH")
        );
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        let named = |path: &str| NamedPaths(vec![("olist".to_owned(), PathBuf::from(path))]);
        let error = NamedPaths::by_name("--dataset", vec![named("/a"), named("/b")]).unwrap_err();
        assert_eq!(error.to_string(), "--dataset names olist twice (first /a)");
    }
}
