//! One attempt's way through the ledger.

use std::collections::BTreeMap;

use eip_contract::Offset;
use eip_log::{LedgerEntry, LedgerView, Log, LogError, LogWriter, RunClock, RunParameters, RunTag};
use eip_runs::Ledger;

use super::asked::{asked_parameters, asked_plan, is_same_request};
use super::dataset;
use super::error::RunError;
use super::guard::GuardFigures;
use super::id::{PlanToken, RunId};
use super::input_report::InputReport;
use super::outcome::{RunOutcome, RunSummary};
use super::report::Rehearsal;
use super::request::RunRequest;
use super::state::{RunKind, RunState, may_follow};

/// An attempt that has its claim. Every step is an entry in the ledger; a step that the state
/// machine does not have is a defect of this program.
pub(crate) struct Attempt<'a> {
    pub(crate) writer: &'a mut dyn LogWriter,
    pub(crate) tag: RunTag,
    pub(crate) run: RunId,
    pub(crate) kind: RunKind,
    pub(crate) parameters: RunParameters,
    /// What its input is like, once it is read.
    pub(crate) input: Option<serde_json::Value>,
    /// The parameters of an earlier attempt, when this one goes on with its run.
    pub(crate) resumes: Option<RunParameters>,
    /// The ledger before this claim.
    pub(crate) ledger: LedgerView,
    /// Its entries.
    pub(crate) entries: &'a [LedgerEntry],
    state: RunState,
    clock: &'a dyn Fn() -> i64,
}

impl<'a> Attempt<'a> {
    /// Claims the run: from here on the ledger knows it.
    pub(crate) fn claim(
        ledger: &'a Ledger,
        writer: &'a mut dyn LogWriter,
        clock: &'a dyn Fn() -> i64,
        request: &RunRequest,
        owner_url: Option<&str>,
    ) -> Result<Self, RunError> {
        let kind = request.task.kind();
        let parameters = asked_parameters(request);
        let entries = ledger.entries();
        let ledger = ledger.view();
        let mut number = 1;
        let mut resumes = None;
        if let Some(known) = ledger.get(request.id.as_str()) {
            if !is_same_request(known, request) {
                return Err(RunError::KeyReused {
                    run: request.id.clone(),
                });
            }
            match known.state() {
                RunState::Interrupted => {}
                ended if !ended.is_live() => {
                    return Err(RunError::Ended {
                        run: request.id.clone(),
                        state: ended,
                    });
                }
                _ => {
                    return Err(RunError::Excluded {
                        winner: request.id.clone(),
                    });
                }
            }
            number = known.last.attempt + 1;
            resumes.clone_from(&known.last.parameters);
        }
        dataset::check(&ledger, &parameters)?;
        let tag = RunTag {
            run_id: request.id.to_string(),
            attempt: number,
        };
        let mut entry = LedgerEntry::new(&tag, kind, RunState::Requested, clock());
        entry.requester = Some(request.requester.clone());
        entry.origin = Some(request.origin.clone());
        entry.owner_url = owner_url.map(ToOwned::to_owned);
        entry.parameters = Some(parameters.clone());
        entry.plan = asked_plan(&request.task).map(PlanToken::to_string);
        writer.claim(&entry).map_err(|error| match error {
            LogError::Claimed { run_id, attempt } => match run_id.parse() {
                Ok(winner) => RunError::Excluded { winner },
                Err(_) => LogError::Claimed { run_id, attempt }.into(),
            },
            error => error.into(),
        })?;
        let (run, state) = (request.id.clone(), RunState::Requested);
        Ok(Self {
            writer,
            tag,
            run,
            kind,
            parameters,
            input: None,
            resumes,
            ledger,
            entries,
            state,
            clock,
        })
    }

    /// Refuses a run that was claimed at the same time as another one that fixes the space's dataset.
    /// Both have found the space without one; the earlier claim is the one that fixes it.
    pub(crate) fn check_dataset(&self, log: &Log) -> Result<(), RunError> {
        if dataset::of_space(&self.ledger).is_some() {
            return Ok(());
        }
        let mut ledger = Ledger::open(log)?;
        ledger.read_on()?;
        dataset::check(&ledger.view(), &self.parameters)
    }

    /// Where the attempt is.
    pub(crate) fn state(&self) -> RunState {
        self.state
    }

    /// Wall milliseconds.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// An entry for the next state, for the caller to fill in.
    pub(crate) fn entry(&self, next: RunState) -> LedgerEntry {
        LedgerEntry::new(&self.tag, self.kind, next, self.now())
    }

    /// An entry for the next state that also says with which parameters, now that they are whole.
    pub(crate) fn entry_with_parameters(&self, next: RunState) -> LedgerEntry {
        let mut entry = self.entry(next);
        entry.parameters = Some(self.parameters.clone());
        entry.input.clone_from(&self.input);
        entry
    }

    /// Takes the next step: the entry is in the log, and synced with everything before it.
    pub(crate) fn enter(&mut self, entry: &LedgerEntry) -> Result<(), RunError> {
        self.step(entry.state);
        self.writer.append_ledger(entry)?;
        self.writer.sync()?;
        Ok(())
    }

    /// Enters the simulated clock, in the state that the attempt is in or goes to.
    pub(crate) fn enter_clock(&mut self, state: RunState, clock: RunClock) -> Result<(), RunError> {
        if state != self.state {
            self.step(state);
        }
        let mut entry = self.entry(state);
        entry.clock = Some(clock);
        self.writer.append_ledger(&entry)?;
        self.writer.sync()?;
        Ok(())
    }

    /// Enters that the attempt begins to assert: from where on, and what is known before.
    pub(crate) fn start_asserting(
        &mut self,
        summary: &RunSummary,
        known: &[(&str, u64)],
    ) -> Result<(), RunError> {
        let mut running = self.entry_with_parameters(RunState::Running);
        running.first = Some(summary.first_offsets.clone());
        let known = known.iter().map(|&(name, count)| (name.to_owned(), count));
        running.counts.extend(known);
        self.enter(&running)
    }

    /// The last entry of an attempt that asserts.
    pub(crate) fn end_of_asserting(&self, state: RunState, summary: &RunSummary) -> LedgerEntry {
        let mut entry = self.entry(state);
        entry.first = Some(summary.first_offsets.clone());
        entry.ends = Some(summary.end_offsets.clone());
        let events = summary.events_written();
        entry.counts.insert("events".to_owned(), events);
        for (event_type, &count) in &summary.events {
            let name = format!("events_{}", event_type.name().to_lowercase());
            entry.counts.insert(name, count);
        }
        entry
    }

    /// Commits the open transaction with its last entry.
    pub(crate) fn commit(&mut self, entry: &LedgerEntry) -> Result<Vec<Offset>, RunError> {
        self.step(entry.state);
        Ok(self.writer.commit(entry)?)
    }

    fn step(&mut self, next: RunState) {
        assert!(
            may_follow(self.kind, self.state, next),
            "a {} run never goes from {} to {}",
            self.kind,
            self.state,
            next
        );
        self.state = next;
    }

    /// Writes down why the attempt failed.
    pub(crate) fn fail(&mut self, error: &RunError) -> Result<(), RunError> {
        if !self.state.is_live() {
            return Ok(());
        }
        // What the input was like says more than the error, and stands there also when it stopped the
        // run before any other entry.
        let mut entry = self.entry_with_parameters(RunState::Failed);
        entry.error = Some(format!("{}: {}", error.code(), error.chain()));
        if let RunError::Guard(stop) = error {
            entry.guard = guard_figures(stop.figures);
        }
        if let Some(input) = InputReport::of_json(self.input.as_ref()) {
            let rejected = input.rows_rejected();
            entry.counts.insert("rows_rejected".to_owned(), rejected);
        }
        self.enter(&entry)
    }

    /// Ends before anything was done, because the process goes away.
    pub(crate) fn interrupt(&mut self) -> Result<RunOutcome, RunError> {
        let entry = self.entry(RunState::Interrupted);
        self.enter(&entry)?;
        Ok(self.outcome(RunState::Interrupted, RunSummary::default(), None))
    }

    /// How the attempt ended, for whoever asked.
    pub(crate) fn outcome(
        &self,
        state: RunState,
        summary: RunSummary,
        rehearsal: Option<Rehearsal>,
    ) -> RunOutcome {
        let (run, attempt, kind) = (self.run.clone(), self.tag.attempt, self.kind);
        RunOutcome {
            run,
            attempt,
            kind,
            state,
            summary,
            rehearsal,
        }
    }

    /// Refuses to go on with other input than the attempt before had.
    pub(crate) fn check_same_input(&self) -> Result<(), RunError> {
        let Some(before) = self
            .resumes
            .as_ref()
            .filter(|before| !before.files.is_empty())
        else {
            return Ok(());
        };
        let what = if before.files != self.parameters.files {
            "the input files"
        } else if before.reader != self.parameters.reader {
            "what reading makes of the input files"
        } else if before.rules_sha256 != self.parameters.rules_sha256 {
            "the rules"
        } else {
            return Ok(());
        };
        Err(RunError::OtherInput {
            run: self.run.clone(),
            what: what.to_owned(),
        })
    }
}

/// The guard's figures as the ledger has them.
pub(crate) fn guard_figures(figures: GuardFigures) -> BTreeMap<String, u64> {
    BTreeMap::from([
        ("vanishing".to_owned(), figures.vanishing),
        ("covered".to_owned(), figures.covered),
        ("retracted".to_owned(), figures.retracted),
        ("facts".to_owned(), figures.facts),
        ("lost_regions".to_owned(), figures.lost_regions),
    ])
}
