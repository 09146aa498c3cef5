//! The contract against its golden files: written by hand and by another program, never by this code.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as the tests do"
)]

use std::path::PathBuf;

use eip_contract::schema::event_schema;
use eip_contract::{EventId, EventTime, EventType, decode, partition_of};
use serde::Deserialize;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn lines<T: for<'de> Deserialize<'de>>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(file(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn golden_events() -> Vec<String> {
    let text = std::fs::read_to_string(file("golden/events.ndjson")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn golden_events_are_decoded_and_encoded_to_the_same_bytes() {
    for line in golden_events() {
        let decoded = decode(line.as_bytes()).unwrap();
        assert!(decoded.id_fits(), "{line}");
        assert_eq!(decoded.event.to_json(), line);
    }
}

#[test]
fn identity_and_partition_are_those_of_the_vectors() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        order_id: String,
        event_type: EventType,
        event_at: String,
        event_id: String,
        partition_of4: u32,
        partition_of7: u32,
    }
    let vectors: Vec<Vector> = lines("golden/vectors.ndjson");
    assert!(vectors.len() > 10);
    for vector in vectors {
        let event_at: EventTime = vector.event_at.parse().unwrap();
        let id = EventId::of(&vector.order_id, vector.event_type, event_at);
        assert_eq!(id.to_string(), vector.event_id);
        assert_eq!(
            partition_of(vector.order_id.as_bytes(), 4),
            vector.partition_of4
        );
        assert_eq!(
            partition_of(vector.order_id.as_bytes(), 7),
            vector.partition_of7
        );
    }
}

#[test]
fn every_golden_dead_letter_has_its_reason() {
    #[derive(Deserialize)]
    struct Letter {
        code: String,
        value: String,
    }
    let letters: Vec<Letter> = lines("golden/dead-letters.ndjson");
    assert!(letters.len() > 40);
    for Letter { code, value } in letters {
        assert_eq!(
            decode(value.as_bytes()).unwrap_err().code(),
            code,
            "{value}"
        );
    }
}

#[test]
fn the_schema_in_the_folder_is_the_generated_one() {
    let path = file("schema/fulfillment-event.v1.schema.json");
    if std::env::var_os("EIP_BLESS").is_some() {
        std::fs::write(&path, event_schema()).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        stored,
        event_schema(),
        "run this test with EIP_BLESS=1 to renew {path:?}"
    );
}

#[test]
fn the_schema_takes_the_golden_events_and_refuses_what_it_can_see() {
    let schema = serde_json::from_str(&event_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in golden_events() {
        let event = serde_json::from_str(&line).unwrap();
        assert!(validator.is_valid(&event), "{line}");
    }
    let text = std::fs::read_to_string(file("golden/dead-letters.ndjson")).unwrap();
    for line in text.lines() {
        let letter: serde_json::Value = serde_json::from_str(line).unwrap();
        // Calendars, doubled keys and the type's own source are beyond a schema.
        let beyond = ["not_json", "doubled_field", "wrong_source", "bad_time"];
        if !beyond.contains(&letter["code"].as_str().unwrap()) {
            let value = serde_json::from_str(letter["value"].as_str().unwrap()).unwrap();
            assert!(!validator.is_valid(&value), "{line}");
        }
    }
}
