//! The same chain on real Kafka, Elasticsearch and PostgreSQL.
//!
//! The servers are those of the environment, or an instance that `dev/services` starts once for all
//! tests. Each test has a space of its own. What faults the servers themselves is in `faults`,
//! which has an instance to itself.

mod consumer;
mod crash;
mod faults;
mod poison;
mod processes;
mod refused;
mod repair;
mod restored;
mod spaces;
mod stopped;
#[cfg(feature = "tls")]
mod tls;

use std::process::Stdio;

use crate::support::{Digests, Eip, Ran, expected, generate, olist, rules};

/// Fills the log of a space and leaves the views to others.
fn filled(orders: u64, seed: u64) -> (Eip, std::path::PathBuf) {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), orders, seed);
    eip.fast(&data).ok();
    (eip, data)
}

/// What an embedded chain makes of the same data: the digests to compare with.
fn embedded(data: &std::path::Path) -> Digests {
    let reference = Eip::new();
    reference.fast(data).ok();
    reference.stored_digests()
}

/// A dataflow of several processes until it is caught up.
fn cluster(eip: &Eip, processes: &str, workers: &str) -> Ran {
    eip.run([
        "cluster",
        "--processes",
        processes,
        "--workers",
        workers,
        "--until-caught-up",
    ])
}

fn default_rules() -> Digests {
    expected(
        "b55d88645fdbad934677bc41905294149b438b01db2bd962e5f4f85d83a3f5e6",
        "6926fd17b2faa259eec8bec465db4931ff06a4294b4e76e942fcad7f6798eb53",
        "52b102a2037460b651aaaa06fdf03cc9a555bf9e99cb04d072a4e8e5d4c2dedc",
    )
}

#[test]
fn the_real_data_gives_the_oracles_digests_at_every_size_and_across_sizes() {
    let Some(data) = olist() else { return };
    let eip = Eip::on_servers();
    eip.fast(&data).ok();
    for (processes, workers) in [(1, "1"), (1, "2"), (2, "1")] {
        if processes == 1 {
            eip.run(["dataflow", "--until-caught-up", "--workers", workers])
                .ok();
        } else {
            cluster(&eip, "2", workers).ok();
        }
        assert_eq!(
            eip.stored_digests(),
            default_rules(),
            "{processes} x {workers}"
        );
        if (processes, workers) != (2, "1") {
            eip.run(["space", "reset", "--force"]).ok();
        }
    }
    let again = eip
        .run(["dataflow", "--until-caught-up", "--workers", "3"])
        .ok();
    assert!(
        again.out.contains("0 indexed, 0 deleted, 501,072 found"),
        "{}",
        again.out
    );
    eip.verify();
    assert_eq!(eip.run(["status"]).code, Some(0));
    eip.run(["doctor"]).ok();

    // A correction, seen by a running dataflow, and its revert.
    let mut following = eip
        .command(["dataflow", "--workers", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end_of_day = rules(&eip.path(""), "end_of_day", "30m");
    let window = eip
        .window(
            &data,
            &[
                "--start",
                "2018-03-01",
                "--end",
                "2018-04-01",
                "--rules",
                end_of_day.to_str().unwrap(),
                "--wait",
            ],
        )
        .ok();
    assert_eq!(
        eip.stored_digests(),
        expected(
            "25aa936873957fc302641e3029996ead5ee6ea52bc3b1e0696e7201d34f34a54",
            "ee94adc207469b5237a1a589b0cd6d5e8b3bb443bc7c735e1ae8a557a51b4e6c",
            "851c0d690ea1e083a4f9f679187264a8bdd438fa03f0361f58b8de5f313179e9",
        )
    );
    eip.run(["replay", "revert", &window.run_id(), "--wait"])
        .ok();
    assert_eq!(eip.stored_digests(), default_rules());
    following.kill().unwrap();
    following.wait().unwrap();
}

#[test]
fn facts_that_are_sent_three_times_are_written_once() {
    let (eip, data) = filled(1_500, 31);
    let first = eip.digests();
    assert_eq!(first, embedded(&data));
    for _ in 0..2 {
        eip.fast(&data).ok();
        let pass = eip.run(["dataflow", "--until-caught-up"]).ok();
        for line in pass.out.lines().take(2) {
            assert!(line.contains("0 indexed, 0 deleted"), "{}", pass.out);
        }
        assert!(
            pass.out.contains("0 rows written, 0 deleted"),
            "{}",
            pass.out
        );
    }
    assert_eq!(eip.stored_digests(), first);
}
