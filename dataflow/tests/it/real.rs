//! The digests of the oracle on the full real events, where their file is named.
//!
//! `EIP_EVENTS` names the file that the oracle's `events` writes for the default rules.

use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use eip_contract::{Offset, decode, hex, partition_of};
use sha2::{Digest as _, Sha256};

use crate::harness::{Disorder, Running};
use crate::memory::MemoryStore;
use crate::plain::{Log, LogRecord};

const DIGESTS: [&str; 3] = [
    "b55d88645fdbad934677bc41905294149b438b01db2bd962e5f4f85d83a3f5e6",
    "6926fd17b2faa259eec8bec465db4931ff06a4294b4e76e942fcad7f6798eb53",
    "52b102a2037460b651aaaa06fdf03cc9a555bf9e99cb04d072a4e8e5d4c2dedc",
];

#[test]
fn the_full_real_log_gives_the_oracles_digests_however_it_is_cut() {
    let Some(path) = std::env::var_os("EIP_EVENTS") else {
        println!("skipped: EIP_EVENTS names no file of real events");
        return;
    };
    for (workers, partitions, repeat) in [(1, 1, 1), (2, 4, 2), (4, 7, 1)] {
        let mut log: Log = vec![Vec::new(); partitions];
        for line in BufReader::new(std::fs::File::open(&path).unwrap()).split(b'\n') {
            let value = line.unwrap();
            let key = decode(&value).unwrap().event.order_id.as_bytes().to_vec();
            log[partition_of(&key, partitions as u32) as usize].push(LogRecord {
                key: Some(key),
                value: Some(value),
            });
        }
        let ends = |part: usize| -> Vec<Offset> {
            log.iter()
                .map(|records| Offset((records.len() * part / 3) as u64))
                .collect()
        };
        let (first, second, all) = (ends(1), ends(2), ends(3));
        let store = MemoryStore::default();
        let disorder = Disorder {
            repeat,
            seed: 0x1234_5678_9abc_def1,
        };
        let log = Arc::new(log);
        let running = Running::start(&log, workers, &store, disorder, &first);
        running.reach(&first).unwrap();
        running.ends.set(&second);
        running.reach(&all).unwrap();
        drop(running);
        let views = store.views();
        let digests = views.views.map(|lines| {
            let mut hash = Sha256::new();
            for line in lines {
                hash.update(line);
                hash.update(b"\n");
            }
            let digest = hash.finalize();
            let halves = digest
                .as_chunks::<16>()
                .0
                .iter()
                .map(|half| hex::format_32(u128::from_be_bytes(*half)));
            String::from_utf8(halves.flatten().collect()).unwrap()
        });
        assert_eq!(
            digests, DIGESTS,
            "{workers} workers, {partitions} partitions"
        );
    }
}
