//! Data folders as pushed rows: the same rows, one a line.

use std::io::Read as _;
use std::path::Path;

use eip_contract::EventTime;
use eip_ingest::Rules;
use eip_ingest::run::{DayRange, Rows, RowsLimits, RowsTask, RowsTerms, Task};
use serde_json::{Map, Value, json};

use crate::data::Dice;

/// What a push calls the files, and their names in a folder.
const FILES: [(&str, &str); 4] = [
    ("orders", "olist_orders_dataset.csv"),
    ("order_items", "olist_order_items_dataset.csv"),
    ("customers", "olist_customers_dataset.csv"),
    ("sellers", "olist_sellers_dataset.csv"),
];

/// One row as it is pushed.
pub(crate) type PushedRow = (&'static str, Map<String, Value>);

pub(crate) fn as_of() -> EventTime {
    "2018-04-01T00:00:00Z".parse().unwrap()
}

/// All rows of a folder's files, plain or packed, with all their columns.
pub(crate) fn rows_of(folder: &Path) -> Vec<PushedRow> {
    let mut rows = Vec::new();
    for (file, name) in FILES {
        let mut text = Vec::new();
        if let Ok(plain) = std::fs::read(folder.join(name)) {
            text = plain;
        } else {
            let packed = std::fs::File::open(folder.join(format!("{name}.gz"))).unwrap();
            let mut packed = flate2::read::MultiGzDecoder::new(packed);
            packed.read_to_end(&mut text).unwrap();
        }
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let columns = reader.headers().unwrap().clone();
        for record in reader.records() {
            let record = record.unwrap();
            let values = columns.iter().zip(&record);
            let row = values.map(|(column, value)| (column.to_owned(), json!(value)));
            rows.push((file, row.collect()));
        }
    }
    rows
}

pub(crate) fn line(file: &str, row: &Value) -> String {
    format!("{}\n", json!({"file": file, "row": row}))
}

pub(crate) fn text(rows: &[PushedRow]) -> String {
    let lines = rows.iter();
    lines
        .map(|(file, row)| line(file, &Value::Object(row.clone())))
        .collect()
}

/// Another order, by a seed.
pub(crate) fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut dice = Dice::new(seed);
    for i in (1..items.len()).rev() {
        items.swap(i, dice.below(i as i64 + 1) as usize);
    }
}

pub(crate) fn rows(text: &str, rules: Rules, range: DayRange) -> Rows {
    let terms = RowsTerms {
        rules,
        as_of: as_of(),
        range,
    };
    Rows::read(text.as_bytes(), terms, &RowsLimits::default()).unwrap()
}

/// A push under the default rules over all days.
pub(crate) fn push(text: &str) -> Task {
    let rows = rows(text, Rules::default(), DayRange::ALL);
    Task::Rows(RowsTask { rows: rows.into() })
}

/// The verdicts as they are answered.
pub(crate) fn verdicts(rows: &Rows) -> String {
    let mut out = Vec::new();
    for place in 0..rows.len() {
        rows.write_verdict(place, &mut out);
    }
    String::from_utf8(out).unwrap()
}

pub(crate) fn order_row(id: &str, customer: &str, purchased: &str) -> String {
    line(
        "orders",
        &json!({"order_id": id, "customer_id": customer, "order_status": "shipped",
            "order_purchase_timestamp": purchased, "order_approved_at": "",
            "order_delivered_carrier_date": "", "order_delivered_customer_date": "",
            "order_estimated_delivery_date": ""}),
    )
}

pub(crate) fn item_row(order: &str, number: &str, seller: &str) -> String {
    let row = json!({"order_id": order, "order_item_id": number, "seller_id": seller});
    line("order_items", &row)
}

pub(crate) fn customer_row(id: &str, state: &str) -> String {
    line(
        "customers",
        &json!({"customer_id": id, "customer_state": state}),
    )
}

pub(crate) fn seller_row(id: &str, state: &str) -> String {
    line("sellers", &json!({"seller_id": id, "seller_state": state}))
}
