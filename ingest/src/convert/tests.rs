use eip_olist::OrderStatus;

use super::*;

fn time(text: &str) -> EventTime {
    EventTime::parse_csv(text.as_bytes()).unwrap()
}

fn some(text: &str) -> Option<EventTime> {
    (!text.is_empty()).then(|| time(text))
}

fn order() -> OrderRow<'static> {
    OrderRow {
        order_id: "o1",
        status: OrderStatus::Other,
        purchased: time("2018-01-01 10:00:00"),
        approved: None,
        carried: None,
        delivered: None,
        estimated: None,
        has_item: true,
        seller_region: "SP",
        customer_region: "RJ",
    }
}

fn rules(text: &str) -> Rules {
    Rules::parse_toml(&format!("version = 1\n{text}"), "test").unwrap()
}

fn end_of_day() -> Rules {
    Rules::default().with_promise(Promise::EndOfDay, "test")
}

fn at(row: &OrderRow<'_>, rules: &Rules, as_of: &str, event_type: EventType) -> String {
    let time = convert(row, rules, some(as_of)).unwrap().times[event_type.rank()];
    time.map(|time| time.to_string()).unwrap_or_default()
}

#[test]
fn an_event_is_rendered_as_the_semantics_show_it() {
    let row = OrderRow {
        order_id: "00112233445566778899aabbccddeeff",
        purchased: time("2018-03-01 10:20:30"),
        estimated: some("2018-03-04 00:00:00"),
        customer_region: "SP",
        ..order()
    };
    let facts = convert(&row, &Rules::default(), None).unwrap();
    let events: Vec<String> = facts.events().map(|event| event.to_json()).collect();
    assert_eq!(facts.count(), 1);
    insta::assert_snapshot!(events.join("\n"), @r#"{"eventId":"9d827d9e5d49ae39deb7d55eac30c412","eventType":"ORDER_PLACED","eventAt":"2018-03-01T10:20:30Z","orderId":"00112233445566778899aabbccddeeff","source":"OMS","sellerRegion":"SP","customerRegion":"SP","payload":{"estimatedDeliveryAt":"2018-03-04T00:00:00Z"}}"#);
}

#[test]
fn a_full_order_has_all_six_facts_by_rank() {
    let row = OrderRow {
        approved: some("2018-01-01 11:00:00"),
        carried: some("2018-01-03 00:00:00"),
        delivered: some("2018-01-10 12:00:00"),
        estimated: some("2018-01-09 00:00:00"),
        ..order()
    };
    let facts = convert(&row, &Rules::default(), None).unwrap();
    let events: Vec<String> = facts
        .events()
        .map(|e| {
            assert_eq!((&*e.seller_region, &*e.customer_region), ("SP", "RJ"));
            assert_eq!(e.estimated_delivery_at, row.estimated);
            format!("{} {}", e.event_type, e.event_at)
        })
        .collect();
    assert_eq!(
        events,
        [
            "ORDER_PLACED 2018-01-01T10:00:00Z",
            "ORDER_APPROVED 2018-01-01T11:00:00Z",
            "WAREHOUSE_ASSIGNED 2018-01-01T11:30:00Z",
            "HANDED_TO_CARRIER 2018-01-03T00:00:00Z",
            "DELIVERY_DELAYED 2018-01-09T00:00:00Z",
            "DELIVERED 2018-01-10T12:00:00Z",
        ]
    );
}

#[test]
fn the_assignment_stays_between_approval_and_carrier() {
    for (carried, delay, assigned) in [
        ("", "30m", "2018-01-01T11:30:00Z"),
        ("2018-01-01 11:10:00", "30m", "2018-01-01T11:10:00Z"),
        ("2018-01-01 10:30:00", "30m", "2018-01-01T11:00:00Z"),
        ("2018-01-02 00:00:00", "30m", "2018-01-01T11:30:00Z"),
        ("", "2h", "2018-01-01T13:00:00Z"),
        ("", "0s", "2018-01-01T11:00:00Z"),
        ("", "365d", "2019-01-01T11:00:00Z"),
    ] {
        let row = OrderRow {
            approved: some("2018-01-01 11:00:00"),
            carried: some(carried),
            ..order()
        };
        let rules = rules(&format!("assignment_delay = \"{delay}\""));
        assert_eq!(
            at(&row, &rules, "", EventType::WarehouseAssigned),
            assigned,
            "{carried}"
        );
    }
}

#[test]
fn no_warehouse_without_approval_or_item() {
    let approved = some("2018-01-01 11:00:00");
    for (approved, has_item, exists) in [
        (approved, true, true),
        (approved, false, false),
        (None, true, false),
    ] {
        let row = OrderRow {
            approved,
            has_item,
            ..order()
        };
        let assigned = at(&row, &Rules::default(), "", EventType::WarehouseAssigned);
        assert_eq!(!assigned.is_empty(), exists, "{row:?}");
    }
}

#[test]
fn late_is_later_than_the_deadline_of_the_promise() {
    for (delivered, instant, of_day) in [
        ("2018-01-09 00:00:00", "", ""),
        ("2018-01-09 00:00:01", "2018-01-09T00:00:00Z", ""),
        ("2018-01-10 00:00:00", "2018-01-09T00:00:00Z", ""),
        (
            "2018-01-10 00:00:01",
            "2018-01-09T00:00:00Z",
            "2018-01-10T00:00:00Z",
        ),
    ] {
        let row = OrderRow {
            delivered: some(delivered),
            estimated: some("2018-01-09 00:00:00"),
            ..order()
        };
        // A delivered order's delay does not hang on asOf.
        for as_of in ["", "2017-01-01 00:00:00", "2019-01-01 00:00:00"] {
            let delayed = |rules: &Rules| at(&row, rules, as_of, EventType::DeliveryDelayed);
            assert_eq!(delayed(&Rules::default()), instant, "{delivered}");
            assert_eq!(delayed(&end_of_day()), of_day, "{delivered}");
        }
    }
}

#[test]
fn the_end_of_the_day_counts_from_the_day_whatever_the_time() {
    for estimated in [
        "2018-01-09 00:00:00",
        "2018-01-09 17:30:00",
        "2018-01-09 23:59:59",
    ] {
        let row = OrderRow {
            delivered: some("2018-02-01 00:00:00"),
            estimated: some(estimated),
            ..order()
        };
        let delayed = at(&row, &end_of_day(), "", EventType::DeliveryDelayed);
        assert_eq!(delayed, "2018-01-10T00:00:00Z", "{estimated}");
        let delayed = at(&row, &Rules::default(), "", EventType::DeliveryDelayed);
        assert_eq!(delayed, time(estimated).to_string());
    }
}

#[test]
fn an_order_under_way_is_late_once_as_of_is_past_the_deadline() {
    use OrderStatus::{Canceled, Other, Unavailable};
    for (status, estimated, delivered, as_of, late) in [
        (
            Other,
            "2018-01-09 00:00:00",
            "",
            "2018-01-09 00:00:01",
            true,
        ),
        (
            Other,
            "2018-01-09 00:00:00",
            "",
            "2018-01-09 00:00:00",
            false,
        ),
        (Other, "2018-01-09 00:00:00", "", "", false),
        (
            Canceled,
            "2018-01-09 00:00:00",
            "",
            "2018-02-01 00:00:00",
            false,
        ),
        (
            Unavailable,
            "2018-01-09 00:00:00",
            "",
            "2018-02-01 00:00:00",
            false,
        ),
        (Other, "", "", "2018-02-01 00:00:00", false),
        (
            Canceled,
            "2018-01-09 00:00:00",
            "2018-01-20 00:00:00",
            "",
            true,
        ),
        (
            Canceled,
            "2018-01-09 00:00:00",
            "2018-01-05 00:00:00",
            "2018-02-01 00:00:00",
            false,
        ),
    ] {
        let row = OrderRow {
            status,
            estimated: some(estimated),
            delivered: some(delivered),
            ..order()
        };
        let delayed = at(&row, &Rules::default(), as_of, EventType::DeliveryDelayed);
        assert_eq!(!delayed.is_empty(), late, "{row:?} as of {as_of}");
    }
}

#[test]
fn as_of_hides_no_fact() {
    let row = OrderRow {
        approved: some("2018-01-01 11:00:00"),
        carried: some("2018-01-03 00:00:00"),
        delivered: some("2018-01-10 12:00:00"),
        ..order()
    };
    let early = convert(&row, &Rules::default(), some("2017-01-01 00:00:00"));
    assert_eq!(early, convert(&row, &Rules::default(), None));
    assert_eq!(early.unwrap().count(), 5);
}

#[test]
fn a_derived_time_behind_2199_rejects_the_row_by_its_column() {
    let field = |row: OrderRow<'_>, rules: &Rules| {
        convert(&row, rules, None).err().map_or("", |reject| {
            assert_eq!(reject.reason, RejectReason::DerivedTimeOutOfRange);
            reject.field
        })
    };
    let approved = OrderRow {
        approved: some("2199-12-31 23:30:00"),
        ..order()
    };
    assert_eq!(field(approved, &Rules::default()), "order_approved_at");
    let just_in_time = OrderRow {
        approved: some("2199-12-31 23:29:59"),
        ..order()
    };
    assert_eq!(field(just_in_time, &Rules::default()), "");
    let without_item = OrderRow {
        has_item: false,
        ..approved
    };
    assert_eq!(field(without_item, &Rules::default()), "");
    let cut_short = OrderRow {
        carried: some("2199-12-31 23:45:00"),
        ..approved
    };
    assert_eq!(field(cut_short, &Rules::default()), "");
    let assigned = at(
        &cut_short,
        &Rules::default(),
        "",
        EventType::WarehouseAssigned,
    );
    assert_eq!(assigned, "2199-12-31T23:45:00Z");
    let promised = OrderRow {
        estimated: some("2199-12-31 00:00:00"),
        ..order()
    };
    assert_eq!(
        field(promised, &end_of_day()),
        "order_estimated_delivery_date"
    );
    assert_eq!(field(promised, &Rules::default()), "");
}
