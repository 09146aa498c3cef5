//! Laws of decoding: both paths agree, and whatever is accepted has one canonical rendering.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::{EventTime, EventType};

const GOLDEN: &str = r#"{"eventId":"a9e2b6c5b45de3fba1a9ee2a7e5cbe1f","eventType":"ORDER_PLACED","eventAt":"2018-03-01T10:20:30Z","orderId":"00112233445566778899aabbccddeeff","source":"OMS","sellerRegion":"SP","customerRegion":"SP","payload":{"estimatedDeliveryAt":"2018-03-04T00:00:00Z"}}"#;

fn event() -> impl Strategy<Value = Event<'static>> {
    let text = |most| proptest::collection::vec(any_char(), 1..most).prop_map(String::from_iter);
    let order_id = prop_oneof![any::<u128>().prop_map(|n| format!("{n:032x}")), text(60)];
    let region = prop_oneof![Just("SP".to_owned()), text(5)];
    let time = (0..=EventTime::MAX.seconds()).prop_map(|s| EventTime::from_seconds(s).unwrap());
    (
        0..6_usize,
        time.clone(),
        order_id,
        region.clone(),
        region,
        proptest::option::of(time),
    )
        .prop_map(
            |(rank, event_at, order_id, seller, customer, estimated_delivery_at)| Event {
                event_type: EventType::ALL[rank],
                event_at,
                order_id: Cow::Owned(order_id),
                seller_region: Cow::Owned(seller),
                customer_region: Cow::Owned(customer),
                estimated_delivery_at,
            },
        )
}

fn any_char() -> impl Strategy<Value = char> {
    prop_oneof![
        Just('"'),
        Just('\\'),
        Just('é'),
        proptest::char::range(' ', '~')
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(event in event()) {
        let json = event.to_json();
        let decoded = decode(json.as_bytes()).unwrap();
        prop_assert!(decoded.id_fits());
        prop_assert_eq!(&decoded.event, &event);
        prop_assert_eq!(decoded, general::decode(json.as_bytes()).unwrap());
    }

    #[test]
    fn another_layout_has_the_same_canonical_rendering(event in event()) {
        let json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
        let mut fields: Vec<_> = json.as_object().unwrap().iter().collect();
        fields.reverse();
        let text = fields.iter().map(|(k, v)| format!(" {k:?} : {v}\n")).collect::<Vec<_>>().join(",");
        let text = format!("{{\"extra\":[{{}},1e9],{text}}}");
        prop_assert_eq!(decode(text.as_bytes()).unwrap().event.to_json(), event.to_json());
    }

    #[test]
    fn a_changed_byte_never_panics_and_both_paths_agree(
        event in event(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut json = event.to_json().into_bytes();
        let place = place.index(json.len());
        json[place] = byte;
        prop_assert_eq!(decode(&json), general::decode(&json));
    }
}

#[test]
fn each_way_to_be_no_event_has_its_reason() {
    use crate::time::TimeError;
    use DeadLetter as D;
    let cases: Vec<(String, DeadLetter)> = vec![
        (String::new(), D::NotJson),
        ("[]".into(), D::NotJson),
        ("{".into(), D::NotJson),
        (format!("{GOLDEN}x"), D::NotJson),
        (GOLDEN.replace("ORDER_PLACED", "ORDER_LOST"), D::UnknownType),
        (GOLDEN.replace("\"OMS\"", "\"TMS\""), D::WrongSource),
        (GOLDEN.replace("\"OMS\"", "7"), D::IllTyped("source")),
        (
            GOLDEN.replace("\"sellerRegion\":\"SP\",", ""),
            D::MissingField("sellerRegion"),
        ),
        (
            GOLDEN.replace("\"source\":", "\"orderId\":\"x\",\"source\":"),
            D::DoubledField("orderId"),
        ),
        (
            GOLDEN.replace("{\"estimatedDeliveryAt\":\"2018-03-04T00:00:00Z\"}", "{}"),
            D::MissingField(ESTIMATED),
        ),
        (
            GOLDEN.replace("{\"estimatedDeliveryAt\":\"2018-03-04T00:00:00Z\"}", "null"),
            D::IllTyped("payload"),
        ),
        (
            GOLDEN.replace("\"2018-03-04T00:00:00Z\"", "5"),
            D::IllTyped(ESTIMATED),
        ),
        (
            GOLDEN.replace("2018-03-04T00:00:00Z", "2018-03-04"),
            D::BadTime {
                field: ESTIMATED,
                why: TimeError::Form,
            },
        ),
        (
            GOLDEN.replace("2018-03-01T10:20:30Z", "2018-02-30T10:20:30Z"),
            D::BadTime {
                field: "eventAt",
                why: TimeError::NotReal,
            },
        ),
        (
            GOLDEN.replace("2018-03-01T10:20:30Z", "2217-02-20T10:20:30Z"),
            D::BadTime {
                field: "eventAt",
                why: TimeError::OutOfRange,
            },
        ),
        (
            GOLDEN.replace("00112233445566778899aabbccddeeff", ""),
            D::BadOrderId,
        ),
        (
            GOLDEN.replace("00112233445566778899aabbccddeeff", &"x".repeat(513)),
            D::BadOrderId,
        ),
        (
            GOLDEN.replace("00112233445566778899aabbccddeeff", "a\\u0007"),
            D::BadOrderId,
        ),
        (
            GOLDEN.replace(
                "\"sellerRegion\":\"SP\"",
                "\"sellerRegion\":\"12345678901234567\"",
            ),
            D::BadRegion("sellerRegion"),
        ),
        (
            GOLDEN.replace(
                "\"customerRegion\":\"SP\"",
                "\"customerRegion\":\"\\u007f\"",
            ),
            D::BadRegion("customerRegion"),
        ),
    ];
    for (text, reason) in cases {
        assert_eq!(decode(text.as_bytes()), Err(reason), "{text}");
    }
    assert!(decode(&[0xff, 0xfe]).is_err());
    assert!(decode(GOLDEN.replace("00112233", "\u{e9}112233").as_bytes()).is_ok());
}

#[test]
fn a_foreign_event_id_still_counts() {
    let decoded = decode(GOLDEN.as_bytes()).unwrap();
    assert!(!decoded.id_fits());
    assert_eq!(
        decode(
            GOLDEN
                .replace("a9e2b6c5b45de3fba1a9ee2a7e5cbe1f", "?")
                .as_bytes()
        )
        .unwrap()
        .event,
        decoded.event
    );
}

const ESTIMATED: &str = "payload.estimatedDeliveryAt";
