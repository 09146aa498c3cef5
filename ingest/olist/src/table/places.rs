//! Positions of rows over all files of a table: one number, from which file and line come back.

use eip_contract::RowPlace;

/// The files of a table that were begun, and how many lines came before each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// Lines before the file, and its name; ascending.
    files: Vec<(u64, String)>,
    /// Lines before the file that is read.
    before: u64,
}

impl Places {
    pub(super) fn begin_file(&mut self, name: &str) {
        self.files.push((self.before, name.to_owned()));
    }

    /// The file had lines with numbers below `lines`.
    pub(super) fn end_file(&mut self, lines: u64) {
        self.before += lines.max(1);
    }

    /// The position of a line of the file that is read.
    #[inline]
    pub(super) fn position(&self, line: u64) -> u64 {
        self.before + line
    }

    /// The place of a position.
    pub(crate) fn place(&self, position: u64) -> RowPlace {
        let after = self.files.partition_point(|(before, _)| *before < position);
        let (before, file) = &self.files[after.saturating_sub(1)];
        RowPlace {
            file: file.clone(),
            line: position - before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_leads_back_to_file_and_line() {
        let mut places = Places::default();
        for (name, lines) in [("a", 4), ("empty", 1), ("b", 3)] {
            places.begin_file(name);
            for line in 1..lines {
                let place = places.place(places.position(line));
                assert_eq!((place.file.as_str(), place.line), (name, line));
            }
            places.end_file(lines);
        }
        let at = |position| places.place(position).to_string();
        assert_eq!(
            (at(1), at(3)),
            ("a line 1".to_owned(), "a line 3".to_owned())
        );
        assert_eq!(at(6), "b line 1");
    }
}
