//! Random histories over the real journal, cache and SQLite file: asserts, replacements, tombstones,
//! duplicates, transactions committed, aborted and left open by a crash, ticks and restarts.

use eip_log::{JournalWriter, LedgerEntry, RunKind, RunState, RunTag};
use eip_parquet_cache::Cache;
use proptest::prelude::*;

use crate::histories::{log_of, say};
use crate::plain::{LogRecord, recompute};
use crate::spawned::{PARTITIONS, Place, append};

#[derive(Clone, Debug)]
enum Step {
    /// Records outside of a transaction, acknowledged.
    Append(Vec<LogRecord>),
    /// A transaction and how it ends.
    Transaction(Vec<LogRecord>, End),
    /// Wait until the views are up to the log, and compare.
    Look,
    /// End the dataflow and start it with so many workers.
    Restart { workers: usize, cache: bool },
}

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Abort,
    /// The writer is gone without a word; the next one finds a begin without commit.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let records = || {
        // Some records twice: duplicates change nothing.
        prop::collection::vec((say(), prop::bool::weighted(0.2)), 1..12).prop_map(|said| {
            let twice = said.into_iter().flat_map(|(said, again)| {
                let record: LogRecord = said.into();
                std::iter::repeat_n(record, 1 + usize::from(again))
            });
            twice.collect::<Vec<_>>()
        })
    };
    let keyed = records().prop_map(|all| {
        all.into_iter()
            .filter(|r| r.key.is_some())
            .collect::<Vec<_>>()
    });
    let end = prop::sample::select(vec![End::Commit, End::Commit, End::Abort, End::Crash]);
    let step = prop_oneof![
        4 => records().prop_map(Step::Append),
        3 => (keyed, end).prop_map(|(records, end)| Step::Transaction(records, end)),
        3 => Just(Step::Look),
        1 => (1..=4_usize, any::<bool>())
            .prop_map(|(workers, cache)| Step::Restart { workers, cache }),
    ];
    prop::collection::vec(step, 1..14)
}

proptest! {
    // A case starts real dataflows, so it costs more than others.
    #![proptest_config(ProptestConfig {
        cases: (ProptestConfig::default().cases / 12).max(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_gives_the_views_of_a_plain_recomputation(steps in steps()) {
        let place = Place::new();
        let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
        let mut dataflow = place.spawn(2, true);
        let mut committed: Vec<LogRecord> = Vec::new();
        let expected = |committed: &[LogRecord]| {
            let (log, ends) = log_of(committed.to_vec(), PARTITIONS);
            recompute(&log, &ends[committed.len()])
        };
        for (number, step) in steps.into_iter().chain([Step::Look]).enumerate() {
            match step {
                Step::Append(records) => {
                    for record in &records {
                        append(&mut writer, None, record);
                    }
                    writer.sync().unwrap();
                    committed.extend(records);
                }
                Step::Transaction(records, end) => {
                    let tag = RunTag { run_id: format!("window-{number}"), attempt: 1 };
                    writer.begin(&tag, &[]).unwrap();
                    for record in &records {
                        append(&mut writer, Some(&tag), record);
                    }
                    match end {
                        End::Commit => {
                            let entry =
                                LedgerEntry::new(&tag, RunKind::Window, RunState::Committed, 0);
                            writer.commit(&entry).unwrap();
                            committed.extend(records);
                        }
                        End::Abort => writer.abort().unwrap(),
                        End::Crash => {
                            writer.sync().unwrap();
                            drop(writer);
                            writer = JournalWriter::open(&place.state, "a test").unwrap();
                        }
                    }
                }
                Step::Look => {
                    dataflow.wait_written(&writer.ends()).unwrap();
                    prop_assert_eq!(place.views(), expected(&committed));
                }
                Step::Restart { workers, cache } => {
                    dataflow.shutdown().unwrap();
                    if cache {
                        let ends = eip_log::committed_ends(&place.state).unwrap();
                        Cache::open(&place.state).unwrap().catch_up(&ends).unwrap();
                    }
                    dataflow = place.spawn(workers, cache);
                }
            }
        }
        dataflow.shutdown().unwrap();
    }
}
