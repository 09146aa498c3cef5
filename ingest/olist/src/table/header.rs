//! Where a file has the columns that are used: by exact name, else ignoring case and blanks around
//! it, or as a constant of the data set.

use super::layout::Layout;
use crate::csv::Row;
use crate::description::TableDescription;
use crate::error::OlistError;
use crate::format::trimmed;
use crate::kind::{Kind, delimiter_name, delimiter_of};
use crate::limits::Limits;

/// The place of a column that is in no file.
pub(super) const CONSTANT: usize = usize::MAX;

/// Most columns of a file that an error shows, and most characters of each.
const MAX_SHOWN: usize = 64;

/// Where a file has the columns of its table.
pub(super) struct Columns<const N: usize> {
    /// In the header, or [`CONSTANT`].
    pub(super) places: [usize; N],
    /// The values of those.
    pub(super) constants: [Vec<u8>; N],
}

impl<const N: usize> Columns<N> {
    /// Reads the header of a CSV. `start`: the first bytes of the file, to see what else it may be.
    pub(super) fn of_header(
        layout: &Layout<N>,
        description: &TableDescription,
        file: &str,
        header: &Row<'_>,
        limits: &Limits,
        start: &[u8],
    ) -> Result<Self, OlistError> {
        let bad = |problem: String| OlistError::BadHeader {
            file: file.to_owned(),
            problem,
            hint: hint(layout, description, start),
        };
        if header.too_long {
            return Err(bad(format!("has more than {} bytes", limits.max_row_bytes)));
        }
        if header.len() > limits.max_columns {
            let (found, most) = (header.len(), limits.max_columns);
            return Err(bad(format!("has {found} columns, over {most}")));
        }
        if header.malformed() {
            return Err(bad("has text after a closing quote".to_owned()));
        }
        let names: Vec<&[u8]> = (0..header.len()).filter_map(|i| header.field(i)).collect();
        Self::find(layout, description, file, &names, start)
    }

    /// Finds the columns among the names of a file.
    pub(super) fn find(
        layout: &Layout<N>,
        description: &TableDescription,
        file: &str,
        names: &[&[u8]],
        start: &[u8],
    ) -> Result<Self, OlistError> {
        let mut columns = Self {
            places: [0; N],
            constants: std::array::from_fn(|_| Vec::new()),
        };
        let mut missing = Vec::new();
        for (i, column) in layout.columns.into_iter().enumerate() {
            let wanted = description.name_of(column);
            let found = place_of(wanted.as_bytes(), names);
            let doubled = || OlistError::DoubledColumn {
                file: file.to_owned(),
                column: wanted.to_owned(),
            };
            let place = match (
                found.map_err(|Doubled| doubled())?,
                description.constant(column),
            ) {
                (Some(place), None) => place,
                (None, Some(constant)) => {
                    columns.constants[i] = constant.as_bytes().to_vec();
                    CONSTANT
                }
                (None, None) => {
                    missing.push(wanted.to_owned());
                    continue;
                }
                (Some(_), Some(_)) => {
                    return Err(OlistError::BadDescription {
                        problem: format!(
                            "[{}] constant: {file} has the column {column} itself; take the \
                             constant away",
                            layout.table
                        ),
                    });
                }
            };
            columns.places[i] = place;
        }
        if missing.is_empty() {
            return Ok(columns);
        }
        let shown = |name: &&[u8]| {
            let name = String::from_utf8_lossy(name);
            name.chars()
                .filter(|c| !c.is_control())
                .take(MAX_SHOWN)
                .collect()
        };
        Err(OlistError::MissingColumns {
            file: file.to_owned(),
            missing,
            found: names.iter().take(MAX_SHOWN).map(shown).collect(),
            hint: hint(layout, description, start),
        })
    }

    /// The places in the file that are needed, in the order of the layout; afterwards a column's
    /// place is that in this list.
    pub(super) fn keep_only_found(&mut self) -> Vec<usize> {
        let mut kept = Vec::new();
        for place in &mut self.places {
            if *place != CONSTANT {
                kept.push(*place);
                *place = kept.len() - 1;
            }
        }
        kept
    }
}

struct Doubled;

/// The one column with this name; without an exact one, the one that differs by case and blanks.
fn place_of(wanted: &[u8], names: &[&[u8]]) -> Result<Option<usize>, Doubled> {
    let only = |is: &dyn Fn(&[u8]) -> bool| {
        let mut found = (0..names.len()).filter(|&i| is(names[i]));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Doubled),
            (found, _) => Ok(found),
        }
    };
    if let Some(exact) = only(&|name| name == wanted)? {
        return Ok(Some(exact));
    }
    let wanted = lowercase(wanted);
    only(&|name| lowercase(name) == wanted)
}

fn lowercase(name: &[u8]) -> String {
    String::from_utf8_lossy(trimmed(name)).to_lowercase()
}

/// What the file may be instead, as the end of an error: empty when nothing is known.
fn hint<const N: usize>(
    layout: &Layout<N>,
    description: &TableDescription,
    start: &[u8],
) -> String {
    if let Some(kind) = Kind::of(start) {
        return format!("; this looks like {kind}: {}", kind.advice());
    }
    let text = description.format.encoding.decode(start).0;
    let header = text.split(['\n', '\r']).next().unwrap_or_default();
    let wanted: Vec<&str> = layout
        .columns
        .into_iter()
        .filter(|column| description.constant(column).is_none())
        .map(|column| description.name_of(column))
        .collect();
    match delimiter_of(header.as_bytes(), &wanted) {
        Some(delimiter) if delimiter != description.format.delimiter => format!(
            "; its columns are separated by {}: say delimiter = {:?} in a dataset.toml",
            delimiter_name(delimiter),
            char::from(delimiter).to_string()
        ),
        _ => String::new(),
    }
}
