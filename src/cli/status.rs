//! `eip status`: runs, lag, written and visible, health of the stores, dead letters.
//!
//! The exit code is for scripts: 0 the views hold all that the log holds, 1 they are behind or
//! something is waited for, 2 something cannot be reached or read.

use std::time::Duration;

use clap::Args;
use eip_ingest::run::list_runs;
use eip_log::Log;
use eip_stores::{PostgresSpaces, ViewReader};
use serde::{Serialize, Serializer};

use super::Exit;
use super::chain::ChainArgs;
use crate::chain::Chain;
use crate::clock::wall_ms;
use crate::interrupt;
use crate::out;
use crate::text::thousands;

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    chain: ChainArgs,
    /// Say it again every two seconds until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// As one JSON object a look.
    #[arg(long)]
    json: bool,
}

/// Between two looks of `--watch`.
const PAUSE: Duration = Duration::from_secs(2);
/// Runs that are named.
const RUNS: usize = 5;

/// What was seen at one look.
#[derive(Debug, Default, Serialize)]
struct Look {
    state: Freshness,
    space: String,
    log: Option<LogLook>,
    views: Option<ViewsLook>,
    /// The runs that have not ended, then the last ones that have.
    runs: Vec<RunLook>,
    /// Whether a dataflow is connected to PostgreSQL; unknown for a state folder.
    dataflow: Option<bool>,
    /// What is wrong, with the words of whoever said so.
    problems: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Freshness {
    #[default]
    Fresh,
    Stale,
    Broken,
}

#[derive(Debug, Serialize)]
struct LogLook {
    place: String,
    records: u64,
    ends: Vec<u64>,
}

fn as_map<S: Serializer>(counts: &[(&'static str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().copied())
}

#[derive(Debug, Serialize)]
struct ViewsLook {
    place: String,
    epoch: u64,
    written_tick: u64,
    visible_tick: Option<u64>,
    /// Offsets of the log that the views do not hold yet.
    lag_events: u64,
    /// Age of the moment that the views show, while they are behind; 0 when they are not.
    lag_seconds: u64,
    /// Documents or rows by view.
    #[serde(flatten, serialize_with = "as_map")]
    stored: Vec<(&'static str, u64)>,
    dead_letters: u64,
    refused_documents: u64,
}

#[derive(Debug, Serialize)]
struct RunLook {
    run: String,
    kind: String,
    state: String,
    attempt: u32,
}

impl Status {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        let stop = interrupt::token();
        loop {
            let look = Look::at(&chain);
            if self.json {
                out!("{}", serde_json::to_string(&look)?);
            } else {
                out!("{}", look.text());
            }
            if !self.watch || stop.is_cancelled() || out::is_lost() {
                return Ok(match look.state {
                    Freshness::Fresh => Exit::Done,
                    Freshness::Stale => Exit::Failed,
                    Freshness::Broken => Exit::Broken,
                });
            }
            let until = std::time::Instant::now() + PAUSE;
            while std::time::Instant::now() < until && !stop.is_cancelled() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Look {
    fn at(chain: &Chain) -> Self {
        let mut look = Self {
            space: chain.space_name(),
            ..Self::default()
        };
        let ends = match chain.log() {
            Ok(log) => look.see_log(&log),
            Err(error) => {
                look.broken("log", &error);
                None
            }
        };
        match chain.views() {
            Ok(mut views) => {
                if let Err(error) = look.see_views(&mut views, ends.as_deref()) {
                    look.broken("views", &error);
                }
            }
            Err(error) => look.broken("views", &error),
        }
        if let Chain::Servers(servers) = chain
            && let Ok(url) = servers.postgres()
        {
            look.dataflow = PostgresSpaces::new(url).has_dataflow(&servers.space).ok();
        }
        look
    }

    fn broken(&mut self, what: &str, error: &anyhow::Error) {
        self.state = Freshness::Broken;
        self.problems.push(format!("{what}: {error:#}"));
    }

    fn see_log(&mut self, log: &Log) -> Option<Vec<u64>> {
        match list_runs(log) {
            Ok(mut runs) => {
                runs.sort_by_key(|run| (!run.state.is_live(), -run.at_ms));
                let named = runs.into_iter().take(RUNS).map(|run| RunLook {
                    run: run.run,
                    kind: run.kind.to_string(),
                    state: run.state.to_string(),
                    attempt: run.attempt,
                });
                self.runs = named.collect();
            }
            Err(error) => self.broken("run ledger", &error.into()),
        }
        match log.committed_ends() {
            Ok(ends) => {
                let ends: Vec<u64> = ends.into_iter().map(|end| end.0).collect();
                self.log = Some(LogLook {
                    place: log.place(),
                    records: ends.iter().sum(),
                    ends: ends.clone(),
                });
                Some(ends)
            }
            Err(error) => {
                self.broken("log", &error.into());
                None
            }
        }
    }

    fn see_views(&mut self, views: &mut ViewReader, ends: Option<&[u64]>) -> anyhow::Result<()> {
        let Some(progress) = views.progress()? else {
            self.state = self.state.max(Freshness::Stale);
            self.problems
                .push("no dataflow has written the views yet".to_owned());
            return Ok(());
        };
        let counts = views.counts()?;
        let written = progress.offsets.iter().map(|offset| offset.0);
        let written = written.chain(std::iter::repeat(0));
        let lag_events = ends
            .unwrap_or_default()
            .iter()
            .zip(written)
            .map(|(end, written)| end.saturating_sub(written))
            .sum();
        let age = (wall_ms() as u64).saturating_sub(progress.tick) / 1000;
        if lag_events > 0 {
            self.state = self.state.max(Freshness::Stale);
        }
        self.views = Some(ViewsLook {
            place: views.place(),
            epoch: progress.epoch,
            written_tick: progress.tick,
            visible_tick: views.visible_tick()?,
            lag_events,
            lag_seconds: if lag_events > 0 { age } else { 0 },
            stored: counts.views,
            dead_letters: counts.dead_letters,
            refused_documents: views.refused()?.len() as u64,
        });
        Ok(())
    }

    fn text(&self) -> String {
        let state = match self.state {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::Broken => "broken",
        };
        let mut lines = vec![format!("space {}: {state}", self.space)];
        if let Some(log) = &self.log {
            let partitions = log.ends.len();
            let records = thousands(log.records);
            lines.push(format!(
                "log      {}: {records} offsets in {partitions} partitions",
                log.place
            ));
        }
        if let Some(views) = &self.views {
            lines.push(format!("views    {}", views.place));
            let visible = views
                .visible_tick
                .map_or_else(String::new, |tick| format!(", visible {tick}"));
            let stored = views.stored.iter();
            let stored = stored.map(|(name, count)| format!("{} {name}", thousands(*count)));
            let stored: Vec<String> = stored.collect();
            lines.push(format!(
                "         epoch {}, written tick {}{visible}; {} events and {} s behind",
                views.epoch,
                views.written_tick,
                thousands(views.lag_events),
                thousands(views.lag_seconds)
            ));
            lines.push(format!(
                "         {}; {} dead letters, {} refused documents",
                stored.join(", "),
                thousands(views.dead_letters),
                thousands(views.refused_documents)
            ));
        }
        match self.dataflow {
            Some(true) => lines.push("dataflow connected".to_owned()),
            Some(false) => lines.push("dataflow none: start one with `eip dataflow`".to_owned()),
            None => {}
        }
        for run in &self.runs {
            let RunLook {
                run,
                kind,
                state,
                attempt,
            } = run;
            lines.push(format!("run      {run} {kind} {state} (attempt {attempt})"));
        }
        for problem in &self.problems {
            lines.push(format!("problem  {problem}"));
        }
        lines.join("\n")
    }
}
