//! `eip bench kafka`: producing and consuming through the log, each beside a bare loop of the client
//! library with the same settings on the same bytes, in the same run.
//!
//! Both write key, value, partition and the header `run`. The bare producer counts nothing; the log
//! computes partitions, notes where each record went and gives the first error. The bare consumer
//! looks at no record; the log decodes each and packs it. Sides take turns, each round on topics of
//! its own; the medians count.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use eip_contract::{Packer, decode};
use eip_ingest::run::{
    DayRange, FastTask, Observer, Phase, Progress, RunId, RunRequest, Runner, Source, Task,
};
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{Log, NewRecord, RunTag};
use rdkafka::consumer::{BaseConsumer, Consumer as _, DefaultConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::figures::{Cost, Meter};

/// What to measure.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// Canonical events, one a line ([`crate::write_events`]).
    pub events: PathBuf,
    /// The folder with the four files that they were made from, for the fast run.
    pub data: PathBuf,
    /// The broker and a space that does not exist yet; it is dropped at the end.
    pub config: KafkaConfig,
    /// Partitions of the log.
    pub partitions: u32,
    /// How often; the median counts.
    pub rounds: usize,
}

/// One event: where it stands in the file, and its key.
struct Line {
    start: usize,
    end: usize,
    key: String,
}

/// The events in memory.
struct Input {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// Wall times of one round.
#[derive(Default)]
struct Rates {
    bare_producer: Vec<f64>,
    producer: Vec<f64>,
    fast_run: Vec<f64>,
    fast_writing: Vec<f64>,
    bare_consumer: Vec<f64>,
    reader: Vec<f64>,
    decoding: Vec<f64>,
}

/// Runs the benchmark and prints its figures.
pub fn kafka(options: &KafkaOptions) -> anyhow::Result<()> {
    let input = Input::read(options)?;
    say!(
        "{} events, {:.0} bytes each, {} partitions, {}",
        input.lines.len(),
        input.bytes.len() as f64 / input.lines.len() as f64,
        options.partitions,
        options.config.bootstrap
    );
    let mut rates = Rates::default();
    let measured = (0..options.rounds.max(1)).try_for_each(|_| round(options, &input, &mut rates));
    let dropped = KafkaLog::drop_topics(options.config.clone());
    measured?;
    dropped?;
    let bare = median(&mut rates.bare_consumer).max(median(&mut rates.reader));
    let ratio = |ours: f64, bare: f64| format!("{:.2} × bare", ours / bare);
    let (producer, bare_producer) = (
        median(&mut rates.producer),
        median(&mut rates.bare_producer),
    );
    let fast_writing = median(&mut rates.fast_writing);
    say!(
        "median: a fast run, from its first record to the last acknowledgement {fast_writing:.0} \
         events/s, {}",
        ratio(fast_writing, bare_producer)
    );
    let fast_run = median(&mut rates.fast_run);
    say!(
        "median: a fast run, reading and ordering the files included {fast_run:.0} events/s, {}",
        ratio(fast_run, bare_producer)
    );
    let decoding = median(&mut rates.decoding);
    say!(
        "median: producing {:.0} events/s, {}",
        producer,
        ratio(producer, bare_producer)
    );
    say!(
        "median: consuming and decoding {decoding:.0} events/s, {}",
        ratio(decoding, bare)
    );
    Ok(())
}

fn round(options: &KafkaOptions, input: &Input, rates: &mut Rates) -> anyhow::Result<()> {
    let count = input.lines.len();
    let log = anew(options)?;
    let cost = produce_bare(options, input)?;
    rates
        .bare_producer
        .push(report("bare producer", count, cost));
    drop(log);

    let log = anew(options)?;
    let (whole, writing) = fast_run(&log, options, count)?;
    rates.fast_run.push(report("fast run, whole", count, whole));
    rates
        .fast_writing
        .push(report("fast run, writing", count, writing));
    drop(log);

    let log = anew(options)?;
    let cost = produce(&log, input)?;
    rates.producer.push(report("producing", count, cost));

    let cost = consume_bare(options, count)?;
    rates
        .bare_consumer
        .push(report("bare consumer, one by one", count, cost));
    let cost = consume(&log, count, &mut |_| Ok(()))?;
    rates
        .reader
        .push(report("bare consumer, in batches", count, cost));
    let partitions = log.partitions();
    let mut packer = Packer::new(Arc::default());
    let cost = consume(&log, count, &mut |record| {
        let change = packer.record(partitions, record.partition, record.key, record.value);
        std::hint::black_box(change).map_or_else(|reason| bail!("{reason:?}"), |_| Ok(()))
    })?;
    rates
        .decoding
        .push(report("consuming and decoding", count, cost));
    Ok(())
}

/// New topics.
fn anew(options: &KafkaOptions) -> anyhow::Result<Log> {
    let log = KafkaLog::recreate(options.config.clone(), Some(options.partitions))?;
    Ok(Log::new(log))
}

fn run() -> RunTag {
    RunTag {
        run_id: "0123456789abcdef0123456789abcdef".to_owned(),
        attempt: 1,
    }
}

fn produce(log: &Log, input: &Input) -> anyhow::Result<Cost> {
    let mut writer = log.writer("eip bench")?;
    let run = run();
    let meter = Meter::start();
    for line in &input.lines {
        let record = NewRecord::event(line.key.as_bytes(), &input.bytes[line.start..line.end]);
        writer.append(Some(&run), record)?;
    }
    writer.sync()?;
    Ok(meter.stop())
}

/// Notes when the first record is about to be written.
#[derive(Default)]
struct FirstRecord(Option<Meter>);

impl Observer for FirstRecord {
    fn progress(&mut self, progress: &Progress) {
        if progress.phase == Phase::Writing {
            self.0.get_or_insert_with(Meter::start);
        }
    }
}

/// The run that ingest executes: files in, acknowledged events out. Gives what the whole of it cost,
/// and what it cost from the first record on.
fn fast_run(log: &Log, options: &KafkaOptions, count: usize) -> anyhow::Result<(Cost, Cost)> {
    let clock = Box::new(|| 0);
    let mut runner = Runner::open(log.clone(), "eip bench", clock)?;
    let request = RunRequest {
        id: RunId::of_key("bench"),
        requester: "eip bench".to_owned(),
        origin: "bench".to_owned(),
        reason: None,
        task: Task::Fast(FastTask {
            source: Source::folder(&options.data),
            range: DayRange::ALL,
            mix: false,
        }),
    };
    let mut first = FirstRecord::default();
    let meter = Meter::start();
    let outcome = runner.execute(&request, &mut first)?;
    let whole = meter.stop();
    let writing = first.0.context("the run wrote nothing")?.stop();
    let written = outcome.summary.events_written();
    ensure!(written == count as u64, "wrote {written} of {count} events");
    Ok((whole, writing))
}

fn produce_bare(options: &KafkaOptions, input: &Input) -> anyhow::Result<Cost> {
    let config = options.config.producer();
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    let topic = options.config.events_topic();
    let run = run().to_string();
    let headers = OwnedHeaders::new().insert(Header {
        key: "run",
        value: Some(&run),
    });
    let partition =
        |line: &Line| eip_contract::partition_of(line.key.as_bytes(), options.partitions);
    let partitions: Vec<i32> = input
        .lines
        .iter()
        .map(|line| partition(line) as i32)
        .collect();
    let meter = Meter::start();
    for (line, &partition) in input.lines.iter().zip(&partitions) {
        let mut record = BaseRecord::to(&topic)
            .partition(partition)
            .key(line.key.as_bytes())
            .payload(&input.bytes[line.start..line.end])
            .headers(headers.clone());
        loop {
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    producer.poll(Duration::from_millis(1));
                    record = back;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
    while producer.in_flight_count() > 0 {
        thread::sleep(Duration::from_micros(200));
    }
    Ok(meter.stop())
}

fn consume(
    log: &Log,
    count: usize,
    each: &mut dyn FnMut(&eip_log::RecordRef<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Cost> {
    let ends = log.committed_ends()?;
    let meter = Meter::start();
    let mut reader = log.read_all()?;
    let mut seen = 0;
    let mut result = Ok(());
    reader.read_to(&ends, &mut |record| {
        seen += 1;
        if result.is_ok() {
            result = each(&record);
        }
    })?;
    let cost = meter.stop();
    result?;
    ensure!(seen == count, "read {seen} of {count} events");
    Ok(cost)
}

fn consume_bare(options: &KafkaOptions, count: usize) -> anyhow::Result<Cost> {
    let mut config = options.config.consumer(true);
    config.set("group.id", options.config.group());
    let topic = options.config.events_topic();
    let mut from = TopicPartitionList::new();
    for partition in 0..options.partitions as i32 {
        from.add_partition_offset(&topic, partition, Offset::Beginning)?;
    }
    let meter = Meter::start();
    let consumer: BaseConsumer<DefaultConsumerContext> = config.create()?;
    consumer.assign(&from)?;
    let mut seen = 0;
    let begun = Instant::now();
    while seen < count {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(_)) => seen += 1,
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
        ensure!(
            begun.elapsed() < Duration::from_mins(5),
            "read {seen} of {count} events"
        );
    }
    Ok(meter.stop())
}

impl Input {
    fn read(options: &KafkaOptions) -> anyhow::Result<Self> {
        let bytes = fs::read(&options.events)
            .with_context(|| format!("cannot read {}", options.events.display()))?;
        let mut lines = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &bytes) {
            let key = match decode(&bytes[start..end]) {
                Ok(decoded) => decoded.event.order_id.into_owned(),
                Err(reject) => bail!("line {} is no event: {reject:?}", lines.len() + 1),
            };
            lines.push(Line { start, end, key });
            start = end + 1;
        }
        ensure!(!lines.is_empty(), "there is no event to measure with");
        Ok(Self { bytes, lines })
    }
}

/// Prints a measurement and gives events a second.
fn report(what: &str, count: usize, cost: Cost) -> f64 {
    let rate = count as f64 / cost.wall.as_secs_f64();
    say!(
        "{what:<26} {rate:>10.0} events/s  {:>6.2} s wall  {:>6.2} s CPU",
        cost.wall.as_secs_f64(),
        cost.cpu.as_secs_f64()
    );
    rate
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
