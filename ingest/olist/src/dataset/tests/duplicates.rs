//! A second row with an accepted key: repeated or contradicting, and which of them counts.

use super::*;
use crate::files::DataFiles;

/// Reads with `duplicates` set for all tables.
fn read(files: &Files, duplicates: crate::Duplicates) -> Dataset {
    let source = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
    let texts = [
        &files.sellers,
        &files.customers,
        &files.orders,
        &files.items,
    ];
    let mut found = DataFiles::of_streams(texts.map(source));
    for table in &mut found.tables {
        table.description.format.duplicates = duplicates;
    }
    Dataset::read_files(References::Open, found, &Limits::default()).unwrap()
}

/// o1 twice with other times, o2 twice the same, c1 and s1 twice with other states, an item twice with
/// other sellers.
fn twice() -> Files {
    let mut files = Files::new(&(order("o1") + &order("o2")));
    files.orders += &order("o1").replace("10:00:00", "11:00:00");
    files.orders += &order("o2");
    files.customers += "c1,BA\n";
    files.items = "order_id,order_item_id,seller_id\no1,1,s1\no2,1,s2\no1,1,s2\no2,1,s2\no2,2,s1\n"
        .to_owned();
    files
}

#[test]
fn the_first_counts_unless_the_data_set_says_the_last() {
    let first = read(&twice(), crate::Duplicates::First);
    assert_eq!(
        rows(&first),
        ["o1+ SP>RJ 2018-01-01", "o2+ MG>RJ 2018-01-01"]
    );
    let wanted = [
        "customers:3 customer_id contradicting",
        "orders:4 order_id contradicting o1",
        "orders:5 order_id repeated o2",
        "order_items:4 order_item_id contradicting o1",
        "order_items:5 order_item_id repeated o2",
    ];
    assert_eq!(rejects(&first), wanted);
    let at = |data: &Dataset| data.default_as_of().unwrap().to_string();
    assert_eq!(at(&first), "2018-01-01T10:00:00Z");
    let [_, customers, orders, items] = first.table_counts();
    assert_eq!(
        (customers.rejected, orders.rejected, items.rejected),
        (1, 1, 1)
    );
    assert_eq!((orders.repeated, items.repeated), (1, 1));

    let last = read(&twice(), crate::Duplicates::Last);
    assert_eq!(
        rows(&last),
        ["o1+ MG>BA 2018-01-01", "o2+ MG>BA 2018-01-01"]
    );
    // asOf is taken after all replacements, and the place is that of the row that counts.
    assert_eq!(at(&last), "2018-01-01T11:00:00Z");
    assert_eq!(last.place_of("o1").unwrap().line, 4);
    let [_, customers, orders, items] = last.table_counts();
    assert_eq!(
        (customers.rejected, orders.rejected, items.rejected),
        (0, 0, 0)
    );
    assert_eq!(
        (customers.replaced, orders.replaced, items.replaced),
        (1, 1, 1)
    );
}

#[test]
fn no_row_of_a_contradicting_key_counts_where_the_data_set_says_so() {
    let none = read(&twice(), crate::Duplicates::Reject);
    assert_eq!(rows(&none), [""; 0]);
    let wanted = [
        "customers:3 customer_id contradicting",
        "customers:2 customer_id contradicting",
        "orders:4 order_id contradicting o1",
        "orders:5 order_id repeated o2",
        "orders:2 order_id contradicting o1",
        "order_items:4 order_item_id contradicting o1",
        "order_items:5 order_item_id repeated o2",
        "order_items:2 order_item_id contradicting o1",
        "orders:3 order_id depends_on_rejected o2",
    ];
    assert_eq!(rejects(&none), wanted);
    assert!(none.is_rejected_order("o1") && none.is_rejected_order("o2"));
    // Without the customers' contradiction o2 stays: its own rows only repeat.
    let mut files = twice();
    files.customers = files.customers.replace("c1,BA\n", "c1,RJ\n");
    assert_eq!(
        rows(&read(&files, crate::Duplicates::Reject)),
        ["o2+ MG>RJ 2018-01-01"]
    );
}

#[test]
fn a_row_is_repeated_by_what_it_means_not_by_how_it_is_written() {
    let mut files = Files::new(&order("o1"));
    files.orders += "o1,c1,delivered,2018-01-01T07:00:00-03:00,NULL, ,,\n";
    files.customers += "c1, RJ \n";
    files.items += "o1,1.0,s1\n";
    let data = files.read().unwrap();
    let wanted = [
        "customers:3 customer_id repeated",
        "orders:3 order_id repeated o1",
        "order_items:3 order_item_id repeated o1",
    ];
    assert_eq!(rejects(&data), wanted);
    assert_eq!(data.table_counts()[2].rejected, 0);
}
