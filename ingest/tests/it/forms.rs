//! The real data in other forms leads to the same events, to the byte. Skipped where it is not there.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampSecondArray};
use eip_contract::EventTime;
use eip_ingest::rules::Rules;
use eip_olist::{Dataset, FILES, Limits};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use parquet::arrow::ArrowWriter;

use crate::events_digest::{export, olist};

/// The oracle's digest of all events.
const DIGEST: &str = "9cd049dcae264aef2aabce2e77e231bf88d87c8ebce53ccfb4d939df4f1256b3";

/// One of the four files: its header and its rows, as texts.
#[derive(Clone)]
struct Table {
    file: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(folder: &Path, file: &'static str) -> Self {
        let packed = fs::File::open(folder.join(format!("{file}.gz"))).unwrap();
        let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(packed));
        let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        Self {
            file,
            header: texts(reader.headers().unwrap()),
            rows: reader
                .records()
                .map(|record| texts(&record.unwrap()))
                .collect(),
        }
    }

    fn is_time(&self, column: usize) -> bool {
        let name = &self.header[column];
        name.ends_with("_timestamp") || name.ends_with("_at") || name.ends_with("_date")
    }

    /// Every time that is there in another form.
    fn with_times(mut self, change: impl Fn(usize, &str) -> String) -> Self {
        let is_time: Vec<bool> = (0..self.header.len())
            .map(|column| self.is_time(column))
            .collect();
        for (number, row) in self.rows.iter_mut().enumerate() {
            for (text, _) in row
                .iter_mut()
                .zip(&is_time)
                .filter(|(_, is_time)| **is_time)
            {
                *text = change(number, text);
            }
        }
        self
    }

    /// As CSV, all fields in quotes or none.
    fn text(&self, delimiter: char, quoted: bool, end: &str) -> String {
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            for (i, field) in row.iter().enumerate() {
                if i > 0 {
                    text.push(delimiter);
                }
                if quoted || field.contains([delimiter, '"', '\n']) {
                    text.push('"');
                    text += &field.replace('"', "\"\"");
                    text.push('"');
                } else {
                    text += field;
                }
            }
            text += end;
        }
        text
    }
}

/// The data, or `None` where it is not there.
fn tables() -> Option<[Table; 4]> {
    let folder = olist()?;
    Some(FILES.map(|file| Table::read(&folder, file)))
}

/// Writes the tables in one form and reads them.
fn assert_same(tables: &[Table; 4], form: &str, write: impl Fn(&Path, &Table)) {
    let folder = tempfile::tempdir().unwrap();
    for table in tables {
        write(folder.path(), table);
    }
    let data = Dataset::open(folder.path(), &Limits::default());
    let data = data.unwrap_or_else(|error| panic!("{form}: {error}"));
    assert_eq!(
        data.rejects().first().map(ToString::to_string),
        None,
        "{form}"
    );
    assert_eq!(export(&data, &Rules::default()).1, DIGEST, "{form}");
}

fn describe(folder: &Path, text: &str) {
    fs::write(folder.join("dataset.toml"), text).unwrap();
}

/// A `dataset.toml` that names the files of each table by a glob: `orders_*.csv`.
fn by_glob(end: &str) -> String {
    let mut text = "version = 1\n".to_owned();
    for table in ["sellers", "customers", "orders", "items"] {
        text += &["[", table, "]\nfiles = [\"", table, "_*", end, "\"]\n"].concat();
    }
    text
}

fn short(table: &Table) -> &'static str {
    let at = FILES.iter().position(|file| *file == table.file).unwrap();
    eip_olist::TABLES[at]
}

#[test]
fn quotes_line_ends_marks_headers_and_columns_change_nothing() {
    let Some(tables) = tables() else { return };
    assert_same(&tables, "quoted, CRLF, byte order mark", |folder, table| {
        let text = format!("\u{feff}{}", table.text(',', true, "\r\n"));
        fs::write(folder.join(table.file), text).unwrap();
    });
    assert_same(&tables, "upper-case padded headers", |folder, table| {
        let mut table = table.clone();
        for name in &mut table.header {
            *name = format!("  {} ", name.to_uppercase());
        }
        fs::write(folder.join(table.file), table.text(',', false, "\n")).unwrap();
    });
    assert_same(&tables, "shuffled columns", |folder, table| {
        let mut table = table.clone();
        for row in std::iter::once(&mut table.header).chain(&mut table.rows) {
            row.reverse();
            row.rotate_left(1);
        }
        fs::write(folder.join(table.file), table.text(',', false, "\n")).unwrap();
    });
    assert_same(&tables, "UTF-16", |folder, table| {
        let text = format!("\u{feff}{}", table.text(',', false, "\n"));
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(folder.join(table.file), wide).unwrap();
    });
}

#[test]
fn times_in_other_forms_and_words_for_none_change_nothing() {
    let Some(tables) = tables() else { return };
    assert_same(&tables, "fractions and zones", |folder, table| {
        let table = table.clone().with_times(|number, text| {
            let Ok(time) = EventTime::parse_csv(text.as_bytes()) else {
                return text.to_owned();
            };
            let shifted = |hours: i64| {
                let time = time.plus_seconds(hours * 3_600).unwrap().to_string();
                time.trim_end_matches('Z').to_owned()
            };
            match number % 5 {
                0 => format!("{}.999Z", shifted(0)),
                1 => format!("{}-03:00", shifted(-3)),
                2 => {
                    let half = time.plus_seconds(19_800).unwrap().to_string();
                    format!("{}.5+05:30", half.trim_end_matches('Z'))
                }
                3 => format!(" {} UTC ", shifted(0).replace('T', " ")),
                _ => format!("{}.000001", shifted(0)),
            }
        });
        fs::write(folder.join(table.file), table.text(',', false, "\n")).unwrap();
    });
    assert_same(&tables, "nulls as words", |folder, table| {
        let words = ["NULL", "NaN", "NaT", "None", "\\N", "nan", "null"];
        let table = table.clone().with_times(|number, text| {
            if text.is_empty() {
                words[number % words.len()].to_owned()
            } else {
                text.to_owned()
            }
        });
        fs::write(folder.join(table.file), table.text(',', false, "\n")).unwrap();
    });
    let zone = TimeZoneDatabase::bundled()
        .get("America/Sao_Paulo")
        .unwrap();
    assert_same(&tables, "semicolons and local times", |folder, table| {
        describe(
            folder,
            "version = 1\n[format]\ndelimiter = \";\"\ntime_zone = \"America/Sao_Paulo\"\n\
             time = [\"%d/%m/%Y %H:%M:%S\", \"%d/%m/%Y %H:%M:%S %z\"]\n",
        );
        let table = table.clone().with_times(|_, text| local(&zone, text));
        fs::write(folder.join(table.file), table.text(';', false, "\n")).unwrap();
    });
}

/// A time as the clocks of the zone show it; with its offset where they show it twice and it is the
/// later one.
fn local(zone: &TimeZone, text: &str) -> String {
    let Ok(time) = EventTime::parse_csv(text.as_bytes()) else {
        return text.to_owned();
    };
    let zoned = Timestamp::from_second(time.seconds())
        .unwrap()
        .to_zoned_datetime(zone.clone());
    let earlier = zone
        .to_ambiguous_timestamp(zoned.datetime())
        .earlier()
        .unwrap();
    let form = if earlier.as_second() == time.seconds() {
        "%d/%m/%Y %H:%M:%S"
    } else {
        "%d/%m/%Y %H:%M:%S %z"
    };
    zoned.strftime(form).to_string()
}

#[test]
fn several_files_archives_and_parquet_change_nothing() {
    let Some(tables) = tables() else { return };
    assert_same(&tables, "split in 12 by glob", |folder, table| {
        describe(folder, &by_glob(".csv"));
        let parts = table.rows.len().div_ceil(12);
        for (number, rows) in table.rows.chunks(parts).enumerate() {
            let part = Table {
                rows: rows.to_vec(),
                ..table.clone()
            };
            let name = format!("{}_{number:02}.csv", short(table));
            fs::write(folder.join(name), part.text(',', false, "\n")).unwrap();
        }
    });
    assert_same(&tables, "gz and zst mixed", |folder, table| {
        let text = table.text(',', false, "\n");
        if table.file.len().is_multiple_of(2) {
            let name = folder.join(format!("{}.gz", table.file));
            let fast = flate2::Compression::fast();
            let mut packed = flate2::write::GzEncoder::new(fs::File::create(name).unwrap(), fast);
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap();
        } else {
            let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
            fs::write(folder.join(format!("{}.zst", table.file)), packed).unwrap();
        }
    });
    assert_same(&tables, "Parquet", |folder, table| {
        describe(folder, &by_glob(".parquet"));
        let columns = table.header.iter().enumerate().map(|(column, name)| {
            let texts = table
                .rows
                .iter()
                .map(|row| Some(row[column].as_str()).filter(|t| !t.is_empty()));
            let array: ArrayRef = if table.is_time(column) {
                let seconds = |text: &str| EventTime::parse_csv(text.as_bytes()).unwrap().seconds();
                let times: TimestampSecondArray = texts.map(|text| text.map(seconds)).collect();
                Arc::new(times)
            } else {
                Arc::new(texts.collect::<StringArray>())
            };
            (name.as_str(), array, true)
        });
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let file = fs::File::create(folder.join(format!("{}_1.parquet", short(table)))).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    });
}
