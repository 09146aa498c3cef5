//! The events of the real data, to the byte: their digests are the independent oracle's
//! (`oracle/README.md` beside the shared semantics). Skipped, and said so, where the data is not.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::path::PathBuf;

use eip_contract::EventType;
use eip_ingest::convert::convert;
use eip_ingest::rules::{Promise, Rules};
use eip_olist::{Dataset, Limits};
use sha2::{Digest as _, Sha256};

/// Where the real data is: `EIP_OLIST`, or `shared/olist` beside the workspace.
pub(crate) fn olist() -> Option<PathBuf> {
    let folder = std::env::var_os("EIP_OLIST").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/olist")),
        PathBuf::from,
    );
    let there = folder.is_dir();
    if !there {
        println!(
            "skipped: no real data in {}; set EIP_OLIST to its folder",
            folder.display()
        );
    }
    there.then_some(folder)
}

/// The events export (semantics, section 6): events by type, and the digest.
pub(crate) fn export(data: &Dataset, rules: &Rules) -> ([usize; 6], String) {
    let as_of = data.default_as_of();
    let mut counts = [0; 6];
    let mut events = Vec::new();
    let Ok(()) = data.for_each_order(|_, row| {
        let facts = convert(row, rules, as_of).expect("no time is near 2199");
        for event in facts.events() {
            counts[event.event_type.rank()] += 1;
            let mut line = Vec::new();
            event.encode(&mut line);
            line.push(b'\n');
            events.push((
                event.event_at,
                row.order_id.to_owned(),
                event.event_type,
                line,
            ));
        }
        Ok::<(), Infallible>(())
    });
    events.sort_unstable();
    let mut hash = Sha256::new();
    for (.., line) in &events {
        hash.update(line);
    }
    let mut hex = String::new();
    for byte in hash.finalize() {
        write!(hex, "{byte:02x}").unwrap();
    }
    (counts, hex)
}

#[test]
fn the_events_of_the_real_data_are_the_oracles() {
    let Some(folder) = olist() else {
        return;
    };
    let data = Dataset::open(&folder, &Limits::default()).unwrap();
    assert_eq!(data.order_count(), 99_441);
    assert_eq!(data.reject_count(), 0);
    assert_eq!(
        data.default_as_of().unwrap().to_string(),
        "2018-10-17T17:30:18Z"
    );
    let files: Vec<(&str, u64, &str)> = data
        .files()
        .iter()
        .map(|f| (f.name.as_str(), f.rows, &f.sha256[..8]))
        .collect();
    assert_eq!(
        files,
        [
            ("olist_sellers_dataset.csv", 3_095, "1f643d2b"),
            ("olist_customers_dataset.csv", 99_441, "983a4222"),
            ("olist_orders_dataset.csv", 99_441, "84a4117c"),
            ("olist_order_items_dataset.csv", 112_650, "0bc4d068"),
        ]
    );

    let (counts, digest) = export(&data, &Rules::default());
    assert_eq!(counts, [99_441, 99_281, 98_652, 97_658, 9_564, 96_476]);
    assert_eq!(
        digest,
        "9cd049dcae264aef2aabce2e77e231bf88d87c8ebce53ccfb4d939df4f1256b3"
    );

    let end_of_day = Rules::default().with_promise(Promise::EndOfDay, "end-of-day");
    let (counts, digest) = export(&data, &end_of_day);
    assert_eq!(counts[EventType::DeliveryDelayed.rank()], 8_272);
    assert_eq!(
        digest,
        "86a472161a3475da1a1cdc2e90af29723d8a94b8287290a14a5ea8a1a3d7a4f9"
    );
}
