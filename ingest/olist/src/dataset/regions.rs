//! A join table: the rows of customers or sellers → where each of them is.

use eip_contract::RejectReason;
use eip_contract::reject::{MAX_STATE_BYTES, has_control, is_region};

use super::Dataset;
use crate::error::OlistError;
use crate::regions::{Added, Regions};
use crate::rejects::reject;
use crate::table::{Fault, Places, Table, key};

const ID: usize = 0;
const STATE: usize = 1;

impl Dataset {
    /// `at`: the place of the table in [`crate::TABLES`].
    pub(super) fn read_regions(
        &mut self,
        at: usize,
        mut table: Table<2>,
    ) -> Result<(Regions, Places), OlistError> {
        let description = table.description();
        let format = &description.format;
        let mut regions = Regions::new(format.duplicates);
        // With `duplicates = "reject"`: rows that were accepted until another contradicted them.
        let mut contradicted = Vec::new();
        while let Some(row) = table.next()? {
            let added = row.values.and_then(|[id, state]| {
                let id = key(id).map_err(|reason| Fault::of(ID, reason))?;
                let state = format.state(row.as_text(STATE, state));
                if !is_region(state) {
                    return Err(Fault::of(STATE, state_fault(state)));
                }
                let state = self.states.number(state);
                Ok(regions.add(id, state, row.position))
            });
            let fault = match added {
                Ok(Added::First) => continue,
                Ok(Added::Repeated) => Fault::of(ID, RejectReason::Repeated),
                Ok(Added::Replaced) => Fault::of(ID, RejectReason::Replaced),
                Ok(Added::Contradicting) => Fault::of(ID, RejectReason::Contradicting),
                Ok(Added::Void(first)) => {
                    contradicted.extend(first.zip(row.first.map(<[u8]>::to_vec)));
                    Fault::of(ID, RejectReason::Contradicting)
                }
                Err(fault) => {
                    let id = row.first.filter(|id| std::str::from_utf8(id).is_ok());
                    if let Some(Ok(id)) = id.map(key) {
                        regions.rejected.add(id, row.position);
                    }
                    fault
                }
            };
            self.rejects.add(at, row.reject(fault, None));
        }
        let field = description.name_of(table.layout.columns[ID]).to_owned();
        let places = self.finish(at, table);
        for (position, id) in contradicted {
            let mut first = reject(places.place(position), &field, RejectReason::Contradicting);
            first.value = crate::rejects::value(&id);
            self.rejects.add(at, first);
        }
        Ok((regions, places))
    }
}

fn state_fault(state: &[u8]) -> RejectReason {
    if has_control(state) {
        RejectReason::Control
    } else {
        debug_assert!(
            state.len() > MAX_STATE_BYTES,
            "that is all that can be wrong"
        );
        RejectReason::StateTooLong
    }
}
