//! `GET /v1/stream` over the wire: a hundred readers of which ten never read, and what a replay changes.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::served::Served;
use crate::service::Service;
use crate::support::{Eip, generate};

/// A connection to the stream.
struct Reader {
    lines: BufReader<TcpStream>,
}

/// One event.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

fn connect(served: &Served, last: Option<&str>) -> TcpStream {
    let address = served.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
    write!(
        stream,
        "GET /v1/stream HTTP/1.1\r\nHost: {address}\r\n{last}\r\n"
    )
    .unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

impl Reader {
    fn open(served: &Served, last: Option<&str>) -> Self {
        let lines = BufReader::new(connect(served, last));
        Self { lines }
    }

    /// The next event. Lines of the chunks' sizes are passed over.
    fn next(&mut self) -> Event {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let mut line = String::new();
            assert!(
                self.lines.read_line(&mut line).unwrap() > 0,
                "the stream ended"
            );
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).unwrap();
            } else if line.is_empty() && !name.is_empty() && !data.is_null() {
                return Event { name, id, data };
            }
        }
    }

    fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next();
            if wanted(&event) {
                return event;
            }
        }
    }
}

/// Resident memory of the service.
fn memory(served: &Served) -> u64 {
    let path = format!("/proc/{}/statm", served.id());
    let pages = std::fs::read_to_string(path).unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

#[test]
fn a_hundred_readers_hear_of_a_replay_and_those_that_never_read_cost_nothing() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 1_000, 15);
    let ingest = Service::start(&eip, &data);
    let fast = json!({ "mode": "fast", "dataset": "data", "end": "2018-01-10" });
    assert_eq!(ingest.run("first", &fast)["state"], "committed");
    let mut dataflow = eip
        .command(["dataflow"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let served = Served::start(&eip);
    let begun = Instant::now();
    while Service::at(&served.url).get("/v1/overview").status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut one = Reader::open(&served, None);
    let reset = one.next();
    assert_eq!(reset.name, "reset");
    assert_eq!(reset.data["runs"]["runs"].as_array().unwrap().len(), 1);
    assert!(reset.data["pipeline"]["lag"]["records"].is_u64());
    let silent: Vec<TcpStream> = (0..10).map(|_| connect(&served, None)).collect();
    let scaled = json!({ "mode": "scaled", "dataset": "data", "start": "2018-01-10",
        "end": "2018-03-01", "duration": "20s" });
    let posted = ingest.post("scaled", &scaled);
    assert_eq!(posted.status, 202, "{posted:?}");
    let run = posted.body["run"].as_str().unwrap();
    let of_run = |event: &Event, state: &str| {
        let mut runs = event.data["runs"].as_array().into_iter().flatten();
        event.name == "runs" && runs.any(|shown| shown["run"] == run && shown["state"] == state)
    };
    let seen = one.until(|event| of_run(event, "running"));
    let before = memory(&served);
    let listen = || {
        let mut reader = Reader::open(&served, None);
        let mut overviews = 0;
        assert_eq!(reader.next().name, "reset");
        loop {
            let event = reader.next();
            if event.name == "overview" {
                overviews += 1;
            }
            if of_run(&event, "committed") {
                assert!(overviews > 5, "{overviews}");
                return event.id;
            }
        }
    };
    let ends: BTreeSet<String> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..89).map(|_| scope.spawn(listen)).collect();
        let ends = readers.into_iter().map(|reader| reader.join().unwrap());
        ends.collect()
    });
    assert_eq!(ends.len(), 1, "all hear the same: {ends:?}");
    let grown = memory(&served).saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    // The one that comes back has what it has missed, in the same order; one that is too old, all of it.
    let mut again = Reader::open(&served, Some(&seen.id));
    let first_missed = again.next();
    assert_ne!(first_missed.name, "reset");
    let end = again.until(|event| of_run(event, "committed"));
    assert!(ends.contains(&end.id), "{} is none of {ends:?}", end.id);
    for unknown in ["main:1:1", "elsewhere:1:1", "x"] {
        let mut lost = Reader::open(&served, Some(unknown));
        assert_eq!(lost.next().name, "reset", "{unknown}");
    }
    drop(silent);
    dataflow.kill().unwrap();
    dataflow.wait().unwrap();
}
