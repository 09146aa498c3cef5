//! `dataset.toml`: how the data in a folder is written, where it is not in Olist's own form
//! (semantics, section 7).
//!
//! ```toml
//! version = 1
//! [format]
//! delimiter = ";"
//! time = ["%d/%m/%Y %H:%M"]
//! time_zone = "America/Sao_Paulo"
//! [orders]
//! files = ["orders_*.csv"]
//! columns = { order_id = "Order No" }
//! ```
//! This file owns the text and its checks. Which files the globs find is [`crate::files`]'s.

use std::collections::BTreeMap;
use std::path::Path;

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use crate::error::OlistError;
use crate::format::{Duplicates, Format, TimeForms};
use crate::table::Layout;

/// Name of the file.
pub const DESCRIPTION_FILE: &str = "dataset.toml";
/// The version that this program reads.
const VERSION: u32 = 1;
/// Most bytes of the file.
const MAX_BYTES: u64 = 1 << 20;

/// A whole `dataset.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Always 1.
    pub version: u32,
    /// For all tables.
    #[serde(default, skip_serializing_if = "FormatText::is_empty")]
    pub format: FormatText,
    /// The orders.
    #[serde(default, skip_serializing_if = "TableText::is_empty")]
    pub orders: TableText,
    /// Their items.
    #[serde(default, skip_serializing_if = "TableText::is_empty")]
    pub items: TableText,
    /// The customers.
    #[serde(default, skip_serializing_if = "TableText::is_empty")]
    pub customers: TableText,
    /// The sellers.
    #[serde(default, skip_serializing_if = "TableText::is_empty")]
    pub sellers: TableText,
}

/// The keys that say how text is to be read; each table may override each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FormatText {
    /// One byte between two fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// A name of the WHATWG encoding standard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Forms of strptime, tried in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Vec<String>>,
    /// A name of the IANA time zone database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whole fields that mean empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null: Option<Vec<String>>,
    /// Which of several rows with one key counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
}

/// What is said about one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TableText {
    /// Globs inside the folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// By Olist's name of a column, its name in these files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// By Olist's name of a column that is not there, the value of every row.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constant: BTreeMap<String, String>,
    // The keys of [`FormatText`] once more: serde cannot refuse unknown keys of a flattened struct.
    /// See [`FormatText::delimiter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// See [`FormatText::encoding`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// See [`FormatText::time`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Vec<String>>,
    /// See [`FormatText::time_zone`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// See [`FormatText::null`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null: Option<Vec<String>>,
    /// See [`FormatText::duplicates`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
}

impl FormatText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TableText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How one table is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableDescription {
    pub(crate) format: Format,
    /// Globs, or `None` for the file with Olist's name.
    pub(crate) files: Option<Vec<String>>,
    columns: BTreeMap<String, String>,
    constant: BTreeMap<String, String>,
}

impl TableDescription {
    /// The name that a column has in the files.
    pub(crate) fn name_of(&self, column: &'static str) -> &str {
        self.columns.get(column).map_or(column, String::as_str)
    }

    /// The value that a column has in every row, when it is in no file.
    pub(crate) fn constant(&self, column: &'static str) -> Option<&str> {
        self.constant.get(column).map(String::as_str)
    }
}

impl Description {
    /// Reads the file of a folder: its text and what it says, or `None` where there is none.
    pub(crate) fn of_folder(folder: &Path) -> Result<Option<(Vec<u8>, Self)>, OlistError> {
        let path = folder.join(DESCRIPTION_FILE);
        let read = || {
            if std::fs::metadata(&path)?.len() > MAX_BYTES {
                return Err(std::io::Error::other("it has more than 1 MiB"));
            }
            std::fs::read(&path)
        };
        let text = match read() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| OlistError::Read {
                file: DESCRIPTION_FILE.to_owned(),
                source,
            })?,
        };
        let description = std::str::from_utf8(&text)
            .map_err(|_| bad("it is not UTF-8"))
            .and_then(Self::parse)?;
        Ok(Some((text, description)))
    }

    /// Reads the text of one.
    pub fn parse(text: &str) -> Result<Self, OlistError> {
        // Without a byte order mark, as editors write it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let description: Self = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        if description.version != VERSION {
            let version = description.version;
            return Err(bad(format!(
                "version = {version} is unknown; this program reads version = {VERSION}"
            )));
        }
        Ok(description)
    }

    /// How one table is read.
    pub(crate) fn table<const N: usize>(
        &self,
        layout: &Layout<N>,
    ) -> Result<TableDescription, OlistError> {
        let text = match layout.table {
            "orders" => &self.orders,
            "items" => &self.items,
            "customers" => &self.customers,
            _ => &self.sellers,
        };
        self.check(layout.table, text, &layout.columns)
            .map_err(|problem| bad(format!("[{}] {problem}", layout.table)))
    }

    fn check(
        &self,
        table: &str,
        text: &TableText,
        columns: &[&'static str],
    ) -> Result<TableDescription, String> {
        for (key, names) in [("columns", &text.columns), ("constant", &text.constant)] {
            if let Some(unknown) = names.keys().find(|name| !columns.contains(&name.as_str())) {
                return Err(format!(
                    "{key}: {table} has no column {unknown:?} that is used; they are {}",
                    columns.join(", ")
                ));
            }
        }
        if let Some(both) = text
            .constant
            .keys()
            .find(|name| text.columns.contains_key(*name))
        {
            return Err(format!(
                "{both} is both in columns and in constant; keep one"
            ));
        }
        if let Some(key) = text.constant.keys().find(|name| *name == columns[0]) {
            return Err(format!(
                "constant: {key} is what tells rows apart; it cannot be constant"
            ));
        }
        if text.files.as_ref().is_some_and(Vec::is_empty) {
            return Err("files is empty; name at least one file".to_owned());
        }
        Ok(TableDescription {
            format: self.format(text)?,
            files: text.files.clone(),
            columns: text.columns.clone(),
            constant: text.constant.clone(),
        })
    }

    fn format(&self, table: &TableText) -> Result<Format, String> {
        let all = &self.format;
        let delimiter = table.delimiter.as_deref().or(all.delimiter.as_deref());
        let delimiter = match delimiter.map(str::as_bytes) {
            None => b',',
            Some(&[byte]) if byte.is_ascii() && !b"\"\r\n".contains(&byte) => byte,
            Some(other) => {
                return Err(format!(
                    "delimiter: {:?} is not one ASCII character other than a quote or a line break",
                    String::from_utf8_lossy(other)
                ));
            }
        };
        let encoding = table.encoding.as_deref().or(all.encoding.as_deref());
        let encoding = match encoding {
            None => encoding_rs::UTF_8,
            Some(label) => Encoding::for_label(label.as_bytes())
                .filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
                .ok_or_else(|| {
                    format!(
                        "encoding: unknown encoding {label:?} (expected a name such as utf-8, \
                         utf-16le, windows-1252 or shift_jis)"
                    )
                })?,
        };
        let forms = table.time.as_deref().or(all.time.as_deref());
        let zone = table.time_zone.as_deref().or(all.time_zone.as_deref());
        let times = TimeForms::new(forms.unwrap_or_default(), zone);
        let nulls = table.null.as_ref().or(all.null.as_ref());
        Ok(Format {
            delimiter,
            encoding,
            times: times.map_err(|error| error.to_string())?,
            nulls: nulls.cloned().unwrap_or_default(),
            duplicates: table.duplicates.or(all.duplicates).unwrap_or_default(),
        })
    }
}

fn bad(problem: impl Into<String>) -> OlistError {
    OlistError::BadDescription {
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{ITEMS, ORDERS};

    const WHOLE: &str = r#"
version = 1
[format]
delimiter = ";"
encoding = "windows-1252"
time = ["%d/%m/%Y %H:%M", "%Y-%m-%d"]
time_zone = "America/Sao_Paulo"
null = ["-", "n/a"]
duplicates = "first"
[orders]
files = ["orders_*.csv", "late/*.parquet"]
columns = { order_id = "Order No", order_purchase_timestamp = "Bought at" }
duplicates = "last"
delimiter = "\t"
[items]
constant = { order_item_id = "1" }
"#;

    #[test]
    fn a_table_overrides_what_is_said_for_all() {
        let description = Description::parse(WHOLE).unwrap();
        let orders = description.table(&ORDERS).unwrap();
        assert_eq!(orders.format.delimiter, b'\t');
        assert_eq!(orders.format.duplicates, Duplicates::Last);
        assert_eq!(orders.format.nulls, ["-", "n/a"]);
        assert_eq!(orders.format.encoding, encoding_rs::WINDOWS_1252);
        assert_eq!(orders.name_of("order_id"), "Order No");
        assert_eq!(orders.name_of("customer_id"), "customer_id");
        let items = description.table(&ITEMS).unwrap();
        assert_eq!(items.format.delimiter, b';');
        assert_eq!(items.format.duplicates, Duplicates::First);
        assert_eq!(items.constant("order_item_id"), Some("1"));
        assert_eq!(items.files, None);
        // What is written for another folder reads the same.
        let again = toml::to_string(&description).unwrap();
        assert_eq!(Description::parse(&again).unwrap(), description);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        let refused = |text: &str| {
            let read = Description::parse(text).and_then(|description| description.table(&ORDERS));
            read.map(|_| ()).unwrap_err().to_string()
        };
        for (text, parts) in [
            ("version = 2", ["version = 2", "version = 1"]),
            ("[format]\ndelimiter = \";\"", ["version", "dataset.toml"]),
            (
                "version = 1\n[format]\nseparator = \";\"",
                ["separator", "line 3"],
            ),
            ("version = 1\n\n[order]\nfiles = []", ["order", "line 3"]),
            ("version = 1\n[orders]\nfile = \"x\"", ["file", "line 3"]),
            (
                "version = 1\n[format]\ndelimiter = \";;\"",
                ["delimiter", "\";;\""],
            ),
            (
                "version = 1\n[format]\ndelimiter = \"\\\"\"",
                ["delimiter", "quote"],
            ),
            (
                "version = 1\n[format]\nencoding = \"latin-9000\"",
                ["latin-9000", "windows-1252"],
            ),
            (
                "version = 1\n[format]\ntime = [\"%H:%M\"]",
                ["%H:%M", "year"],
            ),
            (
                "version = 1\n[format]\ntime_zone = \"Brazil/Rio\"",
                ["Brazil/Rio", "IANA"],
            ),
            (
                "version = 1\n[orders]\nduplicates = \"newest\"",
                ["newest", "line 3"],
            ),
            (
                "version = 1\n[orders]\ncolumns = { id = \"x\" }",
                ["[orders]", "order_purchase_timestamp"],
            ),
            (
                "version = 1\n[orders]\nconstant = { order_id = \"x\" }",
                ["order_id", "constant"],
            ),
            ("version = 1\n[orders]\nfiles = []", ["[orders]", "files"]),
            (
                "version = 1\n[orders]\ncolumns = { order_status = \"x\" }\nconstant = { order_status = \"y\" }",
                ["order_status", "both"],
            ),
        ] {
            let refused = refused(text);
            for part in parts {
                assert!(refused.contains(part), "{text}: {refused}");
            }
        }
    }
}
