//! A bulk loader that does nothing but send: the limit that a sink is measured against.
//!
//! As many threads as the sink has requests under way, each with a connection of its own, take
//! requests of the same size from one list.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

use anyhow::{Context as _, ensure};
use eip_stores::{
    DocumentStore as _, DocumentWrite, ElasticsearchConfig, ElasticsearchStore, version_of,
};
use eip_views::SHIPMENT_EVENTS;

use crate::figures::{Cost, Meter};

/// Loads all documents into an empty index.
pub(super) fn load(config: &ElasticsearchConfig, writes: &[DocumentWrite]) -> anyhow::Result<Cost> {
    // The same index, made by the store; no write of the store follows.
    ElasticsearchStore::open(config.clone(), "bench")?.take_over(1, 1)?;
    let index = config.space.prefixed(SHIPMENT_EVENTS.name);
    let address = config.url.trim_end_matches('/');
    let address = address
        .strip_prefix("http://")
        .context("the raw loader speaks plain http only")?;
    let meter = Meter::start();
    let rest = Mutex::new(writes);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..config.concurrency)
            .map(|_| scope.spawn(|| send_all(address, &index, config.bulk_bytes, &rest)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a loader does not panic"))
    })?;
    Ok(meter.stop())
}

fn send_all(
    address: &str,
    index: &str,
    request_bytes: usize,
    rest: &Mutex<&[DocumentWrite]>,
) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let version = version_of(1, 1);
    let mut body = Vec::with_capacity(request_bytes + 4096);
    loop {
        body.clear();
        {
            let mut rest = rest.lock().expect("a loader does not panic");
            while body.len() < request_bytes
                && let Some((DocumentWrite::Index { id, rev, doc }, others)) = rest.split_first()
            {
                *rest = others;
                let fields = &doc[..doc.len() - 1];
                writeln!(
                    body,
                    "{{\"index\":{{\"_id\":\"{id}\",\"version\":{version},\
                     \"version_type\":\"external\"}}}}\n\
                     {fields},\"rev\":{},\"ver\":{version},\"tick\":1}}",
                    *rev as i64
                )?;
            }
        }
        if body.is_empty() {
            return Ok(());
        }
        let head = format!(
            "POST /{index}/_bulk HTTP/1.1\r\nhost: {address}\r\n\
             content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        reader.get_mut().write_all(head.as_bytes())?;
        reader.get_mut().write_all(&body)?;
        let answer = read_answer(&mut reader)?;
        ensure!(
            answer.starts_with(b"{\"errors\":false"),
            "a document was refused"
        );
    }
}

fn read_answer(reader: &mut BufReader<TcpStream>) -> anyhow::Result<Vec<u8>> {
    let mut length = None;
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
    }
    let mut answer = Vec::new();
    if let Some(length) = length {
        answer.resize(length, 0);
        reader.read_exact(&mut answer)?;
        return Ok(answer);
    }
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).context("an answer in chunks")?;
        let start = answer.len();
        answer.resize(start + size + 2, 0);
        reader.read_exact(&mut answer[start..])?;
        answer.truncate(start + size);
        if size == 0 {
            return Ok(answer);
        }
    }
}
