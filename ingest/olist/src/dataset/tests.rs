use std::convert::Infallible;
use std::io::Cursor;

use super::*;
use crate::row::OrderStatus;

mod described;
mod duplicates;
mod files;
mod needs;

const ORDERS_HEADER: &str = "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n";

/// The four files as texts; each begins with its usual header.
struct Files {
    sellers: String,
    customers: String,
    orders: String,
    items: String,
}

impl Files {
    fn new(orders: &str) -> Self {
        Self {
            sellers: "seller_id,seller_state\ns1,SP\ns2,MG\n".to_owned(),
            customers: "customer_id,customer_state\nc1,RJ\n".to_owned(),
            orders: format!("{ORDERS_HEADER}{orders}"),
            items: "order_id,order_item_id,seller_id\no1,1,s1\n".to_owned(),
        }
    }

    fn read(&self) -> Result<Dataset, OlistError> {
        self.read_within(&Limits::default())
    }

    fn read_within(&self, limits: &Limits) -> Result<Dataset, OlistError> {
        let source = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
        let files = [&self.sellers, &self.customers, &self.orders, &self.items];
        Dataset::read(files.map(source), limits)
    }
}

/// Orders as `id status seller>customer purchased`, items marked by `+`.
fn rows(data: &Dataset) -> Vec<String> {
    let mut rows = Vec::new();
    let Ok(()) = data.for_each_order(|_, row| {
        let item = if row.has_item { "+" } else { "" };
        let (seller, customer) = (row.seller_region, row.customer_region);
        rows.push(format!(
            "{}{item} {seller}>{customer} {}",
            row.order_id,
            row.purchased.day()
        ));
        Ok::<(), Infallible>(())
    });
    rows
}

/// Rejects as `file-stem:line field reason [order]`.
fn rejects(data: &Dataset) -> Vec<String> {
    let shown = data.rejects().iter().map(|reject| {
        let file = reject
            .file
            .trim_start_matches("olist_")
            .trim_end_matches("_dataset.csv");
        let order = reject
            .order_id
            .as_ref()
            .map_or(String::new(), |id| format!(" {id}"));
        let (line, field, reason) = (reject.line, &reject.field, reject.reason.code());
        let field = if field.is_empty() { "-" } else { field };
        format!("{file}:{line} {field} {reason}{order}")
    });
    shown.collect()
}

fn order(id: &str) -> String {
    format!("{id},c1,delivered,2018-01-01 10:00:00,,,,\n")
}

fn error(files: &Files) -> String {
    files
        .read()
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn columns_are_found_by_name_in_any_order_among_others() {
    let mut files = Files::new("");
    files.orders = "\u{feff}order_delivered_customer_date,extra,order_status,\"order_id\",order_estimated_delivery_date,\
                    customer_id,order_approved_at,order_delivered_carrier_date,order_purchase_timestamp\r\n\
                    2018-01-05 00:00:00,\"a\r\nb\",canceled,\"o1\",2018-01-09 00:00:00,c1,2018-01-02 00:00:00,2018-01-03 00:00:00,2018-01-01 00:00:00\r\n"
        .to_owned();
    let data = files.read().unwrap();
    let time = |text: &str| EventTime::parse_csv(text.as_bytes()).ok();
    let wanted = OrderRow {
        order_id: "o1",
        status: OrderStatus::Canceled,
        purchased: time("2018-01-01 00:00:00").unwrap(),
        approved: time("2018-01-02 00:00:00"),
        carried: time("2018-01-03 00:00:00"),
        delivered: time("2018-01-05 00:00:00"),
        estimated: time("2018-01-09 00:00:00"),
        has_item: true,
        seller_region: "SP",
        customer_region: "RJ",
    };
    assert_eq!(data.find("o1"), Some(wanted));
    assert_eq!(data.order(0, &mut [0; 32]), wanted);
    assert_eq!(data.find("o2"), None);
    assert_eq!(data.place_of("o1").unwrap().line, 2);
    assert_eq!(data.default_as_of(), wanted.delivered);
}

#[test]
fn the_seller_is_that_of_the_lowest_item_number_not_of_the_first_row() {
    let mut files =
        Files::new(&(order("two") + &order("none") + &order("unknown") + &order("stateless")));
    files.sellers += "s3,\n";
    files.items = "order_id,order_item_id,seller_id\ntwo,10,s1\ntwo,009,s2\ntwo,11,s1\n\
                   unknown,0,nobody\nunknown,1,s1\nstateless,1,s3\nelsewhere,1,s1\n"
        .to_owned();
    let data = files.read().unwrap();
    let day = "2018-01-01";
    let wanted = [
        format!("two+ MG>RJ {day}"),
        format!("none ZZ>RJ {day}"),
        format!("unknown+ ZZ>RJ {day}"),
        format!("stateless+ ZZ>RJ {day}"),
    ];
    assert_eq!(rows(&data), wanted);
    assert_eq!(rejects(&data), [""; 0]);
}

#[test]
fn a_reference_that_matches_no_accepted_row_is_unknown() {
    let row =
        |id: &str, customer: &str| format!("{id},{customer},delivered,2018-01-01 10:00:00,,,,\n");
    let mut files = Files::new(
        &(row("a", "") + &row("b", "C1") + &row("c", "c2") + &row("d", "c3") + &row("e", "c4")),
    );
    files.customers = "customer_id,customer_state\nc1,RJ\nc2,seventeen bytes !\nc3,\n\
                       c4,\"S\tP\"\nc4,BA\nc4,AM\n,SP\n"
        .to_owned();
    let data = files.read().unwrap();
    let regions: Vec<String> = rows(&data)
        .iter()
        .map(|row| row.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(regions, ["ZZ>ZZ", "ZZ>ZZ", "ZZ>ZZ", "ZZ>BA"]);
    assert_eq!(
        rejects(&data),
        [
            "customers:3 customer_state state_too_long",
            "customers:5 customer_state control",
            "customers:7 customer_id contradicting",
            "customers:8 customer_id empty",
            "orders:4 order_id depends_on_rejected c",
        ]
    );
}

#[test]
fn every_way_of_being_wrong_is_a_reject_with_its_place() {
    let long = "k".repeat(513);
    let orders = [
        ",c1,delivered,2018-01-01 10:00:00,,,,\n".to_owned(),
        "\"a\nb\",c1,delivered,2018-01-01 10:00:00,,,,\n".to_owned(),
        format!("{long},c1,delivered,2018-01-01 10:00:00,,,,\n"),
        "o3,c1,delivered,,,,,\n".to_owned(),
        "o4,c1,delivered,2017-02-29 00:00:00,,,,\n".to_owned(),
        "o5,c1,delivered,2018-01-01 10:00:00,2018-01-01 10:00,,,\n".to_owned(),
        "o6,c1,delivered,2018-01-01 10:00:00,,2018-01-01 23:59:60,,\n".to_owned(),
        "o7,c1,delivered,2018-01-01 10:00:00,,,2200-01-01 00:00:00,\n".to_owned(),
        "o8,c1,delivered,2018-01-01 10:00:00,,,,never\n".to_owned(),
        "o9,c1,delivered,1969-12-31 23:59:59,,,,\n".to_owned(),
        "o10,c1,delivered,2018-01-01 10:00:00,,,\n".to_owned(),
        "o11,c1,delivered,2018-01-01 10:00:00,,,,,\n".to_owned(),
        "\"o12\"x,c1,delivered,2018-01-01 10:00:00,,,,\n".to_owned(),
        "o13,c1,delivered,2018-01-01  10:00:00,,,,\n".to_owned(),
        "\n".to_owned(),
        order(&"k".repeat(512)),
    ];
    let mut files = Files::new(&orders.concat());
    files.items =
        "order_id,order_item_id,seller_id\no1,one,s1\n,1,s1\no1,,s1\no1,1\no1,7,s1\no1,007,s2\n"
            .to_owned();
    let data = files.read().unwrap();
    assert_eq!(
        rejects(&data),
        [
            "orders:2 order_id empty",
            "orders:3 order_id control",
            "orders:5 order_id key_too_long",
            "orders:6 order_purchase_timestamp empty o3",
            "orders:7 order_purchase_timestamp not_a_time o4",
            "orders:8 order_approved_at not_a_time o5",
            "orders:9 order_delivered_carrier_date not_a_time o6",
            "orders:10 order_delivered_customer_date not_a_time o7",
            "orders:11 order_estimated_delivery_date not_a_time o8",
            "orders:12 order_purchase_timestamp not_a_time o9",
            "orders:13 - ragged o10",
            "orders:14 - ragged o11",
            "orders:15 - text_after_quote o12x",
            "orders:16 order_purchase_timestamp not_a_time o13",
            "order_items:2 order_item_id not_a_number o1",
            "order_items:3 order_id empty",
            "order_items:4 order_item_id not_a_number o1",
            "order_items:5 - ragged o1",
            "order_items:7 order_item_id contradicting o1",
        ]
    );
    assert_eq!(data.order_count(), 1);
    let (unnamed, count) = data.unnamed_rejects();
    assert_eq!(
        (
            unnamed.iter().map(|place| place.line).collect::<Vec<_>>(),
            count
        ),
        (vec![2, 3, 5], 3)
    );
    let named = [
        "o3", "o4", "o5", "o6", "o7", "o8", "o9", "o10", "o11", "o12x", "o13",
    ];
    assert!(data.rejected_orders().eq(named));
    assert_eq!(data.reject_count(), 19);
    let not_a_time = data
        .rejects_by_reason()
        .find(|count| count.table == "orders" && count.reason == RejectReason::NotATime);
    let not_a_time = not_a_time.unwrap();
    assert_eq!((not_a_time.rows, not_a_time.samples.len()), (7, 3));
    insta::assert_snapshot!(not_a_time.samples[0], @r#"olist_orders_dataset.csv line 7: order_purchase_timestamp "2017-02-29 00:00:00" is not a time (expected 2017-10-02 10:56:33; another form needs a dataset.toml)"#);
    let ragged = data
        .rejects()
        .iter()
        .find(|reject| reject.reason == RejectReason::Ragged);
    insta::assert_snapshot!(ragged.unwrap(), @r#"olist_orders_dataset.csv line 13: "o10,c1,delivered,2018-01-01 10:00:00,,," has another number of fields than the header"#);
    let [_, _, orders, items] = data.table_counts();
    assert_eq!(
        (orders.rows, orders.rejected, orders.contradicting),
        (15, 14, 0)
    );
    assert_eq!((items.rows, items.rejected, items.contradicting), (6, 5, 1));
    // More fields than the header: whole rows may have been swallowed.
    let swallowing: Vec<u64> = data
        .swallowing_orders()
        .places
        .iter()
        .map(|at| at.line)
        .collect();
    assert_eq!((data.swallowing_orders().count, swallowing), (1, vec![14]));
    assert_eq!(data.swallowing_items().count, 0);
    let rows: Vec<u64> = data.files().iter().map(|file| file.rows).collect();
    assert_eq!(rows, [2, 1, 15, 6]);
}

#[test]
fn a_rejected_row_leaves_no_other_trace() {
    let orders = [
        "o1,c1,delivered,2019-09-09 00:00:00,2019-02-30 00:00:00,,,\n".to_owned(),
        order("o1"),
        "o1,c1,delivered,2019-09-09 00:00:00,,,,\n".to_owned(),
        "o2,c1,delivered,2019-09-09 00:00:00,,,\n".to_owned(),
    ];
    let data = Files::new(&orders.concat()).read().unwrap();
    assert_eq!(rows(&data), ["o1+ SP>RJ 2018-01-01"]);
    assert_eq!(
        data.default_as_of().unwrap().to_string(),
        "2018-01-01T10:00:00Z"
    );
    let wanted = [
        "orders:2 order_approved_at not_a_time o1",
        "orders:4 order_id contradicting o1",
        "orders:5 - ragged o2",
    ];
    assert_eq!(rejects(&data), wanted);
    // The accepted row speaks for o1.
    assert!(data.rejected_orders().eq(["o2"]));
    assert!(data.is_rejected_order("o2") && !data.is_rejected_order("o1"));
}

#[test]
fn an_item_of_a_rejected_row_is_no_duplicate_of_an_accepted_one() {
    let mut files = Files::new(&order("o1"));
    files.items =
        "order_id,order_item_id,seller_id\no1,1,s2,\no1,01,s1\nx,1,s1\nx,1,s1\n".to_owned();
    let data = files.read().unwrap();
    // It still is a row that o1 needs.
    assert_eq!(rows(&data), [""; 0]);
    assert!(data.is_rejected_order("o1"));
    let wanted = [
        "order_items:2 - ragged o1",
        "order_items:5 order_item_id repeated x",
        "orders:2 order_id depends_on_rejected o1",
    ];
    assert_eq!(rejects(&data), wanted);
}

#[test]
fn each_number_of_an_order_is_accepted_once_in_whatever_order_they_come() {
    for numbers in [
        [1, 2, 3],
        [3, 2, 1],
        [2, 3, 1],
        [2, 1, 3],
        [3, 1, 2],
        [1, 3, 2],
    ] {
        let mut files = Files::new(&order("o1"));
        files.items = "order_id,order_item_id,seller_id\n".to_owned();
        for order in ["o1", "elsewhere"] {
            for number in numbers.into_iter().chain([1, 2, 3]) {
                let number = number.to_string();
                files
                    .items
                    .push_str(&[order, ",", &number, ",s", &number, "\n"].concat());
            }
        }
        let data = files.read().unwrap();
        assert_eq!(rows(&data), ["o1+ SP>RJ 2018-01-01"], "{numbers:?}");
        let lines: Vec<u64> = data.rejects().iter().map(|reject| reject.line).collect();
        assert_eq!(lines, [5, 6, 7, 11, 12, 13], "{numbers:?}");
    }
}

#[test]
fn what_is_not_utf8_counts_only_in_columns_that_are_used() {
    let bytes = |text: &[u8]| Source::of(Cursor::new(text.to_vec()));
    let read = |orders: &[u8]| {
        let orders = [b"extra,".as_slice(), ORDERS_HEADER.as_bytes(), orders].concat();
        Dataset::read(
            [
                bytes(b"seller_id,seller_state,city\ns\xff,SP,\ns1,SP,\xff\n"),
                bytes(b"customer_id,customer_state\nc1,\xffJ\n"),
                bytes(&orders),
                bytes(b"order_id,order_item_id,seller_id\no1,1,\xff\no1,2,s1\n"),
            ],
            &Limits::default(),
        )
    };
    let data = read(
        b"\xff,o1,c1,delivered,2018-01-01 10:00:00,,,,\n,o\xff,c1,delivered,2018-01-01 10:00:00,,,,\n\
          ,o3,c1,del\xff,2018-01-01 10:00:00,,,,\n,\xc3\xa9,c1,delivered,2018-01-01 10:00:00,,,,\n",
    )
    .unwrap();
    assert_eq!(rows(&data), [""; 0]);
    assert_eq!(
        rejects(&data),
        [
            "sellers:2 seller_id not_utf8",
            "customers:2 customer_state not_utf8",
            "orders:3 order_id not_utf8",
            "orders:4 order_status not_utf8 o3",
            "order_items:2 seller_id not_utf8 o1",
            "orders:2 order_id depends_on_rejected o1",
            "orders:5 order_id depends_on_rejected é",
        ]
    );
}

#[test]
fn a_header_that_cannot_be_used_fails_with_file_and_columns() {
    let with = |header: &str| {
        let mut files = Files::new("");
        files.customers = header.to_owned();
        error(&files)
    };
    insta::assert_snapshot!(with(""), @"olist_customers_dataset.csv: is empty; the first line names the columns");
    insta::assert_snapshot!(with("id,\"state\"\n"), @"olist_customers_dataset.csv: no column customer_id, customer_state; the header has id, state");
    insta::assert_snapshot!(with("customer_id,customer_state,customer_id\nc1,SP,c2\n"), @"olist_customers_dataset.csv: column customer_id is there twice; remove or rename one");
    insta::assert_snapshot!(with(&"x,".repeat(1_000_000)), @"olist_customers_dataset.csv: the header has more than 1048576 bytes; the first line names the columns");
    insta::assert_snapshot!(with(&"x".repeat(2 << 20)), @"olist_customers_dataset.csv: the header has more than 1048576 bytes; the first line names the columns");
    insta::assert_snapshot!(with(&"x,".repeat(70)), @"olist_customers_dataset.csv: the header has 71 columns, over 64; the first line names the columns");
    insta::assert_snapshot!(with("\"customer_id\"s,customer_state\n"), @"olist_customers_dataset.csv: the header has text after a closing quote; the first line names the columns");
    // A column that nobody needs may be there as often as it likes.
    assert_eq!(with("x,customer_id,x,customer_state\n"), "");
}

#[test]
fn more_rejects_than_are_kept_are_still_counted() {
    let bad = crate::MAX_KEPT_REJECTS + 10;
    let mut files = Files::new(&"x\n".repeat(bad));
    files.orders += &order("o1");
    let data = files.read().unwrap();
    assert_eq!(data.rejects().len(), crate::MAX_KEPT_REJECTS);
    assert_eq!(data.reject_count(), bad as u64);
    assert!(data.rejected_orders().eq(["x"]));
}

#[test]
fn where_input_is_whole_by_itself_a_row_that_leads_nowhere_is_rejected() {
    let mut files = Files::new("");
    files.orders += &order("o1");
    files.orders += &order("o2").replace("c1", "c9");
    files.orders += &order("o3").replace("c1", "");
    files.orders += &order("o4");
    files.items += "o2,1,s1\no3,1,\no4,1,s9\no4,2,s2\n";
    let source = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
    let texts = [
        &files.sellers,
        &files.customers,
        &files.orders,
        &files.items,
    ];
    let data = Dataset::read_closed(texts.map(source), &Limits::default()).unwrap();
    assert_eq!(
        rejects(&data),
        [
            "orders:3 customer_id unresolved o2",
            "order_items:3 order_id unresolved o2",
            "order_items:5 seller_id unresolved o4",
            "orders:5 order_id depends_on_rejected o4",
        ]
    );
    assert_eq!(
        rows(&data),
        ["o1+ SP>RJ 2018-01-01", "o3+ ZZ>ZZ 2018-01-01"]
    );
    assert_eq!(rows(&files.read().unwrap()).len(), 4);
}
