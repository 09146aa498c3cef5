use std::fmt::Write as _;
use std::path::Path;

use super::*;

const ORDERS: &str = "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n";

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// A folder in Olist's form with these rows of orders.
fn olist(rows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let orders = format!("{ORDERS}{rows}");
    write(
        folder.path(),
        &[
            (
                "olist_sellers_dataset.csv",
                "seller_id,seller_state\ns1,SP\n",
            ),
            (
                "olist_customers_dataset.csv",
                "customer_id,customer_state\nc1,RJ\n",
            ),
            ("olist_orders_dataset.csv", &orders),
            (
                "olist_order_items_dataset.csv",
                "order_id,order_item_id,seller_id\no1,1,s1\n",
            ),
        ],
    );
    folder
}

fn report(folder: &Path) -> DataReport {
    check(folder, &Limits::default()).unwrap().report
}

#[test]
fn a_folder_in_olists_form_needs_nothing() {
    let folder = olist("o1,c1,delivered,2018-03-01 10:00:00,,,,\n");
    let report = report(folder.path());
    insta::assert_snapshot!(report, @r#"
files
  olist_customers_dataset.csv, 33 bytes, 1 row
    UTF-8, commas (,), lines end with LF
    columns: customer_id, customer_state
    can be the customers, by Olist's names
  olist_order_items_dataset.csv, 41 bytes, 1 row
    UTF-8, commas (,), lines end with LF
    columns: order_id, order_item_id, seller_id
    can be the items, by Olist's names
  olist_orders_dataset.csv, 206 bytes, 1 row
    UTF-8, commas (,), lines end with LF
    columns: order_id, customer_id, order_status, order_purchase_timestamp, order_approved_at, order_delivered_carrier_date, order_delivered_customer_date, order_estimated_delivery_date
    can be the orders, by Olist's names
    times read as they are, like "2018-03-01 10:00:00": order_purchase_timestamp
  olist_sellers_dataset.csv, 29 bytes, 1 row
    UTF-8, commas (,), lines end with LF
    columns: seller_id, seller_state
    can be the sellers, by Olist's names

read in Olist's form
  table                rows    rejected    repeated  contradicting
  sellers                 1           0           0              0
  customers               1           0           0              0
  orders                  1           0           0              0
  items                   1           0           0              0
  accepted: 1 order

times                                filled       empty  first                 last                  usual days
  order_purchase_timestamp                1           0  2018-03-01T10:00:00Z  2018-03-01T10:00:00Z
  order_approved_at                       0           1
  order_delivered_carrier_date            0           1
  order_delivered_customer_date           0           1
  order_estimated_delivery_date           0           1

no dataset.toml is needed
"#);
    serde_json_is_an_object(&report);
}

fn serde_json_is_an_object(report: &DataReport) {
    let text = toml::Value::try_from(&report.files[0]).unwrap();
    assert_eq!(text["name"].as_str(), Some(report.files[0].name.as_str()));
}

#[test]
fn dates_of_a_spreadsheet_are_read_by_a_suggestion_once_one_shows_the_day() {
    let folder = olist(
        "o1,c1,delivered,3/1/2018 10:00,,,13/01/2018 9:05,\no2,c1,delivered,4/1/2018 11:00,,,,\n",
    );
    let checked = check(folder.path(), &Limits::default()).unwrap();
    let suggestion = checked.report.suggestion.unwrap();
    assert_eq!(suggestion.orders, Some(2));
    assert!(
        suggestion
            .dataset_toml
            .contains("time = [\"%d/%m/%Y %H:%M\"]"),
        "{}",
        suggestion.dataset_toml
    );
    assert_eq!(checked.suggested.unwrap().order_count(), 2);
    assert_eq!(checked.dataset.unwrap().order_count(), 0);

    let folder = olist("o1,c1,delivered,3/1/2018 10:00,,,,\n");
    let suggestion = report(folder.path()).suggestion.unwrap();
    assert_eq!(suggestion.orders, None);
    for line in [
        "# ? \"3/1/2018 10:00\": is the day or the month first",
        "# time = [\"%d/%m/%Y %H:%M\"]",
        "# time = [\"%m/%d/%Y %H:%M\"]",
    ] {
        assert!(suggestion.dataset_toml.contains(line), "{line}");
    }
}

#[test]
fn other_names_in_two_files_become_four_tables() {
    let folder = tempfile::tempdir().unwrap();
    let header = "Order No;Bought at;Shipped at;Delivered at;Promised date;Seller;Seller state;Ship-to state\n";
    write(
        folder.path(),
        &[
            (
                "export_jan.csv",
                &format!("{header}A1;13/01/2018 10:00;-;-;20/01/2018;x;SP;RJ\n"),
            ),
            (
                "export_feb.csv",
                &format!("{header}A2;1/02/2018 10:00;2/02/2018 9:30;-;9/02/2018;x;SP;S\u{e3}o\n"),
            ),
            ("notes.txt", "not a table\n"),
        ],
    );
    let checked = check(folder.path(), &Limits::default()).unwrap();
    let suggestion = checked.report.suggestion.unwrap();
    insta::assert_snapshot!(suggestion.dataset_toml, @r#"
version = 1

[format]
delimiter = ";"
null = ["-"]
time = ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
# ? the times name no zone and are read as UTC; if they are local, name theirs:
# time_zone = "Europe/Madrid"

[orders]
files = ["export_*.csv"]

[orders.columns]
order_id = "Order No"
customer_id = "Order No"
order_purchase_timestamp = "Bought at"
order_delivered_carrier_date = "Shipped at"
order_delivered_customer_date = "Delivered at"
order_estimated_delivery_date = "Promised date"

[orders.constant]
# ? orders: no column was found for order_status; only canceled and unavailable change anything
order_status = ""
# ? orders: no column was found for order_approved_at; orders then have no such time
order_approved_at = ""

[items]
files = ["export_*.csv"]

[items.columns]
order_id = "Order No"
seller_id = "Seller"

[items.constant]
# ? items: no column was found for order_item_id; each row is then its order's only item
order_item_id = "1"

[customers]
files = ["export_*.csv"]

[customers.columns]
customer_id = "Order No"
customer_state = "Ship-to state"

[sellers]
files = ["export_*.csv"]

[sellers.columns]
seller_id = "Seller"
seller_state = "Seller state"
"#);
    assert_eq!(suggestion.error, None);
    assert_eq!(
        (suggestion.orders, suggestion.rows_rejected),
        (Some(2), Some(0))
    );
    let data = checked.suggested.unwrap();
    let order = data.find("A2").unwrap();
    assert_eq!(
        (order.seller_region, order.customer_region),
        ("SP", "S\u{e3}o")
    );
    assert_eq!(order.purchased.to_string(), "2018-02-01T10:00:00Z");
    assert_eq!(order.delivered, None);
}

#[test]
fn bytes_of_windows_are_told_from_utf8_with_a_sample() {
    let folder = olist("o1,c1,delivered,2018-03-01 10:00:00,,,,\n");
    std::fs::write(
        folder.path().join("olist_customers_dataset.csv"),
        b"customer_id,customer_state,customer_city\nc1,RJ,Niter\xf3i\n",
    )
    .unwrap();
    let report = report(folder.path());
    let customers = &report.files[0];
    assert_eq!(customers.encoding, "windows-1252");
    assert_eq!(customers.not_utf8.as_ref().unwrap().sample, "Niter\u{f3}i");
    // A column that is not used may hold anything.
    assert!(report.suggestion.is_none());
    assert_eq!(report.content.unwrap().orders, 1);
}

#[test]
fn a_far_date_and_a_delivery_before_the_purchase_are_named() {
    let mut rows = String::new();
    for i in 0..20 {
        writeln!(rows, "o{i},c1,delivered,2018-03-{:02} 10:00:00,,,,", i + 1).unwrap();
    }
    rows += "far,c1,delivered,2018-03-01 10:00:00,,,2107-03-01 10:00:00,\n";
    rows += "early,c1,delivered,2018-03-01 10:00:00,,,2018-02-01 10:00:00,\n";
    for i in 0..5 {
        writeln!(
            rows,
            "d{i},c1,delivered,2018-03-01 10:00:00,,,2018-03-09 10:00:00,"
        )
        .unwrap();
    }
    let content = report(olist(&rows).path()).content.unwrap();
    let delivered = &content.times[3];
    assert_eq!((delivered.filled, delivered.empty), (7, 20));
    assert_eq!(delivered.outliers.orders, 1);
    assert_eq!(delivered.outliers.samples[0].order_id, "far");
    assert_eq!(content.times[0].outliers.orders, 0);
    assert_eq!(
        content.delivered_before_purchase.samples[0].order_id,
        "early"
    );
}

#[test]
fn every_problem_says_how_many_orders_it_touches() {
    let folder = olist(
        "o1,c1,delivered,2018-03-01 10:00:00,,,,\no2,C1,delivered,2018-03-01 10:00:00,,,,\n\
         o3,c9,delivered,2018-03-01 10:00:00,,,,\no4,c1,delivered,soon,,,,\n\
         o5,c1,delivered,2018-03-01 10:00:00,,,,\n",
    );
    write(
        folder.path(),
        &[(
            "olist_order_items_dataset.csv",
            "order_id,order_item_id,seller_id\no1,one,s1\no2,1,s1\n",
        )],
    );
    let content = report(folder.path()).content.unwrap();
    let touched: Vec<String> = content
        .touched
        .iter()
        .map(|touched| format!("{} {}", touched.orders, touched.problem))
        .collect();
    insta::assert_snapshot!(touched.join("\n"), @r"
3 with an unknown region (ZZ) of seller or customer
2 customer_id matches no customer
2 without an item
1 rejected: not a time (olist_orders_dataset.csv)
1 rejected with a rejected item row
");
    assert_eq!(content.joins.orders_without_customer.alike, 1);
}

#[test]
fn what_is_no_table_is_named_for_what_it_is() {
    let folder = olist("o1,c1,delivered,2018-03-01 10:00:00,,,,\n");
    write(
        folder.path(),
        &[(
            "olist_orders_dataset.csv",
            "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n",
        )],
    );
    let report = report(folder.path());
    let orders = &report.files[2];
    assert!(orders.kind.as_ref().unwrap().contains("an HTML page"));
    assert!(report.error.unwrap().contains("an HTML page"));
    assert!(report.content.is_none());
}

#[test]
fn a_description_of_the_folder_is_used_and_nothing_else_is_suggested() {
    let folder = olist("o1,c1,delivered,2018-03-01 10:00:00,,,,\n");
    write(folder.path(), &[("dataset.toml", "version = 1\n")]);
    let report = report(folder.path());
    assert!(report.has_description);
    assert!(report.suggestion.is_none());
    assert_eq!(report.content.unwrap().orders, 1);
    write(folder.path(), &[("dataset.toml", "version = 9\n")]);
    let report = self::report(folder.path());
    assert!(report.error.unwrap().contains("version = 9"));
}
