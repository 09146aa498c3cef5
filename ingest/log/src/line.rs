//! One line of the journal: its kinds, how it is made and how it is taken apart.
//!
//! ```text
//! {"journal":2,"topic":"…","file":2,"next":[7,9],"ledger":3,"before":67108900,"c":"…"}    the header
//! {"p":0,"o":12,"k":"<key>","run":"<run>/1","at":8,"due":5,"v":{…},"c":"…"}                a record
//! {"begin":"<run>/1","c":"…"} … {"commit":"<run>/1","next":[7,9],"c":"…"}                  a block
//! {"abort":"<run>/1","next":[7,9],"c":"…"}                                                 or so
//! {"ledger":{…},"n":3,"c":"…"}                                                             the ledger
//! ```
//! `c` is the CRC-32 of the line's bytes before `,"c"`. A record's `k` is null for no key, `k64`
//! holds what is no plain text. `v` is the value itself, byte for byte, when the whole line is JSON
//! with it, null for a tombstone; any other value is base64 in `b64`. `at` is when the record was
//! appended, in milliseconds since the epoch; files of format 1 do not have it. So each line is JSON,
//! and none of it is ever parsed as such on the way to a reader.

mod read;
mod write;

pub(crate) use read::{Kind, Scratch, Switch, body, record_head};
pub(crate) use write::{RecordLine, push_number, write_event, write_record, write_switch};

/// Most bytes of key and value together.
pub(crate) const MAX_RECORD_BYTES: usize = 16 << 20;
/// Most bytes of a line: a record of the greatest size as base64 or escaped, and its frame.
pub(crate) const MAX_LINE_BYTES: usize = 40 << 20;
/// Bytes of `,"c":"01234567"}`.
const TRAILER_BYTES: usize = 16;
const TRAILER_START: &[u8] = b",\"c\":\"";

/// Ends the line that begins at `start` and lacks its last brace: check sum, brace, newline.
#[inline]
pub(crate) fn seal(out: &mut Vec<u8>, start: usize) {
    let digits = hex_8(crc32fast::hash(&out[start..]));
    out.extend_from_slice(TRAILER_START);
    out.extend_from_slice(&digits);
    out.extend_from_slice(b"\"}\n");
}

/// Whether a line, without its newline, is as it was sealed.
#[inline]
pub(crate) fn is_sound(line: &[u8]) -> bool {
    let Some((content, trailer)) = line.split_last_chunk::<TRAILER_BYTES>() else {
        return false;
    };
    trailer[..6] == *TRAILER_START
        && trailer[14..] == *b"\"}"
        && trailer[6..14] == hex_8(crc32fast::hash(content))
}

/// A sound line without its check sum and last brace.
#[inline]
fn content(line: &[u8]) -> &[u8] {
    &line[..line.len() - TRAILER_BYTES]
}

#[inline]
fn hex_8(value: u32) -> [u8; 8] {
    // Eight nibbles spread over eight bytes, the highest first, then digits and letters at once.
    let mut spread = u64::from(value);
    spread = (spread << 16 | spread) & 0x0000_ffff_0000_ffff;
    spread = (spread << 8 | spread) & 0x00ff_00ff_00ff_00ff;
    spread = (spread << 4 | spread) & 0x0f0f_0f0f_0f0f_0f0f;
    let above_nine = (spread + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (spread + 0x3030_3030_3030_3030 + above_nine * 0x27).to_be_bytes()
}

/// Reads the header `parts` of a record: how many records its transaction has in each partition.
pub fn parse_parts(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|count| count.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_that_of_the_standard_library() {
        for value in [0, 1, 0x0123_4567, 0x89ab_cdef, u32::MAX, 0xf000_000a] {
            assert_eq!(hex_8(value).as_slice(), format!("{value:08x}").as_bytes());
        }
    }

    #[test]
    fn a_sealed_line_is_sound_and_no_changed_byte_goes_unseen() {
        let mut line = b"{\"p\":0,\"o\":1".to_vec();
        seal(&mut line, 0);
        assert_eq!(line.pop(), Some(b'\n'));
        assert!(is_sound(&line));
        assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok());
        for place in 0..line.len() {
            for bit in 0..8 {
                line[place] ^= 1 << bit;
                assert!(!is_sound(&line), "bit {bit} of byte {place}");
                line[place] ^= 1 << bit;
            }
            assert!(!is_sound(&line[..place]));
        }
    }

    #[test]
    fn parts_are_counts_by_partition() {
        assert_eq!(parse_parts("3,0,12"), Some(vec![3, 0, 12]));
        assert_eq!(parse_parts(""), None);
        assert_eq!(parse_parts("1,,2"), None);
    }
}
