//! One connection for questions, shared by all that a [`super::KafkaLog`] hands out.

use std::thread;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

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
/// How often a broker must say that there is no such topic before it is believed.
const NOT_THERE: u32 = 2;

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
        let ask = || native::describe_topics(self.client.client(), &names, PATIENCE);
        let (begun, mut found) = (Instant::now(), ask());
        // One that is there and slow gets more time than one that cannot be reached.
        while let Err(failure) = &found
            && errors::is_passing(failure.code)
            && self.is_reached()
            && begun.elapsed() < RESTART
        {
            thread::sleep(PAUSE);
            found = ask();
        }
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
        let begun = Instant::now();
        let mut not_there = 0;
        let ends = loop {
            let ends = native::list_offsets(client, topic, partitions, end, PATIENCE);
            match &ends {
                Err(failure) if can_pass(failure) && begun.elapsed() < RESTART => {}
                _ => break ends,
            }
            // librdkafka asks with the leaders that it knows and does not find out by itself that they
            // changed, as they do when a broker starts again. That broker may take a while to know
            // what it leads, and one that hung leads nothing until its controller hears of it again.
            if self.says_not_there(topic) {
                not_there += 1;
                if not_there == NOT_THERE {
                    break Err(Failure::of(
                        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                    ));
                }
            }
            thread::sleep(PAUSE);
        };
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

    /// Asks the broker anew whether there is such a topic, and who leads it. `false` also when there
    /// is no answer.
    fn says_not_there(&self, topic: &str) -> bool {
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        let answer = self.client.fetch_metadata(Some(topic), PATIENCE);
        answer.is_ok_and(|found| {
            let mut topics = found.topics().iter();
            topics.any(|found| found.error() == Some(unknown))
        })
    }

    /// Whether no connection has failed since the last answer.
    fn is_reached(&self) -> bool {
        self.serve();
        self.client.context().last_error().is_none()
    }

    /// Takes log lines and errors of connections; no record ever comes this way.
    fn serve(&self) {
        let _ = self.client.poll(Duration::ZERO);
    }

    fn answered<T>(&self, action: &str, answer: Result<T, Failure>) -> Result<T, LogError> {
        self.serve();
        match answer {
            Ok(answer) => {
                self.client.context().forget_error();
                Ok(answer)
            }
            Err(failure) => Err(self.error(action, failure)),
        }
    }
}

/// Whether the ends may be known if they are asked for again: also of a topic that seems to be gone
/// and of one that has no leader, of both of which librdkafka may say `_NOENT`.
fn can_pass(failure: &Failure) -> bool {
    let code = failure.code;
    errors::is_passing(code)
        || matches!(
            code,
            RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::NoEnt
        )
}
