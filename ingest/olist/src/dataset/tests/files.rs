//! Files as a whole: cut, damaged, packed, too long.

use std::io::{Cursor, Read, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::*;
use super::{Files, ORDERS_HEADER, error, order, rejects, rows};
use crate::FILES;

#[test]
fn input_that_does_not_end_cleanly_gives_nothing() {
    let mut files = Files::new(&order("o1"));
    files.items += "o1,2,s1\n\no1,\"3,s1\no1,4,s1\n";
    insta::assert_snapshot!(error(&files), @"olist_order_items_dataset.csv: the quote opened on line 5 is never closed; close it there");

    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    for i in 0..10_000 {
        writeln!(packed, "o{i},{i},s1").unwrap();
    }
    let whole = packed.finish().unwrap();
    let files = Files::new(&order("o1"));
    let read = |items: Vec<u8>| {
        let text = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
        let items =
            Cursor::new(gz(b"order_id,order_item_id,seller_id\n")).chain(Cursor::new(items));
        let [sellers, customers, orders] =
            [&files.sellers, &files.customers, &files.orders].map(text);
        let data = Dataset::read(
            [sellers, customers, orders, Source::of_gzip(items)],
            &Limits::default(),
        );
        data.map(|data| data.files()[3].rows)
    };
    assert_eq!(read(whole.clone()).unwrap(), 10_000);
    for cut in [1, 7, 8, 9, whole.len() / 2, whole.len() - 1] {
        let error = read(whole[..whole.len() - cut].to_vec()).unwrap_err();
        assert!(
            matches!(error, OlistError::Archive { .. }),
            "{cut} bytes less: {error}"
        );
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    assert!(matches!(read(damaged), Err(OlistError::Archive { .. })));
    let mut trailing = whole;
    trailing.extend_from_slice(b"not an archive");
    assert!(matches!(read(trailing), Err(OlistError::Archive { .. })));
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_plain_file_and_an_archive_read_the_same_and_both_together_are_refused() {
    let files = Files::new(&order("o1"));
    let folder = tempfile::tempdir().unwrap();
    let open = || Dataset::open(folder.path(), &Limits::default());
    let path = |name: &str| folder.path().join(name);
    let texts = [
        &files.sellers,
        &files.customers,
        &files.orders,
        &files.items,
    ];
    let missing = open().err().unwrap().to_string();
    assert!(missing.ends_with(
        "none of olist_sellers_dataset.csv, olist_sellers_dataset.csv.gz and \
             olist_sellers_dataset.csv.zst is there; other names need a dataset.toml"
    ));
    for (name, text) in FILES.into_iter().zip(texts) {
        std::fs::write(path(&format!("{name}.gz")), gz(text.as_bytes())).unwrap();
    }
    let packed = open().unwrap();
    assert_eq!(rows(&packed), ["o1+ SP>RJ 2018-01-01"]);
    assert_eq!(packed.files(), files.read().unwrap().files());
    std::fs::write(path(FILES[0]), "seller_id,seller_state\ns1,BA\n").unwrap();
    insta::assert_snapshot!(open().unwrap_err(), @"olist_sellers_dataset.csv and olist_sellers_dataset.csv.gz are both there; remove one, or name the one that is meant in a dataset.toml");
    std::fs::remove_file(path(&format!("{}.gz", FILES[0]))).unwrap();
    assert_eq!(rows(&open().unwrap()), ["o1+ BA>RJ 2018-01-01"]);
    let sellers = open().unwrap().files()[0].clone();
    assert_eq!(
        sellers.sha256,
        "ca2d9bf043cf3dd462455f5d651478ffd150868d986c56df14e9de4fc064426b"
    );
}

#[test]
fn one_row_more_than_allowed_fails_with_the_limit() {
    let files = Files::new(&(order("o1") + &order("o2") + &order("o3")));
    let limits = |max_rows| Limits {
        max_rows,
        ..Limits::default()
    };
    assert_eq!(files.read_within(&limits(3)).unwrap().order_count(), 3);
    let error = files.read_within(&limits(2)).err().unwrap().to_string();
    insta::assert_snapshot!(error, @"olist_orders_dataset.csv: more than 2 rows; raise the limit of rows if that is meant");
}

#[test]
fn a_huge_line_in_a_small_archive_is_one_reject() {
    struct Line(u64);
    impl Read for Line {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = buffer
                .len()
                .min(usize::try_from(self.0).unwrap_or(usize::MAX));
            buffer[..length].fill(b'x');
            self.0 -= length as u64;
            Ok(length)
        }
    }
    // 1 GiB of one byte: unpacked it would be four times what may be taken.
    let row = order("o1");
    let orders = Cursor::new(format!("{ORDERS_HEADER}o0,"))
        .chain(Line(1 << 30))
        .chain(Cursor::new(format!("\n{row}")));
    let files = Files::new("");
    let text = |text: &String| Source::of(Cursor::new(text.clone().into_bytes()));
    let [sellers, customers, items] = [&files.sellers, &files.customers, &files.items].map(text);
    let sources = [sellers, customers, Source::of(orders), items];
    let data = Dataset::read(sources, &Limits::default()).unwrap();
    assert_eq!(rejects(&data), ["orders:2 - too_long o0"]);
    assert_eq!(rows(&data), ["o1+ SP>RJ 2018-01-01"]);
    assert_eq!(data.place_of("o1").unwrap().line, 3);
}
