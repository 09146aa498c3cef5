//! `eip why ORDER`: where a shipment's fields come from, as tables.

use clap::Args;
use serde_json::Value;

use super::Exit;
use super::ask::{Ask, as_of, list, text};
use crate::text::table;

/// Show for each field of a shipment the record that it comes from, what that replaced, and the run behind it.
#[derive(Args)]
pub(crate) struct Why {
    /// The order's id.
    order_id: String,
    #[command(flatten)]
    ask: Ask,
}

impl Why {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let id: String = percent_encoded(&self.order_id);
        let answer = self.ask.get(&format!("/v1/shipments/{id}/why"), &[])?;
        if self.ask.json {
            out!("{answer}");
            return Ok(Exit::Done);
        }
        let words = |name: &str| list(&answer[name]).iter().map(text);
        let agrees = answer["agrees"] == true;
        out!(
            "order {} in partition {}: the shipment {}",
            text(&answer["order_id"]),
            answer["partition"],
            if agrees {
                "is what its records make"
            } else {
                "is not what its records make"
            }
        );
        for word in words("words").chain(words("lost")) {
            out!("! {word}");
        }
        let fields = list(&answer["fields"]).iter().map(|field| {
            vec![
                text(&field["field"]),
                shown(&field["value"]),
                offsets(&field["records"]),
                offsets(&field["before"]),
            ]
        });
        print("field", &["value", "from", "before"], fields);
        let records = list(&answer["records"]).iter().map(|record| {
            let by = record["by"].as_u64();
            let by = by.map_or(String::new(), |by| format!(" by {by}"));
            vec![
                shown(&record["offset"]),
                text(&record["appended_at"]),
                text(&record["event_type"]),
                text(&record["event_at"]),
                text(&record["event_id"]),
                format!("{}{by}", text(&record["became"]).replace('_', " ")),
                text(&record["run"]),
            ]
        });
        let columns = [
            "appended",
            "type",
            "event time",
            "event id",
            "became",
            "run",
        ];
        print("record", &columns, records);
        let runs = list(&answer["runs"]).iter().map(|run| {
            let files = run["files"].as_object().map(|files| {
                let files = files.iter();
                let files = files.map(|(name, hash)| format!("{name} {}", beginning(hash)));
                files.collect::<Vec<_>>().join("\n")
            });
            vec![
                text(&run["run"]),
                text(&run["kind"]),
                text(&run["requested_at"]),
                text(&run["requester"]),
                format!(
                    "{} {}",
                    text(&run["rules"]),
                    beginning(&run["rules_sha256"])
                ),
                files
                    .filter(|files| !files.is_empty())
                    .unwrap_or_else(|| "-".to_owned()),
            ]
        });
        print("run", &["kind", "asked at", "by", "rules", "data"], runs);
        out!("{}", as_of(&answer));
        Ok(if agrees { Exit::Done } else { Exit::Failed })
    }
}

fn print(first: &str, others: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        let header: Vec<&str> = std::iter::once(first)
            .chain(others.iter().copied())
            .collect();
        out!("{}", table(&header, header.len(), rows));
    }
}

/// A value as it is, a text without its quotes.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn offsets(value: &Value) -> String {
    let offsets: Vec<String> = list(value).iter().map(shown).collect();
    if offsets.is_empty() {
        "-".to_owned()
    } else {
        offsets.join(", ")
    }
}

/// The first digits of a hash.
fn beginning(hash: &Value) -> &str {
    hash.as_str()
        .map_or("", |hash| hash.get(..12).unwrap_or(hash))
}

/// An id as a part of a path.
fn percent_encoded(id: &str) -> String {
    let mut url = reqwest::Url::parse("http://id/").expect("an address");
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.clear().push(id);
    }
    url.path().trim_start_matches('/').to_owned()
}
