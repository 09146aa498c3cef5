//! Stored lines beside expected lines, both sorted by bytes, met by their keys.

use std::cmp::Ordering;
use std::iter::Peekable;

use eip_contract::{Day, EventTime};
use sha2::{Digest as _, Sha256};

use eip_views::{Kept, View};

use super::recompute::Expected;

/// Differing rows that are kept to be shown, a view.
const SAMPLES: usize = 5;

/// What came of comparing one view.
#[derive(Debug)]
pub(crate) struct ViewComparison {
    /// The view.
    pub(crate) name: &'static str,
    /// Lines in the store.
    pub(crate) stored_rows: u64,
    /// Lines that the log gives.
    pub(crate) expected_rows: u64,
    /// SHA-256 of the stored lines.
    pub(crate) stored_sha256: String,
    /// SHA-256 of the lines that the log gives.
    pub(crate) expected_sha256: String,
    /// Rows that are not in the store.
    pub(crate) missing: u64,
    /// Rows that only the store has.
    pub(crate) extra: u64,
    /// Rows with the right key and another content, and documents filed under another id.
    pub(crate) different: u64,
    /// The first of all these.
    pub(crate) first: Vec<Difference>,
}

impl ViewComparison {
    /// Whether the store has exactly what the log gives.
    pub(crate) fn is_equal(&self) -> bool {
        self.missing + self.extra + self.different == 0
            && self.stored_sha256 == self.expected_sha256
    }
}

/// One differing row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// The log gives it and the store does not have it.
    Missing(String),
    /// The store has it and the log does not give it.
    Extra(String),
    /// Both have its key.
    Different {
        /// The line in the store.
        stored: String,
        /// The line that the log gives.
        expected: String,
    },
    /// The document is right and stored under an id that is not its own.
    Misfiled {
        /// The id in the store.
        id: String,
        /// The line in the store.
        stored: String,
    },
}

/// A comparison under way. Takes the stored lines one by one.
pub(super) struct Comparison<I: Iterator<Item = Expected>> {
    result: ViewComparison,
    /// How many JSON strings at a line's beginning make its key.
    strings_of_key: usize,
    expected: Peekable<I>,
    range: Option<(Day, Day)>,
    stored_hash: Sha256,
    expected_hash: Sha256,
}

impl<I: Iterator<Item = Expected>> Comparison<I> {
    pub(super) fn new(view: &'static View, expected: I, range: Option<(Day, Day)>) -> Self {
        let result = ViewComparison {
            name: view.name,
            stored_rows: 0,
            expected_rows: 0,
            stored_sha256: String::new(),
            expected_sha256: String::new(),
            missing: 0,
            extra: 0,
            different: 0,
            first: Vec::new(),
        };
        Self {
            // Names and values of its texts.
            strings_of_key: match view.kept {
                Kept::Documents => 2,
                Kept::Rows { key } => 2 * key,
            },
            result,
            expected: expected.peekable(),
            range,
            stored_hash: Sha256::new(),
            expected_hash: Sha256::new(),
        }
    }

    /// The next stored line, with its id when it is a document.
    pub(super) fn stored(&mut self, id: Option<&str>, line: &[u8]) {
        let strings = self.strings_of_key;
        let key = beginning(line, strings);
        loop {
            let order = match self.expected.peek() {
                None => Ordering::Greater,
                Some(expected) => beginning(&expected.line, strings).cmp(key),
            };
            if order == Ordering::Greater {
                if self.take_stored(line) {
                    self.result.extra += 1;
                    self.sample(|| Difference::Extra(text(line)));
                }
                return;
            }
            let expected = self.expected.next().expect("just looked at");
            if order == Ordering::Less {
                self.missing(&expected);
                continue;
            }
            let stored_in_range = self.take_stored(line);
            let expected_in_range = self.take_expected(&expected);
            if !stored_in_range && !expected_in_range {
                return;
            }
            if expected.line != line {
                self.result.different += 1;
                self.sample(|| Difference::Different {
                    stored: text(line),
                    expected: text(&expected.line),
                });
            } else if id.is_some_and(|id| !is_filed_under(id, key)) {
                self.result.different += 1;
                let id = id.unwrap_or_default().to_owned();
                self.sample(|| Difference::Misfiled {
                    id,
                    stored: text(line),
                });
            }
            return;
        }
    }

    /// What remains expected is missing.
    pub(super) fn finish(mut self) -> ViewComparison {
        while let Some(expected) = self.expected.next() {
            self.missing(&expected);
        }
        self.result.stored_sha256 = hex(&self.stored_hash.finalize());
        self.result.expected_sha256 = hex(&self.expected_hash.finalize());
        self.result
    }

    fn missing(&mut self, expected: &Expected) {
        if self.take_expected(expected) {
            self.result.missing += 1;
            self.sample(|| Difference::Missing(text(&expected.line)));
        }
    }

    fn sample(&mut self, difference: impl FnOnce() -> Difference) {
        if self.result.first.len() < SAMPLES {
            self.result.first.push(difference());
        }
    }

    /// Counts and hashes a stored line, unless it lies outside of the range.
    fn take_stored(&mut self, line: &[u8]) -> bool {
        let counts = self.range.is_none_or(|range| touches(line, range));
        if counts {
            self.result.stored_rows += 1;
            self.stored_hash.update(line);
            self.stored_hash.update(b"\n");
        }
        counts
    }

    fn take_expected(&mut self, expected: &Expected) -> bool {
        if expected.in_range {
            self.result.expected_rows += 1;
            self.expected_hash.update(&expected.line);
            self.expected_hash.update(b"\n");
        }
        expected.in_range
    }
}

/// The beginning of a line up to the end of its n-th JSON string, or the whole of a line that has
/// fewer. Of two different beginnings none goes on as the other, so that lines sorted by bytes
/// are sorted by these too.
fn beginning(line: &[u8], strings: usize) -> &[u8] {
    let mut ended = 0;
    let mut inside = false;
    let mut escaped = false;
    for (place, &byte) in line.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if inside && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            inside = !inside;
            ended += usize::from(!inside);
            if ended == strings {
                return &line[..=place];
            }
        }
    }
    line
}

/// Whether a key is that of a document with this id: `{"…Id":"<id as JSON>"`.
fn is_filed_under(id: &str, key: &[u8]) -> bool {
    let mut written = Vec::with_capacity(id.len() + 2);
    eip_contract::json::write_string(&mut written, id);
    key.ends_with(&written) && key.len() == b"{\"orderId\":".len() + written.len()
}

/// Whether a stored line has a time or a day in the range. One that cannot be read does: it is
/// a difference anyway.
fn touches(line: &[u8], (start, end): (Day, Day)) -> bool {
    const DATES: [&str; 8] = [
        "stat_date",
        "eventAt",
        "placedAt",
        "approvedAt",
        "warehouseAssignedAt",
        "handedToCarrierAt",
        "delayedAt",
        "deliveredAt",
    ];
    let Ok(fields) = serde_json::from_slice::<serde_json::Map<_, _>>(line) else {
        return true;
    };
    let mut days = DATES
        .iter()
        .filter_map(|name| fields.get(*name)?.as_str())
        .map(|text| {
            let time = EventTime::parse_iso(text.as_bytes()).map(EventTime::day);
            time.or_else(|_| Day::parse(text.as_bytes()))
        });
    days.any(|day| day.map_or(true, |day| start <= day && day < end))
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(view: &'static View, stored: &[(&str, &str)], expected: &[&str]) -> ViewComparison {
        let expected = expected.iter().map(|line| Expected {
            line: line.as_bytes().into(),
            in_range: true,
        });
        let mut comparison = Comparison::new(view, expected, None);
        for (id, line) in stored {
            comparison.stored(Some(id), line.as_bytes());
        }
        comparison.finish()
    }

    const A: &str = r#"{"orderId":"a","n":1}"#;
    const A_QUOTE: &str = r#"{"orderId":"a\"","n":1}"#;
    const B: &str = r#"{"orderId":"b","n":1}"#;

    #[test]
    fn equal_lines_are_equal() {
        let result = compared(
            &eip_views::SHIPMENTS,
            &[("a", A), ("a\"", A_QUOTE)],
            &[A, A_QUOTE],
        );
        assert!(result.is_equal(), "{result:?}");
        assert!(compared(&eip_views::SHIPMENTS, &[], &[]).is_equal());
    }

    #[test]
    fn each_kind_of_difference_is_named() {
        let other = A.replace('1', "2");
        let result = compared(
            &eip_views::SHIPMENTS,
            &[("a", &other), ("b", B)],
            &[A, A_QUOTE],
        );
        assert_eq!((result.missing, result.extra, result.different), (1, 1, 1));
        let expected = [
            Difference::Different {
                stored: other.clone(),
                expected: A.into(),
            },
            Difference::Missing(A_QUOTE.into()),
            Difference::Extra(B.into()),
        ];
        assert_eq!(result.first, expected);
        assert!(!result.is_equal());
    }

    #[test]
    fn a_document_under_another_id_is_a_difference() {
        let result = compared(&eip_views::SHIPMENTS, &[("x", A)], &[A]);
        assert_eq!(result.different, 1);
        assert!(!result.is_equal());
    }

    #[test]
    fn a_stored_line_that_is_no_json_is_extra_and_stops_nothing() {
        let result = compared(&eip_views::SHIPMENTS, &[("?", "gar\"bage"), ("b", B)], &[B]);
        assert_eq!((result.missing, result.extra, result.different), (0, 1, 0));
    }

    #[test]
    fn a_row_that_left_the_range_is_a_difference_and_one_outside_is_none() {
        let line = |day: &str| format!(r#"{{"eventId":"e","eventAt":"{day}T00:00:00Z"}}"#);
        let range = ["2018-01-01", "2018-02-01"].map(|day| Day::parse(day.as_bytes()).unwrap());
        let run = |stored: &str, expected: &str, in_range| {
            let expected = Expected {
                line: line(expected).into(),
                in_range,
            };
            let range = Some(range.into());
            let mut comparison =
                Comparison::new(&eip_views::SHIPMENT_EVENTS, [expected].into_iter(), range);
            comparison.stored(Some("e"), line(stored).as_bytes());
            comparison.finish()
        };
        assert!(run("2018-02-01", "2018-03-01", false).is_equal());
        assert!(run("2018-01-31", "2018-01-31", true).is_equal());
        assert!(!run("2018-02-01", "2018-01-31", true).is_equal());
        assert!(!run("2018-01-31", "2018-02-01", false).is_equal());
    }
}
