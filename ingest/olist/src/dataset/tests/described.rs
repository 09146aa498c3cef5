//! Data in other clothes: `dataset.toml`, globs, encodings, archives, Parquet.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, types::Int32Type,
};
use parquet::arrow::ArrowWriter;

use super::*;

/// A folder with a `dataset.toml` and files.
fn folder(description: &str, files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dataset.toml"), description).unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn open(folder: &Path) -> Result<Dataset, OlistError> {
    Dataset::open(folder, &Limits::default())
}

const ORDERS_TEXT: &str = "Order No;Buyer;State;Bought at;ok;out;in;due\n\
    o1;c1;delivered;01/03/2018 07:00;;;;2018-03-20\n";

#[test]
fn other_names_delimiters_forms_and_files_read_as_olists_own() {
    let description = r#"
version = 1
[format]
delimiter = ";"
encoding = "windows-1252"
time = ["%d/%m/%Y %H:%M", "%Y-%m-%d"]
time_zone = "America/Sao_Paulo"
null = ["-"]
[orders]
files = ["in/orders_*.csv", "in/*.gz"]
columns = { order_id = "order no", customer_id = "Buyer", order_status = "State", order_purchase_timestamp = "Bought at", order_approved_at = "ok", order_delivered_carrier_date = "out", order_delivered_customer_date = "in", order_estimated_delivery_date = "due" }
[items]
files = ["in/orders_*.csv"]
columns = { order_id = "Order No" }
constant = { order_item_id = "1", seller_id = "us" }
[sellers]
delimiter = ","
files = ["sellers.txt"]
[customers]
files = ["customers.csv.zst"]
"#;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let second = ORDERS_TEXT
        .replace("o1;c1", "o2;c\u{e9}")
        .replace("delivered", "-");
    std::io::Write::write_all(&mut packed, &encoding_rs::WINDOWS_1252.encode(&second).0).unwrap();
    let customers = encoding_rs::WINDOWS_1252
        .encode("customer_id;customer_state\nc1;RJ\nc\u{e9};-\n")
        .0;
    let customers = zstd::encode_all(&*customers, 1).unwrap();
    let folder = folder(
        description,
        &[
            ("in/orders_1.csv", ORDERS_TEXT.as_bytes()),
            ("in/2.csv.gz", &packed.finish().unwrap()),
            ("sellers.txt", b"seller_id,seller_state\nus,SP\n"),
            ("customers.csv.zst", &customers),
        ],
    );
    let data = open(folder.path()).unwrap();
    assert_eq!(rejects(&data), [""; 0]);
    assert_eq!(rows(&data), ["o2 ZZ>ZZ 2018-03-01", "o1+ SP>RJ 2018-03-01"]);
    let o1 = data.find("o1").unwrap();
    assert_eq!(o1.purchased.to_string(), "2018-03-01T10:00:00Z");
    assert_eq!(o1.estimated.unwrap().to_string(), "2018-03-20T03:00:00Z");
    let names: Vec<&str> = data.files().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "sellers.txt",
            "customers.csv",
            "in/2.csv",
            "in/orders_1.csv",
            "in/orders_1.csv"
        ]
    );
    // A place names the file of a row, and a hash covers the description.
    assert_eq!(
        data.place_of("o1").unwrap().to_string(),
        "in/orders_1.csv line 2"
    );
    let hashes = crate::sha256_of_files(folder.path()).unwrap();
    assert_eq!(hashes["dataset.toml"], data.description_sha256().unwrap());
    for file in data.files() {
        assert_eq!(hashes[&file.name], file.sha256);
    }
    assert_eq!(hashes.len(), 5);
}

#[test]
fn files_that_cannot_be_told_apart_or_found_are_refused() {
    let refused = |globs: &str, files: &[&str]| {
        let description = format!("version = 1\n[sellers]\nfiles = [{globs}]\n");
        let text = b"seller_id,seller_state\ns1,SP\n".as_slice();
        let files: Vec<(&str, &[u8])> = files.iter().map(|&name| (name, text)).collect();
        let folder = folder(&description, &files);
        let error = crate::found_files(folder.path()).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "DIR")
    };
    insta::assert_snapshot!(refused("\"s_*\"", &["t.csv"]), @r#"dataset.toml: [sellers] files: "s_*" finds no file in DIR"#);
    insta::assert_snapshot!(refused("\"../s.csv\"", &["t.csv"]), @r#"dataset.toml: [sellers] files: "../s.csv" leads out of the folder"#);
    insta::assert_snapshot!(refused("\"/etc/*\"", &["t.csv"]), @r#"dataset.toml: [sellers] files: "/etc/*" leads out of the folder"#);
    insta::assert_snapshot!(refused("\"s*\"", &["s.csv", "s.csv.gz"]), @"s.csv and s.csv.gz are both there; remove one, or name the one that is meant in a dataset.toml");
    insta::assert_snapshot!(refused("\"s.*\"", &["s.csv", "s.parquet"]), @"s.csv and s.parquet are both there; remove one, or name the one that is meant in a dataset.toml");
    assert!(refused("\"s[.csv\"", &["s.csv"]).contains("no glob"));
}

#[test]
fn utf16_is_known_by_its_mark_and_what_is_not_in_an_encoding_is_a_reject() {
    let files = Files::new(&order("o1"));
    let wide = |text: &str| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let texts = [
        &files.sellers,
        &files.customers,
        &files.orders,
        &files.items,
    ];
    let sources = texts.map(|text| Source::of(Cursor::new(wide(text))));
    let data = Dataset::read(sources, &Limits::default()).unwrap();
    assert_eq!(rows(&data), ["o1+ SP>RJ 2018-01-01"]);

    let plain = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
    let mut customers = wide("customer_id,customer_state\nc1,RJ\nc2,X\n");
    let at = customers.len() - 4;
    customers[at..at + 2].copy_from_slice(&[0, 0xd8]);
    let customers = Source::of(Cursor::new(customers));
    let sources = [
        plain(&files.sellers),
        customers,
        plain(&files.orders),
        plain(&files.items),
    ];
    let data = Dataset::read(sources, &Limits::default()).unwrap();
    assert_eq!(rejects(&data), ["customers:3 customer_state not_utf8"]);
}

#[test]
fn what_a_file_is_instead_of_a_csv_is_said() {
    let said = |orders: &[u8]| {
        let files = Files::new("");
        let text = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
        let [sellers, customers, items] =
            [&files.sellers, &files.customers, &files.items].map(text);
        let orders = Source::of(Cursor::new(orders.to_vec()));
        let read = Dataset::read([sellers, customers, orders, items], &Limits::default());
        read.err().unwrap().to_string()
    };
    insta::assert_snapshot!(said(b"PK\x03\x04\x14\0"), @"olist_orders_dataset.csv is a zip archive (or a spreadsheet, .xlsx): unpack it; save a spreadsheet as CSV");
    insta::assert_snapshot!(said(b"<!DOCTYPE html>\n<html><body class=\"x\">Sign in"), @"olist_orders_dataset.csv is an HTML page: a login or error page was saved in place of the file; fetch it again");
    insta::assert_snapshot!(said(ORDERS_HEADER.replace(',', ";").as_bytes()), @r#"olist_orders_dataset.csv: no column order_id, customer_id, order_status, order_purchase_timestamp, order_approved_at, order_delivered_carrier_date, order_delivered_customer_date, order_estimated_delivery_date; the header has order_id;customer_id;order_status;order_purchase_timestamp;order; its columns are separated by semicolons (;): say delimiter = ";" in a dataset.toml"#);
    let wide: Vec<u8> = ORDERS_HEADER
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    insta::assert_snapshot!(said(&wide), @r#"olist_orders_dataset.csv is UTF-16 without a byte order mark: say encoding = "utf-16le" in a dataset.toml"#);
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn parquet_reads_as_the_same_rows_in_a_csv_typed_or_not() {
    let description = "version = 1\n[format]\ntime = [\"%d.%m.%Y\"]\ntime_zone = \"America/Sao_Paulo\"\n\
        [orders]\nfiles = [\"o.parquet\"]\n[items]\nfiles = [\"i.parquet\"]\n\
        [sellers]\nfiles = [\"s.csv\"]\n[customers]\nfiles = [\"c.csv\"]\n";
    let folder = folder(
        description,
        &[
            ("s.csv", b"seller_id,seller_state\n7,SP\n"),
            ("c.csv", b"customer_id,customer_state\nc1,RJ\n"),
        ],
    );
    let texts =
        |texts: &[Option<&str>]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
    let seconds = |text: &str| text.parse::<EventTime>().unwrap().seconds();
    let utc = TimestampMicrosecondArray::from(vec![
        Some(seconds("2018-03-01T10:00:00Z") * 1_000_000 + 999_999),
        None,
    ]);
    let local = TimestampMillisecondArray::from(vec![
        Some(seconds("2018-03-01T09:30:00Z") * 1_000),
        Some(seconds("2018-03-02T09:30:00Z") * 1_000),
    ]);
    let days: DictionaryArray<Int32Type> = vec![Some("20.03.2018"), None].into_iter().collect();
    parquet(
        &folder.path().join("o.parquet"),
        vec![
            ("Order_ID ", texts(&[Some("o1"), Some("o2")])),
            ("unused", Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef),
            ("customer_id", texts(&[Some("c1"), None])),
            ("order_status", texts(&[Some("shipped"), Some("shipped")])),
            ("order_purchase_timestamp", Arc::new(local)),
            ("order_approved_at", Arc::new(utc.with_timezone("UTC"))),
            ("order_delivered_carrier_date", texts(&[None, Some("bad")])),
            ("order_delivered_customer_date", texts(&[None, None])),
            ("order_estimated_delivery_date", Arc::new(days)),
        ],
    );
    parquet(
        &folder.path().join("i.parquet"),
        vec![
            ("order_id", texts(&[Some("o1")])),
            (
                "order_item_id",
                Arc::new(Float64Array::from(vec![3.0])) as ArrayRef,
            ),
            ("seller_id", Arc::new(Int32Array::from(vec![7]))),
        ],
    );
    let data = open(folder.path()).unwrap();
    let o1 = data.find("o1").unwrap();
    // Times without a zone are local, those in UTC are not, and a date is the start of its day there.
    assert_eq!(o1.purchased.to_string(), "2018-03-01T12:30:00Z");
    assert_eq!(o1.approved.unwrap().to_string(), "2018-03-01T10:00:00Z");
    assert_eq!(o1.estimated.unwrap().to_string(), "2018-03-20T03:00:00Z");
    assert_eq!((o1.seller_region, o1.customer_region), ("SP", "RJ"));
    let reject = data.rejects()[0].to_string();
    insta::assert_snapshot!(reject, @r#"o.parquet line 2: order_delivered_carrier_date "bad" is not a time (expected 2017-10-02 10:56:33; another form needs a dataset.toml)"#);
    let hashes = crate::sha256_of_files(folder.path()).unwrap();
    assert_eq!(hashes["o.parquet"], data.files()[2].sha256);

    // A file that is cut, or none at all, fails as a whole.
    let path = folder.path().join("o.parquet");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    assert!(matches!(
        open(folder.path()),
        Err(OlistError::Parquet { .. })
    ));
    fs::write(&path, "order_id,customer_id\n").unwrap();
    assert!(matches!(
        open(folder.path()),
        Err(OlistError::WrongKind { .. })
    ));
}
