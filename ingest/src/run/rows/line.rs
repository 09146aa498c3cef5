//! One line of a push, `{"file":"orders","row":{column:text,…}}` → the values of its columns.
//!
//! What a value means is decided where the files' rows are read (`eip_olist`); here only the JSON is.

use std::borrow::Cow;
use std::fmt;

use eip_olist::COLUMNS;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What a push calls the files, in the order of [`eip_olist::FILES`].
pub(super) const NAMES: [&str; 4] = ["sellers", "customers", "orders", "order_items"];

/// The column that holds a number.
const NUMBER: &str = "order_item_id";

/// A row of one of the files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PushedRow<'a> {
    /// Its place in [`NAMES`].
    pub(super) file: usize,
    /// The values of the file's columns, in their order.
    pub(super) values: Vec<Cow<'a, str>>,
}

/// Why a line is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoRow {
    /// The place of its file in [`NAMES`], when it names one.
    pub(super) file: Option<usize>,
    /// The column, or a field of the line, or empty when the line as a whole is wrong.
    pub(super) field: &'static str,
    /// Short fixed name.
    pub(super) reason: &'static str,
    /// Its first column, where that can be read: what needs the row goes with it.
    pub(super) key: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
    #[serde(borrow)]
    row: &'a RawValue,
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<PushedRow<'_>, NoRow> {
    let refuse = |file, field, reason| NoRow {
        file,
        field,
        reason,
        key: None,
    };
    let envelope: Envelope<'_> = serde_json::from_slice(line).map_err(|error| {
        let reason = if error.is_data() {
            "not_a_row"
        } else {
            "not_json"
        };
        refuse(None, "", reason)
    })?;
    let place = NAMES.iter().position(|name| *name == envelope.file);
    let file = place.ok_or(refuse(None, "file", "unknown_file"))?;
    let columns = COLUMNS[file];
    let mut row = serde_json::Deserializer::from_str(envelope.row.get());
    let found = Columns(columns).deserialize(&mut row);
    let found = found.map_err(|_| refuse(Some(file), "row", "not_a_row"))?;
    let key = match &found[0] {
        Found::Text(text) => Some(text.as_ref().into()),
        _ => None,
    };
    let values = found.into_iter().zip(columns).map(|(found, column)| {
        let reason = match found {
            Found::Text(text) => return Ok(text),
            Found::Nothing => "missing",
            Found::NoText => "not_text",
            Found::Twice => "doubled",
        };
        Err(NoRow {
            key: key.clone(),
            ..refuse(Some(file), column, reason)
        })
    });
    Ok(PushedRow {
        file,
        values: values.collect::<Result<_, _>>()?,
    })
}

/// How deep the brackets of a line go, also where it is no JSON.
pub(super) fn depth(line: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What a row has under a column's name.
enum Found<'a> {
    Nothing,
    /// A text; null is an empty one, as files have it.
    Text(Cow<'a, str>),
    NoText,
    Twice,
}

/// Reads the columns of a row by their names; other names are passed over, as other columns of a
/// file are.
struct Columns(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Columns {
    type Value = Vec<Found<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Columns {
    type Value = Vec<Found<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of columns and their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Option<Cow<'a, str>>);

        let mut all: Vec<Found<'de>> = self.0.iter().map(|_| Found::Nothing).collect();
        while let Some(name) = map.next_key::<String>()? {
            let Some(place) = self.0.iter().position(|column| *column == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &RawValue = map.next_value()?;
            let is_number = |text: &str| text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            all[place] = match (&all[place], serde_json::from_str(value.get())) {
                (Found::Nothing, Ok(Text(text))) => Found::Text(text.unwrap_or_default()),
                // A number is taken as it is written where one is meant; an id is a text.
                (Found::Nothing, Err(_)) if *self.0[place] == *NUMBER && is_number(value.get()) => {
                    Found::Text(Cow::Borrowed(value.get()))
                }
                (Found::Nothing, Err(_)) => Found::NoText,
                _ => Found::Twice,
            };
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (Option<&'static str>, &'static str, &'static str) {
        let refused = read(line.as_bytes()).unwrap_err();
        let file = refused.file.map(|file| NAMES[file]);
        (file, refused.field, refused.reason)
    }

    #[test]
    fn columns_are_found_by_name_and_null_is_empty() {
        let line =
            r#"{"row":{"seller_state":null,"x":[1],"seller_id":"s \"1\" é"},"file":"sellers"}"#;
        let row = read(line.as_bytes()).unwrap();
        assert_eq!(NAMES[row.file], "sellers");
        assert_eq!(row.values, ["s \"1\" é", ""]);
    }

    #[test]
    fn a_line_that_is_no_row_says_which_part_is_wrong() {
        let whole = [
            ("", "not_json"),
            ("{", "not_json"),
            ("nonsense", "not_json"),
            ("{} {}", "not_a_row"),
            ("[]", "not_a_row"),
            (r#"{"file":"sellers"}"#, "not_a_row"),
            (r#"{"file":"sellers","row":{},"more":1}"#, "not_a_row"),
            (r#"{"file":7,"row":{}}"#, "not_a_row"),
            (
                r#"{"file":"sellers","row":{"seller_id":"\ud800"}"#,
                "not_json",
            ),
        ];
        for (line, reason) in whole {
            assert_eq!(refused(line), (None, "", reason), "{line}");
        }
        let unknown = r#"{"file":"../sellers","row":{}}"#;
        assert_eq!(refused(unknown), (None, "file", "unknown_file"));
        let sellers = [
            ("[]", "row", "not_a_row"),
            (r#"{"seller_id":"s"}"#, "seller_state", "missing"),
            (
                r#"{"seller_id":1,"seller_state":"SP"}"#,
                "seller_id",
                "not_text",
            ),
            (
                r#"{"seller_id":"s","seller_state":"SP","seller_id":"s"}"#,
                "seller_id",
                "doubled",
            ),
            (
                r#"{"seller_id":"\ud800","seller_state":"SP"}"#,
                "seller_id",
                "not_text",
            ),
        ];
        for (row, field, reason) in sellers {
            let line = format!(r#"{{"file":"sellers","row":{row}}}"#);
            assert_eq!(refused(&line), (Some("sellers"), field, reason), "{row}");
        }
        let not_utf8 = b"{\"file\":\"sellers\",\"row\":{\"seller_id\":\"\xff\"}}";
        assert_eq!(read(not_utf8).unwrap_err().reason, "not_json");
    }

    #[test]
    fn a_number_is_taken_where_one_is_meant_and_a_refused_row_keeps_its_key() {
        for (number, text) in [("3", "3"), ("3.0", "3.0"), ("\"3\"", "3"), ("-1", "-1")] {
            let line = format!(
                r#"{{"file":"order_items","row":{{"order_id":"o","order_item_id":{number},"seller_id":"s"}}}}"#
            );
            assert_eq!(read(line.as_bytes()).unwrap().values, ["o", text, "s"]);
        }
        let refused = |row: &str| {
            let line = format!(r#"{{"file":"order_items","row":{row}}}"#);
            let refused = read(line.as_bytes()).unwrap_err();
            (refused.field, refused.reason, refused.key)
        };
        let number = r#"{"order_id":"o","order_item_id":1,"seller_id":7}"#;
        assert_eq!(refused(number), ("seller_id", "not_text", Some("o".into())));
        let truth = r#"{"order_id":"o","order_item_id":true,"seller_id":"s"}"#;
        assert_eq!(
            refused(truth),
            ("order_item_id", "not_text", Some("o".into()))
        );
        let unnamed = r#"{"order_id":1,"order_item_id":1,"seller_id":"s"}"#;
        assert_eq!(refused(unnamed), ("order_id", "not_text", None));
    }

    #[test]
    fn brackets_inside_of_texts_are_not_deep() {
        assert_eq!(depth(br#"{"a":"[[[\"[[","b":{"c":[]}}"#), 3);
        assert_eq!(depth(&[b'['; 10_000]), 10_000);
        assert_eq!(depth(b"]]]{"), 1);
    }
}
