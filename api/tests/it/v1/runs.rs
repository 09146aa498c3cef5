//! `GET /v1/runs` and data now, from the ledger of a journal.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use eip_api::{ApiConfig, CacheConfig, LogConfig, router};
use eip_contract::EventTime;
use eip_log::{LedgerEntry, Log, RunClock, RunKind, RunParameters, RunState, RunTag, StateDir};
use serde_json::Value;

use crate::support::{Answer, Sqlite, Stored, send, time};

/// The wall clock of these tests, in milliseconds.
const WALL: i64 = 1_700_000_000_000;

/// A journal with a ledger, and views without an order.
struct Chain {
    folder: tempfile::TempDir,
    stored: Stored,
}

fn entry(id: &str, kind: RunKind, state: RunState, at: i64) -> LedgerEntry {
    let tag = RunTag {
        run_id: id.to_owned(),
        attempt: 1,
    };
    LedgerEntry::new(&tag, kind, state, at)
}

impl Chain {
    async fn new() -> Self {
        let (folder, sqlite) = (tempfile::tempdir().unwrap(), Sqlite::new());
        StateDir::open_or_create(folder.path(), Some(2)).unwrap();
        sqlite.make_tables();
        sqlite.set_progress(2, 1700, &[0, 0]).await;
        let stored = Stored::Sqlite(sqlite);
        Self { folder, stored }
    }

    fn enter(&self, entries: &[LedgerEntry]) {
        let log = Log::from(StateDir::open(self.folder.path()).unwrap());
        let mut writer = log.writer("a test").unwrap();
        for entry in entries {
            writer.append_ledger(entry).unwrap();
        }
        writer.sync().unwrap();
    }

    fn config(&self) -> ApiConfig {
        ApiConfig {
            log: Some(LogConfig::Journal(self.folder.path().to_owned())),
            ..self.stored.config(CacheConfig::Memory)
        }
    }
}

async fn get(config: &ApiConfig, path: &str) -> Answer {
    let router = router(eip_api::Api::open(config).unwrap());
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

fn clock(simulated: &str, paused: bool) -> RunClock {
    RunClock {
        wall_us: WALL * 1_000 - 10_000_000,
        simulated_us: time(simulated).seconds() * 1_000_000,
        scale_millionths: 3_600_000_000,
        paused,
        end: EventTime::MAX,
    }
}

#[tokio::test]
async fn a_run_is_shown_from_the_ledger_and_a_hung_ingest_is_waited_for_a_second() {
    let chain = Chain::new().await;
    let mut asked = entry("aaaa", RunKind::Fast, RunState::Requested, 5);
    asked.parameters = Some(RunParameters {
        reason: Some("because".to_owned()),
        ..RunParameters::default()
    });
    let mut ended = entry("aaaa", RunKind::Fast, RunState::Committed, 7);
    ended.counts.insert("events".to_owned(), 3);
    let live = entry("bbbb", RunKind::Fast, RunState::Running, 9);
    chain.enter(&[asked, ended, live]);
    // It takes the connection and never answers.
    let hung = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = ApiConfig {
        ingest: Some(format!("http://{}", hung.local_addr().unwrap())),
        ..chain.config()
    };
    let begun = Instant::now();
    for path in ["/v1/runs", "/v1/runs/bbbb"] {
        let answer = get(&config, path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(begun.elapsed() < Duration::from_secs(8));
        let json = answer.json();
        let shown = json.get("runs").map_or(&json, |runs| &runs[1]);
        assert_eq!(shown["state"], "running", "{json}");
        assert_eq!(shown["progress"], Value::Null);
        assert_eq!(json["ledger"]["entries"], 3);
    }
    let ended = get(&chain.config(), "/v1/runs/aaaa").await.json();
    assert_eq!(
        (&ended["state"], &ended["space"]),
        (&"committed".into(), &"main".into())
    );
    assert_eq!(ended["reason"], "because");
    assert_eq!(ended["counts"]["events"], 3);
    let missing = get(&chain.config(), "/v1/runs/cccc").await;
    assert_eq!(missing.status, 404);
    assert!(missing.problem().contains("cccc"));
}

#[tokio::test]
async fn data_now_is_the_simulated_clock_as_long_as_the_replay_shows_life() {
    let chain = Chain::new().await;
    let data_now = async || {
        let answer = get(&chain.config(), "/v1/overview").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        let text = |name: &str| answer["as_of"][name].as_str().map(ToOwned::to_owned);
        (
            text("data_now_from"),
            text("data_now"),
            answer["range"]["end"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(data_now().await.0, None, "there is no event");
    let playing = |state, at, clock| {
        let mut entry = entry("aaaa", RunKind::Scaled, state, at);
        entry.clock = clock;
        entry
    };
    chain.enter(&[
        playing(RunState::Requested, WALL - 20_000, None),
        playing(
            RunState::Running,
            WALL - 10_000,
            Some(clock("2018-03-01T00:00:00Z", false)),
        ),
    ]);
    let replay = Some("replay".to_owned());
    // Ten seconds at an hour a second; what is relative counts from there.
    let at = Some("2018-03-01T10:00:00Z".to_owned());
    assert_eq!(
        data_now().await,
        (replay.clone(), at, "2018-03-02".to_owned())
    );
    chain.enter(&[playing(
        RunState::Paused,
        WALL - 10_000,
        Some(clock("2018-03-01T04:00:00Z", true)),
    )]);
    let at = Some("2018-03-01T04:00:00Z".to_owned());
    assert_eq!(data_now().await, (replay, at, "2018-03-02".to_owned()));
    chain.enter(&[playing(RunState::Committed, WALL, None)]);
    assert_eq!(data_now().await.0, None);
    // One whose process is gone says nothing any more.
    let silent = entry("bbbb", RunKind::Scaled, RunState::Running, WALL - 30_001);
    chain.enter(&[LedgerEntry {
        clock: Some(clock("2018-03-01T00:00:00Z", false)),
        ..silent
    }]);
    assert_eq!(data_now().await.0, None);
}
