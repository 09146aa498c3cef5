//! What Kafka alone can do wrong: topics of other settings, records that are gone, several writers.

use eip_contract::Offset;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{LogError, NewRecord, RunKind, RunState};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use crate::conformance::{self, Place, entry, put, read_to, values};
use crate::support::{committed, tag};

mod faults;
mod writers;

pub(crate) fn config(place: &Place) -> KafkaConfig {
    place.config.clone().unwrap()
}

fn admin(place: &Place) -> AdminClient<DefaultClientContext> {
    client(place).create().unwrap()
}

fn client(place: &Place) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", config(place).bootstrap);
    client
}

/// Waits for an admin request.
fn done<T>(request: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut request = std::pin::pin!(request);
    loop {
        match request.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => return answer,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

fn alter(place: &Place, topic: &str, name: &str, value: &str) {
    // All settings of the topic at once: those that are not named fall back.
    let settings = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
        ("retention.bytes", "-1"),
        ("max.message.bytes", "4194304"),
    ];
    let topic = AlterConfig::new(ResourceSpecifier::Topic(topic));
    let topic = settings
        .into_iter()
        .filter(|(setting, _)| *setting != name)
        .fold(topic, |topic, (setting, value)| topic.set(setting, value));
    let topic = topic.set(name, value);
    let altered = done(admin(place).alter_configs([&topic], &AdminOptions::new()));
    altered.unwrap().into_iter().next().unwrap().unwrap();
}

fn refusal(result: Result<KafkaLog, LogError>) -> String {
    let error = result.unwrap_err();
    assert!(!error.is_passing(), "{error}");
    error.to_string()
}

#[test]
fn a_topic_that_would_lose_records_is_refused_with_the_line_that_mends_it() {
    let place = conformance::kafka(1);
    let config = config(&place);
    let cases = [
        (config.events_topic(), "cleanup.policy", "compact", "delete"),
        (config.ledger_topic(), "cleanup.policy", "compact", "delete"),
        (config.events_topic(), "retention.ms", "1000000", "-1"),
        (config.ledger_topic(), "retention.bytes", "1000000", "-1"),
        (
            config.events_topic(),
            "max.message.bytes",
            "1000000",
            "2097152",
        ),
    ];
    for (topic, name, bad, good) in cases {
        alter(&place, &topic, name, bad);
        let text = refusal(KafkaLog::open(config.clone()));
        let command = format!("--entity-name {topic} --add-config {name}={good}");
        assert!(text.contains(&command) && text.contains(bad), "{text}");
        alter(&place, &topic, name, good);
        KafkaLog::open(config.clone()).unwrap();
    }
}

#[test]
fn a_topic_that_was_made_anew_is_refused_until_it_is_adopted() {
    let place = conformance::kafka(2);
    let config = config(&place);
    let mut ends = place.log.ends().unwrap();
    let mut writer = place.writer();
    put(&mut *writer, None, 0, "{}");
    writer.sync().unwrap();
    assert_eq!(ends.poll().unwrap(), [Offset(1), Offset(0)]);
    drop(writer);
    let mut other = config.clone();
    other.folder = config.folder.join("elsewhere");
    let anew = KafkaLog::recreate(other, Some(2)).unwrap();
    assert_ne!(eip_log::EventLog::topic_id(&anew), place.log.topic_id());
    let text = refusal(KafkaLog::open(config.clone()));
    assert!(
        text.contains("eip space adopt") && text.contains("eip space reset"),
        "{text}"
    );
    // Whoever is reading learns it too.
    let error = ends.poll().unwrap_err();
    assert!(
        !error.is_passing() && error.to_string().contains("made anew"),
        "{error}"
    );
    KafkaLog::adopt(config.clone()).unwrap();
    KafkaLog::open(config).unwrap();
}

#[test]
fn another_number_of_partitions_is_refused() {
    let place = conformance::kafka(2);
    let config = config(&place);
    let text = refusal(KafkaLog::open_or_create(config.clone(), Some(3)));
    assert!(text.contains("has 2 partitions, not 3"), "{text}");
    let more = NewPartitions::new("", 3);
    let topic = config.events_topic();
    let more = NewPartitions {
        topic_name: &topic,
        ..more
    };
    let made = done(admin(&place).create_partitions([&more], &AdminOptions::new()));
    made.unwrap().into_iter().next().unwrap().unwrap();
    let text = refusal(KafkaLog::open(config));
    assert!(text.contains("has 3 partitions and had 2"), "{text}");
}

#[test]
fn a_reader_of_records_that_are_gone_is_refused_and_never_skips_them() {
    let place = conformance::kafka(2);
    let mut writer = place.writer();
    for n in 0..10 {
        put(&mut *writer, None, n % 2, "{}");
    }
    writer.sync().unwrap();
    let mut gone = TopicPartitionList::new();
    let topic = config(&place).events_topic();
    gone.add_partition_offset(&topic, 1, KafkaOffset::Offset(3))
        .unwrap();
    done(admin(&place).delete_records(&gone, &AdminOptions::new())).unwrap();
    let error = place.log.read_all().map(|_| ()).unwrap_err();
    let text = error.to_string();
    let says = "partition 1 begins at offset 3 and is needed from 0 on";
    assert!(!error.is_passing() && text.contains(says), "{text}");
    assert!(text.contains("eip space reset"), "{text}");
    // What is still there can be read.
    let mut reader = place.log.reader(&[0, 1], &[Offset(0), Offset(3)]).unwrap();
    let ends = place.log.committed_ends().unwrap();
    assert_eq!(read_to(&mut *reader, &ends).len(), 7);
}

#[test]
fn an_offset_behind_the_end_is_refused() {
    let place = conformance::kafka(1);
    let mut reader = place.log.reader(&[0], &[Offset(5)]).unwrap();
    let error = reader.read_to(&[Offset(9)], &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("has no offset 5"), "{error}");
}

#[test]
fn a_space_is_listed_until_it_is_dropped() {
    let place = conformance::kafka(1);
    let config = config(&place);
    let is_listed = || {
        KafkaLog::spaces(config.clone())
            .unwrap()
            .contains(&config.space)
    };
    assert!(is_listed());
    KafkaLog::drop_topics(config.clone()).unwrap();
    assert!(!is_listed());
    let text = refusal(KafkaLog::open(config.clone()));
    assert!(text.contains("eip space create"), "{text}");
    KafkaLog::drop_topics(config).unwrap();
}

#[test]
fn an_event_topic_that_is_gone_beside_its_ledger_is_not_made_anew() {
    let place = conformance::kafka(1);
    let config = config(&place);
    place
        .writer()
        .claim(&entry("r", RunKind::Fast, RunState::Running))
        .unwrap();
    let topic = config.events_topic();
    done(admin(&place).delete_topics(&[&*topic], &AdminOptions::new())).unwrap();
    let text = refusal(KafkaLog::open_or_create(config, None));
    assert!(text.contains("is gone while its ledger"), "{text}");
}

#[test]
fn two_that_make_the_same_space_at_once_end_with_one_log() {
    let place = conformance::kafka(1);
    let mut config = config(&place);
    KafkaLog::drop_topics(config.clone()).unwrap();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let open = |n: u32| {
            config.folder = config.folder.join(n.to_string());
            let config = config.clone();
            scope.spawn(move || KafkaLog::open_or_create(config, Some(3)).unwrap())
        };
        let made: Vec<_> = (0..3).map(open).collect();
        let id = |log: KafkaLog| eip_log::EventLog::topic_id(&log);
        made.into_iter()
            .map(|log| id(log.join().unwrap()))
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn ordinary_tools_see_how_far_the_views_are_written() {
    let place = conformance::kafka(2);
    let mut ends = place.log.ends().unwrap();
    ends.report(&[Offset(7), Offset(0)]);
    let config = config(&place);
    let consumer: BaseConsumer = client(&place)
        .set("group.id", config.group())
        .create()
        .unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&config.events_topic(), 0);
    let begun = std::time::Instant::now();
    loop {
        let timeout = std::time::Duration::from_secs(5);
        let committed = consumer.committed_offsets(asked.clone(), timeout).unwrap();
        if committed.elements()[0].offset() == KafkaOffset::Offset(7) {
            break;
        }
        assert!(begun.elapsed().as_secs() < 20, "{committed:?}");
    }
}

#[test]
fn a_plain_consumer_finds_key_value_and_headers() {
    let place = conformance::kafka(1);
    let mut writer = place.writer();
    writer.begin(&tag("w"), &[1]).unwrap();
    writer
        .append(None, NewRecord::event(b"o1", b"{}").with_due(-3))
        .unwrap();
    writer.commit(&committed("w")).unwrap();
    let mut client = client(&place);
    client
        .set("group.id", "plain")
        .set("isolation.level", "read_committed");
    let consumer: BaseConsumer = client.create().unwrap();
    let mut from = TopicPartitionList::new();
    let topic = config(&place).events_topic();
    from.add_partition_offset(&topic, 0, KafkaOffset::Beginning)
        .unwrap();
    consumer.assign(&from).unwrap();
    let message = consumer
        .poll(std::time::Duration::from_secs(20))
        .unwrap()
        .unwrap();
    assert_eq!(
        (message.key(), message.payload()),
        (Some(&b"o1"[..]), Some(&b"{}"[..]))
    );
    let headers = message.headers().unwrap();
    let pairs: Vec<(&str, &[u8])> = headers.iter().map(|h| (h.key, h.value.unwrap())).collect();
    let expected: [(&str, &[u8]); 3] = [("run", b"w/1"), ("parts", b"1"), ("due", b"-3")];
    assert_eq!(pairs, expected);
}

#[test]
fn what_others_wrote_comes_through_as_it_is() {
    let place = conformance::kafka(2);
    let topic = config(&place).events_topic();
    let producer: BaseProducer = client(&place).create().unwrap();
    let odd = OwnedHeaders::new()
        .insert(Header {
            key: "run",
            value: Some(b"\xff"),
        })
        .insert(Header {
            key: "due",
            value: Some("soon"),
        })
        .insert(Header::<&str> {
            key: "parts",
            value: None,
        });
    let record = BaseRecord::<[u8], [u8]>::to(&topic)
        .partition(1)
        .headers(odd);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(std::time::Duration::from_secs(20)).unwrap();
    let all = place.all();
    let [record] = &*all else { panic!("{all:?}") };
    assert_eq!(
        (&record.key, &record.value, &record.run),
        (&None, &None, &None)
    );
    assert_eq!((&record.parts, record.due_micros), (&None, None));
}

#[test]
fn a_broker_that_is_not_there_is_a_passing_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = KafkaConfig::new("127.0.0.1:1", "nobody".parse().unwrap(), folder.path());
    let error = KafkaLog::open(config).unwrap_err();
    assert!(error.is_passing(), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[test]
fn a_newer_ledger_entry_is_refused_with_both_versions_named() {
    let place = conformance::kafka(1);
    let topic = config(&place).ledger_topic();
    let producer: BaseProducer = client(&place).create().unwrap();
    let send = |value: &str| {
        let record = BaseRecord::<str, str>::to(&topic).key("r").payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(std::time::Duration::from_secs(20)).unwrap();
    };
    send("no entry at all");
    assert!(place.log.runs().unwrap().runs().is_empty());
    send(r#"{"format":7,"mood":"good"}"#);
    let text = place.log.runs().unwrap_err().to_string();
    assert!(
        text.contains("format 7") && text.contains("up to 1"),
        "{text}"
    );
}

#[test]
fn a_record_above_what_the_topic_takes_is_refused_at_once() {
    let place = conformance::kafka(1);
    let mut writer = place.writer();
    let large = vec![0; 3 << 20];
    let error = writer
        .append(None, NewRecord::foreign(None, &large))
        .unwrap_err();
    assert!(
        !error.is_passing() && error.to_string().contains("above 2097152"),
        "{error}"
    );
    put(&mut *writer, None, 0, "{}");
    writer.sync().unwrap();
    assert_eq!(values(&place.all()), ["{}"]);
}

#[test]
fn a_transaction_longer_than_the_broker_allows_is_refused_with_the_setting_named() {
    let place = conformance::kafka(1);
    let mut writer = place.writer();
    let error = writer.begin(&tag("w"), &[1 << 40]).unwrap_err();
    assert!(!error.is_passing(), "{error}");
    assert!(
        error.to_string().contains("transaction.max.timeout.ms"),
        "{error}"
    );
    // A smaller one goes.
    writer.begin(&tag("w"), &[1]).unwrap();
    put(&mut *writer, None, 0, "{}");
    writer.commit(&committed("w")).unwrap();
    assert_eq!(values(&place.all()), ["{}"]);
}
