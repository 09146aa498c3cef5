//! Logs come in and go out in the oracle's form.

use eip_contract::{Event, EventTime, EventType, partition_of};
use eip_log::{
    ExportSummary, ImportSummary, JournalWriter, Log, LogError, NewRecord, StateDir, export,
    export_facts, import,
};

use crate::support::*;

fn event(order_id: &str, second: i64) -> String {
    Event {
        event_type: EventType::OrderPlaced,
        event_at: EventTime::from_seconds(second).unwrap(),
        order_id: order_id.into(),
        seller_region: "SP".into(),
        customer_region: "RJ".into(),
        estimated_delivery_at: None,
    }
    .to_json()
}

fn import_text(state: &StateDir, text: &[u8]) -> ImportSummary {
    let mut writer = Log::from(state).writer("a test").unwrap();
    import(&mut *writer, Some(&tag("i")), text).unwrap()
}

fn export_text(state: &StateDir) -> (String, ExportSummary) {
    let mut out = Vec::new();
    let summary = export(&Log::from(state), &mut out).unwrap();
    (String::from_utf8(out).unwrap(), summary)
}

#[test]
fn an_imported_log_is_exported_as_it_was() {
    let (_folder, state) = state(1);
    let log = [
        event("o1", 5),
        event("a\"b\\c", 6),
        "{\"orderId\":\"o1\",\"retract\":null}".into(),
        "not JSON".into(),
        "{\"orderId\":\"o1\",\"eventType\":\"LOST\"}".into(),
        event("o1", 5),
    ]
    .join("\n");
    let summary = import_text(&state, log.as_bytes());
    assert_eq!(
        summary,
        ImportSummary {
            records: 6,
            tombstones: 1,
            foreign: 2
        }
    );
    let (text, summary) = export_text(&state);
    assert_eq!(text, log + "\n");
    assert_eq!(
        summary,
        ExportSummary {
            events: 3,
            tombstones: 1,
            foreign: 2,
            skipped: 0
        }
    );
    let mut facts = Vec::new();
    let summary = export_facts(&Log::from(&state), &mut facts).unwrap();
    assert_eq!(
        summary,
        ExportSummary {
            events: 3,
            tombstones: 1,
            foreign: 0,
            skipped: 2
        }
    );
    assert_eq!(facts.split(|&byte| byte == b'\n').count(), 5);
    assert!(
        read_all(&state)
            .iter()
            .all(|record| record.run.as_deref() == Some("i/1"))
    );
}

#[test]
fn a_log_of_many_partitions_comes_out_in_an_order_that_says_the_same() {
    let (_folder, first) = state(4);
    let log: Vec<String> = (0..50).map(|i| event(&format!("o{}", i % 7), i)).collect();
    import_text(&first, log.join("\n").as_bytes());
    let (text, _) = export_text(&first);
    let (_folder, second) = state(3);
    import_text(&second, text.as_bytes());
    assert_eq!(export_text(&second).0, text);
    for order in 0..7 {
        let key = format!("\"o{order}\"");
        let of_order = |line: &&str| line.contains(&key);
        assert!(
            text.lines()
                .filter(of_order)
                .eq(log.iter().map(String::as_str).filter(of_order))
        );
    }
}

#[test]
fn each_line_goes_where_a_producer_would_have_sent_it() {
    let (_folder, state) = state(4);
    let reordered = "{\"orderId\":\"o9\", \"extra\":[1], \"eventType\":\"ORDER_PLACED\",\
        \"eventId\":\"\",\"eventAt\":\"2017-10-02T10:20:30Z\",\"source\":\"OMS\",\"sellerRegion\":\"SP\",\
        \"customerRegion\":\"SP\",\"payload\":{\"estimatedDeliveryAt\":null}}";
    let lines = [
        (&*event("o1", 5), Some("o1"), true),
        (reordered, Some("o9"), true),
        (
            "{ \"retract\": null, \"orderId\": \"o3\" }",
            Some("o3"),
            false,
        ),
        ("{\"orderId\":\"o3\",\"retract\":1}", Some("o3"), true),
        ("{\"orderId\":3}", None, true),
        ("[]", None, true),
        (" ", None, true),
    ];
    let text = lines.map(|(line, ..)| line).join("\r\n\n");
    let summary = import_text(&state, text.as_bytes());
    assert_eq!(
        summary,
        ImportSummary {
            records: 7,
            tombstones: 1,
            foreign: 4
        }
    );
    let records = read_all(&state);
    for (record, (line, key, has_value)) in records.iter().zip(lines) {
        assert_eq!(record.key.as_deref(), key.map(str::as_bytes), "{line}");
        assert_eq!(
            record.value.as_deref(),
            has_value.then_some(line.as_bytes()),
            "{line}"
        );
        let partition = key.map_or(0, |key| partition_of(key.as_bytes(), 4));
        assert_eq!(record.partition, partition, "{line}");
    }
    // Exported, events are canonical.
    let (text, _) = export_text(&state);
    assert!(text.lines().nth(1).unwrap().starts_with("{\"eventId\":\"") && !text.contains("extra"));
}

#[test]
fn a_dead_letter_that_would_be_taken_for_a_fact_is_not_exported() {
    let (_folder, state) = state(4);
    let mut writer: JournalWriter = open(&state);
    let value = event("o1", 5);
    let home = partition_of(b"o1", 4);
    let records = [
        NewRecord::foreign(Some(b"o2"), value.as_bytes()),
        NewRecord::foreign(None, value.as_bytes()),
        NewRecord {
            partition: Some((home + 1) % 4),
            ..NewRecord::foreign(Some(b"o1"), value.as_bytes())
        },
        NewRecord::foreign(Some(b"o1"), b"{\"orderId\":\"o1\",\"retract\":null}"),
        NewRecord::foreign(Some(b"o1"), b"two\nlines"),
        NewRecord::foreign(Some(b"o1"), b""),
        NewRecord::default(),
        NewRecord::tombstone(b"\xff"),
    ];
    for record in records {
        writer.append(None, record).unwrap();
    }
    writer.sync().unwrap();
    let (text, summary) = export_text(&state);
    assert_eq!(text, "");
    assert_eq!(
        summary,
        ExportSummary {
            skipped: 8,
            ..ExportSummary::default()
        }
    );
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let (_folder, state) = state(1);
    let mut writer = Log::from(&state).writer("a test").unwrap();
    let endless = std::io::BufReader::new(std::io::repeat(b'x'));
    let error = import(&mut *writer, None, endless).unwrap_err();
    assert!(matches!(error, LogError::LineTooLong(1)));
}
