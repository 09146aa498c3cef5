//! Where sellers and customers are: the two small join tables, and the states they name.

use eip_contract::reject::{MAX_STATE_BYTES, UNKNOWN_REGION};

use crate::alike::Alike;
use crate::arena::Chunks;
use crate::format::Duplicates;
use crate::keyed::{Entry, Form, Key, KeyOnly, Keyed, Probe};
use crate::rejected::RejectedKeys;

/// All states that occur, by number: 17 bytes and an index slot for each different one.
pub(crate) struct States {
    states: Keyed<State>,
}

/// Number of [`UNKNOWN_REGION`].
pub(crate) const UNKNOWN_STATE: u32 = 0;

/// A state's own bytes are its key: it has at most 16, none of them zero.
struct State {
    bytes: [u8; MAX_STATE_BYTES],
    length: u8,
}

impl Entry for State {
    fn key(&self) -> Key {
        Key {
            form: Form::Hex,
            bits: u128::from_le_bytes(self.bytes),
        }
    }
}

impl States {
    pub(crate) fn new() -> Self {
        let mut states = Self {
            states: Keyed::default(),
        };
        let unknown = states.number(UNKNOWN_REGION.as_bytes());
        assert_eq!(unknown, UNKNOWN_STATE, "the first state is the unknown one");
        states
    }

    /// The number of a valid state; an empty one is unknown.
    pub(crate) fn number(&mut self, state: &[u8]) -> u32 {
        if state.is_empty() {
            return UNKNOWN_STATE;
        }
        let mut bytes = [0; MAX_STATE_BYTES];
        bytes[..state.len()].copy_from_slice(state);
        let entry = State {
            bytes,
            length: state.len() as u8,
        };
        let probe = Probe::Packed(entry.key());
        match self.states.find(probe, 0) {
            Some(number) => number,
            None => self
                .states
                .insert(probe, 0, |_| entry)
                .expect("it was not found"),
        }
    }

    /// The state of a number.
    pub(crate) fn get(&self, number: u32) -> &str {
        let State { bytes, length } = self.states.entries().get(number as usize);
        std::str::from_utf8(&bytes[..usize::from(*length)]).expect("states come in as texts")
    }
}

/// Where a reference leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To an accepted row with this state.
    State(u32),
    /// To rejected rows alone; the number of their key among [`Regions::rejected`].
    Rejected(u32),
    /// To no row at all.
    Nowhere,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is the first of its key.
    First,
    /// It says what the accepted row says.
    Repeated,
    /// It says something else, and the other row stands.
    Contradicting,
    /// It says something else, and stands in place of the other.
    Replaced,
    /// It says something else, and neither counts; the other row's position, once.
    Void(Option<u64>),
}

/// Who is where: 20 bytes and an index slot an entry, with [`Duplicates::Reject`] 4 more.
pub(crate) struct Regions {
    /// Beside the form of the key, the number of the state and two marks.
    table: Keyed<KeyOnly>,
    duplicates: Duplicates,
    /// With [`Duplicates::Reject`], the position of each entry's row.
    positions: Chunks<u32>,
    /// Keys of rejected rows.
    pub(crate) rejected: RejectedKeys,
    alike: Alike,
}

/// Marks beside the number of a state, which has 28 bits.
const USED: u32 = 1 << 28;
const VOID: u32 = 1 << 29;
const STATE: u32 = USED - 1;

impl Regions {
    pub(crate) fn new(duplicates: Duplicates) -> Self {
        Self {
            table: Keyed::default(),
            duplicates,
            positions: Chunks::default(),
            rejected: RejectedKeys::default(),
            alike: Alike::default(),
        }
    }

    /// Adds an accepted row.
    pub(crate) fn add(&mut self, id: Probe<'_>, state: u32, position: u64) -> Added {
        let Some(index) = self.table.find(id, 0) else {
            self.table.insert(id, 0, |key| KeyOnly::new(key, state));
            if self.duplicates == Duplicates::Reject {
                self.positions
                    .push(u32::try_from(position).unwrap_or(u32::MAX));
            }
            return Added::First;
        };
        let known = self.table.entries().get(index as usize).more();
        if known & VOID != 0 {
            return Added::Void(None);
        }
        if known & STATE == state {
            return Added::Repeated;
        }
        match self.duplicates {
            Duplicates::First => Added::Contradicting,
            Duplicates::Last => {
                self.table.get_mut(index).set_more(state);
                Added::Replaced
            }
            Duplicates::Reject => {
                self.table.get_mut(index).set_more(known | VOID);
                let first = u64::from(*self.positions.get(index as usize));
                self.rejected.add(id, first);
                Added::Void(Some(first))
            }
        }
    }

    /// Where a reference leads, which may be any text. A row that it leads to is used.
    #[inline]
    pub(crate) fn look_up(&mut self, reference: &[u8]) -> Place {
        let probe = Probe::of_text(reference);
        if let Some(index) = self.table.find(probe, 0) {
            let entry = self.table.get_mut(index);
            let known = entry.more();
            if known & VOID == 0 {
                if known & USED == 0 {
                    entry.set_more(known | USED);
                }
                return Place::State(known & STATE);
            }
        }
        match self.rejected.find(probe) {
            Some(index) => Place::Rejected(index),
            None => Place::Nowhere,
        }
    }

    /// A key that differs from a reference by case and blanks around it alone.
    pub(crate) fn alike(&mut self, reference: &[u8]) -> Option<String> {
        self.alike.find(&self.table, reference)
    }

    /// Accepted rows that nothing refers to.
    pub(crate) fn unused(&self) -> u64 {
        let entries = self.table.entries().iter();
        entries
            .filter(|entry| entry.more() & (USED | VOID) == 0)
            .count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_one_number_and_the_empty_one_is_unknown() {
        let mut states = States::new();
        let texts = ["SP", "RJ", "sp", "", "ZZ", "sixteen bytes ok", "é"];
        let numbers = texts.map(|state| states.number(state.as_bytes()));
        assert_eq!(numbers, [1, 2, 3, 0, 0, 4, 5]);
        assert_eq!(texts.map(|state| states.number(state.as_bytes())), numbers);
        assert_eq!(numbers.map(|number| states.get(number)), {
            ["SP", "RJ", "sp", "ZZ", "ZZ", "sixteen bytes ok", "é"]
        });
    }

    fn added(duplicates: Duplicates, states: &[u32]) -> (Vec<Added>, Place) {
        let mut regions = Regions::new(duplicates);
        let rows = (2..).zip(states);
        let added = rows.map(|(line, &state)| regions.add(Probe::of_text(b"c1"), state, line));
        let added = added.collect();
        (added, regions.look_up(b"c1"))
    }

    #[test]
    fn of_several_rows_of_a_key_the_data_set_says_which_counts() {
        use Added::{Contradicting, First, Repeated, Replaced, Void};
        let states = [7, 7, 8, 7];
        let first = vec![First, Repeated, Contradicting, Repeated];
        assert_eq!(added(Duplicates::First, &states), (first, Place::State(7)));
        let last = vec![First, Repeated, Replaced, Replaced];
        assert_eq!(added(Duplicates::Last, &states), (last, Place::State(7)));
        let none = vec![First, Repeated, Void(Some(2)), Void(None)];
        assert_eq!(
            added(Duplicates::Reject, &states),
            (none, Place::Rejected(0))
        );
    }

    #[test]
    fn an_accepted_row_comes_before_rejected_ones_of_its_key() {
        let mut regions = Regions::new(Duplicates::First);
        regions.rejected.add(Probe::of_text(b"c1"), 2);
        regions.rejected.add(Probe::of_text(b"c2"), 3);
        regions.add(Probe::of_text(b"c1"), 7, 4);
        regions.add(Probe::of_text(b"c3"), 7, 5);
        assert_eq!(regions.look_up(b"c1"), Place::State(7));
        assert_eq!(regions.look_up(b"c2"), Place::Rejected(1));
        for reference in [b"".as_slice(), b"C1", b"c1 ", &[b'x'; 9_000]] {
            assert_eq!(regions.look_up(reference), Place::Nowhere);
        }
        assert_eq!(regions.unused(), 1);
        assert_eq!(regions.alike(b" C1").as_deref(), Some("c1"));
        assert_eq!(regions.alike(b"c4"), None);
    }
}
