//! `eip data check` says what a folder of data is, and the reading errors point to it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{CUSTOMERS, Eip, ITEMS, ORDERS, Ran, SELLERS, olist, run};

const HEADER: &str = "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n";

/// Orders `a1`, `a2`, … of the days of March 2018, each with an item of its own.
fn folder(eip: &Eip, name: &str, count: usize) -> PathBuf {
    let folder = eip.path(name);
    fs::create_dir_all(&folder).unwrap();
    let (mut orders, mut items) = (
        HEADER.to_owned(),
        "order_id,order_item_id,seller_id\n".to_owned(),
    );
    for i in 1..=count {
        let (day, hour) = (1 + i % 28, 10 + i % 10);
        orders += &format!(
            "a{i},c1,delivered,2018-03-{day:02} {hour}:00:00,2018-03-{day:02} {hour}:30:00,,2018-04-{day:02} 10:00:00,2018-04-30 00:00:00\n"
        );
        items += &format!("a{i},1,s1\n");
    }
    for (file, text) in [
        (ORDERS, orders.as_str()),
        (ITEMS, &items),
        (CUSTOMERS, "customer_id,customer_state\nc1,RJ\n"),
        (SELLERS, "seller_id,seller_state\ns1,SP\n"),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

fn check(folder: &Path, more: &[&str]) -> Ran {
    let fixed = ["data", "check", folder.to_str().unwrap()];
    run(fixed.iter().chain(more))
}

fn says(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}\n{}", ran.out, ran.err);
    for word in words {
        assert!(ran.out.contains(word), "{word:?} is not in\n{}", ran.out);
    }
}

#[test]
fn a_file_that_is_something_else_is_named_for_what_it_is() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 4);
    let orders = data.join(ORDERS);
    let text = fs::read_to_string(&orders).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [b"\xff\xfe", wide.as_slice()].concat();
    for (name, bytes, code, words) in [
        ("gzip", gzip.finish().unwrap(), 1, ["a gzip archive", ".gz"]),
        (
            "zip",
            b"PK\x03\x04rest".to_vec(),
            1,
            ["zip archive", "unpack it"],
        ),
        (
            "html",
            b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n".to_vec(),
            1,
            ["an HTML page", "login"],
        ),
        (
            "lfs",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec(),
            1,
            ["Git LFS pointer", "git lfs pull"],
        ),
        (
            "utf-16 with a mark",
            with_mark,
            0,
            ["UTF-16LE with a byte order mark", "a run would begin"],
        ),
        (
            "utf-16 without",
            wide,
            1,
            [
                "UTF-16 without a byte order mark",
                "encoding = \"utf-16le\"",
            ],
        ),
        (
            "semicolons",
            text.replace(',', ";").into_bytes(),
            1,
            ["semicolons (;)", "delimiter = \";\""],
        ),
        (
            "tabs",
            text.replace(',', "\t").into_bytes(),
            1,
            ["tabs", "delimiter = \"\\t\""],
        ),
        (
            "parquet",
            b"PAR1\x15\x04".to_vec(),
            1,
            ["a Parquet file", ".parquet"],
        ),
        (
            "xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(),
            1,
            ["old spreadsheet", "save the spreadsheet as CSV"],
        ),
    ] {
        fs::write(&orders, bytes).unwrap();
        let ran = check(&data, &[]);
        println!("{name}");
        says(&ran, code, &words);
        let replayed = eip.fast(&data);
        if code == 1 {
            let hint = format!("`eip data check {}`", data.display());
            assert!(replayed.err.contains(&hint), "{name}: {}", replayed.err);
        }
        // What can be read with a suggestion is read with it as if it were plain.
        if ["utf-16 without", "semicolons", "tabs"].contains(&name) {
            says(
                &ran,
                1,
                &["with this dataset.toml 4 orders accepted, 0 rows rejected"],
            );
        }
    }
}

#[test]
fn dates_of_a_spreadsheet_are_never_guessed() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 0);
    let row = |id: &str, bought: &str| format!("{id},c1,delivered,{bought},,,,\n");
    let open = format!("{HEADER}{}", row("a1", "3/1/2018 10:00"));
    fs::write(data.join(ORDERS), &open).unwrap();
    says(
        &check(&data, &[]),
        3,
        &[
            "%d/%m/%Y %H:%M or %m/%d/%Y %H:%M",
            "# ? \"3/1/2018 10:00\": is the day or the month first",
            "this dataset.toml is not complete",
            "none of the 1 rows of the orders is accepted",
        ],
    );
    fs::write(data.join(ORDERS), open + &row("a2", "13/01/2018 9:05")).unwrap();
    says(
        &check(&data, &[]),
        3,
        &[
            "time = [\"%d/%m/%Y %H:%M\"]",
            "with this dataset.toml 2 orders accepted, 0 rows rejected",
            "with the suggested dataset.toml a run would begin",
        ],
    );
}

#[test]
fn a_suggestion_is_written_once_and_then_read() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 3);
    for file in [ORDERS, ITEMS, CUSTOMERS, SELLERS] {
        let text = fs::read_to_string(data.join(file)).unwrap();
        fs::write(data.join(file), text.replace(',', ";")).unwrap();
    }
    let written = check(&data, &["--write"]);
    says(&written, 0, &["suggested dataset.toml"]);
    let path = data.join("dataset.toml");
    assert!(
        written.err.contains(path.to_str().unwrap()),
        "{}",
        written.err
    );
    says(
        &check(&data, &[]),
        0,
        &["read with its dataset.toml", "accepted: 3 orders"],
    );
    let text = fs::read_to_string(&path).unwrap();
    let again = check(&data, &["--write"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    eip.fast(&data).ok();
}

#[test]
fn bytes_of_windows_1252_are_shown_as_what_they_mean() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 12);
    let orders = fs::read_to_string(data.join(ORDERS)).unwrap();
    let orders = orders.replace(",c1,", ",Jo\u{e3}o,");
    fs::write(
        data.join(ORDERS),
        orders.chars().map(|c| c as u8).collect::<Vec<u8>>(),
    )
    .unwrap();
    fs::write(
        data.join(CUSTOMERS),
        b"customer_id,customer_state\nJo\xe3o,RJ\n",
    )
    .unwrap();
    says(
        &check(&data, &[]),
        3,
        &[
            "most likely windows-1252",
            "not UTF-8 in 12 rows, first on line 2: \"João\" as windows-1252",
            "encoding = \"windows-1252\"",
            "with this dataset.toml 12 orders accepted, 0 rows rejected",
        ],
    );
}

#[test]
fn keys_that_differ_by_case_are_shown_beside_those_that_are_there() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 3);
    fs::write(
        data.join(CUSTOMERS),
        "customer_id,customer_state\nC1,RJ\nc2,SP\n",
    )
    .unwrap();
    says(
        &check(&data, &[]),
        0,
        &[
            "3 orders whose customer_id matches no customer, 3 by case or blanks alone",
            "line 2: \"c1\", there is \"C1\"",
            "3 customer_id matches no customer",
        ],
    );
}

#[test]
fn equal_duplicates_are_told_from_contradicting_ones() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 3);
    let orders = fs::read_to_string(data.join(ORDERS)).unwrap();
    let second = orders.lines().nth(1).unwrap().to_owned();
    let other = second.replace("2018-03-02 11:00:00", "2018-03-02 11:00:01");
    fs::write(data.join(ORDERS), format!("{orders}{second}\n{other}\n")).unwrap();
    let ran = check(&data, &["--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let table = &json["report"]["content"]["tables"][2];
    assert_eq!(table["table"], "orders");
    assert_eq!(
        (&table["repeated"], &table["contradicting"]),
        (&1.into(), &1.into())
    );
    assert_eq!(json["orders"], 3);
    assert_eq!(json["stops"], serde_json::json!([]));
    says(
        &check(&data, &[]),
        0,
        &[
            "line 5: order_id \"a1\" repeats an accepted row",
            "line 6: order_id \"a1\" contradicts another row of its key",
        ],
    );
}

#[test]
fn one_date_in_2107_stops_and_is_named() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 40);
    let orders = fs::read_to_string(data.join(ORDERS)).unwrap();
    let far = orders.replacen("2018-04-08 10:00:00", "2107-04-08 10:00:00", 1);
    fs::write(data.join(ORDERS), far).unwrap();
    says(
        &check(&data, &[]),
        3,
        &[
            "order a7 order_delivered_customer_date is more than a year outside: 2107-04-08T10:00:00Z",
            "asOf would be 2107-04-08T10:00:00Z",
            "a run would stop before its first record",
            "--as-of",
        ],
    );
    says(
        &check(&data, &["--as-of", "2018-05-01T00:00:00Z"]),
        0,
        &["a run would begin"],
    );
    let replayed = eip.fast(&data);
    assert_eq!(replayed.code, Some(3));
    let hint = format!("`eip data check {}`", data.display());
    assert!(replayed.err.contains(&hint), "{}", replayed.err);
}

#[test]
fn too_many_rejected_rows_stop_and_say_which_orders_go_with_them() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 30);
    let items = fs::read_to_string(data.join(ITEMS)).unwrap();
    fs::write(data.join(ITEMS), items.replace(",1,s1", ",one,s1")).unwrap();
    says(
        &check(&data, &[]),
        3,
        &[
            "30 rejected with a rejected item row",
            "none of the 30 rows of the orders is accepted",
            "30 of 30 rows of the items (100.0 %) are rejected",
            "--max-rejected 30",
        ],
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_one_that_is_fine_needs_nothing() {
    let eip = Eip::new();
    let data = folder(&eip, "data", 3);
    says(
        &check(&data, &[]),
        0,
        &["no dataset.toml is needed", "a run would begin"],
    );
    says(
        &check(&eip.path("none"), &[]),
        1,
        &["there is no such folder", "a run cannot begin"],
    );
    let empty = eip.path("empty");
    fs::create_dir_all(&empty).unwrap();
    says(&check(&empty, &[]), 1, &["none", "is there"]);
    assert!(!eip.state().exists());
}

#[test]
fn the_real_data_has_no_problem() {
    let Some(data) = olist() else { return };
    let ran = check(&data, &[]);
    says(
        &ran,
        0,
        &[
            "accepted: 99,441 orders",
            "no dataset.toml is needed",
            "a run would begin",
        ],
    );
    for word in ["rejected rows", "is more than a year outside", "suggested"] {
        assert!(!ran.out.contains(word), "{word}\n{}", ran.out);
    }
}
