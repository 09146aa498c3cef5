//! What a running dataflow tells over HTTP: whether it is ready, and its figures.
//!
//! `/livez` answers as long as the process does; `/readyz` is 200 when the views are written and
//! nothing is blocked, else 503 with the store's own words; `/metrics` is for Prometheus. A POST to
//! `/repair` has everything stored read and mended.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use eip_dataflow::control::DocumentCounts;
use eip_dataflow::latency::LatencyFigures;
use eip_dataflow::{Summary, Watch};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::cli::Mended;

/// The service; it ends when this is dropped.
pub(crate) struct Health {
    watched: Arc<Mutex<Watch>>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Where a repair is asked for and answered. Clones share it.
#[derive(Clone)]
pub(crate) struct RepairDesk {
    /// Whether this process can do it alone.
    is_open: bool,
    asked: watch::Sender<bool>,
    answers: broadcast::Sender<Mended>,
}

impl RepairDesk {
    pub(crate) fn new(is_open: bool) -> Self {
        Self {
            is_open,
            asked: watch::Sender::new(false),
            answers: broadcast::Sender::new(4),
        }
    }

    /// Whether somebody waits for a repair.
    pub(crate) fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// The repair is done; everybody who has asked hears of it.
    pub(crate) fn answer(&self, mended: Mended) {
        self.asked.send_replace(false);
        // Whoever has gone away meanwhile does not hear it.
        let _ = self.answers.send(mended);
    }
}

impl Health {
    /// Serves on a thread of its own.
    pub(crate) fn serve(
        address: SocketAddr,
        dataflow: Watch,
        desk: &RepairDesk,
        chain: &Chain,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .with_context(|| format!("cannot listen on {address}"))?;
        out!("listening on http://{}", listener.local_addr()?);
        let watched = Arc::new(Mutex::new(dataflow));
        let router = Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .route("/repair", post(repair))
            .with_state(Watched {
                dataflow: Arc::clone(&watched),
                desk: desk.clone(),
                space: chain.space_name(),
            });
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let thread = std::thread::Builder::new()
            .name("eip-health".to_owned())
            .spawn(move || {
                let served = runtime.block_on(async {
                    axum::serve(listener, router)
                        .with_graceful_shutdown(stopped)
                        .await
                });
                if let Err(error) = served {
                    tracing::warn!(%error, "the health service ended");
                }
            })?;
        Ok(Self {
            watched,
            stop,
            thread: Some(thread),
        })
    }

    /// From now on it tells about this dataflow.
    pub(crate) fn watch(&self, dataflow: Watch) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = dataflow;
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed and takes nothing with it.
            let _ = thread.join();
        }
    }
}

#[derive(Clone)]
struct Watched {
    dataflow: Arc<Mutex<Watch>>,
    desk: RepairDesk,
    space: String,
}

impl Watched {
    fn now(&self) -> Watch {
        self.dataflow
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Reads everything that is stored and mends it; answers when it is done.
async fn repair(State(watched): State<Watched>) -> Response {
    if !watched.desk.is_open {
        let why = "this dataflow has several processes: stop them and run `eip repair`\n";
        return (StatusCode::CONFLICT, why).into_response();
    }
    let mut answers = watched.desk.answers.subscribe();
    watched.desk.asked.send_replace(true);
    match answers.recv().await {
        Ok(mended) => Json(mended).into_response(),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the dataflow has ended\n",
        )
            .into_response(),
    }
}

async fn ready(State(watched): State<Watched>) -> Response {
    let dataflow = watched.now();
    let progress = dataflow.progress();
    let state = if dataflow.has_failed() {
        "failed"
    } else if !progress.blocked.is_empty() {
        "blocked"
    } else if progress.written.is_none() {
        "hydrating"
    } else {
        "ready"
    };
    let body = Json(serde_json::json!({
        "state": state,
        "blocked": progress.blocked,
        "writtenTick": progress.written.as_ref().map(|written| written.tick),
        "visibleTick": progress.visible,
        "offsets": progress.written.map(|written| written.offsets),
    }));
    let status = if state == "ready" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, body).into_response()
}

/// A metric: name behind `eip_dataflow_`, type, what it is, and its series by label.
type Metric = (&'static str, &'static str, &'static str, Vec<(String, u64)>);

async fn metrics(State(watched): State<Watched>) -> Response {
    let mut text = String::new();
    let space = &watched.space;
    for (name, kind, help, series) in figures(&watched.now().progress()) {
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "# HELP eip_dataflow_{name} {help}\n# TYPE eip_dataflow_{name} {kind}"
        );
        for (label, value) in series {
            let _ = writeln!(
                text,
                "eip_dataflow_{name}{{space=\"{space}\"{label}}} {value}"
            );
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn figures(progress: &Summary) -> Vec<Metric> {
    let counts = &progress.counts;
    let one = |value: u64| vec![(String::new(), value)];
    let by_view = |figure: fn(DocumentCounts) -> u64| {
        vec![
            (
                ",view=\"shipment_events\"".to_owned(),
                figure(counts.shipment_events),
            ),
            (",view=\"shipments\"".to_owned(), figure(counts.shipments)),
        ]
    };
    let blocked = ["log", "elasticsearch", "postgres", "sqlite"].map(|what| {
        let is = progress.blocked.iter().any(|blocked| blocked.what == what);
        (format!(",what=\"{what}\""), u64::from(is))
    });
    let written = progress.written.as_ref().map_or(0, |written| written.tick);
    let dead: u64 = counts.dead_letters.values().sum();
    let mut figures = vec![
        (
            "written_tick",
            "gauge",
            "Last tick that both stores acknowledged.",
            one(written),
        ),
        (
            "visible_tick",
            "gauge",
            "Last tick of which searches find everything.",
            one(progress.visible.unwrap_or(0)),
        ),
        (
            "blocked",
            "gauge",
            "Whether it is waited for.",
            blocked.to_vec(),
        ),
        (
            "records_total",
            "counter",
            "Records read.",
            one(counts.records),
        ),
        ("ticks_total", "counter", "Ticks issued.", one(counts.ticks)),
        (
            "documents_indexed_total",
            "counter",
            "Documents written.",
            by_view(|view| view.indexed),
        ),
        (
            "documents_deleted_total",
            "counter",
            "Documents deleted.",
            by_view(|view| view.deleted),
        ),
        (
            "rows_upserted_total",
            "counter",
            "Rows written.",
            one(counts.rows_upserted),
        ),
        (
            "rows_deleted_total",
            "counter",
            "Rows deleted.",
            one(counts.rows_deleted),
        ),
        (
            "refused_total",
            "counter",
            "Documents that the store refused.",
            one(counts.refused),
        ),
        (
            "dead_letters_total",
            "counter",
            "Records that were no events.",
            one(dead),
        ),
    ];
    figures.extend(latency_figures(progress.latency));
    figures
}

fn latency_figures(latency: LatencyFigures) -> [Metric; 3] {
    let LatencyFigures {
        records,
        ahead,
        p50,
        p99,
        p999,
        max,
    } = latency;
    let quantiles = [("0.5", p50), ("0.99", p99), ("0.999", p999), ("1", max)];
    let quantiles = quantiles.map(|(q, ms)| (format!(",quantile=\"{q}\""), ms));
    [
        (
            "latency_ms",
            "gauge",
            "From appended to written, of records that came since the start.",
            quantiles.into(),
        ),
        (
            "latency_records_total",
            "counter",
            "Records whose latency was measured: none of what was there at the start.",
            vec![(String::new(), records)],
        ),
        (
            "latency_ahead_total",
            "counter",
            "Of these the ones appended later than written, by the clock of whoever appended them.",
            vec![(String::new(), ahead)],
        ),
    ]
}
