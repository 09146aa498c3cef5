//! An order goes with a rejected row that it needs; what does not join is counted.

use super::{Files, order, rejects, rows};

/// Orders o1 to o3 of customers c1 to c3; o1 and o2 have a seller each, o3 two.
fn three() -> Files {
    let mut files = Files::new("");
    for (id, customer) in [("o1", "c1"), ("o2", "c2"), ("o3", "c3")] {
        files.orders += &order(id).replace("c1", customer);
    }
    files.customers = "customer_id,customer_state\nc1,RJ\nc2,BA\nc3,AM\n".to_owned();
    files.items =
        "order_id,order_item_id,seller_id\no1,1,s1\no2,1,s2\no3,2,s1\no3,1,s2\n".to_owned();
    files
}

#[test]
fn a_rejected_item_takes_its_order_along_whatever_its_other_items() {
    let whole = rows(&three().read().unwrap());
    for (bad, reason) in [
        ("o3,one,s1", "order_item_id not_a_number"),
        ("o3,2", "- ragged"),
        ("o3,2,s1,s1", "- ragged"),
        ("o3,\"2\"x,s1", "- text_after_quote"),
    ] {
        let mut files = three();
        files.items = files.items.replace("o3,2,s1", bad);
        let data = files.read().unwrap();
        assert_eq!(rows(&data), whole[..2], "{bad}");
        let wanted = [
            format!("order_items:4 {reason} o3"),
            "orders:4 order_id depends_on_rejected o3".to_owned(),
        ];
        assert_eq!(rejects(&data), wanted, "{bad}");
        let taken = &data.rejects()[1];
        let because_of = taken.because_of.as_ref().unwrap().to_string();
        assert_eq!(because_of, "olist_order_items_dataset.csv line 4");
        assert!(data.is_rejected_order("o3") && data.find("o3").is_none());
        assert!(data.rejected_orders().eq(["o3"]));
    }
}

#[test]
fn an_order_goes_with_the_rejected_row_of_its_customer_or_its_seller_alone() {
    let mut files = three();
    files.customers = files.customers.replace("c2,BA", "c2,seventeen bytes !");
    files.sellers = files.sellers.replace("s1,SP", "s1");
    let data = files.read().unwrap();
    // o3's seller is that of its lowest item, s2.
    assert_eq!(rows(&data), ["o3+ MG>AM 2018-01-01"]);
    let because_of = |order: &str| {
        let taken = data
            .rejects()
            .iter()
            .filter(|reject| reject.because_of.is_some());
        let mut of = taken.filter(|reject| reject.order_id.as_deref() == Some(order));
        of.next().unwrap().because_of.as_ref().unwrap().to_string()
    };
    assert_eq!(because_of("o1"), "olist_sellers_dataset.csv line 2");
    assert_eq!(because_of("o2"), "olist_customers_dataset.csv line 3");
    assert_eq!(data.order_count(), 1);
    assert_eq!(
        data.default_as_of().unwrap().to_string(),
        "2018-01-01T10:00:00Z"
    );
}

#[test]
fn another_accepted_row_of_the_key_and_a_duplicate_take_nothing_along() {
    let mut files = three();
    files.customers += "c1,seventeen bytes !\nc4,seventeen bytes !\nc4,SP\n";
    files.customers = files
        .customers
        .replace("c2,BA", "c2,seventeen bytes !\nc2,BA");
    files.items += "o1,1,s2\no1,1,s1\n";
    let data = files.read().unwrap();
    assert_eq!(data.order_count(), 3);
    assert_eq!(rows(&data), rows(&three().read().unwrap()));
}

#[test]
fn an_item_of_a_rejected_key_counts_once_and_a_lower_good_one_frees_its_order() {
    let mut files = three();
    files.sellers += "bad,seventeen bytes !\n";
    files.items += "o1,0,bad\n";
    let taken = files.read().unwrap();
    assert!(taken.is_rejected_order("o1"));
    files.items = files
        .items
        .replace("o1,1,s1", "o1,1,bad")
        .replace("o1,0,bad", "o1,0,s1");
    let freed = files.read().unwrap();
    assert!(rows(&freed).contains(&"o1+ SP>RJ 2018-01-01".to_owned()));
}

#[test]
fn what_does_not_join_is_counted_and_keys_that_look_alike_are_named() {
    let mut files = three();
    files.orders += &order("o4").replace("c1", "C1 ");
    files.orders += &order("o5").replace("c1", "nobody");
    files.orders += &order("o6").replace("c1", "");
    files.orders += &order("o7");
    files.items += "o4,1,S1\no5,1,s9\nO1,1,s1\nelsewhere,1,s1\no6,1,\n";
    files.customers += "c9,SP\n";
    files.sellers += "s8,SP\n";
    let data = files.read().unwrap();
    let joins = data.joins();
    let alike = |of: &crate::joins::Unmatched| {
        let sample = of
            .samples
            .iter()
            .find_map(|sample| Some(format!("{:?} {:?}", sample.value, sample.alike.as_ref()?)));
        (of.count, of.alike, sample.unwrap_or_default())
    };
    assert_eq!(
        alike(&joins.orders_without_customer),
        (2, 1, "\"C1 \" \"c1\"".to_owned())
    );
    assert_eq!(
        alike(&joins.items_without_seller),
        (2, 1, "\"S1\" \"s1\"".to_owned())
    );
    assert_eq!(
        alike(&joins.items_without_order),
        (2, 1, "\"O1\" \"o1\"".to_owned())
    );
    assert_eq!(joins.orders_without_items, 1);
    // o4, o5, o6 by their customers or sellers, o7 has no item.
    assert_eq!(joins.orders_of_unknown_region, 4);
    assert_eq!(
        (joins.customers_without_order, joins.sellers_without_item),
        (1, 1)
    );
    assert_eq!(data.reject_count(), 0);
}

#[test]
fn rows_that_may_have_swallowed_others_are_known() {
    let mut files = three();
    files.orders = files.orders.replace("o1,c1,delivered", "o1,c1,\"delivered");
    files.orders = files.orders.replace("o3,c3,delivered", "o3,c3,delivered\"");
    // Three rows in one that is accepted all the same, with the status `delivered,2018…`.
    let data = files.read().unwrap();
    assert_eq!((data.order_count(), data.reject_count()), (1, 0));
    let swallowing = data.swallowing_orders();
    assert_eq!((swallowing.count, swallowing.places[0].line), (1, 2));
    files.orders = files.orders.replace("delivered\"", "\"delivered");
    let data = files.read().unwrap();
    let reject = &data.rejects()[0];
    assert_eq!((reject.line, reject.last_line), (2, Some(4)));
    assert_eq!(data.swallowing_orders().count, 1);
    // A line break alone swallows nothing.
    let mut files = three();
    files.items = files.items.replace("o1,1,s1", "o1,1,\"s\n1\"");
    assert_eq!(files.read().unwrap().swallowing_items().count, 0);
    files.items = files.items.replace("\"s\n1\"", "\"s\n1,,\"");
    assert_eq!(files.read().unwrap().swallowing_items().count, 1);
}
