//! What two spaces' views differ in: a digest of each view, and the rows of the daily statistics, by day and
//! route. All of it is read, so it is made once for all who ask, one pair at a time.

use std::collections::BTreeMap;

use eip_contract::Space;
use eip_stores::{StoreError, ViewDigest, ViewReader};
use eip_views::ROUTE_STATS_DAILY;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::spaces::Spaces;

/// Differing rows that are kept.
pub(crate) const ROWS: usize = 1_000;

/// How two spaces differ.
#[derive(Debug)]
pub(crate) struct Diff {
    pub(crate) sides: Sides,
    /// The first differing rows.
    pub(crate) rows: Vec<RowDiff>,
    /// How many differ.
    pub(crate) differing: usize,
}

/// Both sides, view by view.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Sides {
    /// One space as it was read.
    pub(crate) a: Side,
    /// The other.
    pub(crate) b: Side,
    /// Whether all views are equal.
    equal: bool,
    views: Vec<ViewDiff>,
}

/// One side, and the moment of it that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Side {
    space: String,
    topic_id: String,
    epoch: u64,
    stats_tick: u64,
    /// Documents are those of this tick or, on servers that are written to, of a later one.
    visible_tick: Option<u64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct ViewDiff {
    view: &'static str,
    equal: bool,
    a: DigestOf,
    b: DigestOf,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct DigestOf {
    rows: u64,
    sha256: String,
}

/// A day and route that differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RowDiff {
    #[serde(flatten)]
    key: RowKey,
    /// The row as it is exported; null where there is none.
    #[schema(value_type = Option<Object>)]
    a: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    b: Option<Box<RawValue>>,
}

/// What names a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
struct RowKey {
    stat_date: String,
    seller_region: String,
    customer_region: String,
}

/// What is read of one side.
struct Read {
    side: Side,
    digests: Vec<ViewDigest>,
    /// Canonical lines of the daily statistics, sorted by their bytes.
    lines: Vec<Box<str>>,
}

impl Side {
    fn of(space: &Space, reader: &mut ViewReader) -> Result<Self, StoreError> {
        let progress = reader.progress()?;
        let progress = progress.as_ref();
        Ok(Self {
            space: space.to_string(),
            topic_id: progress.map_or_else(String::new, |progress| progress.topic_id.clone()),
            epoch: progress.map_or(0, |progress| progress.epoch),
            stats_tick: progress.map_or(0, |progress| progress.tick),
            visible_tick: reader.visible_tick()?,
        })
    }

    /// The side as it is now. Blocks.
    pub(crate) fn now(spaces: &Spaces, space: &Space) -> Result<Self, StoreError> {
        Self::of(space, &mut spaces.open(space)?)
    }
}

impl Diff {
    /// Reads both and compares them. Blocks, and may take long.
    pub(crate) fn of(spaces: &Spaces, a: &Space, b: &Space) -> Result<Self, StoreError> {
        let (a, b) = (read(spaces, a)?, read(spaces, b)?);
        let digest = |digest: ViewDigest| DigestOf {
            rows: digest.rows,
            sha256: digest.sha256,
        };
        let views: Vec<ViewDiff> = a
            .digests
            .into_iter()
            .zip(b.digests)
            .map(|(a, b)| ViewDiff {
                view: a.name,
                equal: a == b,
                a: digest(a),
                b: digest(b),
            })
            .collect();
        let (rows, differing) = differing(a.lines, b.lines);
        let sides = Sides {
            a: a.side,
            b: b.side,
            equal: views.iter().all(|view| view.equal),
            views,
        };
        Ok(Self {
            sides,
            rows,
            differing,
        })
    }
}

fn read(spaces: &Spaces, space: &Space) -> Result<Read, StoreError> {
    spaces.open(space)?.snapshot(|reader: &mut ViewReader| {
        let side = Side::of(space, reader)?;
        let digests = reader.digests()?;
        let mut lines = Vec::new();
        reader.for_each_line(&ROUTE_STATS_DAILY, &mut |line| {
            lines.push(String::from_utf8_lossy(line).into_owned().into_boxed_str());
        })?;
        Ok(Read {
            side,
            digests,
            lines,
        })
    })
}

/// The first rows that differ, in the order of their keys, and how many do.
fn differing(a: Vec<Box<str>>, b: Vec<Box<str>>) -> (Vec<RowDiff>, usize) {
    let (only_a, only_b) = without_common(a, b);
    let mut rows: BTreeMap<RowKey, [Option<Box<str>>; 2]> = BTreeMap::new();
    for (side, lines) in [only_a, only_b].into_iter().enumerate() {
        for line in lines {
            // A line that is no row is none of ours; the digests show it.
            if let Ok(key) = serde_json::from_str::<RowKey>(&line) {
                rows.entry(key).or_default()[side] = Some(line);
            }
        }
    }
    let differing = rows.len();
    let raw = |line: Option<Box<str>>| {
        line.and_then(|line| RawValue::from_string(line.into_string()).ok())
    };
    let first = rows.into_iter().take(ROWS);
    let first = first.map(|(key, [a, b])| RowDiff {
        key,
        a: raw(a),
        b: raw(b),
    });
    (first.collect(), differing)
}

/// What is only in one of two sorted lists, each.
fn without_common(a: Vec<Box<str>>, b: Vec<Box<str>>) -> (Vec<Box<str>>, Vec<Box<str>>) {
    let (mut only_a, mut only_b) = (Vec::new(), Vec::new());
    let mut b = b.into_iter().peekable();
    for line in a {
        while let Some(before) = b.next_if(|other| **other < *line) {
            only_b.push(before);
        }
        if b.next_if(|other| **other == *line).is_none() {
            only_a.push(line);
        }
    }
    only_b.extend(b);
    (only_a, only_b)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn rows_that_differ_are_found_by_day_and_route() {
        let row = |day: &str, seller: &str, placed: u64| {
            format!(
                r#"{{"stat_date":"{day}","seller_region":"{seller}","customer_region":"RJ","placed":{placed}}}"#
            )
            .into_boxed_str()
        };
        let mut a = vec![
            row("2018-03-01", "SP", 1),
            row("2018-03-02", "SP", 2),
            row("2018-03-03", "SP", 3),
        ];
        let mut b = vec![
            row("2018-03-01", "SP", 1),
            row("2018-03-02", "SP", 9),
            row("2018-03-02", "BA", 4),
        ];
        a.sort_unstable();
        b.sort_unstable();
        let (rows, count) = differing(a.clone(), b);
        assert_eq!(count, 3);
        let key = |day: &str, seller: &str| json!({ "stat_date": day, "seller_region": seller, "customer_region": "RJ" });
        let with = |mut key: Value, name: &str, value: Value| {
            key[name] = value;
            key
        };
        let placed = |key: &Value, placed: u64| with(key.clone(), "placed", placed.into());
        let wanted = [
            (key("2018-03-02", "BA"), None, Some(4)),
            (key("2018-03-02", "SP"), Some(2), Some(9)),
            (key("2018-03-03", "SP"), Some(3), None),
        ]
        .map(|(key, a, b)| {
            let side = |count: Option<u64>| count.map_or(Value::Null, |count| placed(&key, count));
            let (a, b) = (side(a), side(b));
            with(with(key.clone(), "a", a), "b", b)
        });
        assert_eq!(serde_json::to_value(&rows).unwrap(), json!(wanted));
        assert_eq!(differing(a.clone(), a).1, 0);
    }
}
