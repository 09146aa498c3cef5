use std::io::{self, Read};

use proptest::prelude::*;

use super::*;

const MIB: usize = 1 << 20;

/// Gives its bytes a few at a time, so that every place of a row meets the end of a block.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.step.min(self.bytes.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.bytes[..length]);
        self.bytes = &self.bytes[length..];
        Ok(length)
    }
}

/// A stream that a closure fills.
struct Filled<F>(F);
impl<F: FnMut(&mut [u8]) -> usize> Read for Filled<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok((self.0)(buffer))
    }
}

/// Parts of a stream, each repeated: a large input that takes no memory.
fn repeated(parts: Vec<(Vec<u8>, usize)>) -> impl Read {
    let mut parts = parts.into_iter();
    let (mut now, mut times, mut at) = (Vec::new(), 0_usize, 0);
    Filled(move |buffer: &mut [u8]| {
        let mut filled = 0;
        while filled < buffer.len() {
            if at == now.len() {
                (times, at) = (times.saturating_sub(1), 0);
                if times == 0 {
                    let Some(next) = parts.next() else {
                        now.clear();
                        break;
                    };
                    (now, times) = next;
                    continue;
                }
            }
            let length = (buffer.len() - filled).min(now.len() - at);
            buffer[filled..filled + length].copy_from_slice(&now[at..at + length]);
            filled += length;
            at += length;
        }
        filled
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    line: u64,
    fields: Vec<Vec<u8>>,
    count: usize,
    malformed: bool,
    too_long: bool,
}

fn seen(row: &Row<'_>) -> Seen {
    Seen {
        line: row.line,
        fields: (0..)
            .map_while(|i| row.field(i))
            .map(<[u8]>::to_vec)
            .collect(),
        count: row.len(),
        malformed: row.malformed(),
        too_long: row.too_long,
    }
}

/// All rows, or the line of the quote that is never closed.
fn read(bytes: &[u8], step: usize, max_row_bytes: usize) -> Result<Vec<Seen>, u64> {
    let mut reader = RowReader::new(Trickle { bytes, step }, b',', max_row_bytes, 64);
    let mut rows = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(row)) => rows.push(seen(&row)),
            Ok(None) => return Ok(rows),
            Err(ReadError::UnclosedQuote { line }) => return Err(line),
            Err(ReadError::Io { cause, .. }) => panic!("{cause}"),
        }
    }
}

/// Rows as `line:field|field`, with `!` behind a malformed one.
fn shown(bytes: &str) -> String {
    let whole = read(bytes.as_bytes(), usize::MAX, MIB);
    for step in [1, 2, 3] {
        assert_eq!(
            read(bytes.as_bytes(), step, MIB),
            whole,
            "{step} bytes at a time"
        );
    }
    match whole {
        Err(line) => format!("unclosed quote on line {line}"),
        Ok(rows) => {
            let rows = rows.iter().map(|row| {
                assert_eq!(row.count, row.fields.len());
                let fields: Vec<_> = row
                    .fields
                    .iter()
                    .map(|field| String::from_utf8_lossy(field))
                    .collect();
                let mark = if row.malformed { "!" } else { "" };
                format!("{}:{}{mark}", row.line, fields.join("|"))
            });
            rows.collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn rows_are_read_as_common_readers_take_them() {
    for (bytes, rows) in [
        ("a,b\nc,d\n", "1:a|b 2:c|d"),
        ("a,b\nc,d", "1:a|b 2:c|d"),
        ("a,b\r\nc,d\r\n", "1:a|b 2:c|d"),
        ("a,b\rc,d\r", "1:a|b 2:c|d"),
        ("\u{feff}a,b\n", "1:a|b"),
        ("\u{feff}\"a\",b\n", "1:a|b"),
        ("a\u{feff},b\n\u{feff}c,d\n", "1:a\u{feff}|b 2:\u{feff}c|d"),
        ("\n\na,b\n\r\n\nc,d\n\n", "3:a|b 6:c|d"),
        ("", ""),
        ("\n", ""),
        ("\r", ""),
        (",\n,,\n", "1:| 2:||"),
        ("a,", "1:a|"),
        ("\"\"\n", "1:"),
        ("\"\"", "1:"),
        ("\"a,b\",c\n", "1:a,b|c"),
        ("\"a\nb\",c\nd,e\n", "1:a\nb|c 3:d|e"),
        ("\"a\r\nb\",\"\n\n\"\r\nd,e\n", "1:a\r\nb|\n\n 5:d|e"),
        ("\"say \"\"a\"\"\",\"\"\"\"\n", "1:say \"a\"|\""),
        ("a\"b,c\"\"d,\"e\"\n", "1:a\"b|c\"\"d|e"),
        (" \"a\",b\n", "1: \"a\"|b"),
        ("\"a\"b,c\nd,e\n", "1:ab|c! 2:d|e"),
        ("\"a\"b\"c\",d\n", "1:ab\"c\"|d!"),
        ("\"a,b\"c", "1:a,bc!"),
        ("\"a\"\"b\"c,d\n", "1:a\"bc|d!"),
        ("\"a\" ,b\n", "1:a |b!"),
        ("\"a\"", "1:a"),
        ("a,\"b\"", "1:a|b"),
        ("é,\u{0}\n", "1:é|\u{0}"),
        ("a,b\nc,\"d\n", "unclosed quote on line 2"),
        ("a,\"b\nc\",\"d", "unclosed quote on line 2"),
        ("\"", "unclosed quote on line 1"),
        ("a,\"b\"\"\n\n", "unclosed quote on line 1"),
        ("a\n\n\r\n\"b\nc", "unclosed quote on line 4"),
    ] {
        assert_eq!(shown(bytes), rows, "{bytes:?}");
    }
}

#[test]
fn a_row_that_is_too_long_is_passed_over_and_the_next_one_is_whole() {
    let long = "x".repeat(300_000);
    for (bytes, lines) in [
        (format!("a,b\n{long},b\nc,d\n"), [1, 2, 3]),
        (format!("a,b\r\n{long}\r\nc,d\n"), [1, 2, 3]),
        (
            format!("a,b\n\"{long}\n\n{long}\"\"\",\"\n\"\nc,d\n"),
            [1, 2, 6],
        ),
        (format!("a,b\n{long}\rc,d\n"), [1, 2, 3]),
        (format!("a,b\n\"{long}\"x,\"\nc,d\n"), [1, 2, 0]),
        (format!("a,b\n{long},\"\n,\"\"\n\"\nc,d\n"), [1, 2, 5]),
    ] {
        for step in [7, 4_096, usize::MAX] {
            let rows = match read(bytes.as_bytes(), step, 1_000) {
                Ok(rows) => rows,
                Err(line) => {
                    assert_eq!((line, lines[2]), (2, 0), "a quote that is never closed");
                    continue;
                }
            };
            let seen: Vec<_> = rows.iter().map(|row| (row.line, row.too_long)).collect();
            assert_eq!(
                seen,
                [(lines[0], false), (lines[1], true), (lines[2], false)]
            );
            assert_eq!(rows[2].fields, [b"c", b"d"]);
        }
    }
}

#[test]
fn a_row_is_too_long_from_the_first_byte_over_the_bound() {
    let (fits, over) = ("x".repeat(998) + ",y", "x".repeat(999) + ",y");
    let rows = read(
        format!("{fits}\n{over}\n{over}").as_bytes(),
        usize::MAX,
        1_000,
    )
    .unwrap();
    let seen: Vec<_> = rows.iter().map(|row| row.too_long).collect();
    assert_eq!(seen, [false, true, true]);
}

#[test]
fn the_fields_before_the_bound_of_a_long_row_are_there() {
    let parts = vec![
        (b"o1,".to_vec(), 1),
        (vec![b'x'; MIB], 300),
        (b",z\no2,y\n".to_vec(), 1),
    ];
    let mut reader = RowReader::new(repeated(parts), b',', MIB, 64);
    let row = reader.next().unwrap().unwrap();
    assert_eq!(
        (row.too_long, row.field(0), row.field(1)),
        (true, Some(b"o1".as_slice()), None)
    );
    let row = reader.next().unwrap().unwrap();
    assert_eq!(
        (row.line, row.field(0), row.too_long),
        (2, Some(b"o2".as_slice()), false)
    );
    assert!(reader.next().unwrap().is_none());
    assert!(
        reader.buffered() <= MIB + (128 << 10),
        "{} bytes",
        reader.buffered()
    );
}

#[test]
fn a_quote_that_swallows_all_is_found_at_the_end_by_its_line() {
    let parts = vec![
        (b"a,b\n".to_vec(), 3),
        (b"c,\"".to_vec(), 1),
        (b"d,e\n".to_vec(), MIB),
    ];
    let mut reader = RowReader::new(repeated(parts), b',', MIB, 64);
    for _ in 0..3 {
        reader.next().unwrap().unwrap();
    }
    assert!(reader.next().unwrap().unwrap().too_long);
    assert!(matches!(
        reader.next(),
        Err(ReadError::UnclosedQuote { line: 4 })
    ));
    assert!(
        reader.buffered() <= MIB + (128 << 10),
        "{} bytes",
        reader.buffered()
    );
}

#[test]
fn a_million_columns_are_counted_and_not_kept() {
    let parts = vec![
        (b"a,b\n".to_vec(), 1),
        (b",".to_vec(), 1_000_000),
        (b"\nc,d".to_vec(), 1),
    ];
    let mut reader = RowReader::new(repeated(parts), b',', MIB, 64);
    let counts: Vec<usize> =
        std::iter::from_fn(|| reader.next().unwrap().map(|row| row.len())).collect();
    assert_eq!(counts, [2, 1_000_001, 2]);
}

#[test]
fn a_failing_stream_says_behind_which_line() {
    struct Cut(&'static [u8]);
    impl Read for Cut {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                read => read,
            }
        }
    }
    let mut reader = RowReader::new(Cut(b"a,b\nc,d\ne"), b',', MIB, 64);
    assert!(reader.next().is_ok_and(|row| row.is_some()));
    assert!(reader.next().is_ok_and(|row| row.is_some()));
    assert!(matches!(
        reader.next(),
        Err(ReadError::Io { behind_line: 2, .. })
    ));
}

/// Bytes that mean something, and some that do not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => Just(b'"'),
        3 => Just(b','),
        2 => Just(b'\n'),
        1 => Just(b'\r'),
        4 => prop::sample::select(b"ab \xc3\xa9".as_slice()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_have_the_rows_that_the_csv_crate_finds(bytes in bytes(), step in 1..9_usize) {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let expected: Vec<Vec<Vec<u8>>> = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes)
            .byte_records()
            .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
            .collect();
        match read(bytes, step, MIB) {
            Ok(rows) => {
                let found: Vec<_> = rows.into_iter().map(|row| row.fields).collect();
                prop_assert_eq!(found, expected);
            }
            // That reader takes the end of the file for the closing quote.
            Err(line) => {
                let mut closed = bytes.to_vec();
                closed.extend_from_slice(b"\"\n");
                let rows = read(&closed, step, MIB).unwrap();
                let last = rows.last().unwrap();
                prop_assert!(last.line <= line);
                let found: Vec<_> = rows.into_iter().map(|row| row.fields).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn any_bytes_have_the_same_rows_whatever_the_blocks(bytes in bytes(), max in 0..20_usize) {
        let whole = read(&bytes, usize::MAX, max);
        for step in 1..4 {
            let trickled = read(&bytes, step, max);
            // How far a long row was read before it was given up hangs on the blocks.
            let outline = |rows: &Result<Vec<Seen>, u64>| rows.as_ref().map_err(|line| *line).map(|rows| {
                rows.iter().map(|row| (row.line, row.too_long, (!row.too_long).then(|| row.fields.clone()))).collect::<Vec<_>>()
            });
            prop_assert_eq!(outline(&trickled), outline(&whole));
        }
    }
}
