//! Figures and tables as a person reads them.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

/// 1234567 → `1,234,567`.
pub(crate) fn thousands(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

/// Basis points → `93.61 %`; a dash where there is no rate.
pub(crate) fn percent(basis_points: Option<i64>) -> String {
    basis_points.map_or_else(
        || "-".to_owned(),
        |b| format!("{}.{:02} %", b / 100, b % 100),
    )
}

/// Seconds → days with one digit, `12.4 d`; a dash where there are none.
pub(crate) fn days(seconds: Option<i64>) -> String {
    seconds.map_or_else(
        || "-".to_owned(),
        |s| format!("{:.1} d", s as f64 / 86_400.0),
    )
}

/// A span as `0.42 s` or `3 min 20 s`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 100.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{} min {} s", span.as_secs() / 60, span.as_secs() % 60)
    }
}

/// A table whose columns after the first `left` ones are figures, aligned to the right.
pub(crate) fn table(header: &[&str], left: usize, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    indented(&table.trim_fmt())
}

/// Every line two columns to the right.
pub(crate) fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {}", line.trim_end()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(-1_234_567), "-1,234,567");
        assert_eq!(percent(Some(9_361)), "93.61 %");
        assert_eq!(percent(None), "-");
        assert_eq!(days(Some(129_600)), "1.5 d");
        assert_eq!(span(Duration::from_millis(1_234)), "1.23 s");
        assert_eq!(span(Duration::from_secs(200)), "3 min 20 s");
    }
}
