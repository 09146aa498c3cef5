//! Pushes of all shapes against the plain words of the semantics.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use serde_json::json;

use super::super::order::Room;
use super::*;

/// Short texts of which many are the same, and some are what CSV or a key cannot stand.
fn id() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "b",
        "c",
        "",
        "a\"b",
        "\"",
        "a,b",
        "a\nb",
        "a\r",
        "\n",
        "\u{feff}a",
        " a",
        "é",
        "0123456789abcdef0123456789abcdef",
        "a key of more than sixteen bytes",
    ])
    .prop_map(str::to_owned)
}

#[derive(Clone, Debug)]
enum Pushed {
    Seller(String, String),
    Customer(String, String),
    Order(String, String, String),
    Item(String, String, String),
    Nonsense,
}

fn pushed() -> impl Strategy<Value = Pushed> {
    let state = || prop::sample::select(vec!["SP", "RJ", "", "x\ny", "more than 16 bytes"]);
    let time = prop::sample::select(vec![
        "2018-01-01 10:00:00",
        "2018-01-02 10:00:00",
        "",
        "x\n",
    ]);
    let number = prop::sample::select(vec!["1", "2", "01", "x"]);
    let owned = |(id, text): (String, &str)| (id, text.to_owned());
    prop_oneof![
        3 => (id(), state()).prop_map(owned).prop_map(|(a, b)| Pushed::Seller(a, b)),
        3 => (id(), state()).prop_map(owned).prop_map(|(a, b)| Pushed::Customer(a, b)),
        4 => (id(), id(), time).prop_map(|(a, b, c)| Pushed::Order(a, b, c.to_owned())),
        4 => (id(), number, id()).prop_map(|(a, b, c)| Pushed::Item(a, b.to_owned(), c)),
        1 => Just(Pushed::Nonsense),
    ]
}

impl Pushed {
    fn line(&self) -> String {
        let (file, row) = match self {
            Self::Seller(id, state) => ("sellers", json!({"seller_id": id, "seller_state": state})),
            Self::Customer(id, state) => (
                "customers",
                json!({"customer_id": id, "customer_state": state}),
            ),
            Self::Order(id, customer, purchased) => (
                "orders",
                json!({"order_id": id, "customer_id": customer, "order_status": "a\n\"b\",",
                    "order_purchase_timestamp": purchased, "order_approved_at": null,
                    "order_delivered_carrier_date": null, "order_delivered_customer_date": null,
                    "order_estimated_delivery_date": null}),
            ),
            Self::Item(order, number, seller) => (
                "order_items",
                json!({"order_id": order, "order_item_id": number, "seller_id": seller}),
            ),
            Self::Nonsense => return "[\n".to_owned(),
        };
        format!("{}\n", json!({"file": file, "row": row}))
    }
}

/// By order: when it was placed, from where, to where; and how many rows are rejected.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meaning {
    orders: BTreeMap<String, (String, String, String)>,
    rejected: u64,
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.bytes().any(|byte| byte < 0x20)
}

/// The state that a reference leads to.
fn lead<'a>(places: &BTreeMap<&str, &'a str>, reference: &str) -> Option<&'a str> {
    let state = match places.get(reference) {
        None if reference.is_empty() => "",
        found => found?,
    };
    Some(if state.is_empty() { "ZZ" } else { state })
}

fn meaning(rows: &[Pushed]) -> Meaning {
    let (mut sellers, mut customers) = (BTreeMap::new(), BTreeMap::new());
    let mut accepted = 0;
    for row in rows {
        let (places, id, state) = match row {
            Pushed::Seller(id, state) => (&mut sellers, id, state),
            Pushed::Customer(id, state) => (&mut customers, id, state),
            _ => continue,
        };
        if is_key(id) && state.len() <= 16 && !state.contains('\n') {
            places.insert(id.as_str(), state.as_str());
            accepted += 1;
        }
    }
    let mut orders: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut order_rows = Vec::new();
    for row in rows {
        if let Pushed::Order(id, customer, purchased) = row
            && is_key(id)
            && purchased.starts_with("2018")
            && let Some(state) = lead(&customers, customer)
        {
            orders.insert(id, (purchased, state));
            order_rows.push(id);
        }
    }
    let mut incomplete = HashSet::new();
    let mut items: BTreeMap<(&str, u32), &str> = BTreeMap::new();
    let mut item_rows = Vec::new();
    for row in rows {
        if let Pushed::Item(order, number, seller) = row
            && orders.contains_key(order.as_str())
        {
            match (number.parse(), lead(&sellers, seller)) {
                (Ok(number), Some(state)) => {
                    items.insert((order, number), state);
                    item_rows.push(order);
                }
                // An order goes with a rejected row that it needs.
                _ => drop(incomplete.insert(order.as_str())),
            }
        }
    }
    if rows.iter().any(|row| matches!(row, Pushed::Nonsense)) {
        // It may be an item of any.
        let none = |order: &&&str| !items.keys().any(|(of, _)| *of == **order);
        incomplete.extend(orders.keys().filter(none));
    }
    let is_whole = |order: &&&String| !incomplete.contains(order.as_str());
    accepted += order_rows.iter().filter(is_whole).count();
    accepted += item_rows.iter().filter(is_whole).count();
    let whole = orders.iter().filter(|(id, _)| !incomplete.contains(*id));
    let whole = whole.map(|(id, (purchased, customer))| {
        let first = items.range((*id, 0)..).next();
        let seller = first.filter(|((order, _), _)| order == id);
        let seller = seller.map_or("ZZ", |(_, state)| state);
        let placed = format!("{}Z", purchased.replace(' ', "T"));
        let route = (placed, seller.to_owned(), (*customer).to_owned());
        ((*id).to_owned(), route)
    });
    Meaning {
        orders: whole.collect(),
        rejected: (rows.len() - accepted) as u64,
    }
}

/// What the rows would write, in the order of writing.
fn written(rows: &Rows) -> BTreeMap<String, (String, String, String)> {
    let mut room = Room::default();
    let order = Order::new(&rows.input, Amplify::NONE);
    let due = rows.in_order(&order);
    due.iter()
        .map(|&due| {
            let event = order.event(due, &mut room);
            let route = (
                event.event_at.to_string(),
                event.seller_region.into_owned(),
                event.customer_region.into_owned(),
            );
            (event.order_id.into_owned(), route)
        })
        .collect()
}

proptest! {
    #[test]
    fn any_push_means_what_the_plain_words_say(rows in prop::collection::vec(pushed(), 0..40)) {
        let text: String = rows.iter().map(Pushed::line).collect();
        let terms = RowsTerms {
            rules: Rules::default(),
            as_of: EventTime::MAX,
            range: DayRange::ALL,
        };
        let read = Rows::read(text.as_bytes(), terms, &RowsLimits::default()).unwrap();
        let wanted = meaning(&rows);
        prop_assert_eq!(written(&read), wanted.orders);
        prop_assert_eq!(read.counts().rejected, wanted.rejected);
        let mut verdicts = Vec::new();
        let events: usize = (0..read.len()).map(|row| read.write_verdict(row, &mut verdicts)).sum();
        let order = Order::new(&read.input, Amplify::NONE);
        prop_assert_eq!(events, read.in_order(&order).len(), "the verdicts list what is written");
        prop_assert_eq!(verdicts.split(|&byte| byte == b'\n').count() - 1, rows.len());
    }

    #[test]
    fn any_bytes_are_answered_line_by_line(text in prop::collection::vec(prop_oneof![
        Just(b'\n'), Just(b'{'), Just(b'"'), Just(b'\\'), any::<u8>()
    ], 0..200)) {
        let terms = RowsTerms {
            rules: Rules::default(),
            as_of: EventTime::MAX,
            range: DayRange::ALL,
        };
        let lines = text.split(|&byte| byte == b'\n');
        let lines = lines.filter(|line| !line.trim_ascii().is_empty()).count();
        match Rows::read(text.as_slice(), terms, &RowsLimits::default()) {
            Ok(rows) => prop_assert_eq!(rows.counts().rejected, lines as u64),
            Err(error) => prop_assert!(matches!(error, RowsError::TooDeep { .. }), "{}", error),
        }
    }
}
