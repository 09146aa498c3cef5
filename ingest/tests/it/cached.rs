//! Replays that take their events from the cache write exactly what converting the files writes, and
//! convert wherever the cache does not have just that.

use std::fs;
use std::path::{Path, PathBuf};

use eip_contract::{EventTime, Offset};
use eip_ingest::run::{
    Amplify, Bounds, DayRange, Emit, FastTask, RunOutcome, ScaledTask, Source, Speed, Task,
    WindowTask, run_file, run_view,
};
use eip_log::JournalReader;
use eip_parquet_cache::Cache;

use crate::bench::{Bench, days, end_of_day, march, no_limits, source, window};
use crate::data;

/// What a run wrote: partition, key and value of each record.
type Written = Vec<(u32, Vec<u8>, Vec<u8>)>;

fn written(bench: &Bench, run: &RunOutcome) -> Written {
    let from = run.summary.first_offsets.clone();
    let mut reader = JournalReader::open(&bench.state, vec![0, 1, 2, 3], from).unwrap();
    let (mut written, header) = (Written::new(), format!("{}/{}", run.run, run.attempt));
    let mut each = |record: eip_log::RecordRef<'_>| {
        if record.run == Some(&header) {
            let (key, value) = (record.key.unwrap(), record.value.unwrap());
            written.push((record.partition, key.to_vec(), value.to_vec()));
        }
    };
    while reader.poll(None, 1_000, &mut each).unwrap() > 0 {}
    // By partition; within one they stay as they were written.
    written.sort_by_key(|(partition, ..)| *partition);
    assert!(!written.is_empty());
    written
}

fn mirror(bench: &Bench) -> Cache {
    let mut cache = Cache::open(&bench.state).unwrap();
    cache.catch_up(&bench.ends()).unwrap();
    cache
}

fn fast(source: Source, range: DayRange) -> Task {
    Task::Fast(FastTask {
        source,
        range,
        mix: true,
    })
}

fn scaled(source: Source, range: DayRange, amplify: Amplify) -> Task {
    Task::Scaled(ScaledTask {
        source,
        range,
        speed: Speed::Factor("1000000".parse().unwrap()),
        bounds: Bounds::default(),
        amplify,
        is_main: false,
        mix: true,
        record_times: false,
    })
}

/// Which run's events it took from the cache; the ledger says the same.
fn made_by<'r>(bench: &Bench, run: &'r RunOutcome) -> Option<&'r str> {
    let made = run.summary.made_before.as_ref().map(|made| &*made.run);
    let in_ledger = run_view(&bench.state, run.run.as_str()).unwrap().unwrap();
    assert_eq!(in_ledger.cached_run.as_deref(), made);
    made
}

/// A bench with a data folder, one row of which is no good.
fn filled(range: DayRange) -> (Bench, PathBuf, RunOutcome) {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(600, 11));
    edit(&data, |text| text + "broken,c-SP,delivered,yesterday,,,,\n");
    let first = bench.run(fast(source(&data), range)).unwrap();
    assert_eq!(made_by(&bench, &first), None);
    (bench, data, first)
}

fn edit(data: &Path, change: impl FnOnce(String) -> String) {
    let orders = data.join("olist_orders_dataset.csv");
    let text = fs::read_to_string(&orders).unwrap();
    fs::write(&orders, change(text)).unwrap();
}

/// What a log without a cache gets of the same task.
fn converted(task: Task) -> Written {
    let bench = Bench::new();
    let run = bench.run(task).unwrap();
    assert_eq!(made_by(&bench, &run), None);
    written(&bench, &run)
}

#[test]
fn a_replay_of_what_the_cache_has_writes_what_converting_writes() {
    let (bench, data, first) = filled(DayRange::ALL);
    let _cache = mirror(&bench);
    let amplify = Amplify::new(3, 5).unwrap();
    for task in [
        fast(source(&data), DayRange::ALL),
        fast(source(&data), march()),
        scaled(
            source(&data),
            days("2018-02-01", "2018-02-08"),
            Amplify::NONE,
        ),
        scaled(source(&data), march(), amplify),
    ] {
        let run = bench.run(task.clone()).unwrap();
        // The latest that made the whole range is taken.
        let made = made_by(&bench, &run).unwrap_or_else(|| panic!("{task:?} was converted"));
        assert_eq!(made, first.run.as_str(), "{task:?}");
        assert_eq!(written(&bench, &run), converted(task));
        assert_eq!(run.summary.as_of, first.summary.as_of);
        assert_eq!(run.summary.rows_rejected(), 1);
        assert!(run.to_string().contains(first.run.as_str()), "{run}");
        assert!(!run_file(&(&bench.state).into(), &run.run, "rejects.ndjson").exists());
    }
}

#[test]
fn a_window_run_that_wrote_all_of_its_facts_serves_as_well() {
    let (bench, data, _) = filled(DayRange::ALL);
    let task = WindowTask {
        limits: no_limits(),
        ..window(end_of_day(&data), march())
    };
    let changed = WindowTask {
        emit: Emit::Changed,
        ..window(source(&data), march())
    };
    let correction = bench.run(Task::Window(task)).unwrap();
    let _cache = mirror(&bench);
    let run = bench.run(fast(end_of_day(&data), march())).unwrap();
    assert_eq!(made_by(&bench, &run), Some(correction.run.as_str()));
    assert_eq!(
        written(&bench, &run),
        converted(fast(end_of_day(&data), march()))
    );
    let run = bench
        .run(fast(end_of_day(&data), days("2018-03-01", "2018-04-02")))
        .unwrap();
    assert_eq!(made_by(&bench, &run), None, "a day more than the window");

    bench.run(Task::Window(changed)).unwrap();
    let _cache = mirror(&bench);
    let run = bench.run(fast(source(&data), march())).unwrap();
    assert_ne!(
        made_by(&bench, &run),
        None,
        "the backfill before still serves"
    );
    assert_eq!(
        written(&bench, &run),
        converted(fast(source(&data), march()))
    );
}

#[test]
fn files_rules_and_as_of_decide_whether_it_is_the_same() {
    let (bench, data, first) = filled(DayRange::ALL);
    let _cache = mirror(&bench);
    let as_of = |text: &str| Source {
        as_of: Some(text.parse::<EventTime>().unwrap()),
        ..source(&data)
    };
    let default = first.summary.as_of.unwrap().to_string();
    for (source, serves, why) in [
        (source(&data), true, "nothing differs"),
        (as_of(&default), true, "the default, given"),
        (as_of("2018-03-02T00:00:00Z"), false, "another asOf"),
        (end_of_day(&data), false, "other rules"),
    ] {
        let run = bench.run(fast(source.clone(), march())).unwrap();
        assert_eq!(made_by(&bench, &run).is_some(), serves, "{why}");
        assert_eq!(
            written(&bench, &run),
            converted(fast(source, march())),
            "{why}"
        );
    }
    edit(&data, |text| text.replacen(",delivered,", ",canceled,", 1));
    let run = bench.run(fast(source(&data), march())).unwrap();
    assert_eq!(made_by(&bench, &run), None, "another file");
}

#[test]
fn limits_of_the_input_hold_as_if_the_files_were_read() {
    let (bench, data, _) = filled(DayRange::ALL);
    let _cache = mirror(&bench);
    let with = |change: fn(&mut eip_olist::Limits)| {
        let mut source = source(&data);
        change(&mut source.limits);
        source
    };
    let run = bench.run(fast(
        with(|limits| limits.max_rows = 100_000),
        DayRange::ALL,
    ));
    assert_ne!(
        made_by(&bench, &run.unwrap()),
        None,
        "no file has that many rows"
    );
    for change in [
        |limits: &mut eip_olist::Limits| limits.max_row_bytes = 4_096,
        |limits: &mut eip_olist::Limits| limits.max_columns = 16,
    ] {
        let run = bench.run(fast(with(change), DayRange::ALL)).unwrap();
        assert_eq!(
            made_by(&bench, &run),
            None,
            "it decides which rows are taken"
        );
    }
    for task in [
        fast(with(|limits| limits.max_rows = 600), DayRange::ALL),
        scaled(with(|limits| limits.max_rows = 600), march(), Amplify::NONE),
    ] {
        let refused = bench.run(task).unwrap_err();
        assert!(
            refused.chain().contains("more than 600 rows"),
            "{}",
            refused.chain()
        );
    }
}

#[test]
fn a_default_as_of_is_not_the_one_that_a_run_was_given() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(100, 12));
    let given = Source {
        as_of: Some("2018-03-02T00:00:00Z".parse().unwrap()),
        ..source(&data)
    };
    bench.run(fast(given.clone(), DayRange::ALL)).unwrap();
    let _cache = mirror(&bench);
    let run = bench.run(fast(source(&data), DayRange::ALL)).unwrap();
    assert_eq!(made_by(&bench, &run), None);
    let run = bench.run(fast(given, DayRange::ALL)).unwrap();
    assert!(made_by(&bench, &run).is_some());
}

#[test]
fn what_the_cache_lacks_is_converted() {
    let whole = days("2018-02-01", "2018-03-01");
    let (bench, data, _) = filled(whole);
    let task = || fast(source(&data), whole);
    let expected = converted(task());
    let convert = |why: &str| {
        let run = bench.run(task()).unwrap();
        assert_eq!(made_by(&bench, &run), None, "{why}");
        assert_eq!(written(&bench, &run), expected, "{why}");
    };
    convert("no cache");
    let mut cache = Cache::open(&bench.state).unwrap();
    let ends: Vec<_> = bench.ends().iter().map(|end| Offset(end.0 / 3)).collect();
    cache.catch_up(&ends).unwrap();
    convert("a part of what the run wrote");

    let cache = mirror(&bench);
    let run = bench
        .run(fast(source(&data), days("2018-02-01", "2018-03-02")))
        .unwrap();
    assert_eq!(made_by(&bench, &run), None, "a day more than any run made");
    let run = bench
        .run(scaled(source(&data), whole, Amplify::new(2, 1).unwrap()))
        .unwrap();
    assert_eq!(
        made_by(&bench, &run),
        None,
        "a copy's shift leads over the limits of the range"
    );

    // Each file of the mirror broken in its middle: none of it may be believed.
    for segment in fs::read_dir(cache.folder()).unwrap() {
        let Ok(files) = fs::read_dir(segment.unwrap().path()) else {
            continue;
        };
        for path in files.map(|file| file.unwrap().path()) {
            if path.extension().is_some_and(|end| end == "parquet") {
                let mut bytes = fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x55;
                fs::write(&path, bytes).unwrap();
            }
        }
    }
    convert("a damaged cache");
}

#[test]
fn a_cache_of_a_log_that_was_restored_feeds_no_replay() {
    let (bench, data, _) = filled(DayRange::ALL);
    let _cache = mirror(&bench);
    // The journal of before, and then the same folder with other rows in it.
    for file in fs::read_dir(bench.state.journal_path()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    edit(&data, |text| text.replace("2018-02-03", "2018-02-04"));
    let task = || fast(source(&data), DayRange::ALL);
    let expected = converted(task());
    for mirrors in [false, true] {
        let run = bench.run(task()).unwrap();
        assert_eq!(written(&bench, &run), expected);
        if mirrors {
            mirror(&bench);
        }
    }
    let run = bench.run(task()).unwrap();
    assert!(made_by(&bench, &run).is_some());
    assert_eq!(written(&bench, &run), expected);
}
