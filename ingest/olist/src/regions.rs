//! Where sellers and customers are: the two small join tables, and the states they name.

use eip_contract::reject::{MAX_STATE_BYTES, UNKNOWN_REGION};

use crate::keyed::{Entry, Form, Key, KeyOnly, Keyed, Probe};

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

/// Who is where: 20 bytes and an index slot an entry.
#[derive(Default)]
pub(crate) struct Regions {
    /// Beside the form of the key, the number of the state.
    table: Keyed<KeyOnly>,
}

impl Regions {
    /// Adds one; false when it is there already.
    pub(crate) fn add(&mut self, id: Probe<'_>, state: u32) -> bool {
        self.table
            .insert(id, 0, |key| KeyOnly::new(key, state))
            .is_some()
    }

    /// Whether a reference leads to one.
    pub(crate) fn has(&self, reference: &[u8]) -> bool {
        self.table.find(Probe::of_text(reference), 0).is_some()
    }

    /// The number of the state of a reference that may be any text.
    #[inline]
    pub(crate) fn state_of(&self, reference: &[u8]) -> u32 {
        match self.table.find(Probe::of_text(reference), 0) {
            Some(index) => self.table.entries().get(index as usize).more(),
            None => UNKNOWN_STATE,
        }
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

    #[test]
    fn what_matches_no_entry_is_unknown() {
        let mut regions = Regions::default();
        assert!(regions.add(Probe::of_text(b"c1"), 7));
        assert!(!regions.add(Probe::of_text(b"c1"), 8));
        assert_eq!(regions.state_of(b"c1"), 7);
        for reference in [b"".as_slice(), b"C1", b"c1 ", &[b'x'; 9_000]] {
            assert_eq!(regions.state_of(reference), UNKNOWN_STATE);
        }
    }
}
