//! The files are Parquet for any other reader too.

use std::collections::BTreeSet;
use std::fs::{self, File};

use eip_log::committed_ends;
use eip_parquet_cache::{Cache, CacheOptions};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::history::{Record, SMALL, Step, log, play, state};

/// Order, type and offset of each row as the general reader sees them.
#[test]
fn a_general_reader_reads_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 4);
    let mut steps = vec![Step::Append(Record::Tombstone { order: 7 })];
    for number in 0..2_000_u32 {
        steps.push(Step::Append(Record::Event {
            order: (number % 12) as u8,
            rank: (number % 6) as usize,
            days: (number % 90) as u16,
            region: (number % 6) as u8,
            due: number % 7 == 0,
        }));
    }
    play(&state, &steps, SMALL);
    let options = CacheOptions {
        group_rows: 100,
        ..CacheOptions::default()
    };
    let mut cache = Cache::open_with(&state, options).unwrap();
    cache.catch_up(&committed_ends(&state).unwrap()).unwrap();

    let mut rows = BTreeSet::new();
    let mut names = Vec::new();
    let folder = cache.folder().join("segment-0000000001");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".parquet") {
            continue;
        }
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let field = |name: &str| {
                let found = row.get_column_iter().find(|(column, _)| *column == name);
                found.unwrap().1.to_string().trim_matches('"').to_owned()
            };
            let at = field("event_at");
            assert!(
                at == "null" && name.starts_with("tomb") || at[..7] == name[..7],
                "{at} in {name}"
            );
            rows.insert(format!(
                "{} {} {} {} {}",
                field("partition"),
                field("offset"),
                field("order_id"),
                field("event_type"),
                field("seller_region"),
            ));
        }
        names.push(name);
    }
    names.sort();
    assert_eq!(
        names,
        [
            "1970-01.parquet",
            "1970-02.parquet",
            "1970-03.parquet",
            "tombstones.parquet"
        ]
    );

    let mut expected = BTreeSet::new();
    for ((partition, offset), words) in log(&state) {
        let (order, json) = match words.split_once(" {") {
            Some((order, json)) => (order.to_owned(), json.to_owned()),
            None => (
                words.trim_end_matches(" retracted").to_owned(),
                String::new(),
            ),
        };
        let field = |name: &str| {
            let rest = json.split(&format!("\"{name}\":\"")).nth(1);
            rest.map_or("null", |rest| rest.split('"').next().unwrap())
                .to_owned()
        };
        let (event_type, region) = (field("eventType"), field("sellerRegion"));
        expected.insert(format!(
            "{partition} {offset} {order} {event_type} {region}"
        ));
    }
    assert_eq!(rows, expected);
}
