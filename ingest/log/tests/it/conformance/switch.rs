//! Whoever reads up to the ends sees each transaction whole, whenever it looks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Place, put, read_to};
use crate::support::{committed, tag};

super::laws! {
    a_reader_that_polls_all_the_time_never_sees_a_part_of_a_transaction(6),
}

const TRANSACTIONS: u32 = 40;
const RECORDS: usize = 24;

fn a_reader_that_polls_all_the_time_never_sees_a_part_of_a_transaction(place: &Place) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let finished = Finished(&done);
            let mut writer = place.writer();
            writer.fence().unwrap();
            for n in 0..TRANSACTIONS {
                put(&mut *writer, None, n % 6, "plain");
                writer.begin(&tag(&format!("w{n}")), &[]).unwrap();
                for record in 0..RECORDS as u32 {
                    put(&mut *writer, None, record % 6, "inside");
                }
                if n % 5 == 4 {
                    writer.abort().unwrap();
                } else {
                    writer.commit(&committed(&format!("w{n}"))).unwrap();
                }
            }
            writer.sync().unwrap();
            drop(finished);
        });
        let mut reader = place.log.read_all().unwrap();
        let mut ends = place.log.ends().unwrap();
        let (mut seen, mut looks) = (0, 0);
        let begun = Instant::now();
        while seen < (TRANSACTIONS as usize) * 4 / 5 * RECORDS + TRANSACTIONS as usize {
            assert!(
                begun.elapsed() < Duration::from_mins(2),
                "{seen} after two minutes"
            );
            assert!(!writing.is_finished() || done.load(Ordering::Relaxed));
            let upto = ends.poll().unwrap();
            let mut transactions = BTreeMap::<_, usize>::new();
            for record in read_to(&mut *reader, &upto) {
                seen += 1;
                if let Some(run) = record.run {
                    *transactions.entry(run).or_default() += 1;
                }
            }
            looks += usize::from(!transactions.is_empty());
            for (run, count) in transactions {
                assert_eq!(count, RECORDS, "of {run} at {upto:?}");
            }
        }
        assert!(
            looks > 1,
            "the reader saw transactions one by one, not all at the end"
        );
        writing.join().unwrap();
    });
}

/// Says that the writer has come to its end, by a panic or not.
struct Finished<'a>(&'a AtomicBool);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
