//! Many readers while a window is corrected: every answer about routes is the state before it or the one
//! after it, none fails, and whoever asks for a tick gets at least that one. 200 readers, 1,000 with
//! `EIP_SOAK`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::task::JoinSet;

use super::served::Served;
use crate::support::{Eip, generate, repetitions, rules};

/// What was answered about all routes, by the tick that it is of.
type Answers = BTreeMap<u64, Value>;

/// The ticks and contents that one reader has seen.
async fn read(client: reqwest::Client, url: String, over: Arc<AtomicBool>) -> Answers {
    let mut answers = Answers::new();
    let mut last = 0;
    // At least once after it is over.
    loop {
        let was_over = over.load(Ordering::Relaxed);
        let answer = client.get(&url).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        let (tick, content) = tick_and_content(&text);
        assert!(tick >= last, "tick {tick} came after {last}");
        last = tick;
        let seen = answers.entry(tick).or_insert_with(|| content.clone());
        assert_eq!(*seen, content, "two answers of tick {tick}");
        if was_over {
            return answers;
        }
    }
}

fn tick_and_content(text: &str) -> (u64, Value) {
    let mut json: Value = serde_json::from_str(text).unwrap();
    let as_of = json.as_object_mut().unwrap().remove("as_of").unwrap();
    (as_of["stats_tick"].as_u64().unwrap(), json)
}

/// Reads while `correct` runs. All answers are one of two, and the last is what is there afterwards.
fn readers_see_before_or_after(served: &Served, readers: u64, correct: impl FnOnce()) {
    let path = |reader: u64| format!("{}/v1/routes/stats?limit={}", served.url, 9_000 - reader);
    let before = served.get("/v1/routes/stats?limit=9000");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let client = reqwest::Client::new();
    let mut reading = JoinSet::new();
    for reader in 0..readers {
        // Each with a question of its own, so that an answer is not kept for all of them.
        let read = read(client.clone(), path(reader), Arc::clone(&over));
        reading.spawn_on(read, runtime.handle());
    }
    correct();
    over.store(true, Ordering::Relaxed);
    let mut answers = Answers::new();
    runtime.block_on(async {
        while let Some(seen) = reading.join_next().await {
            for (tick, content) in seen.unwrap() {
                let known = answers.entry(tick).or_insert_with(|| content.clone());
                assert_eq!(*known, content, "two answers of tick {tick}");
            }
        }
    });
    let content = |answer: &Value| tick_and_content(&answer.to_string()).1;
    let after = content(&served.get("/v1/routes/stats?limit=9000"));
    let before = content(&before);
    assert_ne!(before, after, "nothing was corrected");
    let mut corrected = false;
    for (tick, seen) in &answers {
        corrected |= *seen == after;
        let expected = if corrected { &after } else { &before };
        assert_eq!(seen, expected, "a mixed answer of tick {tick}");
    }
    assert!(corrected, "no reader saw the correction");
}

/// Embedded views are written with the log; on servers a dataflow writes them.
fn bring_up(eip: &Eip) {
    eip.run(["dataflow", "--until-caught-up"]).ok();
}

fn check(eip: &Eip, data: &Path) {
    let readers = repetitions(200, 1_000);
    eip.fast(data).ok();
    bring_up(eip);
    let rules = rules(&eip.path(""), "end_of_day", "45m");
    let window = [
        "--rules",
        rules.to_str().unwrap(),
        "--max-retracted",
        "100%",
    ];
    let month = ["--start", "2018-02-01", "--end", "2018-03-01"];
    let args: Vec<&str> = window.into_iter().chain(month).collect();
    let served = Served::start(eip);
    let mut run = String::new();
    readers_see_before_or_after(&served, readers, || {
        run = eip.window(data, &args).ok().run_id();
        bring_up(eip);
    });
    let written = served.get("/readyz")["progress"]["tick"].as_u64().unwrap();
    // One that was never asked yet, and one that has kept an older moment.
    for served in [&Served::start(eip), &served] {
        let own = served.get(&format!("/v1/routes/stats?min_tick={written}"));
        assert!(
            own["as_of"]["stats_tick"].as_u64().unwrap() >= written,
            "{own}"
        );
        assert!(
            own["as_of"]["search_tick"].as_u64().unwrap() >= written,
            "{own}"
        );
    }
    readers_see_before_or_after(&served, readers, || {
        eip.run(["replay", "revert", &run]).ok();
        bring_up(eip);
    });
}

#[test]
fn readers_of_a_correction_see_the_state_before_it_or_after_it() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 400, 8);
    check(&eip, &data);
}

#[test]
fn readers_of_a_correction_on_servers_see_the_same() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 400, 8);
    check(&eip, &data);
}
