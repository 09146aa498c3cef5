//! `eip demo`: the whole story in one process. Data → log → views; a change of rules over one month,
//! rehearsed and carried out by retraction; its revert. Every figure is read from the stored views.
//! Where it serves, the last months are kept back, and played on the dashboard after the story.

mod browser;
mod folder;
mod report;
mod stage;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;
use eip_contract::Day;
use eip_dataflow::DataflowHandle;
use eip_dataflow::control::Counts;
use eip_ingest::rules::{Promise, Rules};
use eip_ingest::run::{
    DayRange, Emit, FastTask, GuardLimits, RevertTask, RunId, RunOutcome, RunRequest, Runner,
    Source, Task, WindowTask,
};
use eip_log::{Log, StateDir};
use eip_stores::{SqliteViews, ViewDigest, ViewReader};

use crate::chain::Chain;
use crate::cli::{Exit, summary_text};
use crate::clock::{wall_clock, wall_nanoseconds};
use crate::console::{Console, OnPlan};
use crate::text::{indented, span, thousands};
use crate::views::{catch_up_cache, counts_since, start_dataflow};
use folder::Month;
use stage::Stage;

#[derive(Args)]
pub(crate) struct Demo {
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the demo's state goes. What an earlier demo left there is removed.
    #[arg(long, value_name = "DIR", default_value = ".eip-demo")]
    state: PathBuf,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    orders: u64,
    /// Worker threads of the dataflow.
    #[arg(short = 'w', long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// End after the story, and play all of the data in it. Without it, at a terminal, the dashboard
    /// then shows the last months as they come, until Ctrl-C.
    #[arg(long, conflicts_with = "serve")]
    once: bool,
    /// Serve the dashboard after the story where there is no terminal, too.
    #[arg(long)]
    serve: bool,
}

/// What the rules of the correction are called.
const RULES: &str = "end-of-day";
/// Seed of the generated data: every demo without `--data` tells the same story.
const SEED: u64 = 1;

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let begun = Instant::now();
        folder::make_clean(&self.state)?;
        let data = self.data()?;
        let log = Log::new(StateDir::create(&self.state, eip_log::DEFAULT_PARTITIONS)?);
        let kept_back = self.serves().then(|| Month::kept_back(&data)).transpose()?;
        let folder = self.state.clone();
        let dataflow =
            start_dataflow(&Chain::Embedded { folder }, &log, usize::from(self.workers))?;
        let mut story = Story {
            log: log.clone(),
            data,
            kept_back,
            dataflow,
            seen: Counts::default(),
        };
        let corrected = story.tell()?;
        report::farewell(&self.state, begun.elapsed());
        if let Some(first) = kept_back {
            let data = story.data.clone();
            let stage = Stage {
                log,
                data,
                first,
                corrected,
            };
            stage.play_until_interrupted()?;
        }
        story.dataflow.shutdown()?;
        Ok(Exit::Done)
    }

    /// Whether the dashboard follows the story.
    fn serves(&self) -> bool {
        self.serve || (!self.once && stage::is_watched())
    }

    fn data(&self) -> anyhow::Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let data = self.state.join("data");
        out!(
            "Data: {} orders of the Olist shape, generated",
            thousands(self.orders)
        );
        let begun = Instant::now();
        let summary = eip_olist::generate(self.orders, SEED, &data)?;
        out!("  {} in {}", summary_text(&summary), span(begun.elapsed()));
        Ok(data)
    }
}

/// The demo as it goes on: one dataflow follows the log all the time.
struct Story {
    log: Log,
    data: PathBuf,
    /// The first month that is left for the dashboard, if any is.
    kept_back: Option<Month>,
    dataflow: DataflowHandle,
    /// What the dataflow had written when the last chapter ended.
    seen: Counts,
}

impl Story {
    /// Returns the month that was corrected.
    fn tell(&mut self) -> anyhow::Result<Month> {
        report::chapter(&match self.kept_back {
            None => "1. Fast backfill: every event of the data, as fast as possible".to_owned(),
            Some(first) => format!(
                "1. Fast backfill: every event before {first}, as fast as possible; the later ones \
                 are played at the end"
            ),
        });
        let backfill = self.execute(Task::Fast(FastTask {
            source: self.source(Rules::default()),
            range: DayRange {
                start: None,
                end: self.kept_back.map(|first| first.days().0),
            },
            mix: false,
        }))?;
        out!("{}", indented(&backfill.to_string()));
        self.wait_for_views()?;
        let mut views = self.views()?;
        out!("\n{}\n", report::statuses(&views.shipments_by_status()?));
        out!("{}", report::routes(&views.busiest_routes(None, 10)?));
        let first = self.reader()?.digests()?;

        let month = Month::of_correction(&backfill);
        let window = self.correct(month)?;
        self.revert(&window, &first)?;
        Ok(month)
    }

    fn correct(&mut self, month: Month) -> anyhow::Result<RunId> {
        report::chapter(&format!(
            "2. A change of rules for {month}: a promise holds until the end of its day"
        ));
        let before = self.views()?.range_stats(Some(month.days()))?;
        let window = |story: &Self, dry_run, plan| {
            let rules = Rules::default().with_promise(Promise::EndOfDay, RULES);
            let (start, end) = month.days();
            Task::Window(WindowTask {
                source: story.source(rules),
                range: DayRange {
                    start: Some(start),
                    end: Some(end),
                },
                emit: Emit::All,
                limits: GuardLimits::default(),
                trust_damaged_files: false,
                mix: false,
                dry_run,
                plan,
            })
        };
        out!("Rehearsed first; nothing is written:\n");
        let rehearsed = self.execute(window(self, true, None))?;
        let rehearsal = rehearsed
            .rehearsal
            .context("a dry run ends with a rehearsal")?;

        out!("\nThen carried out, exactly as announced:\n");
        let done = self.execute(window(self, false, Some(rehearsal.token)))?;
        self.wait_for_views()?;
        let after = self.views()?.range_stats(Some(month.days()))?;
        out!(
            "\n{}",
            report::before_and_after(&month.to_string(), &before, &after)
        );
        Ok(done.run)
    }

    fn revert(&mut self, window: &RunId, first: &[ViewDigest]) -> anyhow::Result<()> {
        report::chapter("3. The correction is taken back");
        self.execute(Task::Revert(RevertTask {
            target: window.clone(),
            force: false,
            dry_run: false,
            plan: None,
        }))?;
        self.wait_for_views()?;
        let last = self.reader()?.digests()?;
        out!("\n{}", report::digests(&last));
        ensure!(
            last == first,
            "the views after the revert are not those before the correction"
        );
        out!("\n  equal to those before the correction");
        Ok(())
    }

    fn source(&self, rules: Rules) -> Source {
        Source {
            rules,
            ..Source::folder(&self.data)
        }
    }

    /// Executes one run, with the journal's lock held for its length only.
    fn execute(&self, task: Task) -> anyhow::Result<RunOutcome> {
        let rehearses = task.is_dry();
        let request = RunRequest {
            id: RunId::of_key(&format!("demo {}", wall_nanoseconds())),
            requester: "demo".to_owned(),
            origin: "demo".to_owned(),
            reason: None,
            task,
        };
        let mut console = Console::new(if rehearses {
            OnPlan::Show
        } else {
            OnPlan::Hide
        });
        let mut runner = Runner::open(&self.log, "eip demo", wall_clock())?;
        let outcome = runner.execute(&request, &mut console);
        console.finish();
        Ok(outcome?)
    }

    /// Waits until the views hold what the log holds, and says what that wrote.
    fn wait_for_views(&mut self) -> anyhow::Result<()> {
        let ends = self.log.committed_ends()?;
        let begun = Instant::now();
        self.dataflow.wait_written(&ends)?;
        let now = self.dataflow.progress().counts;
        out!(
            "{}",
            report::written(&counts_since(&now, &self.seen), begun.elapsed())
        );
        self.seen = now;
        catch_up_cache(&self.log, &ends);
        Ok(())
    }

    fn reader(&self) -> anyhow::Result<ViewReader> {
        Ok(ViewReader::new(self.views()?))
    }

    fn views(&self) -> anyhow::Result<SqliteViews> {
        Ok(SqliteViews::open(self.log.folder())?)
    }
}

/// The days of a half-open range.
type Days = (Day, Day);
