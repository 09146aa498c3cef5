//! The full real data: every digest is the oracle's.

use std::fs;
use std::path::Path;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use crate::figures::{announced, are_as_announced, stored_rows};
use crate::support::{Digests, Eip, expected, olist, rules, run_oracle, seeded};

fn default_rules() -> Digests {
    expected(
        "b55d88645fdbad934677bc41905294149b438b01db2bd962e5f4f85d83a3f5e6",
        "6926fd17b2faa259eec8bec465db4931ff06a4294b4e76e942fcad7f6798eb53",
        "52b102a2037460b651aaaa06fdf03cc9a555bf9e99cb04d072a4e8e5d4c2dedc",
    )
}

fn end_of_day() -> Digests {
    expected(
        "d620e7c04fc27e8520e718c2f6d726386804db958b6267fc8580f85769209937",
        "338310cbcc62a2ae8520ba18b501f40c57bf0be084941b750553f9d0f215e4e2",
        "32323f2aad8c35f192f959e4602ba0067d5b408d1b39ca20eb4088604c81a1f3",
    )
}

const MARCH: [&str; 4] = ["--start", "2018-03-01", "--end", "2018-04-01"];

fn march_window(eip: &Eip, data: &Path, more: &[&str]) -> crate::support::Ran {
    let args: Vec<&str> = MARCH.iter().chain(more).copied().collect();
    eip.window(data, &args)
}

#[test]
fn default_rules_then_a_change_of_rules_over_march_then_its_revert() {
    let Some(data) = olist() else { return };
    let eip = Eip::new();
    let ran = eip.fast(&data).ok();
    for count in [
        "99,441", "99,281", "98,652", "97,658", "9,564", "96,476", "501,072",
    ] {
        assert!(ran.out.contains(count), "{count} is not in\n{}", ran.out);
    }
    assert_eq!(eip.stored_digests(), default_rules());
    eip.verify();
    let before_rows = stored_rows(&eip);

    let end_of_day = rules(&eip.path(""), "end_of_day", "30m");
    let end_of_day = end_of_day.to_str().unwrap();
    let dry = march_window(&eip, &data, &["--rules", end_of_day, "--dry-run"]).ok();
    for figure in ["10,935", "2,621", "285", "54,277"] {
        assert!(dry.out.contains(figure), "{figure} is not in\n{}", dry.out);
    }
    assert_eq!(
        eip.digests(),
        default_rules(),
        "a rehearsal changes nothing"
    );

    let window = march_window(&eip, &data, &["--rules", end_of_day]).ok();
    let after = expected(
        "25aa936873957fc302641e3029996ead5ee6ea52bc3b1e0696e7201d34f34a54",
        "ee94adc207469b5237a1a589b0cd6d5e8b3bb443bc7c735e1ae8a557a51b4e6c",
        "851c0d690ea1e083a4f9f679187264a8bdd438fa03f0361f58b8de5f313179e9",
    );
    assert_eq!(eip.stored_digests(), after);
    eip.verify();
    // More rows than a rehearsal lists.
    let changing = are_as_announced(
        &announced(&eip, &dry.run_id()),
        &before_rows,
        &stored_rows(&eip),
    );
    assert_eq!(changing, 128 + 130 + 1_870);

    eip.run(["replay", "revert", &window.run_id()]).ok();
    assert_eq!(eip.stored_digests(), default_rules());
}

#[test]
fn end_of_day_rules() {
    let Some(data) = olist() else { return };
    let eip = Eip::new();
    let end_of_day_rules = rules(&eip.path(""), "end_of_day", "30m");
    let ran = eip.run([
        "replay".as_ref(),
        "fast".as_ref(),
        "--rules".as_ref(),
        end_of_day_rules.as_os_str(),
        "--data".as_ref(),
        data.as_os_str(),
        "--workers".as_ref(),
        "1".as_ref(),
    ]);
    assert!(ran.ok().out.contains("8,272"));
    assert_eq!(eip.stored_digests(), end_of_day());
}

#[test]
fn corrected_data_over_march() {
    let Some(data) = olist() else { return };
    let eip = Eip::new();
    let changed = eip.path("changed");
    let made = run_oracle([
        "mutate".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
        "--seed".as_ref(),
        "1".as_ref(),
        "--bad-rows".as_ref(),
        "12".as_ref(),
        "--out".as_ref(),
        changed.as_os_str(),
    ]);
    if made.is_none() {
        return;
    }
    eip.fast(&data).ok();
    let ran = march_window(&eip, &changed, &["--workers", "4"]).ok();
    for figure in ["10,962", "825", "177", "308", "56,060"] {
        assert!(ran.out.contains(figure), "{figure} is not in\n{}", ran.out);
    }
    let after = expected(
        "2076662e5b40470e1f1485399f4e40b1ca4482ed4a33e0099103e7b3d53e4960",
        "fee057c4aae5bedf5b3ba6ba46c3a6c6cd2b823d140b2d7b2fd29a1d4373e9dd",
        "62ab90a4cff3429d0a2260f5151af4ee3ff3011e5473eb97c1ee1faf12be76fe",
    );
    assert_eq!(eip.stored_digests(), after);
    eip.verify();
}

/// The log in any order across orders, each record one to three times, under any number of
/// partitions and workers.
#[test]
fn a_shuffled_log_with_duplicates_under_other_partitions_and_workers() {
    let Some(data) = olist() else { return };
    let source = Eip::new();
    let data = data.to_str().unwrap();
    source
        .run(["replay", "fast", "--no-dataflow", "--data", data])
        .ok();
    let log = String::from_utf8(source.log()).unwrap();
    let mut random = seeded("shuffled log");
    for (workers, partitions) in [(1, 1), (2, 4), (4, 7)] {
        let eip = Eip::new();
        let mut lines = Vec::new();
        for line in log.lines() {
            lines.extend(std::iter::repeat_n(line, random.random_range(1..=3)));
        }
        lines.shuffle(&mut random);
        let file = eip.path("shuffled.ndjson");
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let partitions = partitions.to_string();
        let file = file.to_str().unwrap();
        eip.run(["log", "import", file, "--partitions", &partitions])
            .ok();
        eip.run([
            "dataflow",
            "--until-caught-up",
            "--workers",
            &workers.to_string(),
        ])
        .ok();
        assert_eq!(
            eip.stored_digests(),
            default_rules(),
            "{workers} workers, {partitions}"
        );
    }
}
