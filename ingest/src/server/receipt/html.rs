//! HTML of pages that need nothing else: texts escaped, tables, counts.

use std::fmt::{self, Write as _};

use crate::run::Grouped;

/// How a page looks, on a screen and printed.
pub(super) const STYLE: &str = "
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
p.state{margin:.2rem 0 0}p.lead{margin:.8rem 0 1.2rem;font-size:1.05rem}.state b{padding:.1rem .5rem;border-radius:.3rem;background:var(--soft)}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em;overflow-wrap:anywhere}
.bad{border-left:4px solid #c33;padding:.4rem .8rem;background:var(--soft)}
@media print{body{margin:0;max-width:none}}
";

/// Adds to a page.
pub(super) fn put(page: &mut String, text: fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a String takes everything");
}

/// Begins a section with a table; `columns` are its head, those with counts behind the texts.
pub(super) fn table(page: &mut String, title: &str, texts: &[&str], counts: &[&str]) {
    put(page, format_args!("<h2>{}</h2><table>", Text(title)));
    if texts.is_empty() && counts.is_empty() {
        return;
    }
    page.push_str("<tr>");
    for text in texts {
        put(page, format_args!("<th>{text}"));
    }
    for count in counts {
        put(page, format_args!("<th class=n>{count}"));
    }
}

/// A row of a name and what it stands for.
pub(super) fn pair(page: &mut String, name: &str, value: &str) {
    put(
        page,
        format_args!("<tr><th>{}<td>{}", Text(name), Text(value)),
    );
}

/// A row of a name and a digest.
pub(super) fn digest(page: &mut String, name: &str, value: &str) {
    put(
        page,
        format_args!("<tr><th>{}<td><code>{}</code>", Text(name), Text(value)),
    );
}

/// A cell with a count, or an empty one.
pub(super) fn count(page: &mut String, count: Option<u64>) {
    page.push_str("<td class=n>");
    if let Some(count) = count {
        put(page, format_args!("{}", Grouped(count)));
    }
}

/// Text as HTML shows it.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['&', '<', '>', '"', '\'']) {
            let (plain, special) = match part.char_indices().last() {
                Some((at, '&')) => (&part[..at], "&amp;"),
                Some((at, '<')) => (&part[..at], "&lt;"),
                Some((at, '>')) => (&part[..at], "&gt;"),
                Some((at, '"')) => (&part[..at], "&quot;"),
                Some((at, '\'')) => (&part[..at], "&#39;"),
                _ => (part, ""),
            };
            f.write_str(plain)?;
            f.write_str(special)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let text = Text("<a href=\"x\">'&'").to_string();
        assert_eq!(text, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    }
}
