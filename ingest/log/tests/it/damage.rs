//! Torn ends are cut by the next writer, damage is reported.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use eip_contract::Offset;
use eip_log::{EndsWatcher, JournalWriter, LogError, committed_ends};

use crate::support::*;

#[test]
fn a_reader_stops_before_an_unfinished_line_and_only_the_next_writer_cuts_it() {
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    put(&mut writer, 0, "k", "one");
    put(&mut writer, 0, "k", "two");
    writer.sync().unwrap();
    drop(writer);
    let file = &files(&state)[0];
    let whole = fs::read(file).unwrap();
    let last = whole.len()
        - whole[..whole.len() - 1]
            .rsplit(|&b| b == b'\n')
            .next()
            .unwrap()
            .len()
        - 1;
    for length in last..whole.len() {
        for tail in [&b""[..], b"\n", b"\0\0\0\0", b"\n{\"p\":0}\nxyz\n\n"] {
            let mut torn = whole[..length].to_vec();
            torn.extend_from_slice(tail);
            fs::write(file, &torn).unwrap();
            let mut early = reader(&state);
            // With nothing but its newline missing the line is whole again, so it may stand.
            let kept = usize::from(length == whole.len() - 1 && tail.first() == Some(&b'\n'));
            assert_eq!(early.poll(None, 9, &mut |_| ()).unwrap(), 1 + kept);
            assert_eq!(early.poll(None, 9, &mut |_| ()).unwrap(), 0);
            assert_eq!(committed_ends(&state).unwrap(), [Offset(1 + kept as u64)]);
            assert_eq!(fs::read(file).unwrap(), torn, "a reader changes nothing");
            let mut writer = open(&state);
            let kept_bytes = if kept == 1 { whole.len() } else { last };
            assert_eq!(fs::read(file).unwrap(), whole[..kept_bytes]);
            assert_eq!(
                put(&mut writer, 0, "other", "longer than the line before"),
                1 + kept as u64
            );
            writer.sync().unwrap();
            let mut values = Vec::new();
            early
                .poll(None, 9, &mut |r| values.push(r.value.unwrap().to_vec()))
                .unwrap();
            assert_eq!(values, [b"longer than the line before"]);
        }
    }
}

#[test]
fn a_changed_bit_before_good_lines_is_reported_with_file_byte_and_the_way_out() {
    let (_folder, state) = state(2);
    let mut writer = open(&state);
    for i in 0..4 {
        put(&mut writer, i % 2, "k", "{\"some\":\"value\"}");
    }
    writer.sync().unwrap();
    drop(writer);
    let file = &files(&state)[0];
    let whole = fs::read(file).unwrap();
    let lines: Vec<usize> = memchr::memchr_iter(b'\n', &whole).collect();
    let last_line = lines[lines.len() - 2] + 1;
    // Without the newline before it the last line ends a longer one, which is the last then.
    for byte in 0..last_line - 1 {
        let mut damaged = whole.clone();
        damaged[byte] ^= 4;
        fs::write(file, &damaged).unwrap();
        let line = lines
            .iter()
            .rev()
            .find(|&&newline| newline < byte)
            .map_or(0, |line| line + 1);
        let error = JournalWriter::open(&state, "a test")
            .err()
            .expect("it is damaged")
            .to_string();
        let place = format!("{} is damaged at byte {line}", file.display());
        assert!(
            error.contains(&place) && error.contains("truncate -s"),
            "{byte}: {error}"
        );
        assert_eq!(fs::read(file).unwrap(), damaged, "nothing is cut");
        assert!(matches!(
            EndsWatcher::open(&state),
            Err(LogError::Corrupt { .. })
        ));
        let read = reader(&state).poll(None, 99, &mut |_| ());
        assert!(matches!(read, Err(LogError::Corrupt { byte, .. }) if byte == line as u64));
    }
}

#[test]
fn a_lost_or_doubled_line_is_damage_though_each_line_is_good() {
    let (_folder, state) = state(2);
    let mut writer = open(&state);
    for _ in 0..3 {
        put(&mut writer, 0, "k", "{}");
    }
    writer.sync().unwrap();
    drop(writer);
    let file = &files(&state)[0];
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for order in [&[0, 1, 3][..], &[0, 1, 1, 2], &[1, 2], &[0, 1, 2, 0]] {
        let changed: String = order.iter().map(|&line| lines[line]).collect();
        fs::write(file, changed).unwrap();
        assert!(
            matches!(
                JournalWriter::open(&state, ""),
                Err(LogError::Corrupt { .. })
            ),
            "{order:?}"
        );
        let read = reader(&state).poll(None, 99, &mut |_| ());
        assert!(matches!(read, Err(LogError::Corrupt { .. })), "{order:?}");
    }
}

#[test]
fn a_line_that_was_cut_and_written_anew_is_read_as_it_is_now() {
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    put(&mut writer, 0, "k", "one");
    writer.sync().unwrap();
    drop(writer);
    let file = fs::File::options()
        .append(true)
        .open(&files(&state)[0])
        .unwrap();
    (&file)
        .write_all(b"{\"p\":0,\"o\":1,\"k\":\"half of a li")
        .unwrap();
    let mut early = reader(&state);
    assert_eq!(early.poll(None, 9, &mut |_| ()).unwrap(), 1);
    let mut writer = open(&state);
    put(&mut writer, 0, "k", "two");
    writer.sync().unwrap();
    assert_eq!(early.poll(None, 9, &mut |_| ()).unwrap(), 1);
}

#[test]
fn a_journal_of_a_newer_format_or_of_another_topic_is_refused() {
    let (_folder, first) = state(1);
    drop(open(&first));
    let file = &files(&first)[0];
    let text = fs::read_to_string(file).unwrap();
    let reseal = |text: String| {
        let content = text.split(",\"c\":").next().unwrap();
        format!(
            "{content},\"c\":\"{:08x}\"}}\n",
            crc32fast::hash(content.as_bytes())
        )
    };
    fs::write(file, reseal(text.replace("\"journal\":2", "\"journal\":8"))).unwrap();
    let error = JournalWriter::open(&first, "")
        .err()
        .expect("a newer format")
        .to_string();
    assert!(
        error.contains("format 8") && error.contains("up to 2"),
        "{error}"
    );
    fs::write(file, reseal(text.replace("0007\"", "0008\""))).unwrap();
    let error = JournalWriter::open(&first, "")
        .err()
        .expect("another topic")
        .to_string();
    assert!(error.contains("belongs to topic"), "{error}");
}

#[test]
fn zeros_behind_the_end_are_no_lines() {
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    put(&mut writer, 0, "k", "one");
    writer.sync().unwrap();
    drop(writer);
    let path = &files(&state)[0];
    let file = fs::File::options().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.write_all_at(&[0], length + (50 << 20)).unwrap();
    assert_eq!(read_all(&state).len(), 1);
    drop(open(&state));
    assert_eq!(fs::metadata(path).unwrap().len(), length);
}
