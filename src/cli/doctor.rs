//! `eip doctor`: looks at all that has to be there, and says for each problem what mends it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use eip_api::{RedisConfig, ping_redis};
use eip_log::kafka::KafkaLog;
use eip_log::{EventLog as _, StateDir};
use eip_stores::{ElasticsearchSpaces, PostgresSpaces};
use eip_views::SHIPMENTS;

use super::Exit;
use super::chain::ChainArgs;
use crate::chain::{Chain, Servers};

/// Less room than this on the disk of the state folder is a problem.
const LEAST_FREE_KIB: u64 = 2 << 20;
/// How long Redis may take to answer.
const REDIS_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    chain: ChainArgs,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    result: Result<String, Problem>,
}

struct Problem {
    is: String,
    mend: String,
}

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        let mut findings = vec![found("eip", Ok(env!("CARGO_PKG_VERSION").to_owned()))];
        match &chain {
            Chain::Embedded { folder } => {
                findings.push(disk(folder));
                findings.push(found("journal", journal(folder)));
            }
            Chain::Servers(servers) => {
                findings.push(disk(&servers.folder));
                findings.push(found("kafka", kafka(servers)));
                findings.push(found("elasticsearch", elasticsearch(servers)));
                findings.push(found("postgres", postgres(servers)));
                findings.push(found("redis", redis(servers)));
            }
        }
        findings.push(found("views", views(&chain)));
        let mut well = true;
        for Finding { what, result } in findings {
            match result {
                Ok(detail) => out!("ok       {what:<14} {detail}"),
                Err(Problem { is, mend }) => {
                    well = false;
                    out!("PROBLEM  {what:<14} {is}");
                    out!("         {:<14} mend it: {mend}", "");
                }
            }
        }
        Ok(if well { Exit::Done } else { Exit::Failed })
    }
}

fn found(what: &'static str, result: Result<String, Problem>) -> Finding {
    Finding { what, result }
}

fn problem<T>(is: impl std::fmt::Display, mend: impl Into<String>) -> Result<T, Problem> {
    Err(Problem {
        is: is.to_string(),
        mend: mend.into(),
    })
}

/// Room on the disk, as `df` says: it knows every kind of file system.
fn disk(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("/"));
    let output = Command::new("df").arg("-Pk").arg(there).output();
    let free = output.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        let line = text.lines().nth(1)?;
        line.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    let result = match free {
        Some(free) if free >= LEAST_FREE_KIB => {
            Ok(format!("{} MiB free for {}", free >> 10, folder.display()))
        }
        Some(free) => problem(
            format!("only {} MiB free for {}", free >> 10, folder.display()),
            "make room, or name another folder (--state)",
        ),
        None => problem(
            format!("cannot find out how much room {} has", there.display()),
            "see whether the folder can be reached",
        ),
    };
    found("disk", result)
}

fn journal(folder: &Path) -> Result<String, Problem> {
    match StateDir::open(folder) {
        Ok(state) => Ok(format!(
            "{} partitions, topic {}",
            state.partitions(),
            state.topic_id()
        )),
        Err(error) => problem(error, "`eip replay fast --data DIR --state DIR` makes one"),
    }
}

fn kafka(servers: &Servers) -> Result<String, Problem> {
    match KafkaLog::open(servers.kafka_config()) {
        Ok(log) => Ok(format!(
            "{}: {} partitions, topic {}, settings as they must be",
            log.place(),
            log.partitions(),
            log.topic_id()
        )),
        Err(error) => problem(
            with_causes(&error),
            "what the text says; a space without topics is made by `eip space create`",
        ),
    }
}

fn elasticsearch(servers: &Servers) -> Result<String, Problem> {
    let config = match servers.elasticsearch_config() {
        Ok(config) => config,
        Err(error) => return problem(error, "set EIP_ELASTICSEARCH"),
    };
    let version = ElasticsearchSpaces::new(&config).and_then(|spaces| spaces.version());
    match version {
        Ok(version) => Ok(format!("version {version}")),
        Err(error) => problem(
            error.chain(),
            "see whether it runs and whether user and password are right (`dev/services status`)",
        ),
    }
}

fn postgres(servers: &Servers) -> Result<String, Problem> {
    let url = match servers.postgres() {
        Ok(url) => url,
        Err(error) => return problem(error, "set EIP_POSTGRES"),
    };
    match PostgresSpaces::new(url).version() {
        Ok(version) => Ok(format!("version {version}")),
        Err(error) => problem(
            error.chain(),
            "see whether it runs and whether user and password are right (`dev/services status`)",
        ),
    }
}

fn redis(servers: &Servers) -> Result<String, Problem> {
    let Some(config) = servers.redis_config() else {
        return Ok("none: the API caches in its own memory".to_owned());
    };
    match ask_redis(&config) {
        Ok(answer) => Ok(format!("answers {answer}")),
        Err(error) => problem(
            format!("{error:#}"),
            "see whether it runs (`dev/services status`), or leave EIP_REDIS unset",
        ),
    }
}

fn ask_redis(config: &RedisConfig) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let answer = tokio::time::timeout(REDIS_PATIENCE, ping_redis(config)).await;
        Ok(answer.context("no answer")??)
    })
}

fn views(chain: &Chain) -> Result<String, Problem> {
    let mut views = match chain.views() {
        Ok(views) => views,
        Err(error) => return problem(format!("{error:#}"), "`eip dataflow` makes them"),
    };
    let progress = match views.progress() {
        Ok(Some(progress)) => progress,
        Ok(None) => return problem("no dataflow has written any yet", "`eip dataflow` does"),
        Err(error) => return problem(error.chain(), "what the text says"),
    };
    match views.counts() {
        Ok(counts) => Ok(format!(
            "epoch {}, {} shipments of log {}",
            progress.epoch,
            counts.of(&SHIPMENTS),
            progress.topic_id
        )),
        Err(error) => problem(error.chain(), "`eip dataflow` makes what is missing"),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
