//! Runs through `eip ingest` that is killed, or that is several: same key, same facts.

mod month;
mod terminal;

use std::path::Path;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Service, has_ended};
use crate::support::{
    CUSTOMERS, Digests, Eip, ITEMS, ORDERS, SELLERS, generate, repetitions, seeded,
};

/// asOf of everything here: pushed rows have to name one.
const AS_OF: &str = "2018-12-01T00:00:00Z";

/// All rows of a data folder as lines of a push.
fn lines(data: &Path) -> String {
    let mut lines = String::new();
    for (file, name) in [
        (SELLERS, "sellers"),
        (CUSTOMERS, "customers"),
        (ORDERS, "orders"),
        (ITEMS, "order_items"),
    ] {
        let mut reader = csv::Reader::from_path(data.join(file)).unwrap();
        let columns = reader.headers().unwrap().clone();
        for row in reader.records() {
            let row = row.unwrap();
            let row: serde_json::Map<String, Value> = columns
                .iter()
                .zip(&row)
                .map(|(column, value)| (column.to_owned(), json!(value)))
                .collect();
            lines.push_str(&json!({"file": name, "row": row}).to_string());
            lines.push('\n');
        }
    }
    lines
}

/// The kinds of run, with what has to be there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fast,
    Window,
    Scaled,
    Revert,
    Rows,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Fast,
        Self::Window,
        Self::Scaled,
        Self::Revert,
        Self::Rows,
    ];

    /// Runs what has to be there before; gives the body of the run itself.
    fn prepare(self, service: &Service) -> Value {
        let fast = json!({"mode": "fast", "dataset": "data", "as_of": AS_OF});
        let window = json!({"mode": "window", "dataset": "data", "as_of": AS_OF,
            "rules": "end_of_day", "max_retracted": "100%"});
        match self {
            Self::Fast | Self::Rows => fast,
            Self::Scaled => {
                json!({"mode": "scaled", "dataset": "data", "as_of": AS_OF, "duration": 2,
                    "start": "2018-01-01", "end": "2018-01-15"})
            }
            Self::Window => {
                assert_eq!(service.run("before", &fast)["state"], "committed");
                window
            }
            Self::Revert => {
                assert_eq!(service.run("before", &fast)["state"], "committed");
                let window = service.run("window", &window);
                assert_eq!(window["state"], "committed");
                json!({"mode": "revert", "run": window["run"], "force": true})
            }
        }
    }

    /// Asks for the run; whether it has come to its end is seen elsewhere.
    fn ask(self, service: &Service, body: &Value, rows: &str) {
        if self == Self::Rows {
            let query = format!("rules=default&as_of={AS_OF}");
            service.push(&query, "key", rows.to_owned());
        } else {
            service.post("key", body);
        }
    }
}

/// The run of the key `key`.
fn run_of_key(service: &Service) -> Option<Value> {
    let runs = service.get("/v1/runs").body;
    let runs = runs["runs"].as_array()?;
    let id = eip_ingest::run::RunId::of_key("key").to_string();
    runs.iter().find(|run| run["run"] == json!(id)).cloned()
}

/// Lets the run come to its end.
fn finish(kind: Kind, service: &Service, body: &Value, rows: &str) -> Value {
    let begun = Instant::now();
    loop {
        kind.ask(service, body, rows);
        if let Some(run) = run_of_key(service).filter(has_ended) {
            if run["state"] == "committed" {
                return run;
            }
            assert_eq!(run["state"], "interrupted", "{run}");
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{kind:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_service_killed_anywhere_goes_on_with_the_same_key() {
    let mut random = seeded("killed service");
    let data = generate(&std::env::temp_dir().join(folder_name()), 6_000, 31);
    let rows = lines(&data);
    for kind in Kind::ALL {
        let reference = Eip::new();
        let service = Service::start(&reference, &data);
        let body = kind.prepare(&service);
        let begun = Instant::now();
        finish(kind, &service, &body, &rows);
        let whole = begun.elapsed();
        drop(service);
        let wanted: Digests = reference.digests();

        let mut attempts = 0;
        for _ in 0..repetitions(2, 20) {
            let eip = Eip::new();
            let mut service = Service::start(&eip, &data);
            let body = kind.prepare(&service);
            for _ in 0..random.random_range(1..=2) {
                let moment = whole.mul_f64(random.random_range(0.0..1.0));
                std::thread::scope(|scope| {
                    let asking = scope.spawn(|| kind.ask(&service, &body, &rows));
                    std::thread::sleep(moment);
                    service.signal(rustix::process::Signal::KILL);
                    asking.join().unwrap();
                });
                drop(service);
                // What a reader sees in between is whole.
                if eip.state().join("eip-state.json").exists() {
                    eip.run(["dataflow", "--until-caught-up"]).ok();
                    eip.verify();
                }
                service = Service::start(&eip, &data);
            }
            let run = finish(kind, &service, &body, &rows);
            attempts += run["attempt"].as_u64().unwrap();
            drop(service);
            assert_eq!(eip.digests(), wanted, "{kind:?}");
            eip.verify();
        }
        println!("{kind:?}: {attempts} attempts");
    }
    std::fs::remove_dir_all(data).unwrap();
}

fn folder_name() -> String {
    format!("eip-replays-{}", std::process::id())
}

fn scaled(duration: &str) -> Value {
    json!({"mode": "scaled", "dataset": "data", "as_of": AS_OF, "duration": duration})
}

#[test]
fn two_instances_keep_their_runs_apart_and_pass_commands_on() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 3_000, 32);
    let (one, two) = (Service::start(&eip, &data), Service::start(&eip, &data));

    // A command through the instance that does not own the run.
    let posted = one.post("paced", &scaled("1h"));
    assert_eq!(posted.status, 202, "{posted:?}");
    let id = posted.body["run"].as_str().unwrap();
    let path = format!("/v1/runs/{id}?space={}", eip.space());
    let seen = two.until(id, |run| run["progress"]["simulated_at"].is_string());
    assert_eq!(seen["owner_url"], json!(one.url), "{seen}");
    let paused = two.ask(Method::PATCH, &path, "-", &json!({"paused": true}));
    assert_eq!(paused.status, 200, "{paused:?}");
    one.until(id, |run| run["state"] == "paused");
    let faster = json!({"paused": false, "scale_factor": 1_000_000});
    let answer = two.ask(Method::PATCH, &path, "-", &faster);
    assert_eq!(answer.status, 200, "{answer:?}");
    // The same key through the other is the same run.
    assert_eq!(two.post("paced", &scaled("1h")).body["run"], json!(id));
    assert_eq!(two.post("paced", &scaled("2h")).status, 422);
    let ended = two.until(id, has_ended);
    assert_eq!(ended["state"], "committed", "{ended}");
    let latency = two.get(&format!("/v1/runs/{id}/latency.json?space={}", eip.space()));
    assert_eq!(latency.status, 200, "{latency:?}");

    // Of two windows at once, through two instances, one goes first.
    let window = json!({"mode": "window", "dataset": "data", "as_of": AS_OF,
        "rules": "end_of_day", "max_retracted": "100%"});
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| one.post("w1", &window));
        let second = scope.spawn(|| two.post("w2", &window));
        (first.join().unwrap(), second.join().unwrap())
    });
    let (winner, loser) = if first.status == 202 {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(winner.status, 202, "{winner:?} {loser:?}");
    // The winner may have ended before the other was asked for.
    if loser.status != 202 {
        assert_eq!(loser.status, 409, "{loser:?}");
        assert_eq!(loser.body["run"], winner.body["run"], "{loser:?}");
    }
    let run = winner.body["run"].as_str().unwrap();
    let done = one.until(run, has_ended);
    assert_eq!(done["state"], "committed", "{done}");
    two.until(loser.body["run"].as_str().unwrap(), has_ended);
    drop((one, two));
    eip.digests();
    eip.verify();
}

#[test]
fn another_instance_takes_over_and_the_one_that_was_stopped_is_fenced() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 60_000, 33);
    let (one, two) = (Service::start(&eip, &data), Service::start(&eip, &data));
    let fast = json!({"mode": "fast", "dataset": "data", "as_of": AS_OF});
    assert_eq!(one.run("fast", &fast)["state"], "committed");
    let window = json!({"mode": "window", "dataset": "data", "as_of": AS_OF,
        "rules": "end_of_day", "max_retracted": "100%"});
    let posted = one.post("window", &window);
    assert_eq!(posted.status, 202, "{posted:?}");
    let id = posted.body["run"].as_str().unwrap();
    // Stopped in the middle, in its transaction if it got that far.
    one.until(id, |run| {
        run["progress"]["phase"] == "writing" || has_ended(run)
    });
    one.signal(rustix::process::Signal::STOP);
    let begun = Instant::now();
    let run = loop {
        two.post("window", &window);
        let run = two.get(&format!("/v1/runs/{id}")).body;
        if run["state"] == "committed" {
            break run;
        }
        assert!(begun.elapsed() < Duration::from_secs(110), "{run}");
        std::thread::sleep(Duration::from_millis(500));
    };
    println!(
        "taken over as attempt {} after {:?}",
        run["attempt"],
        begun.elapsed()
    );
    let wanted = eip.digests();
    one.signal(rustix::process::Signal::CONT);
    std::thread::sleep(Duration::from_secs(3));
    // Nothing that it does now counts.
    assert_eq!(
        two.get(&format!("/v1/runs/{id}")).body["state"],
        "committed"
    );
    assert_eq!(eip.digests(), wanted);
    eip.verify();

    // Killed in a scaled run; the other goes on with it.
    let run = two.post("scaled", &{
        let mut body = scaled("200s");
        body["rules"] = json!("end_of_day");
        body
    });
    assert_eq!(run.status, 202, "{run:?}");
    let id = run.body["run"].as_str().unwrap().to_owned();
    two.until(&id, |run| run["progress"]["records"].as_u64() > Some(1_000));
    two.kill();
    drop(one);
    let three = Service::start(&eip, &data);
    let mut body = scaled("200s");
    body["rules"] = json!("end_of_day");
    let begun = Instant::now();
    loop {
        three.post("scaled", &body);
        let run = three.get(&format!("/v1/runs/{id}")).body;
        if run["attempt"] == 2 && run["progress"]["records"].as_u64() > Some(1_000) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{run}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let path = format!("/v1/runs/{id}?space={}", eip.space());
    let faster = json!({"scale_factor": 1_000_000});
    three.ask(Method::PATCH, &path, "-", &faster);
    let done = three.until(&id, has_ended);
    assert_eq!(done["state"], "committed", "{done}");
    assert_eq!(eip.digests(), wanted);
    eip.verify();
}
