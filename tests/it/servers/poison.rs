//! Records of other producers that are no canonical events: each is a dead letter at its own place
//! with its reason, and every good record beside it counts.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use eip_contract::partition_of;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use serde_json::{Value, json};

use crate::support::{Eip, generate, repetitions};

/// Partition and offset, as the list of dead letters prints them.
type Place = String;

/// Where each record came to lie, under the number that it was sent with.
#[derive(Default)]
struct Reports(Mutex<BTreeMap<usize, Place>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let message = result.as_ref().expect("the broker takes every record");
        let place = format!("{}:{}", message.partition(), message.offset());
        self.0.lock().unwrap().insert(number, place);
    }
}

/// A producer that knows nothing of this project, on the topic of the events of a space.
struct Plain {
    producer: BaseProducer<Reports>,
    topic: String,
    partitions: u32,
    sent: usize,
}

impl Plain {
    fn on(eip: &Eip) -> Self {
        let producer: BaseProducer<Reports> = ClientConfig::new()
            .set("bootstrap.servers", eip.value("EIP_KAFKA"))
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "2097152")
            .create_with_context(Reports::default())
            .unwrap();
        let topic = format!("{}.fulfillment-events", eip.space());
        let metadata = producer.client();
        let metadata = metadata
            .fetch_metadata(Some(&topic), Duration::from_secs(30))
            .unwrap();
        let partitions = metadata.topics()[0].partitions().len() as u32;
        Self {
            producer,
            topic,
            partitions,
            sent: 0,
        }
    }

    fn own(&self, key: &[u8]) -> u32 {
        partition_of(key, self.partitions)
    }

    /// Sends one record and gives its number.
    fn send(&mut self, partition: u32, key: Option<&[u8]>, value: Option<&[u8]>) -> usize {
        let number = self.sent;
        self.sent += 1;
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&self.topic, number)
            .partition(partition as i32);
        record.key = key;
        record.payload = value;
        loop {
            match self.producer.send(record) {
                Ok(()) => return number,
                Err((error, again)) => {
                    let code = error.rdkafka_error_code();
                    assert_eq!(code, Some(RDKafkaErrorCode::QueueFull));
                    record = again;
                }
            }
            self.producer.poll(Duration::from_millis(10));
        }
    }

    /// Sends a good record where it belongs.
    fn send_event(&mut self, order_id: &str, value: &str) -> usize {
        let key = order_id.as_bytes();
        self.send(self.own(key), Some(key), Some(value.as_bytes()))
    }

    /// Waits until the broker has all, and says where.
    fn places(self) -> BTreeMap<usize, Place> {
        self.producer.flush(Duration::from_secs(60)).unwrap();
        let places = std::mem::take(&mut *self.producer.context().0.lock().unwrap());
        assert_eq!(places.len(), self.sent);
        places
    }
}

/// One way to break a record.
struct Poison {
    code: &'static str,
    /// A part of the reason that names the field or what is wrong.
    reason: &'static str,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    /// How far from its own partition it is put.
    off_by: u32,
}

impl Poison {
    fn text(
        code: &'static str,
        reason: &'static str,
        key: &str,
        value: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            code,
            reason,
            key: Some(key.into()),
            value: Some(value.into()),
            off_by: 0,
        }
    }
}

/// Each way in which semantics, section 3, lets a record be none; made of an event that is there,
/// with another region, so that one that were accepted would be seen in a view.
fn poisons(line: &str) -> Vec<Poison> {
    let mut event: Value = serde_json::from_str(line).unwrap();
    event["sellerRegion"] = json!("QQ");
    let id = event["orderId"].as_str().unwrap().to_owned();
    let whole = event.to_string();
    let text = |code, reason, value: &str| Poison::text(code, reason, &id, value);
    let with = |code, reason, field: &str, value: Value| {
        let mut event = event.clone();
        event[field] = value;
        Poison::text(code, reason, &id, event.to_string())
    };
    let without = |reason, field: &str| {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove(field);
        Poison::text("missing_field", reason, &id, event.to_string())
    };
    let doubled = |reason, field: &str| {
        let again = format!("{{\"{field}\":{},{}", event[field], &whole[1..]);
        Poison::text("doubled_field", reason, &id, again)
    };
    let long = "x".repeat(513);
    let mut poisons = vec![
        text("not_json", "", "not json"),
        text("not_json", "", ""),
        text("not_json", "", "[1,2]"),
        text("not_json", "", &whole[..whole.len() - 1]),
        text("not_json", "", &format!("{whole}{whole}")),
        text("not_json", "", &"x".repeat(1 << 20)),
        Poison::text("not_json", "", &id, b"{\"eventId\":\"\xff\"}"),
        with(
            "unknown_type",
            "eventType",
            "eventType",
            json!("ORDER_LOST"),
        ),
        with("ill_typed", "eventType", "eventType", json!(3)),
        with("ill_typed", "orderId", "orderId", json!(["x"])),
        with("ill_typed", "eventAt", "eventAt", Value::Null),
        with("ill_typed", "payload", "payload", json!("none")),
        with("ill_typed", "customerRegion", "customerRegion", json!({})),
        with(
            "ill_typed",
            "payload.estimatedDeliveryAt",
            "payload",
            json!({"estimatedDeliveryAt": 1_500_000_000}),
        ),
        with(
            "missing_field",
            "payload.estimatedDeliveryAt",
            "payload",
            json!({}),
        ),
        with(
            "bad_time",
            "payload.estimatedDeliveryAt",
            "payload",
            json!({"estimatedDeliveryAt": ""}),
        ),
        with("bad_order_id", "orderId", "orderId", json!("")),
        with("bad_order_id", "orderId", "orderId", json!("a\u{7f}b")),
        with(
            "bad_region",
            "sellerRegion",
            "sellerRegion",
            json!("12345678901234567"),
        ),
        with(
            "bad_region",
            "customerRegion",
            "customerRegion",
            json!("S\nP"),
        ),
        with(
            "wrong_source",
            "source",
            "source",
            json!(if event["source"] == "OMS" {
                "TMS"
            } else {
                "OMS"
            }),
        ),
    ];
    for field in [
        "eventId",
        "eventType",
        "eventAt",
        "orderId",
        "source",
        "sellerRegion",
        "customerRegion",
        "payload",
    ] {
        poisons.push(without(field, field));
        poisons.push(doubled(field, field));
    }
    for time in [
        "2017-10-02 10:56:33",
        "2017-10-02T10:56:33+00:00",
        "2017-10-02T10:56:33.0Z",
        "2017-02-29T00:00:00Z",
        "2017-10-02T10:56:60Z",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
    ] {
        poisons.push(with("bad_time", "eventAt", "eventAt", json!(time)));
    }
    let mut named_long = event.clone();
    named_long["orderId"] = json!(long);
    let tombstone = |code, key: Option<&str>, off_by| Poison {
        code,
        reason: "",
        key: key.map(Into::into),
        value: None,
        off_by,
    };
    poisons.extend([
        Poison::text("bad_order_id", "512 bytes", &long, named_long.to_string()),
        Poison {
            key: None,
            ..text("null_key", "no key", &whole)
        },
        Poison {
            off_by: 1,
            ..text("wrong_partition", "partition", &whole)
        },
        Poison::text("key_mismatch", "key", "another", whole.clone()),
        // White space counts.
        Poison::text("key_mismatch", "key", &format!("{id} "), whole.clone()),
        tombstone("null_key", None, 0),
        tombstone("wrong_partition", Some(&id), 1),
        tombstone("bad_order_id", Some(&long), 0),
        tombstone("bad_order_id", Some(""), 0),
    ]);
    poisons
}

/// The listed records: place → code and reason.
fn listed(eip: &Eip) -> BTreeMap<Place, (String, String)> {
    let list = eip.run(["deadletters", "list"]).ok();
    let rows = list.out.lines().filter_map(|line| {
        let (place, rest) = line.trim().strip_prefix("record")?.trim().split_once(' ')?;
        let (code, reason) = rest.trim().split_once(' ')?;
        Some((
            place.to_owned(),
            (code.to_owned(), reason.trim().to_owned()),
        ))
    });
    rows.collect()
}

/// The views' part of `eip status --json`.
fn views(eip: &Eip) -> Value {
    let status: Value = serde_json::from_str(&eip.run(["status", "--json"]).ok().out).unwrap();
    status["views"].clone()
}

#[test]
fn every_poison_record_is_listed_with_its_place_and_every_good_one_counts() {
    let reference = Eip::new();
    let data = generate(&reference.path(""), 1_000, 81);
    reference.fast(&data).ok();
    let wanted = reference.stored_digests();
    let log = String::from_utf8(reference.log()).unwrap();
    let events: Vec<&str> = log.lines().collect();

    // A part is there already, and all of it comes again between the poison.
    let eip = Eip::on_servers();
    eip.run([
        "replay",
        "fast",
        "--end",
        "2017-10-01",
        "--data",
        data.to_str().unwrap(),
    ])
    .ok();
    let mut plain = Plain::on(&eip);
    let kinds = poisons(events[0]).len();
    let gap = events.len() / (kinds + 6);
    let mut sent = Vec::new();
    for (i, line) in events.iter().enumerate() {
        if i % gap == 0 {
            // The event in front of which it lies is the one that it breaks.
            let mut ways = poisons(line);
            let poison = ways.swap_remove(i / gap % kinds);
            let own = poison.key.as_deref().map_or(0, |key| plain.own(key));
            let partition = (own + poison.off_by) % plain.partitions;
            let number = plain.send(partition, poison.key.as_deref(), poison.value.as_deref());
            sent.push((number, poison));
        }
        let event: Value = serde_json::from_str(line).unwrap();
        let id = event["orderId"].as_str().unwrap();
        if i == events.len() / 2 {
            // As large as a record gets, in another order of keys, and good.
            let mut large = event.clone();
            large["note"] = json!("x".repeat(1 << 20));
            plain.send_event(id, &large.to_string());
        } else {
            plain.send_event(id, line);
        }
    }
    let places = plain.places();
    assert!(sent.len() >= kinds);
    println!(
        "{} events, {} poison records of {kinds} kinds",
        events.len(),
        sent.len()
    );

    assert_eq!(eip.digests(), wanted);
    eip.verify();
    let assert_listed = || {
        let mut listed = listed(&eip);
        for (number, poison) in &sent {
            let place = &places[number];
            let found = listed.remove(place);
            let (code, reason) = found.unwrap_or_else(|| panic!("{} at {place}", poison.code));
            assert_eq!(code, poison.code, "{place}: {reason}");
            assert!(reason.contains(poison.reason), "{place}: {reason}");
        }
        assert!(listed.is_empty(), "never sent: {listed:?}");
        let views = views(&eip);
        assert_eq!(views["dead_letters"], sent.len());
        assert_eq!(views["refused_documents"], 0);
    };
    assert_listed();
    let (number, poison) = &sent[0];
    let shown = eip
        .run(["deadletters", "show", "record", &places[number]])
        .ok();
    assert!(shown.out.starts_with(poison.code), "{}", shown.out);

    // Another start finds the same, and one that reads all of the log anew by more workers.
    eip.run(["dataflow", "--until-caught-up"]).ok();
    assert_listed();
    eip.run(["space", "reset", "--force"]).ok();
    eip.run(["dataflow", "--until-caught-up", "--workers", "3"])
        .ok();
    assert_eq!(eip.stored_digests(), wanted);
    assert_listed();
}

#[test]
fn more_regions_than_16_bits_count_are_all_through_and_stay() {
    const REGIONS: usize = 65_600;
    if repetitions(0, 1) == 0 {
        eprintln!("not run: 65,600 regions (EIP_SOAK=1 has it run)");
        return;
    }
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 1, 82);
    // Nothing of it: only the topics are wanted.
    eip.run([
        "replay",
        "fast",
        "--end",
        "1970-01-02",
        "--data",
        data.to_str().unwrap(),
    ])
    .ok();
    let mut plain = Plain::on(&eip);
    for i in 0..REGIONS {
        let id = format!("order-{i}");
        let event = json!({
            "eventId": "", "eventType": "ORDER_PLACED", "eventAt": "2018-01-01T00:00:00Z",
            "orderId": id, "source": "OMS", "sellerRegion": format!("r{i}"),
            "customerRegion": format!("r{i}"), "payload": {"estimatedDeliveryAt": null},
        });
        plain.send_event(&id, &event.to_string());
    }
    plain.places();
    // Which code a region gets follows from what was read first; the views must not tell.
    let mut first = None;
    for workers in ["1", "3"] {
        eip.run(["dataflow", "--until-caught-up", "--workers", workers])
            .ok();
        let digests = eip.stored_digests();
        for view in ["shipments", "shipment_events", "route_stats_daily"] {
            assert_eq!(views(&eip)[view], REGIONS, "{view}, {workers} workers");
        }
        assert!(listed(&eip).is_empty(), "{workers} workers");
        assert_eq!(*first.get_or_insert(digests.clone()), digests);
    }
    eip.run(["verify"]).ok();
}
