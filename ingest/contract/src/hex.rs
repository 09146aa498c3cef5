//! Lower-case hex, eight digits at a time inside one register.

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const LOW: u64 = 0x0f0f_0f0f_0f0f_0f0f;
const ONES: u64 = 0x0101_0101_0101_0101;

/// The number that 32 lower-case hex digits write; `None` when one is anything else.
#[inline]
pub fn parse_32(text: &[u8; 32]) -> Option<u128> {
    let mut value = 0_u128;
    for chunk in text.as_chunks::<8>().0 {
        value = value << 32 | u128::from(parse_8(*chunk)?);
    }
    Some(value)
}

#[inline]
fn parse_8(text: [u8; 8]) -> Option<u32> {
    let text = u64::from_le_bytes(text);
    // A letter has bit 6, and its low nibble is 1 to 6 for the values 10 to 15.
    let letters = text >> 6 & ONES;
    let nibbles = (text & LOW) + letters * 9;
    let above_nine = (nibbles + ONES * 6) >> 4 & ONES;
    let written = nibbles
        .wrapping_add(ONES * 0x30)
        .wrapping_add(above_nine * 0x27);
    if written != text || nibbles & !LOW != 0 {
        return None;
    }
    let pairs = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some(((quads | quads >> 16) as u32).swap_bytes())
}

/// 32 lower-case hex digits of a number.
pub fn format_32(value: u128) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text
        .as_chunks_mut::<2>()
        .0
        .iter_mut()
        .zip(value.to_be_bytes())
    {
        *pair = [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for value in [
            0,
            1,
            u128::MAX,
            0x0123_4567_89ab_cdef_fedc_ba98_7654_3210,
            10 << 124,
        ] {
            let text = format_32(value);
            assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{value:032x}"));
            assert_eq!(parse_32(&text), Some(value));
        }
    }

    #[test]
    fn a_byte_that_is_no_lower_case_hex_digit_is_refused() {
        let good = format_32(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
        for place in 0..32 {
            for byte in 0..=255u8 {
                let mut text = good;
                text[place] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(parse_32(&text).is_some(), is_digit, "{byte} at {place}");
            }
        }
    }
}
