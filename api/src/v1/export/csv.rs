//! CSV (RFC 4180, with `\n`), safe to open in a spreadsheet.

use eip_stores::query::Document;
use eip_views::{SHIPMENTS, Value};

/// The line of names.
pub(super) fn head(bom: bool) -> Vec<u8> {
    let mut head = Vec::new();
    if bom {
        head.extend_from_slice("\u{feff}".as_bytes());
    }
    let names: Vec<&str> = SHIPMENTS.columns.iter().map(|column| column.name).collect();
    head.extend_from_slice(names.join(",").as_bytes());
    head.push(b'\n');
    head
}

/// One line, without its end.
pub(super) fn line(document: &Document, out: &mut Vec<u8>) {
    for (place, value) in document.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match value {
            Value::Null => {}
            Value::Text(text) => cell(text, out),
            Value::Time(time) => out.extend_from_slice(time.to_string().as_bytes()),
            Value::Day(day) => out.extend_from_slice(day.to_string().as_bytes()),
            Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
            Value::Boolean(boolean) => out.extend_from_slice(boolean.to_string().as_bytes()),
            Value::EventType(status) => out.extend_from_slice(status.name().as_bytes()),
        }
    }
}

/// A text that a spreadsheet shows and never executes: what begins like a formula gets a quote before
/// it (OWASP, "CSV Injection").
fn cell(text: &str, out: &mut Vec<u8>) {
    // Also in the wide forms of East Asian keyboards.
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted = is_formula || text.contains(['"', ',', '\n', '\r', ';']);
    if !quoted {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if is_formula {
        out.push(b'\'');
    }
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let shown = |text: &str| {
            let mut out = Vec::new();
            cell(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown("SP"), "SP");
        assert_eq!(shown("=1+1"), "\"'=1+1\"");
        assert_eq!(shown("-a"), "\"'-a\"");
        assert_eq!(shown("\n=1"), "\"'\n=1\"");
        assert_eq!(shown("＝1"), "\"'＝1\"");
        assert_eq!(shown("@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!(shown("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(shown(""), "");
    }
}
