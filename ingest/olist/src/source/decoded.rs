//! A stream in some encoding → UTF-8, block by block.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes read at once; decoded they are at most three times as many.
const BLOCK: usize = 32 << 10;
/// Stands for what is not in the encoding: no byte of UTF-8, so that the field that holds it is
/// rejected where it is used.
const MALFORMED: u8 = 0xff;

/// The decoded stream. A byte order mark decides about the encoding before what was said.
pub(crate) struct Decoded<R> {
    bytes: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    raw_at: usize,
    raw_end: usize,
    at_end: bool,
    /// Decoded and not handed out yet.
    text: Vec<u8>,
    text_at: usize,
    text_end: usize,
    is_done: bool,
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(bytes: R, encoding: &'static Encoding) -> Self {
        Self {
            bytes,
            decoder: encoding.new_decoder(),
            raw: vec![0; BLOCK],
            raw_at: 0,
            raw_end: 0,
            at_end: false,
            text: vec![0; 3 * BLOCK + 16],
            text_at: 0,
            text_end: 0,
            is_done: false,
        }
    }

    /// Decodes on, until there is text or the end.
    fn fill(&mut self) -> io::Result<()> {
        (self.text_at, self.text_end) = (0, 0);
        while self.text_end == 0 && !self.is_done {
            if self.raw_at == self.raw_end && !self.at_end {
                self.raw_end = self.bytes.read(&mut self.raw)?;
                self.raw_at = 0;
                self.at_end = self.raw_end == 0;
            }
            let raw = &self.raw[self.raw_at..self.raw_end];
            // A byte is kept free for what is malformed.
            let room = self.text.len() - 1;
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                raw,
                &mut self.text[..room],
                self.at_end,
            );
            self.raw_at += read;
            self.text_end = written;
            match result {
                DecoderResult::Malformed(..) => {
                    self.text[written] = MALFORMED;
                    self.text_end += 1;
                }
                DecoderResult::InputEmpty => self.is_done = self.at_end,
                DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.text_at == self.text_end {
            self.fill()?;
        }
        let length = buffer.len().min(self.text_end - self.text_at);
        buffer[..length].copy_from_slice(&self.text[self.text_at..self.text_at + length]);
        self.text_at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn decoded(bytes: &[u8], label: &str) -> Vec<u8> {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap();
        let mut all = Vec::new();
        Decoded::new(bytes, encoding).read_to_end(&mut all).unwrap();
        for step in [1, 2, 3] {
            let mut again = Vec::new();
            let mut trickled = Decoded::new(Trickle(bytes, step), encoding);
            trickled.read_to_end(&mut again).unwrap();
            assert_eq!(again, all, "{step} bytes at a time");
        }
        all
    }

    #[test]
    fn text_comes_out_as_utf8_and_a_mark_decides() {
        assert_eq!(
            decoded(b"S\xe3o Paulo\x80", "windows-1252"),
            "São Paulo€".as_bytes()
        );
        let wide: Vec<u8> = "\u{feff}São 🙂"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decoded(&wide, "utf-8"), "São 🙂".as_bytes());
        assert_eq!(decoded(&wide[2..], "utf-16le"), "São 🙂".as_bytes());
        assert_eq!(
            decoded(b"\xef\xbb\xbf\xc3\xa9", "windows-1252"),
            "é".as_bytes()
        );
        let long = "é".repeat(100_000);
        let wide: Vec<u8> = long.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&wide, "utf-16be"), long.as_bytes());
    }

    #[test]
    fn what_is_not_in_the_encoding_is_no_utf8() {
        // Half of a surrogate pair, and a byte alone at the end.
        let wide = [&b"a\0"[..], b"\x00\xd8", b"b\0", b"\x01"].concat();
        assert_eq!(decoded(&wide, "utf-16le"), b"a\xffb\xff");
        assert_eq!(decoded(b"a\x81\x20b", "shift_jis")[..2], *b"a\xff");
    }
}
