//! The views of a dataflow: what each is ([`View`]), and how it is kept up to date.
//!
//! [`eip_views`] says what the views of this program mean; those that are more than the fold have a
//! file here. Another program's own view is registered in the same way:
//! `docs/OWN-VIEW.md` leads through one.

pub mod route_stats_daily;

use std::sync::Arc;

use differential_dataflow::ExchangeData;
use eip_contract::{Dictionary, OrderKey};
use eip_views::shipment_events::OrderFact;
use eip_views::shipments::Shipment;
use eip_views::{Kept, ROUTE_STATS_DAILY, Row, SHIPMENT_EVENTS, SHIPMENTS, View};

use self::route_stats_daily::Regions;
use crate::changes::Changes;
use crate::changes::consolidate::Keyed;
use crate::changes::documents::{Document, Documents};
use crate::changes::rows::KeyedRows;
use crate::fold::Current;
use crate::tick::Rows;

/// Makes a view's documents or rows of what stands.
type Render = dyn for<'scope> Fn(&Current<'scope>, &Regions) -> Changes<'scope> + Send + Sync;

/// A view and the dataflow that keeps it up to date.
#[derive(Clone)]
pub struct Maintained {
    view: &'static View,
    render: Arc<Render>,
}

/// The views of this program, in the order of [`eip_views::VIEWS`].
pub fn built_in() -> Vec<Maintained> {
    vec![
        Maintained::documents(&SHIPMENT_EVENTS, |current, _| current.facts.clone()),
        Maintained::documents(&SHIPMENTS, |current, _| current.shipments.clone()),
        Maintained::rows(
            &ROUTE_STATS_DAILY,
            |current, regions| route_stats_daily::render(current.shipments.clone(), regions),
            |key, stats| stats.row(key).into_row(),
        ),
    ]
}

impl Maintained {
    /// A view that is kept as documents. `render` makes them where their order is: nothing is
    /// exchanged, so that each worker finds at a start what it has to take away.
    ///
    /// # Panics
    /// If `view` is not kept as documents, or has no column `orderId`.
    pub fn documents<D: Document>(
        view: &'static View,
        render: for<'scope> fn(&Current<'scope>, &Regions) -> Rows<'scope, D>,
    ) -> Self {
        assert!(view.is_documents(), "{} is kept as documents", view.name);
        let has_order = view.place("orderId").is_some();
        assert!(
            has_order,
            "documents of {} say of which order they are",
            view.name
        );
        Self {
            view,
            render: Arc::new(move |current, regions| {
                let documents = render(current, regions);
                Changes::Documents(Box::new(Documents { view, documents }))
            }),
        }
    }

    /// A view that is kept as rows. `render` makes them by key, each key on one worker; `row` makes a
    /// row of key and rest, a value a column.
    ///
    /// # Panics
    /// If `view` is not kept as rows, or has no key.
    pub fn rows<K: ExchangeData, V: ExchangeData>(
        view: &'static View,
        render: for<'scope> fn(&Current<'scope>, &Regions) -> Rows<'scope, (K, V)>,
        row: fn(&K, &V) -> Row,
    ) -> Self {
        let keys = view.key();
        let is_keyed = matches!(view.kept, Kept::Rows { key: 1.. });
        assert!(is_keyed, "{} is kept as rows, which have a key", view.name);
        assert!(
            keys.iter().all(|column| !column.nullable),
            "a key of {} is never null",
            view.name
        );
        Self {
            view,
            render: Arc::new(move |current, regions| {
                let rows = render(current, regions);
                Changes::Rows(Box::new(KeyedRows { view, rows, row }))
            }),
        }
    }

    /// The view.
    pub fn view(&self) -> &'static View {
        self.view
    }

    /// Its documents or rows.
    pub(crate) fn render<'scope>(
        &self,
        current: &Current<'scope>,
        regions: &Regions,
    ) -> Changes<'scope> {
        (self.render)(current, regions)
    }
}

impl Keyed for OrderFact {
    fn cmp_key(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Document for OrderFact {
    fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String {
        OrderFact::encode(self, dictionary, out)
    }
}

impl Document for (OrderKey, Shipment) {
    fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String {
        self.1.encode(self.0, dictionary, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_of_this_program_is_kept_up_to_date() {
        let maintained: Vec<_> = built_in().iter().map(|one| one.view().name).collect();
        assert_eq!(maintained, eip_views::VIEWS.map(|view| view.name));
    }
}
