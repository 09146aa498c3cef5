//! The sinks beside their raw limits, in the same run and over the same documents.
//!
//! Elasticsearch: our store against a loader that sends the same documents in requests of the same
//! size, as many at once, and looks at nothing but whether the answer speaks of errors. The rounds
//! alternate, each into indices of its own, and the medians are compared.
//!
//! PostgreSQL: [`postgres`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use eip_contract::{Event, Space, decode};
use eip_stores::{
    DocumentStore as _, DocumentWrite, ElasticsearchConfig, ElasticsearchSpaces,
    ElasticsearchStore, content_hash, version_of,
};
use eip_views::SHIPMENT_EVENTS;

use crate::figures::{Cost, Meter};

mod postgres;
mod raw;

/// What is measured.
pub struct SinksOptions {
    /// A file of events, one a line, as [`crate::write_events`] writes it.
    pub events: PathBuf,
    /// Address of Elasticsearch.
    pub elasticsearch: String,
    /// Address of PostgreSQL.
    pub postgres: String,
    /// How often each; the median counts.
    pub rounds: usize,
}

/// Measures and prints.
pub fn sinks(options: &SinksOptions) -> anyhow::Result<()> {
    postgres::measure(options)?;
    elasticsearch(options)
}

fn elasticsearch(options: &SinksOptions) -> anyhow::Result<()> {
    let writes = read_documents(&options.events)?;
    say!(
        "elasticsearch   {} documents of shipment_events, {} bytes of JSON on average",
        writes.len(),
        writes.iter().map(json_bytes).sum::<usize>() / writes.len().max(1)
    );
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        // Whoever comes second finds a warmer server: they take turns.
        for first in [round % 2 == 0, round % 2 != 0] {
            if first {
                ours.push(measure(options, "sink", &writes, through_our_store)?);
            } else {
                limits.push(measure(options, "raw", &writes, raw::load)?);
            }
        }
    }
    let rate = |costs: &mut Vec<Cost>| {
        costs.sort_unstable_by_key(|cost| cost.wall);
        let median = costs[costs.len() / 2];
        (writes.len() as f64 / median.wall.as_secs_f64(), median)
    };
    let (our_rate, our_cost) = rate(&mut ours);
    let (limit, limit_cost) = rate(&mut limits);
    for (name, rate, cost) in [
        ("sink", our_rate, our_cost),
        ("raw loader", limit, limit_cost),
    ] {
        say!(
            "  {name:<12}  {rate:>9.0} documents/s   {:>6.2} s   {:>5.2} s CPU of the client",
            cost.wall.as_secs_f64(),
            cost.cpu.as_secs_f64()
        );
    }
    say!("  sink / raw    {:>9.2}", our_rate / limit);
    Ok(())
}

fn through_our_store(
    config: &ElasticsearchConfig,
    writes: &[DocumentWrite],
) -> anyhow::Result<Cost> {
    let mut store = ElasticsearchStore::open(config.clone(), "bench")?;
    store.take_over(1, 1)?;
    store.write_as(1, 0)?;
    let mut left = writes.to_vec();
    let meter = Meter::start();
    let refused = store.bulk(&SHIPMENT_EVENTS, version_of(1, 1), &mut left)?;
    let cost = meter.stop();
    ensure!(refused.is_empty(), "documents were refused");
    Ok(cost)
}

type Load = fn(&ElasticsearchConfig, &[DocumentWrite]) -> anyhow::Result<Cost>;

fn measure(
    options: &SinksOptions,
    name: &str,
    writes: &[DocumentWrite],
    load: Load,
) -> anyhow::Result<Cost> {
    let space: Space = format!("bench-{name}-{}", std::process::id()).parse()?;
    let config = ElasticsearchConfig::new(&options.elasticsearch, space.clone());
    let spaces = ElasticsearchSpaces::new(&config)?;
    spaces.drop(&space)?;
    let result = load(&config, writes);
    spaces.drop(&space)?;
    // Merges and deletions of the round before are not the next one's.
    std::thread::sleep(Duration::from_secs(2));
    result
}

fn json_bytes(write: &DocumentWrite) -> usize {
    match write {
        DocumentWrite::Index { doc, .. } => doc.len(),
        DocumentWrite::Delete { .. } => 0,
    }
}

fn read_documents(path: &PathBuf) -> anyhow::Result<Vec<DocumentWrite>> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let mut writes = Vec::new();
    for line in text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let decoded = decode(line).map_err(|letter| anyhow::anyhow!("no event: {letter}"))?;
        writes.push(document(&decoded.event));
    }
    Ok(writes)
}

fn document(event: &Event<'_>) -> DocumentWrite {
    let doc = event.to_json();
    DocumentWrite::Index {
        id: event.event_id().to_string(),
        rev: content_hash(doc.as_bytes()),
        doc,
    }
}
