//! Damage at random: a window over files that lost rows or cells, or got quotes or shifted columns,
//! takes nothing away from an order whose own rows are whole and there, or it stops and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use eip_ingest::run::{DayRange, GuardLimits, RunError, Source, Task, WindowTask};
use eip_olist::FILES;

use crate::bench::{Bench, Facts, fast, source, window};
use crate::data::{self, Dice};

/// Orders of the data.
const ORDERS: usize = 1_200;
/// Copies that share a log.
const COPIES_A_LOG: u64 = 10;

/// How many damaged copies: a few, or as many as asked for under soak.
fn copies() -> u64 {
    if std::env::var_os("EIP_SOAK").is_some() {
        300
    } else {
        12
    }
}

/// Cells of a table by the row's first column, as plain CSV is read: what stands in the file whole.
fn rows_of(folder: &Path, file: &str) -> BTreeSet<Vec<String>> {
    let text = fs::read(folder.join(file)).unwrap();
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.flexible(true).from_reader(text.as_slice());
    let records = reader.records().filter_map(Result::ok);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// Changes one file in some way, in some of its rows; the name of the way.
fn damage(folder: &Path, dice: &mut Dice) -> String {
    let file = FILES[dice.below(4) as usize];
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Mostly a few rows, sometimes many.
    let times = match dice.below(4) {
        0 => 1 + dice.below(3),
        1 | 2 => 1 + dice.below(20),
        _ => 1 + dice.below(lines.len() as i64),
    };
    let way = dice.below(6);
    for _ in 0..times {
        let last = lines.len() as i64 - 1;
        if last < 2 {
            break;
        }
        let at = 1 + dice.below(last) as usize;
        let fields: Vec<String> = lines[at].split(',').map(str::to_owned).collect();
        let cell = dice.below(fields.len() as i64) as usize;
        let mut changed = fields.clone();
        match way {
            0 => {
                lines.remove(at);
                continue;
            }
            1 => {
                let spoilt = ["", "#REF!", "1.5", "x\u{7f}y", "12/31/2018"];
                spoilt[dice.below(5) as usize].clone_into(&mut changed[cell]);
            }
            // A quote that opens, and one that closes some rows later.
            2 => {
                changed[cell] = format!("\"{}", changed[cell]);
                let other = (at + 1 + dice.below(12) as usize).min(lines.len() - 1);
                lines[other] += "\"";
            }
            3 => {
                changed.remove(cell);
            }
            4 => changed.insert(cell, String::new()),
            _ => {
                // Two rows in one line.
                let next = lines.remove((at + 1).min(lines.len() - 1));
                if at < lines.len() {
                    lines[at] += &next;
                }
                continue;
            }
        }
        if at < lines.len() {
            lines[at] = changed.join(",");
        }
    }
    fs::write(folder.join(file), lines.join("\n") + "\n").unwrap();
    format!("way {way} in {times} rows of {file}")
}

/// The rows of each order: its own, its items', its customer's and its seller's.
struct Own {
    rows: [BTreeMap<String, Vec<Vec<String>>>; 4],
}

impl Own {
    fn of(folder: &Path) -> Self {
        Self {
            rows: FILES.map(|file| {
                let mut by_key: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
                for row in rows_of(folder, file) {
                    by_key.entry(row[0].clone()).or_default().push(row);
                }
                by_key
            }),
        }
    }

    /// Whether all rows of an order are in a damaged copy as they were, and no other of their keys.
    fn is_whole_in(&self, order: &str, damaged: &Self) -> bool {
        let [sellers, customers, orders, items] = &self.rows;
        let same = |at: usize, key: &str| self.rows[at].get(key) == damaged.rows[at].get(key);
        let customer = &orders[order][0][1];
        let mut sellers_of = items.get(order).into_iter().flatten().map(|item| &item[2]);
        assert!(customers.contains_key(customer) && !sellers.is_empty());
        same(2, order)
            && same(3, order)
            && same(1, customer)
            && sellers_of.all(|seller| same(0, seller))
    }
}

#[test]
fn a_window_over_damaged_files_takes_nothing_from_whole_orders_or_stops() {
    let as_of = Some("2018-07-01T00:00:00Z".parse().unwrap());
    let of = |folder: &Path| Source {
        as_of,
        ..source(folder)
    };
    let seed = rand_seed();
    println!("seed {seed}");
    let (mut stopped, mut failed, mut went) = (0, 0, 0);
    let mut loaded: Option<(Bench, PathBuf, Facts, Own)> = None;
    for copy in 0..copies() {
        // A log of its own for every few copies: what is put back makes it longer each time.
        let known = loaded.take().filter(|_| copy % COPIES_A_LOG > 0);
        let (bench, good, before, own) = known.unwrap_or_else(|| {
            let bench = Bench::new();
            let good = bench.data("good", &data::orders(ORDERS, 11));
            bench.run(fast(of(&good))).unwrap();
            let (before, own) = (bench.facts(), Own::of(&good));
            (bench, good, before, own)
        });
        let mut dice = Dice::new(seed.wrapping_add(copy * 7_919));
        let folder = bench.folder.path().join(format!("copy-{copy}"));
        fs::create_dir_all(&folder).unwrap();
        for file in FILES {
            fs::copy(good.join(file), folder.join(file)).unwrap();
        }
        let mut ways = vec![damage(&folder, &mut dice)];
        if dice.below(3) == 0 {
            ways.push(damage(&folder, &mut dice));
        }
        let said = format!("seed {seed} copy {copy}: {ways:?}");
        let task = WindowTask {
            limits: GuardLimits::default(),
            ..window(of(&folder), DayRange::ALL)
        };
        match bench.run(Task::Window(task)) {
            Ok(outcome) => {
                went += 1;
                let damaged = Own::of(&folder);
                let after = bench.facts();
                for (key, event) in &before {
                    if own.is_whole_in(&key.0, &damaged) {
                        assert_eq!(after.get(key), Some(event), "{said}");
                    }
                }
                // Put back what a fact lost by its own row's damage.
                if outcome.summary.events_written() > 0 || outcome.summary.tombstones > 0 {
                    let undo = window(of(&good), DayRange::ALL);
                    bench.run(Task::Window(undo)).unwrap();
                    assert_eq!(bench.facts(), before, "{said}");
                }
            }
            Err(RunError::Guard(stop)) => {
                stopped += 1;
                let figures = stop.figures;
                assert!(figures.covered <= ORDERS as u64 + 1, "{said}: {stop}");
                assert!(
                    figures.vanishing + figures.lost_regions + figures.retracted > 0,
                    "{said}"
                );
                assert_eq!(bench.facts(), before, "{said}");
            }
            Err(RunError::InputStop(_)) => {
                stopped += 1;
                assert_eq!(bench.facts(), before, "{said}");
            }
            Err(RunError::Input { .. }) => {
                failed += 1;
                assert_eq!(bench.facts(), before, "{said}");
            }
            Err(error) => panic!("{said}: {}", error.chain()),
        }
        loaded = Some((bench, good, before, own));
    }
    println!("{went} went through, {stopped} stopped at a guard, {failed} could not be read");
}

/// From the clock, unless `EIP_SEED` gives one.
fn rand_seed() -> u64 {
    let given = std::env::var_os("EIP_SEED").and_then(|seed| seed.to_str()?.parse().ok());
    given.unwrap_or_else(|| {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap();
        u64::from(now.subsec_nanos())
    })
}
