//! Servers that die, restart or refuse to be written: everything comes back by itself, and what is
//! stored is what an undisturbed chain makes of the same data.
//!
//! These tests share an instance of the servers that nobody else uses, and take turns.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use eip_test_servers::{Action, Private, Proxy};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde_json::Value;

use super::processes::{signal, wait_stopped};
use crate::api::Served;
use crate::support::{Digests, Eip, generate, http, repetitions, rules};

/// The longest that anything here may take to come back.
const PATIENCE: Duration = Duration::from_secs(120);

/// The servers, for one test at a time.
struct Turn {
    _turn: MutexGuard<'static, ()>,
    servers: Arc<Private>,
}

impl Turn {
    fn take() -> Self {
        static SERVERS: Mutex<Weak<Private>> = Mutex::new(Weak::new());
        static TURN: Mutex<()> = Mutex::new(());
        let servers = {
            let mut shared = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let started = Private::start(&["kafka", "elasticsearch", "postgres"]);
                let started = Arc::new(started);
                *shared = Arc::downgrade(&started);
                started
            })
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // One that failed may have left a server down.
        for server in ["kafka", "elasticsearch", "postgres"] {
            servers.restart(server);
        }
        Self {
            _turn: turn,
            servers,
        }
    }

    fn eip(&self) -> Eip {
        Eip::on([
            ("EIP_KAFKA", self.servers.address("kafka")),
            ("EIP_ELASTICSEARCH", self.servers.address("elasticsearch")),
            ("EIP_POSTGRES", self.servers.address("postgres")),
        ])
    }

    fn crash(&self, server: &str) {
        self.servers.kill(server);
        self.servers.restart(server);
    }
}

/// Looks again until there is something to see.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process that does not outlive its test; what it says to stderr is kept for a failure.
struct Running {
    child: Child,
    log: std::path::PathBuf,
}

impl Running {
    fn start(eip: &Eip, name: &str, mut command: Command) -> Self {
        let log = eip.path(&format!("{name}.log"));
        command.stderr(File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        Self { child, log }
    }

    fn words(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn assert_runs(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", self.words());
    }

    fn wait_stopped(&self) {
        wait_stopped(self.child.id(), PATIENCE);
    }

    fn go_on(&self) {
        assert!(signal(self.child.id(), "-CONT"));
    }

    fn ok(mut self) {
        let status = until("a process ends", || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.words());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, or it is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A dataflow that follows the log and tells how it is.
struct Following {
    process: Running,
    url: String,
}

impl Following {
    fn start(eip: &Eip, args: &[&str]) -> Self {
        let mut command = eip.command(["dataflow", "--listen", "127.0.0.1:0"]);
        command.args(args).stdout(Stdio::piped());
        let mut process = Running::start(eip, "dataflow", command);
        let mut line = String::new();
        let stdout = process.child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("{line:?}: {}", process.words()));
        Self {
            url: format!("{url}/readyz"),
            process,
        }
    }

    /// What `/readyz` says; `None` while nobody answers.
    fn readyz(&self) -> Option<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let answer = reqwest::get(&self.url).await.ok()?;
            serde_json::from_str(&answer.text().await.ok()?).ok()
        })
    }

    /// Waits until it says that a store holds it up, and gives its words.
    fn blocked_by(&mut self, what: &str) -> String {
        until(&format!("blocked by {what}"), || {
            self.process.assert_runs();
            let said = self.readyz()?;
            let blocked = said["blocked"].as_array()?;
            let one = blocked.iter().find(|blocked| blocked["what"] == what)?;
            assert_eq!(said["state"], "blocked");
            Some(one.to_string())
        })
    }

    /// Waits until the views hold the whole log, without help.
    fn fresh(&mut self, eip: &Eip) -> Value {
        until("fresh views", || {
            self.process.assert_runs();
            let looked = eip.run(["status", "--json"]);
            (looked.code == Some(0)).then(|| serde_json::from_str(&looked.out).unwrap())
        })
    }
}

/// Nothing is missing, extra, stale or refused.
fn assert_whole(eip: &Eip, status: &Value, wanted: &Digests) {
    assert_eq!(&eip.stored_digests(), wanted);
    assert_eq!(status["views"]["refused_documents"], 0, "{status}");
    assert_eq!(status["views"]["dead_letters"], 0, "{status}");
    eip.verify();
}

/// The views of the same data in a state folder, before and after a correction.
fn undisturbed(data: &std::path::Path) -> [Digests; 2] {
    let reference = Eip::new();
    reference.fast(data).ok();
    let before = reference.stored_digests();
    correct(&reference, data).ok();
    [before, reference.stored_digests()]
}

/// A window run with other rules.
fn correction(eip: &Eip, data: &std::path::Path) -> Command {
    let rules = rules(&eip.path(""), "end_of_day", "45m");
    let mut command = eip.command(["replay", "window", "--data"]);
    command.arg(data).arg("--rules").arg(rules);
    command
}

fn correct(eip: &Eip, data: &std::path::Path) -> crate::support::Ran {
    let rules = rules(&eip.path(""), "end_of_day", "45m");
    eip.window(data, &["--rules", rules.to_str().unwrap()])
}

/// The sum of the offsets that the broker has given out; `None` while it or the topic is not there.
fn written(consumer: &BaseConsumer, topic: &str) -> Option<i64> {
    let patience = Duration::from_secs(5);
    let metadata = consumer.fetch_metadata(Some(topic), patience).ok()?;
    let partitions = metadata.topics().first()?.partitions();
    let ends = partitions.iter().map(|partition| {
        let ends = consumer.fetch_watermarks(topic, partition.id(), patience);
        ends.ok().map(|(_, end)| end)
    });
    ends.sum()
}

/// Lets the broker crash when a command has written its first records, and the command go on.
fn crash_kafka_during(turn: &Turn, eip: &Eip, name: &str, mut command: Command) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", eip.value("EIP_KAFKA"))
        .set("isolation.level", "read_uncommitted")
        .create()
        .unwrap();
    let topic = format!("{}.fulfillment-events", eip.space());
    let before = written(&consumer, &topic).unwrap_or(0);
    command.stdout(Stdio::null());
    let mut running = Running::start(eip, name, command);
    let records = until("the first records", || {
        written(&consumer, &topic).filter(|now| *now > before)
    });
    turn.servers.kill("kafka");
    let hit = running.child.try_wait().unwrap().is_none();
    println!(
        "{name}: broker killed behind {} records; hit: {hit}",
        records - before
    );
    turn.servers.restart("kafka");
    running.ok();
}

#[test]
fn a_broker_that_dies_during_ingest_window_and_dataflow_loses_and_doubles_nothing() {
    let turn = Turn::take();
    for seed in 0..repetitions(1, 5) {
        let eip = turn.eip();
        let data = generate(&eip.path(""), 20_000, 101 + seed);
        let [before, after] = undisturbed(&data);

        let mut ingest = eip.command(["replay", "fast", "--data"]);
        ingest.arg(&data);
        crash_kafka_during(&turn, &eip, "ingest", ingest);
        let mut following = Following::start(&eip, &[]);
        turn.crash("kafka");
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &before);

        // The dataflow follows while the broker dies under the transaction of a window.
        crash_kafka_during(&turn, &eip, "window", correction(&eip, &data));
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &after);
    }
}

#[test]
fn elasticsearch_that_dies_while_it_is_written_is_waited_for() {
    let turn = Turn::take();
    for seed in 0..repetitions(1, 5) {
        let eip = turn.eip();
        let data = generate(&eip.path(""), 2_000, 111 + seed);
        let [before, after] = undisturbed(&data);
        eip.fast(&data).ok();
        // It dies behind a bulk that was applied, when the tick is not committed.
        let mut following = Following::start(&eip, &["--crash-at", "after-bulk:1:stop"]);
        following.process.wait_stopped();
        turn.servers.kill("elasticsearch");
        following.process.go_on();
        let words = following.blocked_by("elasticsearch");
        println!("without Elasticsearch: {words}");
        turn.servers.restart("elasticsearch");
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &before);

        // And once more when there is a correction to write.
        turn.servers.kill("elasticsearch");
        correct(&eip, &data).ok();
        following.blocked_by("elasticsearch");
        turn.servers.restart("elasticsearch");
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &after);
    }
}

#[test]
fn postgres_that_goes_away_inside_a_transaction_is_waited_for() {
    let turn = Turn::take();
    for seed in 0..repetitions(1, 5) {
        for end in [Private::stop, Private::kill] {
            let eip = turn.eip();
            let data = generate(&eip.path(""), 1_000, 121 + seed);
            let [before, after] = undisturbed(&data);
            eip.fast(&data).ok();
            let mut following = Following::start(&eip, &["--crash-at", "before-commit:1:stop"]);
            following.process.wait_stopped();
            end(&turn.servers, "postgres");
            following.process.go_on();
            let words = following.blocked_by("postgres");
            println!("without PostgreSQL: {words}");
            turn.servers.restart("postgres");
            let status = following.fresh(&eip);
            assert_whole(&eip, &status, &before);

            end(&turn.servers, "postgres");
            turn.servers.restart("postgres");
            correct(&eip, &data).ok();
            let status = following.fresh(&eip);
            assert_whole(&eip, &status, &after);
        }
    }
}

/// The API shows the store that is waited for, in its own words, and how far behind the views are.
fn shown_by_the_api(eip: &Eip, following: &Following) {
    let dataflow = following.url.strip_suffix("/readyz").unwrap();
    let served = Served::start_with(eip, &["--dataflow", dataflow]);
    let shown = until("the API shows what is blocked", || {
        let shown = served.get("/v1/pipeline");
        let is_blocked = shown["dataflow"]["state"] == "blocked";
        is_blocked.then_some(shown)
    });
    let sink = |store: &str| {
        let sinks = shown["sinks"].as_array().unwrap();
        sinks.iter().find(|sink| sink["store"] == store).unwrap()
    };
    let blocked = sink("elasticsearch");
    assert_eq!(blocked["state"], "blocked", "{shown}");
    let words = blocked["words"].as_str().unwrap();
    assert!(words.contains("cluster_block_exception"), "{words}");
    assert_eq!(sink("postgres")["state"], "ok", "{shown}");
    assert!(shown["lag"]["records"].as_u64() > Some(0), "{shown}");
    assert!(shown["lag"]["seconds"].as_f64() > Some(0.0), "{shown}");
}

#[test]
fn a_write_blocked_index_is_waited_for_and_refuses_no_document() {
    let turn = Turn::take();
    // The second is what the flood stage of the disk watermark sets.
    for block in ["write", "read_only_allow_delete"] {
        let eip = turn.eip();
        let data = generate(&eip.path(""), 1_000, 131);
        let [before, after] = undisturbed(&data);
        eip.fast(&data).ok();
        let mut following = Following::start(&eip, &[]);
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &before);

        let settings = format!(
            "{}/{}.*/_settings",
            eip.value("EIP_ELASTICSEARCH"),
            eip.space()
        );
        let set = |value: Value| {
            let name = format!("index.blocks.{block}");
            http(
                "PUT",
                &settings,
                &serde_json::json!({ name: value }).to_string(),
            );
        };
        set(Value::Bool(true));
        correct(&eip, &data).ok();
        let words = following.blocked_by("elasticsearch");
        println!("{block}: {words}");
        assert!(words.contains("cluster_block_exception"), "{words}");
        shown_by_the_api(&eip, &following);
        thread::sleep(Duration::from_secs(repetitions(3, 30)));
        set(Value::Null);
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &after);
    }
}

/// The servers here ask for no password, so a proxy answers in the words of one that does.
#[test]
fn credentials_that_are_revoked_and_given_again_lose_and_refuse_nothing() {
    const REVOKED: &str = r#"{"error":{"root_cause":[{"type":"security_exception","reason":"unable to authenticate user [eip] for REST request"}],"type":"security_exception","reason":"unable to authenticate user [eip] for REST request"},"status":401}"#;
    let turn = Turn::take();
    for (status, body) in [(401, REVOKED), (403, REVOKED)] {
        let eip = turn.eip();
        let upstream = eip.value("EIP_ELASTICSEARCH").replace("http://", "");
        let proxy = Proxy::start(&upstream, |_request| Action::Pass);
        let data = generate(&eip.path(""), 1_000, 151);
        let [before, after] = undisturbed(&data);
        let eip = eip.with("EIP_ELASTICSEARCH", proxy.url());
        eip.fast(&data).ok();
        let mut following = Following::start(&eip, &[]);
        let status_before = following.fresh(&eip);
        assert_whole(&eip, &status_before, &before);

        proxy.decide(move |_request| Action::Answer(status, body));
        correct(&eip, &data).ok();
        let words = following.blocked_by("elasticsearch");
        println!("{status}: {words}");
        assert!(
            words.contains("unable to authenticate user [eip]"),
            "{words}"
        );
        thread::sleep(Duration::from_secs(repetitions(3, 30)));
        proxy.decide(|_request| Action::Pass);
        let status_after = following.fresh(&eip);
        assert_whole(&eip, &status_after, &after);
    }
}

#[test]
fn a_deleted_index_is_made_and_filled_again() {
    let turn = Turn::take();
    // Missed when the next tick is written, and when the present one is to be made visible.
    for crash_at in [&[][..], &["--crash-at", "after-commit:1:stop"]] {
        let eip = turn.eip();
        let data = generate(&eip.path(""), 1_000, 141);
        let [before, after] = undisturbed(&data);
        eip.fast(&data).ok();
        let mut following = Following::start(&eip, crash_at);
        if crash_at.is_empty() {
            let status = following.fresh(&eip);
            assert_whole(&eip, &status, &before);
            delete_indices(&eip);
            correct(&eip, &data).ok();
        } else {
            following.process.wait_stopped();
            delete_indices(&eip);
            correct(&eip, &data).ok();
            following.process.go_on();
        }
        let words = following.blocked_by("elasticsearch");
        println!("without an index: {words}");
        assert!(words.contains("index_not_found_exception"), "{words}");
        let status = following.fresh(&eip);
        assert_whole(&eip, &status, &after);
    }
}

fn delete_indices(eip: &Eip) {
    let servers = eip.value("EIP_ELASTICSEARCH");
    for view in ["shipments", "shipment_events"] {
        let alias = format!("{servers}/_alias/{}.{view}", eip.space());
        let indices: Value = serde_json::from_str(&http("GET", &alias, "")).unwrap();
        for index in indices.as_object().unwrap().keys() {
            http("DELETE", &format!("{servers}/{index}"), "");
        }
    }
}
