//! One connection for questions, shared by all that a [`super::KafkaLog`] hands out.

use std::thread;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::config::KafkaConfig;
use super::context::Context;
use super::errors;
use super::native::{self, End, Failure, TopicFacts};
use crate::error::LogError;
use crate::state::TopicId;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a broker may take to start again and to know what it leads.
const RESTART: Duration = Duration::from_mins(1);
/// Before a question is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// The connection and the names.
pub(super) struct Broker {
    pub(super) config: KafkaConfig,
    pub(super) events: String,
    pub(super) ledger: String,
    client: BaseConsumer<Context>,
}

impl Broker {
    pub(super) fn new(config: KafkaConfig) -> Result<Self, LogError> {
        let context = Context::default();
        let client = config.client().create_with_context(context);
        let client: BaseConsumer<Context> = client.map_err(|error| {
            let none = Context::default();
            errors::wrapped(&config.bootstrap, &none, "open a Kafka client", &error)
        })?;
        Ok(Self {
            events: config.events_topic(),
            ledger: config.ledger_topic(),
            config,
            client,
        })
    }

    /// What is known of both topics, the events' first.
    pub(super) fn describe(&self) -> Result<[Option<TopicFacts>; 2], LogError> {
        let names = [&*self.events, &*self.ledger];
        let found = native::describe_topics(self.client.client(), &names, PATIENCE);
        let found = self.answered("describe the topics", found)?;
        Ok([found[0], found[1]])
    }

    /// The id that the topic of the events has now.
    pub(super) fn topic_id(&self) -> Result<Option<TopicId>, LogError> {
        let [events, _] = self.describe()?;
        Ok(events.map(|events| TopicId(events.id)))
    }

    /// The ends of all partitions of the events.
    pub(super) fn ends(&self, partitions: u32, end: End) -> Result<Vec<Offset>, LogError> {
        let all: Vec<u32> = (0..partitions).collect();
        self.ends_of(&self.events, &all, end)
    }

    /// The end of the ledger.
    pub(super) fn ledger_end(&self, end: End) -> Result<Offset, LogError> {
        Ok(self.ends_of(&self.ledger, &[0], end)?[0])
    }

    /// The ends of partitions of one topic.
    pub(super) fn ends_of(
        &self,
        topic: &str,
        partitions: &[u32],
        end: End,
    ) -> Result<Vec<Offset>, LogError> {
        let client = self.client.client();
        let ask = || native::list_offsets(client, topic, partitions, end, PATIENCE);
        let (begun, mut ends) = (Instant::now(), ask());
        // librdkafka asks with the leaders that it knows and does not find out by itself that they
        // changed, as they do when a broker starts again. That broker may take a while to know.
        let mut asked = 1;
        while let Err(failure) = &ends
            && helps_to_ask_again(failure, asked)
            && begun.elapsed() < RESTART
        {
            if asked > 1 {
                thread::sleep(PAUSE);
            }
            let _ = self.client.fetch_metadata(Some(topic), PATIENCE);
            ends = ask();
            asked += 1;
        }
        let ends = self.answered(&format!("ask for the ends of topic {topic}"), ends)?;
        Ok(ends.into_iter().map(Offset).collect())
    }

    /// The names of all topics, and how many brokers there are.
    pub(super) fn topics(&self) -> Result<(Vec<String>, usize), LogError> {
        let metadata = self.client.fetch_metadata(None, PATIENCE);
        let metadata = metadata.map_err(|error| self.wrapped("list the topics", &error))?;
        let names = metadata.topics().iter();
        let names = names.map(|topic| topic.name().to_owned()).collect();
        Ok((names, metadata.brokers().len()))
    }

    pub(super) fn error(&self, action: &str, failure: Failure) -> LogError {
        errors::error(
            &self.config.bootstrap,
            self.client.context(),
            action,
            failure,
        )
    }

    pub(super) fn wrapped(&self, action: &str, error: &KafkaError) -> LogError {
        errors::wrapped(&self.config.bootstrap, self.client.context(), action, error)
    }

    fn answered<T>(&self, action: &str, answer: Result<T, Failure>) -> Result<T, LogError> {
        // Serves log lines and errors of connections; no record ever comes this way.
        let _ = self.client.poll(Duration::ZERO);
        match answer {
            Ok(answer) => {
                self.client.context().forget_error();
                Ok(answer)
            }
            Err(failure) => Err(self.error(action, failure)),
        }
    }
}

/// Whether to ask again, after it was asked so often. A topic that is not there is believed at the
/// second time.
fn helps_to_ask_again(failure: &Failure, asked: u32) -> bool {
    match failure.code {
        RDKafkaErrorCode::UnknownTopicOrPartition => asked == 1,
        code => errors::is_passing(code),
    }
}
