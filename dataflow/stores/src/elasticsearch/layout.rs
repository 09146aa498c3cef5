//! Names of everything that one view of a space owns in Elasticsearch.
//!
//! ```text
//!  read alias   shipments                         what readers search
//!  index        shipments-v2-<generation>         v2: the format of mapping and `_meta`
//!  write alias  shipments-w-<epoch>-<writer>-<n>  the fence: gone as soon as its owner is old
//!  template     shipments-v2
//! ```
//! In another space than `main` each begins with `<space>.`. A name says view and version exactly,
//! so a pattern made of it finds nothing of another view or space. An index of an older format keeps its
//! name when a dataflow brings it up to date.
//!
//! | format | what came |
//! |---|---|
//! | 1 | |
//! | 2 | `tick` in each document; a document without it is written again |

use eip_contract::Space;
use eip_views::View;

/// The format of mapping and `_meta` that this program writes.
pub const FORMAT: u32 = 2;

/// The names of one view.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    base: String,
}

/// Through which one writer writes: names its epoch, which of its writers it is, and how often it
/// has left an alias behind because it did not know what became of a request under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WriteAlias {
    pub(super) epoch: u64,
    pub(super) writer: usize,
    pub(super) n: u64,
}

impl Layout {
    pub(crate) fn new(space: &Space, view: &View) -> Self {
        Self {
            base: space.prefixed(view.name),
        }
    }

    pub(crate) fn read_alias(&self) -> &str {
        &self.base
    }

    pub(super) fn template(&self) -> String {
        format!("{}-v{FORMAT}", self.base)
    }

    /// The templates of this format and of all before it.
    pub(super) fn all_templates(&self) -> impl Iterator<Item = String> {
        (1..=FORMAT).map(|format| format!("{}-v{format}", self.base))
    }

    pub(super) fn index(&self, generation: u32) -> String {
        format!("{}-v{FORMAT}-{generation}", self.base)
    }

    /// Finds the indices of this view, of any format; to be sifted by [`Layout::parse_index`].
    pub(super) fn all_indices(&self) -> String {
        format!("{}-v*", self.base)
    }

    /// Format and generation of an index of this view.
    pub(super) fn parse_index(&self, name: &str) -> Option<(u32, u32)> {
        let (format, generation) = name
            .strip_prefix(&self.base)?
            .strip_prefix("-v")?
            .split_once('-')?;
        Some((format.parse().ok()?, generation.parse().ok()?))
    }

    pub(super) fn write_alias(&self, alias: WriteAlias) -> String {
        let WriteAlias { epoch, writer, n } = alias;
        format!("{}-w-{epoch}-{writer}-{n}", self.base)
    }

    pub(super) fn parse_write_alias(&self, name: &str) -> Option<WriteAlias> {
        let mut parts = name
            .strip_prefix(&self.base)?
            .strip_prefix("-w-")?
            .split('-');
        let alias = WriteAlias {
            epoch: parts.next()?.parse().ok()?,
            writer: parts.next()?.parse().ok()?,
            n: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(alias)
    }
}

#[cfg(test)]
mod tests {
    use eip_views::SHIPMENTS;

    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_by_their_own_view_only() {
        let main = Layout::new(&Space::main(), &SHIPMENTS);
        let peak = Layout::new(&"peak".parse().unwrap(), &SHIPMENTS);
        let alias = WriteAlias {
            epoch: 12,
            writer: 3,
            n: 4,
        };
        assert_eq!(main.index(2), "shipments-v2-2");
        assert_eq!(peak.write_alias(alias), "peak.shipments-w-12-3-4");
        for layout in [&main, &peak] {
            assert_eq!(layout.parse_index(&layout.index(7)), Some((FORMAT, 7)));
            assert_eq!(
                layout.parse_write_alias(&layout.write_alias(alias)),
                Some(alias)
            );
        }
        assert_eq!(main.parse_index(&peak.index(7)), None);
        assert_eq!(peak.parse_write_alias(&main.write_alias(alias)), None);
        for foreign in [
            "shipments-vendor-1",
            "shipments",
            "shipments-v1",
            "shipment_events-v1-1",
        ] {
            assert_eq!(main.parse_index(foreign), None, "{foreign}");
        }
        assert_eq!(main.parse_write_alias("shipments-w-1-2-3-4"), None);
    }
}
