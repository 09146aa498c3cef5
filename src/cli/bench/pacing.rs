//! `eip bench pacing`: how punctual a scaled replay is beside a thread that only sleeps.

use std::path::{Path, PathBuf};

use clap::Args;
use eip_bench::PacingOptions;
use eip_contract::Day;
use eip_ingest::run::{Amplify, DayRange};
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{Log, StateDir};

/// Partitions of the log.
const PARTITIONS: u32 = 4;

#[derive(Args)]
pub(crate) struct Pacing {
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(super) orders: u64,
    /// Kafka's bootstrap servers; without them, a journal.
    #[arg(long, value_name = "HOST:PORT,…", env = "EIP_KAFKA")]
    kafka: Option<String>,
    /// First day.
    #[arg(long, value_name = "DATE", default_value = "2017-11-20")]
    start: Day,
    /// The day behind the last.
    #[arg(long, value_name = "DATE", default_value = "2017-11-27")]
    end: Day,
    /// Every order so many times.
    #[arg(long, value_name = "N", default_value_t = 200)]
    amplify: u64,
    /// How often; the medians count.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
}

impl Pacing {
    /// Measures; `folder` is for what is kept meanwhile.
    pub(super) fn run(&self, data: PathBuf, folder: &Path) -> anyhow::Result<()> {
        let options = PacingOptions {
            data,
            range: DayRange {
                start: Some(self.start),
                end: Some(self.end),
            },
            amplify: Amplify::new(self.amplify, 1)?,
            rounds: self.rounds,
        };
        let Some(bootstrap) = self.kafka.clone() else {
            let mut logs = 0;
            return eip_bench::pacing(&options, &mut || {
                logs += 1;
                let state = StateDir::create(folder.join(format!("state-{logs}")), PARTITIONS)?;
                Ok(Log::from(state))
            });
        };
        // A space of its own, so that nothing of the user's is touched.
        let space = format!("bench-{}", std::process::id()).parse()?;
        let config = KafkaConfig::new(bootstrap, space, folder.join("kafka"));
        let measured = eip_bench::pacing(&options, &mut || {
            let log = KafkaLog::recreate(config.clone(), Some(PARTITIONS))?;
            Ok(Log::new(log))
        });
        let dropped = KafkaLog::drop_topics(config);
        measured?;
        Ok(dropped?)
    }
}
