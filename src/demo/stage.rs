//! After the story: Ingest and the API serve the demo's space on ports of loopback, and a scaled replay
//! plays the months that the story kept back into it, so that the dashboard moves.
//!
//! The replay is a run like any other, asked for over HTTP: the page shows it, and can pause it.

use std::collections::BTreeMap;
use std::fs;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use eip_api::ApiConfig;
use eip_contract::Space;
use eip_ingest::server::{ServerConfig, serve};
use eip_log::Log;
use serde_json::json;
use tokio::net::TcpListener;

use super::RULES;
use super::browser;
use super::folder::Month;
use super::report::{self, Addresses};
use crate::clock::wall_ms;
use crate::interrupt;

/// A free port that only this machine reaches.
const ANY_PORT: (&str, u16) = ("127.0.0.1", 0);
/// A day in 6 s: a day of the chart grows while a person looks at it.
const FACTOR: u32 = 14_400;
/// A quiet night takes no longer than a second.
const MAX_GAP_SECONDS: u32 = FACTOR;
/// What the data is called for those who start runs on the page.
const DATASET: &str = "demo";
/// The rules of the correction, for the tour.
const RULES_FILE: &str = "version = 1\npromise = \"end_of_day\"\n";

/// What is played, and into which log.
pub(super) struct Stage {
    pub(super) log: Log,
    pub(super) data: PathBuf,
    /// The first month that is played.
    pub(super) first: Month,
    /// The month that the tour corrects.
    pub(super) corrected: Month,
}

/// Whether a person sees what is printed.
pub(super) fn is_watched() -> bool {
    std::io::stdout().is_terminal()
}

impl Stage {
    /// Serves until Ctrl-C. The replay then ends as interrupted.
    pub(super) fn play_until_interrupted(&self) -> anyhow::Result<()> {
        let shutdown = interrupt::token();
        let runtime = tokio::runtime::Runtime::new()?;
        let served = runtime.block_on(async {
            let ingest = TcpListener::bind(ANY_PORT).await?;
            let api = TcpListener::bind(ANY_PORT).await?;
            let at = Addresses {
                api: format!("http://{}", api.local_addr()?),
                ingest: format!("http://{}", ingest.local_addr()?),
            };
            let api_config = ApiConfig {
                ingest: Some(at.ingest.clone()),
                ..ApiConfig::embedded(self.log.folder(), &Space::main(), wall_ms)
            };
            let factory = serve(ingest, self.factory()?, shutdown.clone());
            let search = eip_api::run(api, api_config, shutdown.clone());
            let begun = async {
                self.begin(&at.ingest).await?;
                report::playing(self.first, FACTOR, &at, self.corrected);
                if is_watched() {
                    browser::open(&at.tour(self.corrected));
                }
                anyhow::Ok(())
            };
            tokio::try_join!(
                async { anyhow::Ok(factory.await?) },
                async { anyhow::Ok(search.await?) },
                async { shutdown.run_until_cancelled(begun).await.unwrap_or(Ok(())) },
            )
        });
        // Reads of the log that nobody waits for any more.
        runtime.shutdown_background();
        served.map(drop)
    }

    fn factory(&self) -> anyhow::Result<ServerConfig> {
        let rules = self.log.folder().join(format!("{RULES}.toml"));
        fs::write(&rules, RULES_FILE)
            .with_context(|| format!("cannot write {}", rules.display()))?;
        let config = ServerConfig::new(self.log.clone(), Arc::new(wall_ms));
        Ok(ServerConfig {
            datasets: BTreeMap::from([(DATASET.to_owned(), self.data.clone())]),
            rules: BTreeMap::from([(RULES.to_owned(), rules)]),
            ..config
        })
    }

    /// Asks Ingest for the replay.
    async fn begin(&self, ingest: &str) -> anyhow::Result<()> {
        let body = json!({
            "mode": "scaled",
            "dataset": DATASET,
            "start": self.first.days().0.to_string(),
            "scale_factor": FACTOR,
            "max_gap": MAX_GAP_SECONDS,
            "reason": "the demo goes on",
        });
        let answer = reqwest::Client::new()
            .post(format!("{ingest}/v1/runs"))
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", "demo-stage")
            .body(body.to_string())
            .send()
            .await
            .context("the demo's Ingest does not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "Ingest refused the replay: {text}");
        Ok(())
    }
}
