//! Consumers of others need no header and no ledger: the committed records alone, read by an
//! ordinary client, give the oracle the very views that the dataflow has stored.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::support::{Digests, Eip, generate, rules, run_oracle};

/// A consumer that knows nothing of this project, on the topic of the events of a space.
struct Plain {
    consumer: BaseConsumer,
    topic: String,
    partitions: i32,
}

impl Plain {
    fn on(eip: &Eip, isolation: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", eip.value("EIP_KAFKA"))
            .set("group.id", format!("{}-plain", eip.space()))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation)
            .create()
            .unwrap();
        let topic = format!("{}.fulfillment-events", eip.space());
        let metadata = consumer.fetch_metadata(Some(&topic), Duration::from_secs(30));
        let partitions = metadata.unwrap().topics()[0].partitions().len() as i32;
        Self {
            consumer,
            topic,
            partitions,
        }
    }

    /// The offsets behind the last record that it may read, summed up: the broker counts those of
    /// open transactions only for one that reads uncommitted records.
    fn written(&self) -> i64 {
        let end = |partition| {
            let ends =
                self.consumer
                    .fetch_watermarks(&self.topic, partition, Duration::from_secs(30));
            ends.unwrap().1
        };
        (0..self.partitions).map(end).sum()
    }

    /// All committed records as lines of a log file, one partition behind the other: an order
    /// lives in one.
    fn lines(&self) -> Vec<String> {
        let mut whole = TopicPartitionList::new();
        for partition in 0..self.partitions {
            whole
                .add_partition_offset(&self.topic, partition, Offset::Beginning)
                .unwrap();
        }
        self.consumer.assign(&whole).unwrap();
        let mut lines: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        let mut open = self.partitions;
        let deadline = Instant::now() + Duration::from_secs(120);
        while open > 0 {
            assert!(Instant::now() < deadline, "{open} partitions have no end");
            match self.consumer.poll(Duration::from_secs(1)) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
                Some(record) => {
                    let record = record.unwrap();
                    let line = match record.payload() {
                        Some(value) => String::from_utf8(value.to_vec()).unwrap(),
                        None => tombstone(record.key().unwrap()),
                    };
                    lines.entry(record.partition()).or_default().push(line);
                }
            }
        }
        self.consumer.unassign().unwrap();
        lines.into_values().flatten().collect()
    }
}

/// The line of a log file for a record without a value.
fn tombstone(key: &[u8]) -> String {
    let key = serde_json::to_string(std::str::from_utf8(key).unwrap()).unwrap();
    format!("{{\"orderId\":{key},\"retract\":null}}")
}

/// The dataflow's views are those that the oracle makes of these records. `None` without an oracle.
fn assert_the_oracles(eip: &Eip, lines: &[String]) -> Option<Digests> {
    let digests = eip.digests();
    let file = eip.path("plain.ndjson");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let out = eip.path("oracle");
    let said = run_oracle([
        "views".as_ref(),
        "--log".as_ref(),
        file.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ])?;
    for (view, digest) in &digests {
        assert!(said.contains(digest), "{view} {digest} is not in\n{said}");
    }
    Some(digests)
}

/// Whether a line is a tombstone's.
fn is_tombstone(line: &str) -> bool {
    line.ends_with("\"retract\":null}")
}

#[test]
fn a_plain_consumer_and_the_oracle_have_the_dataflows_views_at_every_step() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 6_000, 91);
    eip.fast(&data).ok();
    let plain = Plain::on(&eip, "read_committed");
    let first = plain.lines();
    let Some(before) = assert_the_oracles(&eip, &first) else {
        return;
    };

    // Killed when the broker has the first of its records and no commit.
    let rules = rules(&eip.path(""), "end_of_day", "45m");
    let args = [
        "--rules",
        rules.to_str().unwrap(),
        "--start",
        "2017-01-01",
        "--end",
        "2018-08-01",
    ];
    let uncommitted = Plain::on(&eip, "read_uncommitted");
    let written = uncommitted.written();
    let fixed = ["replay", "window", "--data", data.to_str().unwrap()];
    let mut window = eip
        .command(fixed.iter().chain(&args))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while uncommitted.written() == written {
        assert!(
            window.try_wait().unwrap().is_none(),
            "it ended without a record"
        );
    }
    window.kill().unwrap();
    window.wait().unwrap();
    println!(
        "killed with {} records of the window written",
        uncommitted.written() - written
    );
    let found = plain.lines();
    assert!(
        found == first,
        "a dead transaction is read: {} lines",
        found.len()
    );
    assert_eq!(assert_the_oracles(&eip, &found), Some(before.clone()));

    // The same again goes through; its tombstones are read.
    // Nobody knows that the first one is dead before it has been silent for half a minute.
    let deadline = Instant::now() + Duration::from_secs(60);
    let ran = loop {
        let ran = eip.window(&data, &args);
        if ran.code == Some(0) || Instant::now() > deadline {
            break ran.ok();
        }
        assert!(
            ran.err.contains("is live and excludes this one"),
            "{}",
            ran.err
        );
        std::thread::sleep(Duration::from_millis(500));
    };
    let again = plain.lines();
    assert!(again.len() > first.len() && again.iter().any(|line| is_tombstone(line)));
    let after = assert_the_oracles(&eip, &again).unwrap();
    assert_ne!(after, before);
    eip.verify();

    // And back.
    eip.run(["replay", "revert", &ran.run_id()]).ok();
    let reverted = plain.lines();
    assert!(reverted.len() > again.len());
    assert_eq!(assert_the_oracles(&eip, &reverted), Some(before));
    eip.verify();
}
