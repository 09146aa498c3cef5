//! Where a shipment's fields come from, against plain code over the log's own lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{Log, RecordRef};
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::plain::text;
use super::served::Served;
use crate::support::{Eip, generate, rules};

/// A record as the log has it.
struct Line {
    partition: u64,
    offset: u64,
    run: Value,
    /// Milliseconds.
    at: Option<i64>,
    /// None of a tombstone.
    event: Option<String>,
}

/// The records of each order.
pub(super) struct Lines(BTreeMap<String, Vec<Line>>);

const RANKS: [&str; 6] = [
    "ORDER_PLACED",
    "ORDER_APPROVED",
    "WAREHOUSE_ASSIGNED",
    "HANDED_TO_CARRIER",
    "DELIVERY_DELAYED",
    "DELIVERED",
];

impl Lines {
    pub(super) fn read(eip: &Eip) -> Self {
        if eip.state().join("journal").is_dir() {
            Self::of_journal(&eip.state())
        } else {
            Self::of_kafka(eip)
        }
    }

    /// The lines of the files, read as JSON.
    fn of_journal(state: &Path) -> Self {
        let mut lines = Self(BTreeMap::new());
        let mut block: Option<Vec<(String, Line)>> = None;
        for file in journal_files(state) {
            for line in fs::read_to_string(file).unwrap().lines() {
                let json: Value = serde_json::from_str(line).unwrap();
                if json.get("begin").is_some() {
                    block = Some(Vec::new());
                } else if json.get("commit").is_some() {
                    for (order, line) in block.take().unwrap() {
                        lines.add(order, line);
                    }
                } else if json.get("abort").is_some() {
                    block = None;
                } else if let Some(partition) = json["p"].as_u64() {
                    let record = Line {
                        partition,
                        offset: json["o"].as_u64().unwrap(),
                        run: json["run"].clone(),
                        at: json["at"].as_i64(),
                        event: (!json["v"].is_null()).then(|| json["v"].to_string()),
                    };
                    let order = text(&json["k"]).to_owned();
                    match &mut block {
                        Some(block) => block.push((order, record)),
                        None => lines.add(order, record),
                    }
                }
            }
        }
        lines
    }

    fn of_kafka(eip: &Eip) -> Self {
        let space = eip.space().parse().unwrap();
        let config = KafkaConfig::new(eip.value("EIP_KAFKA"), space, eip.path("plain"));
        let log: Log = KafkaLog::open(config).unwrap().into();
        let ends = log.committed_ends().unwrap();
        let mut lines = Self(BTreeMap::new());
        let mut take = |record: RecordRef<'_>| {
            let own = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let line = Line {
                partition: record.partition.into(),
                offset: record.offset.0,
                run: record.run.into(),
                at: record.appended_ms,
                event: record.value.map(own),
            };
            lines.add(own(record.key.unwrap()), line);
        };
        log.read_all().unwrap().read_to(&ends, &mut take).unwrap();
        lines
    }

    fn add(&mut self, order: String, line: Line) {
        self.0.entry(order).or_default().push(line);
    }

    /// Orders with more records than types.
    fn corrected(&self) -> Vec<&String> {
        let orders = self.0.iter();
        let many = orders.filter(|(_, lines)| lines.iter().any(|line| line.event.is_none()));
        many.map(|(order, _)| order).collect()
    }
}

pub(super) fn check_why(served: &Served, lines: &Lines, dice: &mut ChaCha8Rng, count: usize) {
    let orders: Vec<&String> = lines.0.keys().collect();
    for order in orders.sample(dice, count) {
        check_one(served, lines, order);
    }
}

/// The answer about one order says what plain code finds in its records.
fn check_one(served: &Served, lines: &Lines, order: &str) -> Value {
    let answer = served.get(&format!("/v1/shipments/{order}/why"));
    let records = &lines.0[order];
    // By rank the event that stands and its offset; of each type what was said before.
    let mut standing: [Option<(u64, Value)>; 6] = Default::default();
    let mut gone: [Vec<u64>; 6] = Default::default();
    for record in records {
        let Some(event) = &record.event else {
            for rank in 0..6 {
                gone[rank].extend(standing[rank].take().map(|(offset, _)| offset));
            }
            continue;
        };
        let event: Value = serde_json::from_str(event).unwrap();
        let rank = rank_of(&event["eventType"]);
        if let Some((before, other)) = standing[rank].replace((record.offset, event.clone()))
            && other != event
        {
            gone[rank].push(before);
        }
    }
    assert_eq!(answer["agrees"], true, "{answer}");
    assert_eq!(answer["words"], json!([]), "{answer}");
    assert_eq!(answer["partition"], records[0].partition);

    let shown = answer["records"].as_array().unwrap();
    assert_eq!(shown.len(), records.len(), "{answer}");
    for (shown, record) in shown.iter().zip(records) {
        assert_eq!(shown["offset"], record.offset);
        assert_eq!(shown["run"], record.run);
        let at = record.at.map(|at| {
            let second = eip_contract::EventTime::from_seconds(at / 1000).unwrap();
            format!(
                "{}.{:03}Z",
                second.to_string().trim_end_matches('Z'),
                at % 1000
            )
        });
        assert_eq!(shown["appended_at"], json!(at), "{order}");
        let event: Value = record
            .event
            .as_ref()
            .map_or(Value::Null, |event| serde_json::from_str(event).unwrap());
        for (name, field) in [
            ("event_type", &event["eventType"]),
            ("event_id", &event["eventId"]),
            ("event_at", &event["eventAt"]),
            ("seller_region", &event["sellerRegion"]),
            (
                "estimated_delivery_at",
                &event["payload"]["estimatedDeliveryAt"],
            ),
        ] {
            assert_eq!(shown[name], *field, "{order} {name}");
        }
        let stands = standing
            .iter()
            .flatten()
            .any(|(at, _)| *at == record.offset);
        assert_eq!(shown["became"] == "stands", stands, "{shown}");
        assert_eq!(shown["became"] == "tombstone", record.event.is_none());
        assert_eq!(shown["by"].is_null(), stands || record.event.is_none());
    }

    let offsets = |types: &[usize]| -> Vec<u64> {
        let there = types.iter().filter_map(|&rank| standing[rank].as_ref());
        there.map(|(offset, _)| *offset).collect()
    };
    let last = (0..6).rev().find(|&rank| standing[rank].is_some());
    let last: Vec<usize> = last.into_iter().collect();
    let all = [0, 1, 2, 3, 4, 5];
    for field in answer["fields"].as_array().unwrap() {
        assert_eq!(field["agrees"], true);
        let name = text(&field["field"]);
        assert_eq!(field["value"], answer["shipment"][name]);
        let (from, possible): (&[usize], &[usize]) = match name {
            "orderId" | "eventCount" => (&all, &all),
            "sellerRegion" | "customerRegion" | "estimatedDeliveryAt" | "status" => (&last, &all),
            "placedAt" => (&[0], &[0]),
            "approvedAt" => (&[1], &[1]),
            "warehouseAssignedAt" => (&[2], &[2]),
            "handedToCarrierAt" => (&[3], &[3]),
            "delayedAt" | "delayed" => (&[4], &[4]),
            "deliveredAt" => (&[5], &[5]),
            "leadTimeSeconds" => (&[0, 5], &[0, 5]),
            "lateSeconds" => (&[4, 5], &[4, 5]),
            other => panic!("a field {other}"),
        };
        assert_eq!(field["records"], json!(offsets(from)), "{order} {name}");
        let mut before: Vec<u64> = possible
            .iter()
            .flat_map(|&rank| gone[rank].clone())
            .collect();
        before.sort_unstable();
        assert_eq!(field["before"], json!(before), "{order} {name}");
    }
    let fields = if answer["shipment"].is_null() { 0 } else { 15 };
    assert_eq!(answer["fields"].as_array().unwrap().len(), fields);

    for shown in answer["events"].as_array().unwrap() {
        let rank = rank_of(&shown["event_type"]);
        let expected = standing[rank].as_ref();
        let (offset, event) = expected.map_or((Value::Null, &Value::Null), |(o, e)| (json!(o), e));
        assert_eq!((&shown["record"], &shown["event"]), (&offset, event));
        assert_eq!(shown["before"], json!(gone[rank]));
    }
    for run in answer["runs"].as_array().unwrap() {
        assert_eq!(run["known"], true, "{run}");
        let files = run["files"].as_object().unwrap();
        let is_hash = |hash: &Value| hash.as_str().is_some_and(|hash| hash.len() == 64);
        assert!(files.len() == 4 && files.values().all(is_hash), "{run}");
        assert!(is_hash(&run["rules_sha256"]), "{run}");
        assert!(run["requested_at"].is_string(), "{run}");
    }
    assert_eq!(answer["lost"], json!([]), "{answer}");
    answer
}

fn rank_of(event_type: &Value) -> usize {
    let found = RANKS.iter().position(|name| event_type == name);
    found.unwrap_or_else(|| panic!("a type {event_type}"))
}

/// After a correction that retracts, over a chain with the data of `data` in it.
pub(super) fn check_corrected(eip: &Eip, data: &Path, dice: &mut ChaCha8Rng, count: usize) {
    let end_of_day = rules(&eip.path(""), "end_of_day", "45m");
    let args = [
        "--rules",
        end_of_day.to_str().unwrap(),
        "--start",
        "2018-03-01",
        "--end",
        "2018-03-08",
        "--max-retracted",
        "100%",
        "--no-dataflow",
    ];
    let before = Lines::read(eip);
    let window = eip.window(data, &args).ok();
    let served = Served::start(eip);
    let lines = Lines::read(eip);
    let corrected = lines.corrected();
    assert!(!corrected.is_empty());
    // The views do not have it yet.
    let behind = served.get(&format!("/v1/shipments/{}/why", corrected[0]));
    assert_eq!(behind["agrees"], false, "{behind}");
    let words = behind["words"].to_string();
    assert!(words.contains("the views are behind"), "{words}");
    let unread = |record: &&Value| record["became"] == "not_read";
    let unread = behind["records"].as_array().unwrap().iter().filter(unread);
    let known = before.0[corrected[0]].len();
    assert_eq!(unread.count(), lines.0[corrected[0]].len() - known);

    eip.run(["dataflow", "--until-caught-up"]).ok();
    for order in corrected.sample(dice, count) {
        let answer = check_one(&served, &lines, order);
        let runs = answer["runs"].as_array().unwrap();
        let by_window = |run: &&Value| {
            run["kind"] == "window" && text(&run["run"]).starts_with(&window.run_id())
        };
        let window_run = runs.iter().find(by_window).unwrap();
        assert_eq!(runs.len(), 2, "{answer}");
        assert!(
            text(&window_run["rules"]).contains("end_of_day"),
            "{window_run}"
        );
    }
    drop(served);
    check_lost_cache(eip, &lines, corrected[0]);
}

/// Without its cache the log is read, and the API makes the cache again.
fn check_lost_cache(eip: &Eip, lines: &Lines, order: &str) {
    let state = eip.state();
    let folder = if state.join("journal").is_dir() {
        state
    } else {
        state.join("spaces").join(eip.space())
    };
    fs::remove_dir_all(folder.join("cache")).unwrap();
    let served = Served::start(eip);
    let answer = check_one(&served, lines, order);
    assert_eq!(answer["read"]["cache"], 0, "{}", answer["read"]);
    assert_eq!(answer["read"]["log"], answer["read"]["end"]);
    for _ in 0..600 {
        let answer = check_one(&served, lines, order);
        if answer["read"]["cache"] == answer["read"]["end"] {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    panic!("the cache does not come back");
}

fn journal_files(state: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(state.join("journal")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|name| name == "ndjson"));
    files.sort();
    files
}

/// Writes each line of a journal again as `change` makes it.
fn rewrite(state: &Path, change: impl Fn(&str) -> Option<String>) {
    for file in journal_files(state) {
        let old = fs::read_to_string(&file).unwrap();
        let mut new = String::new();
        for line in old.lines() {
            let content = line.rsplit_once(",\"c\":").unwrap().0;
            if let Some(content) = change(content) {
                let sum = crc32(content.as_bytes());
                new.push_str(&format!("{content},\"c\":\"{sum:08x}\"}}\n"));
            }
        }
        fs::write(file, new).unwrap();
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

/// A chain whose views are written, and one of its orders.
fn small() -> (Eip, String) {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 200, 9);
    eip.fast(&data).ok();
    eip.run(["dataflow", "--until-caught-up"]).ok();
    let order = Lines::read(&eip).0.into_keys().next().unwrap();
    (eip, order)
}

#[test]
fn a_journal_of_an_earlier_program_is_explained_without_times() {
    let (eip, order) = small();
    rewrite(&eip.state(), |line| {
        let (head, tail) = line.split_once(",\"at\":").unwrap_or((line, ""));
        let is_record = line.starts_with("{\"p\":");
        let digits = |c: char| c.is_ascii_digit();
        Some(match tail {
            tail if is_record => format!("{head}{}", tail.trim_start_matches(digits)),
            _ => line.replace("{\"journal\":2", "{\"journal\":1"),
        })
    });
    // The cache has kept the times.
    let served = Served::start(&eip);
    let with_cache = served.get(&format!("/v1/shipments/{order}/why"));
    assert!(
        with_cache["records"][0]["appended_at"].is_string(),
        "{with_cache}"
    );
    drop(served);
    fs::remove_dir_all(eip.state().join("cache")).unwrap();
    let served = Served::start(&eip);
    let answer = served.get(&format!("/v1/shipments/{order}/why"));
    assert_eq!(answer["agrees"], true, "{answer}");
    for record in answer["records"].as_array().unwrap() {
        assert!(record["appended_at"].is_null(), "{record}");
        assert!(record["event_at"].is_string(), "{record}");
    }
    let lost = answer["lost"].to_string();
    assert!(
        lost.contains("do not say when they were appended"),
        "{lost}"
    );
    assert_eq!(answer["runs"][0]["kind"], "fast");
}

#[test]
fn without_the_ledger_the_records_are_explained_and_the_run_is_said_to_be_lost() {
    let (eip, order) = small();
    rewrite(&eip.state(), |line| {
        (!line.starts_with("{\"ledger\":")).then(|| line.to_owned())
    });
    let served = Served::start(&eip);
    let answer = served.get(&format!("/v1/shipments/{order}/why"));
    assert_eq!(answer["agrees"], true, "{answer}");
    let runs = answer["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["known"]), (1, &json!(false)));
    assert_eq!(runs[0]["run"], answer["records"][0]["run"]);
    let lost = answer["lost"].to_string();
    assert!(lost.contains("no entry of run"), "{lost}");
}

#[test]
fn a_log_that_is_gone_is_said_to_be_lost() {
    let (eip, order) = small();
    let files = journal_files(&eip.state());
    fs::rename(
        &files[0],
        eip.state().join("journal/0000000000000002.ndjson"),
    )
    .unwrap();
    let served = Served::start(&eip);
    let answer = served.get(&format!("/v1/shipments/{order}/why"));
    assert_eq!(answer["agrees"], false, "{answer}");
    let lost = answer["lost"].to_string();
    assert!(
        lost.contains("cannot be read") && lost.contains("is missing"),
        "{lost}"
    );
    assert_eq!(answer["shipment"]["orderId"], *order);
    let fields = answer["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["records"] == json!([])));
}

#[test]
fn the_command_line_shows_where_fields_come_from() {
    let (eip, order) = small();
    let shown = eip.run(["why", &order]).ok();
    assert!(
        shown.out.contains("is what its records make"),
        "{}",
        shown.out
    );
    for word in ["status", "ORDER_PLACED", "stands", "fast", "lead"] {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    let served = Served::start(&eip);
    let there = eip.run(["why", &order, "--api", &served.url]).ok();
    assert_eq!(there.out, shown.out);
    let json = eip.run(["why", &order, "--json"]).ok();
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(answer["order_id"], *order);
    let unknown = eip.run(["why", "nothing-like-this"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.err.contains("neither views nor log"),
        "{}",
        unknown.err
    );
}
