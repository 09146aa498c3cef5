//! The two topics of a space: made with the right settings, looked at whenever a log is opened,
//! listed and dropped.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use eip_contract::Space;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::broker::Broker;
use super::clients::MAX_RECORD_BYTES;
use super::context::Context;
use super::errors::refusal;
use super::native::{End, Failure, TopicFacts};
use crate::error::LogError;
use crate::state::{DEFAULT_PARTITIONS, MAX_PARTITIONS};

const PATIENCE: Duration = Duration::from_secs(30);
/// Copies of each record, as far as there are brokers.
const REPLICAS: usize = 3;
/// What both topics must be set to: nothing is ever removed from them.
const REQUIRED: [(&str, &str); 3] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
];

/// What to do about topics that are not there.
#[derive(Clone, Copy)]
pub(super) enum Missing {
    /// Say so.
    Refuse,
    /// Make them. `partitions` must be those of topics that are there.
    Create { partitions: Option<u32> },
}

/// The topic of the events as it is, with both topics in order, made before if need be.
pub(super) fn find(broker: &Broker, missing: Missing) -> Result<TopicFacts, LogError> {
    let (events, ledger) = (&broker.events, &broker.ledger);
    let found = match (broker.describe()?, missing) {
        ([Some(events), Some(ledger)], _) => [events, ledger],
        ([None, Some(_)], _) if broker.ledger_end(End::Latest)?.0 > 0 => {
            return Err(refusal(format!(
                "topic {events} is gone while its ledger {ledger} is there: bring it back from a \
                 copy, or begin anew with `eip space reset {}`",
                broker.config.space
            )));
        }
        (_, Missing::Create { partitions }) => {
            make(broker, partitions.unwrap_or(DEFAULT_PARTITIONS))?
        }
        ([events_facts, _], Missing::Refuse) => {
            let missing = if events_facts.is_none() {
                events
            } else {
                ledger
            };
            return Err(refusal(format!(
                "there is no topic {missing} at {}: `eip space create {}` makes it",
                broker.config.bootstrap, broker.config.space
            )));
        }
    };
    let asked = match missing {
        Missing::Create { partitions } => partitions,
        Missing::Refuse => None,
    };
    check(broker, found, asked)?;
    Ok(found[0])
}

fn make(broker: &Broker, partitions: u32) -> Result<[TopicFacts; 2], LogError> {
    if !(1..=MAX_PARTITIONS).contains(&partitions) {
        return Err(LogError::BadPartitions(format!(
            "a log has 1 to {MAX_PARTITIONS} partitions, not {partitions}"
        )));
    }
    let (_, brokers) = broker.topics()?;
    let replicas = brokers.clamp(1, REPLICAS) as i32;
    // With three copies one broker may be away.
    let in_sync = if replicas < 3 { "1" } else { "2" };
    let largest = (2 * MAX_RECORD_BYTES).to_string();
    let topic = |name, partitions| {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
        let topic = REQUIRED
            .iter()
            .fold(topic, |topic, (name, value)| topic.set(name, value));
        topic
            .set("min.insync.replicas", in_sync)
            .set("max.message.bytes", &largest)
    };
    let topics = [
        topic(&broker.events, partitions as i32),
        topic(&broker.ledger, 1),
    ];
    let admin = admin(broker)?;
    let made = block_on(admin.create_topics(&topics, &options()));
    for made in made.map_err(|error| broker.wrapped("create the topics", &error))? {
        match made {
            Ok(name) => {
                let partitions = if name == broker.events { partitions } else { 1 };
                tracing::info!(topic = name, partitions, replicas, "made a topic");
            }
            // Somebody else was faster, or only one was missing.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                let text = code.to_string();
                return Err(broker.error(&format!("create topic {name}"), Failure { code, text }));
            }
        }
    }
    wait("the new topics do not appear", || {
        match broker.describe()? {
            [Some(events), Some(ledger)] => {
                let all: Vec<u32> = (0..events.partitions).collect();
                let latest = End::Latest;
                let led = broker.ends_of(&broker.events, &all, latest).is_ok()
                    && broker.ledger_end(latest).is_ok();
                Ok(led.then_some([events, ledger]))
            }
            _ => Ok(None),
        }
    })
}

/// Refuses topics that lose records or are cut otherwise.
fn check(
    broker: &Broker,
    [events, ledger]: [TopicFacts; 2],
    partitions: Option<u32>,
) -> Result<(), LogError> {
    if let Some(asked) = partitions
        && asked != events.partitions
    {
        return Err(LogError::BadPartitions(format!(
            "topic {} at {} has {} partitions, not {asked}: their number is fixed; leave it out or \
             use another space",
            broker.events, broker.config.bootstrap, events.partitions
        )));
    }
    if ledger.partitions != 1 {
        return Err(refusal(format!(
            "topic {} has {} partitions, and a ledger has one: `eip space reset {}` makes it anew",
            broker.ledger, ledger.partitions, broker.config.space
        )));
    }
    let names = [&*broker.events, &*broker.ledger];
    let resources = names.map(ResourceSpecifier::Topic);
    let admin = admin(broker)?;
    let described = block_on(admin.describe_configs(&resources, &options()));
    let described =
        described.map_err(|error| broker.wrapped("read the topics' settings", &error))?;
    for (name, settings) in names.iter().zip(described) {
        let settings = settings.map_err(|code| {
            let text = code.to_string();
            broker.error(
                &format!("read the settings of topic {name}"),
                Failure { code, text },
            )
        })?;
        check_settings(broker, name, &settings)?;
    }
    Ok(())
}

fn check_settings(broker: &Broker, topic: &str, settings: &ConfigResource) -> Result<(), LogError> {
    let value = |name: &str| {
        let entry = settings.get(name).and_then(|entry| entry.value.as_deref());
        entry.unwrap_or_default()
    };
    let largest = MAX_RECORD_BYTES.to_string();
    let is_small = value("max.message.bytes")
        .parse()
        .is_ok_and(|bytes: u32| bytes < MAX_RECORD_BYTES);
    let wrong: Vec<(&str, &str)> = REQUIRED
        .into_iter()
        .filter(|(name, required)| value(name) != *required)
        .chain(is_small.then_some(("max.message.bytes", &*largest)))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let list = |show: &dyn Fn(&str, &str) -> String| {
        let texts: Vec<String> = wrong
            .iter()
            .map(|(name, wanted)| show(name, wanted))
            .collect();
        texts.join(",")
    };
    Err(refusal(format!(
        "topic {topic} would lose records: it has {}; mend it with `kafka-configs.sh \
         --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config {}`, \
         and if it was like this while records were written, begin anew with `eip space reset {}`",
        list(&|name, _| format!("{name}={}", value(name))),
        broker.config.bootstrap,
        list(&|name, wanted| format!("{name}={wanted}")),
        broker.config.space,
    )))
}

/// The spaces whose events are at this broker.
pub(super) fn spaces(broker: &Broker) -> Result<Vec<Space>, LogError> {
    let (names, _) = broker.topics()?;
    let space = |name: &String| Space::of_prefixed(name, "fulfillment-events");
    let mut spaces: Vec<Space> = names.iter().filter_map(space).collect();
    spaces.sort();
    Ok(spaces)
}

/// Removes both topics and the consumer group for good.
pub(super) fn drop_all(broker: &Broker) -> Result<(), LogError> {
    let admin = admin(broker)?;
    let dropped = block_on(admin.delete_topics(&[&*broker.events, &*broker.ledger], &options()));
    for dropped in dropped.map_err(|error| broker.wrapped("delete the topics", &error))? {
        match dropped {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((name, code)) => {
                let text = code.to_string();
                return Err(broker.error(&format!("delete topic {name}"), Failure { code, text }));
            }
        }
    }
    wait("the deleted topics do not go away", || {
        Ok((broker.describe()? == [None, None]).then_some(()))
    })?;
    let group = broker.config.group();
    // Without a group there is nothing to remove; a group in use removes itself later.
    let _ = block_on(admin.delete_groups(&[&group], &options()));
    Ok(())
}

fn admin(broker: &Broker) -> Result<AdminClient<Context>, LogError> {
    let created = broker
        .config
        .client()
        .create_with_context(Context::default());
    created.map_err(|error: KafkaError| broker.wrapped("open a Kafka client", &error))
}

fn options() -> AdminOptions {
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    options.operation_timeout(Some(PATIENCE))
}

/// Asks until there is an answer.
fn wait<T>(
    otherwise: &str,
    mut ask: impl FnMut() -> Result<Option<T>, LogError>,
) -> Result<T, LogError> {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if !error.is_passing() => return Err(error),
            _ if begun.elapsed() > PATIENCE => {
                return Err(LogError::Kafka {
                    what: format!("{otherwise} within {} s", PATIENCE.as_secs()),
                    passing: true,
                });
            }
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Waits for an admin request, which a thread of its client drives.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}
