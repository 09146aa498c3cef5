//! `eip replay`: starts a run, in this process or through an ingest service, and follows it.
//!
//! In this process it goes on to bring the views up to the run ([`local`]); through a service
//! (`--ingest`) names stand for folders and files, and whoever leaves does not end the run
//! ([`remote`]).

mod args;
mod ended;
mod local;
mod remote;

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use eip_ingest::rules::Rules;
use eip_ingest::run::{
    Amplify, Bounds, Emit, FastTask, GuardLimits, Limit, RevertTask, RunId, ScaleFactor,
    ScaledTask, Speed, Task, WindowTask, parse_seconds,
};
use serde_json::{Value, json};

use super::Exit;
use super::chain::{ChainArgs, NewChainArgs};
use args::{After, Input, Plan};

#[derive(Subcommand)]
pub(crate) enum Replay {
    /// Assert every event of a range, as fast as possible. Never retracts.
    Fast(Fast),
    /// Make all orders with a fact in a range again, whole: what no longer holds is retracted.
    Window(Window),
    /// Assert every event of a range when it is due on a scaled clock: true gaps, divided by a factor.
    Scaled(Scaled),
    /// Bring back what the log held before a run.
    Revert(Revert),
}

#[derive(Args)]
pub(crate) struct Fast {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    chain: NewChainArgs,
    /// Run even over facts that were made under other rules or data, and into a space that has another
    /// dataset.
    #[arg(long)]
    mix: bool,
    #[command(flatten)]
    after: After,
}

#[derive(Args)]
pub(crate) struct Window {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    chain: NewChainArgs,
    /// Which facts to write of an order that loses none.
    #[arg(long, value_enum, default_value_t = EmitArg::All)]
    emit: EmitArg,
    /// Orders that may vanish, as a number or a percentage of the covered orders; without it, 1 %
    /// once that is at least 10.
    #[arg(long, value_name = "N|P%")]
    max_vanishing: Option<Limit>,
    /// Facts that may be retracted, as a number or a percentage of the covered facts; without it,
    /// 5 % once that is at least 50.
    #[arg(long, value_name = "N|P%")]
    max_retracted: Option<Limit>,
    /// Orders that may fall from a known region to ZZ, as a number or a percentage of the covered
    /// orders; without it, 1 % once that is at least 10.
    #[arg(long, value_name = "N|P%")]
    max_lost_regions: Option<Limit>,
    /// Take orders and items away even while rows of their files may have swallowed them.
    #[arg(long)]
    trust_damaged_files: bool,
    /// Run even if the space has another dataset. Facts of other rules or data are replaced anyway.
    #[arg(long)]
    mix: bool,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    after: After,
}

#[derive(Args)]
pub(crate) struct Scaled {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    chain: NewChainArgs,
    /// How many times faster than in life, from 1 to 1,000,000.
    #[arg(long, value_name = "S", required_unless_present = "duration")]
    scale_factor: Option<ScaleFactor>,
    /// Play the whole range in this time instead: 60, 60s, 1.5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = micros, conflicts_with = "scale_factor")]
    duration: Option<u64>,
    /// Play longer gaps of event time as this long, in seconds.
    #[arg(long, value_name = "SECONDS")]
    max_gap: Option<u32>,
    /// Spread bursts, so that no more events are due in a second.
    #[arg(long, value_name = "N")]
    max_events_per_second: Option<u64>,
    /// Every order N times, the copies with ids and a shift of their own; not in the space main.
    #[arg(long, value_name = "N", default_value_t = 1)]
    amplify: u64,
    /// What the shifts of the copies are drawn from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Leave the intended and the actual times of every event in the run's folder (times.csv).
    #[arg(long)]
    record_times: bool,
    /// Run even over facts that were made under other rules or data, and into a space that has another
    /// dataset.
    #[arg(long)]
    mix: bool,
    #[command(flatten)]
    after: After,
}

fn micros(text: &str) -> Result<u64, String> {
    match parse_seconds(text) {
        Some(seconds) if (1e-6..=1e9).contains(&seconds) => Ok((seconds * 1e6).round() as u64),
        _ => Err("is no time; give seconds, or a text like 60s, 1.5m or 2h".to_owned()),
    }
}

#[derive(Args)]
pub(crate) struct Revert {
    /// The run to revert.
    run: RunId,
    #[command(flatten)]
    chain: ChainArgs,
    /// Also bring back facts that a later run changed, and go beyond a window's limits.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    after: After,
}

#[derive(Clone, Copy, ValueEnum)]
enum EmitArg {
    /// All facts of each such order.
    All,
    /// Only those that are new or have another content.
    Changed,
}

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Fast(fast) => fast.run(),
            Self::Window(window) => window.run(),
            Self::Scaled(scaled) => scaled.run(),
            Self::Revert(revert) => revert.run(),
        }
    }
}

impl Fast {
    fn run(self) -> anyhow::Result<Exit> {
        let range = self.input.range();
        if self.after.is_remote() {
            let body = self.input.body("fast", self.mix);
            return self.after.remote(&self.chain.chain, body);
        }
        let task = FastTask {
            source: self.input.source()?,
            range,
            mix: self.mix,
        };
        let place = self.chain.open_or_create()?;
        local::run(place, Task::Fast(task), true, &self.after)
    }
}

impl Window {
    fn run(self) -> anyhow::Result<Exit> {
        let emit = match self.emit {
            EmitArg::All => Emit::All,
            EmitArg::Changed => Emit::Changed,
        };
        if self.after.is_remote() {
            let mut body = self.input.body("window", self.mix);
            body["emit"] = json!(emit);
            self.plan.add_to(&mut body);
            for (name, limit) in [
                ("max_vanishing", self.max_vanishing),
                ("max_retracted", self.max_retracted),
                ("max_lost_regions", self.max_lost_regions),
            ] {
                if let Some(limit) = limit {
                    body[name] = json!(limit.to_string());
                }
            }
            if self.trust_damaged_files {
                body["trust_damaged_files"] = json!(true);
            }
            return self.after.remote(&self.chain.chain, body);
        }
        let task = WindowTask {
            source: self.input.source()?,
            range: self.input.range(),
            emit,
            limits: GuardLimits {
                max_vanishing: self.max_vanishing,
                max_retracted: self.max_retracted,
                max_lost_regions: self.max_lost_regions,
            },
            trust_damaged_files: self.trust_damaged_files,
            mix: self.mix,
            dry_run: self.plan.dry_run,
            plan: self.plan.token,
        };
        let place = self.chain.open("a window run")?;
        local::run(place, Task::Window(task), self.plan.yes, &self.after)
    }
}

impl Scaled {
    fn run(self) -> anyhow::Result<Exit> {
        let amplify = Amplify::new(self.amplify, self.seed).context("--amplify")?;
        if self.after.is_remote() {
            return self.after.remote(&self.chain.chain, self.body());
        }
        let speed = match (self.scale_factor, self.duration) {
            (Some(factor), _) => Speed::Factor(factor),
            (None, Some(micros)) => Speed::DurationMicros(micros),
            (None, None) => bail!("--scale-factor or --duration is missing"),
        };
        let task = ScaledTask {
            source: self.input.source()?,
            range: self.input.range(),
            speed,
            bounds: Bounds {
                max_gap_seconds: self.max_gap.map(i64::from),
                max_events_per_second: self.max_events_per_second,
            },
            amplify,
            is_main: self.chain.chain.space().is_main(),
            mix: self.mix,
            record_times: self.record_times,
        };
        let place = self.chain.open_or_create()?;
        local::run(place, Task::Scaled(task), true, &self.after)
    }

    /// The request to a service.
    fn body(&self) -> Value {
        let mut body = self.input.body("scaled", self.mix);
        if let Some(factor) = self.scale_factor {
            body["scale_factor"] = json!(factor.as_f64());
        }
        if let Some(micros) = self.duration {
            body["duration"] = json!(micros as f64 / 1e6);
        }
        for (name, value) in [
            ("max_gap", self.max_gap.map(u64::from)),
            ("max_events_per_second", self.max_events_per_second),
            ("amplify", Some(self.amplify).filter(|&copies| copies > 1)),
            ("seed", Some(self.seed).filter(|_| self.amplify > 1)),
        ] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        if self.record_times {
            body["record_times"] = json!(true);
        }
        body
    }
}

impl Revert {
    fn run(self) -> anyhow::Result<Exit> {
        if self.after.is_remote() {
            let mut body = json!({"mode": "revert", "run": self.run.as_str(), "force": self.force});
            self.plan.add_to(&mut body);
            return self.after.remote(&self.chain, body);
        }
        let task = RevertTask {
            target: self.run,
            force: self.force,
            dry_run: self.plan.dry_run,
            plan: self.plan.token,
        };
        let chain = self.chain.existing("a revert")?;
        let log = chain.log()?;
        local::run((chain, log), Task::Revert(task), self.plan.yes, &self.after)
    }
}

/// The rules of a file, or the default ones.
pub(crate) fn rules(file: Option<&Path>) -> anyhow::Result<Rules> {
    file.map_or_else(|| Ok(Rules::default()), |file| Ok(Rules::load(file)?))
}

fn requester() -> String {
    std::env::var_os("USER").map_or_else(
        || "somebody".to_owned(),
        |user| user.to_string_lossy().into_owned(),
    )
}
