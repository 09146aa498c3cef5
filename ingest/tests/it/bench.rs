//! A state folder and data folders of one test, and the log's facts by plain code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use eip_contract::{Change, Day, Event, EventType, Offset, decode_record};
use eip_ingest::Rules;
use eip_ingest::run::{
    Clock, DayRange, Emit, FastTask, GuardLimits, Observer, RevertTask, RunError, RunId,
    RunOutcome, RunRequest, Runner, Silent, Source, Task, WindowTask,
};
use eip_log::{JournalReader, StateDir, committed_ends};
use tempfile::TempDir;

use crate::data::{self, Order};

/// The facts that stand: (order, type) → the event.
pub(crate) type Facts = BTreeMap<(String, EventType), Event<'static>>;

pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) state: StateDir,
    keys: AtomicU64,
}

pub(crate) fn clock() -> Clock {
    let now = AtomicI64::new(1_700_000_000_000);
    Box::new(move || now.fetch_add(1, Ordering::Relaxed))
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::create(folder.path().join("state"), 4).unwrap();
        Self::of(folder, state)
    }

    /// A state folder that is there already; `folder` goes with the bench.
    pub(crate) fn of(folder: TempDir, state: StateDir) -> Self {
        Self {
            folder,
            state,
            keys: AtomicU64::new(0),
        }
    }

    /// Writes orders as a data folder of this name.
    pub(crate) fn data(&self, name: &str, orders: &[Order]) -> PathBuf {
        let folder = self.folder.path().join(name);
        data::write(&folder, orders);
        folder
    }

    pub(crate) fn request(&self, task: Task) -> RunRequest {
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        RunRequest {
            id: RunId::of_key(&format!("key-{key}")),
            requester: "tester".to_owned(),
            origin: "test".to_owned(),
            reason: None,
            task,
        }
    }

    pub(crate) fn run(&self, task: Task) -> Result<RunOutcome, RunError> {
        self.run_watched(task, &mut Silent)
    }

    pub(crate) fn run_watched(
        &self,
        task: Task,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, RunError> {
        let mut runner = Runner::open(self.state.clone(), "test", clock())?;
        runner.execute(&self.request(task), observer)
    }

    pub(crate) fn ends(&self) -> Vec<Offset> {
        committed_ends(&self.state).unwrap()
    }

    /// How many records the log holds.
    pub(crate) fn records(&self) -> usize {
        let mut count = 0;
        self.for_each(|_, _| count += 1);
        count
    }

    fn for_each(&self, mut f: impl FnMut(Change<'_>, Offset)) {
        let partitions = self.state.partitions();
        let from = vec![Offset::default(); partitions as usize];
        let all = (0..partitions).collect();
        let mut reader = JournalReader::open(&self.state, all, from).unwrap();
        let mut each = |record: eip_log::RecordRef<'_>| {
            let change = decode_record(partitions, record.partition, record.key, record.value);
            f(change.unwrap(), record.offset);
        };
        while reader.poll(None, 1_000, &mut each).unwrap() > 0 {}
    }

    /// The facts that stand, by the plain words of the semantics.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        self.for_each(|change, _| match change {
            Change::Assert(decoded) => {
                let event = decoded.event.into_owned();
                facts.insert((event.order_id.to_string(), event.event_type), event);
            }
            Change::Retract(order) => facts.retain(|(id, _), _| id != order),
        });
        facts
    }
}

pub(crate) fn source(data: &Path) -> Source {
    Source::folder(data)
}

pub(crate) fn end_of_day(data: &Path) -> Source {
    let rules = "version = 1\npromise = \"end_of_day\"\nassignment_delay = \"2h\"\n";
    let rules = Rules::parse_toml(rules, "end_of_day").unwrap();
    Source {
        rules,
        ..Source::folder(data)
    }
}

pub(crate) fn days(start: &str, end: &str) -> DayRange {
    let day = |text: &str| Some(Day::parse(text.as_bytes()).unwrap());
    DayRange {
        start: day(start),
        end: day(end),
    }
}

/// March 2018, a third of the data.
pub(crate) fn march() -> DayRange {
    days("2018-03-01", "2018-04-01")
}

pub(crate) fn fast(source: Source) -> Task {
    Task::Fast(FastTask {
        source,
        range: DayRange::ALL,
        mix: false,
    })
}

/// No limits at all.
pub(crate) fn no_limits() -> GuardLimits {
    GuardLimits {
        max_vanishing: Some("100%".parse().unwrap()),
        max_retracted: Some("100%".parse().unwrap()),
        max_lost_regions: Some("100%".parse().unwrap()),
    }
}

pub(crate) fn window(source: Source, range: DayRange) -> WindowTask {
    WindowTask {
        source,
        range,
        emit: Emit::All,
        limits: no_limits(),
        trust_damaged_files: false,
        mix: false,
        dry_run: false,
        plan: None,
    }
}

pub(crate) fn revert(target: &RunId) -> RevertTask {
    RevertTask {
        target: target.clone(),
        force: false,
        dry_run: false,
        plan: None,
    }
}
