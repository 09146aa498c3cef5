//! Guards: a window over broken input stops before its first record, with its figures.

use std::path::Path;

use crate::support::{Eip, ITEMS, ORDERS, changed, generate};

/// Four months of the generated data; they cover more than 3,000 orders.
const MONTHS: [&str; 4] = ["--start", "2018-01-01", "--end", "2018-05-01"];

fn halved(lines: &mut Vec<String>) {
    lines.truncate(lines.len() / 2);
}

fn assert_stopped(eip: &Eip, data: &Path, words: &[&str]) {
    let (log, digests) = (eip.log(), eip.digests());
    let ran = eip.window(data, &MONTHS);
    assert_eq!(ran.code, Some(3), "{}\n{}", ran.out, ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word} is not in\n{}", ran.err);
    }
    assert_eq!(eip.log(), log);
    assert_eq!(eip.digests(), digests);
}

#[test]
fn half_an_input_file_and_the_wrong_folder_stop_a_window() {
    let eip = Eip::new();
    let root = eip.path("");
    let data = generate(&root, 14_000, 8);
    eip.fast(&data).ok();

    let half_items = changed(&data, &eip.path("items"), ITEMS, halved);
    assert_stopped(&eip, &half_items, &["retracted", "--max-retracted"]);
    let half_orders = changed(&data, &eip.path("orders"), ORDERS, halved);
    assert_stopped(&eip, &half_orders, &["vanish", "--max-vanishing"]);
    let other = generate(&root, 14_000, 9);
    assert_stopped(&eip, &other, &["vanish", "--max-vanishing"]);
}

#[test]
fn either_limit_replaces_the_default_pair() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 6_000, 8);
    eip.fast(&data).ok();
    let half_orders = changed(&data, &eip.path("orders"), ORDERS, halved);
    let window = |limit: &str| {
        let args: Vec<&str> = MONTHS
            .iter()
            .copied()
            .chain(["--max-vanishing", limit])
            .collect();
        eip.window(&half_orders, &args)
    };
    assert_eq!(window("1").code, Some(3));
    assert_eq!(window("5%").code, Some(3));
    window("100%").ok();
    eip.verify();
}
