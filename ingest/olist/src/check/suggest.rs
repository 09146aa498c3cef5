//! The `dataset.toml` that would read a folder, with a line `# ?` for all that only a person knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::facts::{DayMonth, SeenForm};
use super::file::Looked;
use super::plan::{Plan, TablePlan, groups, plan};
use crate::dataset::{CUSTOMERS_AT, ITEMS_AT, ORDERS_AT, SELLERS_AT};
use crate::description::DESCRIPTION_FILE;
use crate::files::{COLUMNS, TABLES};

/// Words that the reader takes for an empty time or state by itself.
const KNOWN_NULLS: [&str; 7] = ["NULL", "NaN", "NaT", "None", "\\N", "nan", "null"];
/// The order in which a person thinks of the tables.
const SHOWN: [usize; 4] = [ORDERS_AT, ITEMS_AT, CUSTOMERS_AT, SELLERS_AT];
/// Fewest letters that a glob of several files has in common.
const FEWEST_IN_COMMON: usize = 3;

/// A text that may become a `dataset.toml`.
pub(super) struct Draft {
    pub(super) text: String,
    /// What only a person knows, one sentence each.
    pub(super) questions: Vec<String>,
    /// Whether day and month are open, so that no time can be read yet.
    pub(super) is_ambiguous: bool,
}

/// Drafts the text; `None` when Olist's own form is as good, or no file can be the orders.
pub(super) fn draft(files: &[Looked]) -> Option<Draft> {
    let groups = groups(files);
    let plan = plan(&groups);
    plan[ORDERS_AT].as_ref()?;
    let mut draft = Draft {
        text: String::new(),
        questions: Vec::new(),
        is_ambiguous: false,
    };
    let formats = plan.each_ref().map(|table| table.as_ref().map(format_of));
    let mut common = common(&formats);
    let nulls: BTreeSet<String> = plan.iter().flatten().flat_map(nulls).collect();
    if !nulls.is_empty() {
        common.insert("null", list(nulls.iter().map(String::as_str)));
    }
    let (mut times, is_local) = draft.times(&plan);
    for at in SHOWN {
        match (&plan[at], &formats[at]) {
            (Some(table), Some(format)) => {
                let mut own = format.clone();
                own.retain(|key, value| common.get(key) != Some(value));
                draft.add_table(table, &own, files);
            }
            _ => draft.ask(format!(
                "{}: no file has columns for {}",
                TABLES[at],
                COLUMNS[at].join(", ")
            )),
        }
    }
    if common.is_empty() && times.is_empty() && draft.text.is_empty() {
        return None;
    }
    if is_local {
        let question = "the times name no zone and are read as UTC; if they are local, name theirs";
        let _ = writeln!(times, "# ? {question}:\n# time_zone = \"Europe/Madrid\"");
        draft.questions.push(question.to_owned());
    }
    let tables = std::mem::take(&mut draft.text);
    draft.text.push_str("version = 1\n");
    if !common.is_empty() || !times.is_empty() {
        draft.text.push_str("\n[format]\n");
        draft.add_format(&common);
        draft.text.push_str(&times);
    }
    draft.text.push_str(&tables);
    Some(draft)
}

/// Keys of the format of one table that are not the default.
type FormatKeys = BTreeMap<&'static str, String>;

fn format_of(table: &TablePlan<'_>) -> FormatKeys {
    let mut keys = FormatKeys::new();
    let first = table.files[0];
    if first.is_parquet {
        return keys;
    }
    if let Some(delimiter) = first.file.delimiter.filter(|&delimiter| delimiter != ',') {
        keys.insert("delimiter", quoted(&delimiter.to_string()));
    }
    let mut encodings = table.files.iter().map(|looked| &looked.file);
    let other = encodings.find(|file| file.encoding != "utf-8" && !file.byte_order_mark);
    if let Some(file) = other {
        keys.insert("encoding", quoted(&file.encoding));
    }
    keys
}

/// The words in its used columns that mean nothing and that the reader does not know as such.
fn nulls(table: &TablePlan<'_>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (column, name) in &table.columns {
        let is_reference = matches!(*column, "customer_id" | "seller_id");
        let Some(place) = table.header().iter().position(|other| other == name) else {
            continue;
        };
        let facts = table
            .files
            .iter()
            .filter_map(|looked| looked.facts.get(place));
        for word in facts.flat_map(|facts| facts.nulls.keys()) {
            let is_known = !is_reference && KNOWN_NULLS.contains(&word.as_str());
            let is_name = column.ends_with("_state") && word.eq_ignore_ascii_case("na");
            if !is_known && !is_name && *column != "order_status" {
                words.insert(word.clone());
            }
        }
    }
    words
}

/// What all tables that are there have in common.
fn common(formats: &[Option<FormatKeys>; 4]) -> FormatKeys {
    let mut there = formats.iter().flatten();
    let mut common = there.next().cloned().unwrap_or_default();
    for other in there {
        common.retain(|key, value| other.get(key) == Some(value));
    }
    common
}

impl Draft {
    fn ask(&mut self, question: String) {
        let _ = write!(self.text, "\n# ? {question}\n");
        self.questions.push(question);
    }

    fn add_format(&mut self, keys: &FormatKeys) {
        for (key, value) in keys {
            let _ = writeln!(self.text, "{key} = {value}");
        }
    }

    /// The lines about times, of all columns that the orders use, and whether some name no zone.
    fn times(&mut self, plan: &Plan<'_>) -> (String, bool) {
        let mut text = String::new();
        let Some(orders) = &plan[ORDERS_AT] else {
            return (text, false);
        };
        let columns = COLUMNS[ORDERS_AT][3..].iter();
        let places = columns.filter_map(|column| {
            let name = orders.columns.get(column)?;
            orders.header().iter().position(|other| other == name)
        });
        let places: Vec<usize> = places.collect();
        let facts = || {
            let files = orders.files.iter();
            files.flat_map(|looked| {
                places
                    .iter()
                    .filter_map(move |&place| looked.facts.get(place))
            })
        };
        let order = DayMonth::of(facts());
        let mut seen: Vec<&SeenForm> = facts().flat_map(|facts| &facts.forms).collect();
        seen.sort_by_key(|seen| std::cmp::Reverse(seen.count));
        if seen.iter().any(|seen| seen.built_in < seen.count) {
            self.forms(&mut text, &order, &seen);
        }
        let is_local = seen.iter().any(|seen| !seen.has_zone());
        (text, is_local)
    }

    fn forms(&mut self, text: &mut String, order: &DayMonth, seen: &[&SeenForm]) {
        let with = |order: &DayMonth| {
            let mut forms = Vec::new();
            for form in seen.iter().flat_map(|seen| order.forms(seen)) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
            list(forms.iter().map(String::as_str))
        };
        match order {
            DayMonth::Ambiguous(sample) => {
                self.is_ambiguous = true;
                let question = format!(
                    "{sample:?}: is the day or the month first? no value shows it; keep the line \
                     that is right"
                );
                let (day, month) = (with(&DayMonth::DayFirst), with(&DayMonth::MonthFirst));
                let _ = writeln!(text, "# ? {question}:\n# time = {day}\n# time = {month}");
                self.questions.push(question);
            }
            DayMonth::Both(day, month) => {
                let question = format!(
                    "{day:?} has the day first and {month:?} the month; with both forms, times that \
                     they read differently are rejected"
                );
                let _ = writeln!(text, "# ? {question}");
                let _ = writeln!(text, "time = {}", with(order));
                self.questions.push(question);
            }
            _ => {
                let _ = writeln!(text, "time = {}", with(order));
            }
        }
    }

    fn add_table(&mut self, table: &TablePlan<'_>, own: &FormatKeys, all: &[Looked]) {
        let name = table.table();
        let renamed: Vec<(&str, &String)> = COLUMNS[table.at]
            .iter()
            .filter_map(|&column| Some((column, table.columns.get(column)?)))
            .filter(|(column, name)| !name.trim().eq_ignore_ascii_case(column))
            .collect();
        let is_olists_file = table.is_olists_file();
        if is_olists_file
            && own.is_empty()
            && renamed.is_empty()
            && table.constants.is_empty()
            && table.missing.is_empty()
        {
            return;
        }
        let _ = write!(self.text, "\n[{name}]\n");
        if !is_olists_file {
            let _ = writeln!(self.text, "files = {}", files_of(table, all));
        }
        self.add_format(own);
        for column in &table.missing {
            let question = format!(
                "{name}: no column was found for {column} among {}",
                table.header().join(", ")
            );
            let _ = writeln!(self.text, "# ? {question}");
            self.questions.push(question);
        }
        if !renamed.is_empty() || !table.missing.is_empty() {
            let _ = write!(self.text, "\n[{name}.columns]\n");
            for (column, name) in renamed {
                let _ = writeln!(self.text, "{column} = {}", quoted(name));
            }
            for column in &table.missing {
                let _ = writeln!(self.text, "# {column} = \"\"");
            }
        }
        if !table.constants.is_empty() {
            let _ = write!(self.text, "\n[{name}.constant]\n");
            for (column, value, why) in &table.constants {
                let question = format!("{name}: no column was found for {column}; {why}");
                let _ = writeln!(self.text, "# ? {question}\n{column} = {}", quoted(value));
                self.questions.push(question);
            }
        }
    }
}

/// The files of a table: one glob where it finds these and no others.
fn files_of(table: &TablePlan<'_>, all: &[Looked]) -> String {
    let names: Vec<&str> = table
        .files
        .iter()
        .map(|looked| looked.file.name.as_str())
        .collect();
    let glob = glob_of(&names).filter(|glob| {
        let finds = |name: &str| {
            let pattern = glob::Pattern::new(glob);
            pattern.is_ok_and(|pattern| pattern.matches(name))
        };
        let found = all.iter().filter(|looked| finds(&looked.file.name)).count();
        found == names.len() && !finds(DESCRIPTION_FILE)
    });
    match glob {
        Some(glob) => list([glob.as_str()]),
        None => list(
            names
                .iter()
                .map(|name| glob::Pattern::escape(name))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str),
        ),
    }
}

/// What the names begin and end with, with `*` between.
fn glob_of(names: &[&str]) -> Option<String> {
    let (first, others) = names.split_first()?;
    let (second, _) = others.split_first()?;
    let common = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let back = |text: &str| text.chars().rev().collect::<String>();
    let before = others.iter().map(|other| common(first, other)).min()?;
    let after = others
        .iter()
        .map(|other| common(&back(first), &back(other)))
        .min()?;
    let shortest = names.iter().map(|name| name.len()).min()?;
    // Not within a number: shipments_2024-0*.csv is no glob for the next month but one.
    let head = first
        .get(..before)?
        .trim_end_matches(|c: char| c.is_ascii_digit());
    let tail = first.get(first.len() - after.min(shortest - before)..)?;
    let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_plain = !second.contains('/') && !first.contains(['*', '?', '[', ']']);
    let is_telling = head.len() >= FEWEST_IN_COMMON && first.is_ascii();
    (is_plain && is_telling).then(|| format!("{head}*{tail}"))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_have_a_glob_that_finds_the_next_one_too() {
        assert_eq!(
            glob_of(&["shipments_2024-01.csv", "shipments_2024-02.csv"]),
            Some("shipments_2024-*.csv".to_owned())
        );
        assert_eq!(
            glob_of(&["orders_jan.csv.gz", "orders_feb.csv.gz", "orders.csv.gz"]),
            Some("orders*.csv.gz".to_owned())
        );
        assert_eq!(glob_of(&["a.csv", "b.csv"]), None);
        assert_eq!(glob_of(&["orders.csv"]), None);
    }
}
