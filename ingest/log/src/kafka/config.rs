//! Where Kafka is, and the names that a space has there. Also in builds without its client.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use eip_contract::Space;

use crate::error::LogError;

/// Where the log is.
#[derive(Clone)]
pub struct KafkaConfig {
    /// `host:port` of one broker or more, with commas between.
    pub bootstrap: String,
    /// Whose topics.
    pub space: Space,
    /// The local folder for what is derived from the log.
    pub folder: PathBuf,
    /// Further settings of librdkafka for all clients: TLS, SASL, client.id. They win over ours.
    pub properties: Vec<(String, String)>,
    /// Where this instance takes commands: entered in the claims that it makes.
    pub advertised_url: Option<String>,
}

/// With the names of the properties and without their values, which may be secret.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("KafkaConfig")
            .field("bootstrap", &self.bootstrap)
            .field("space", &self.space)
            .field("folder", &self.folder)
            .field("properties", &names)
            .finish_non_exhaustive()
    }
}

impl KafkaConfig {
    /// With no further settings.
    pub fn new(bootstrap: impl Into<String>, space: Space, folder: impl Into<PathBuf>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            space,
            folder: folder.into(),
            properties: Vec::new(),
            advertised_url: None,
        }
    }

    /// Reads `name=value,name=value`, or the path of a file with one of them a line, in which
    /// empty lines and those that begin with `#` are passed over.
    pub fn parse_properties(text: &str) -> Result<Vec<(String, String)>, LogError> {
        let text = text.trim();
        if text.contains('=') {
            return pairs(text.split(','), "the Kafka properties");
        }
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let path = Path::new(text);
        let content = fs::read_to_string(path).map_err(LogError::io("read", path))?;
        let lines = content.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        pairs(lines, text)
    }

    /// The topic of the events.
    pub fn events_topic(&self) -> String {
        self.space.prefixed("fulfillment-events")
    }

    /// The topic of the run ledger.
    pub fn ledger_topic(&self) -> String {
        self.space.prefixed("fulfillment-runs")
    }

    /// The consumer group under which ordinary tools show how far the views are written.
    pub fn group(&self) -> String {
        self.space.prefixed("eip-dataflow")
    }

    /// The id that all transactions of the space share, so that each fences the one before.
    pub fn transactional_id(&self) -> String {
        format!("eip-window-{}", self.space)
    }
}

fn pairs<'a>(
    texts: impl Iterator<Item = &'a str>,
    place: &str,
) -> Result<Vec<(String, String)>, LogError> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    texts
        .map(|text| {
            // The value may be secret, so only what stands before it is told.
            let name = text.split('=').next().unwrap_or_default().trim();
            pair(text)
                .filter(|_| !name.is_empty())
                .ok_or_else(|| LogError::Kafka {
                    what: format!("{place} have no `name=value` at {name:?}"),
                    passing: false,
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_from_a_text_or_a_file_and_are_never_printed() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [pair("sasl.username", "me"), pair("sasl.password", "s=cret")];
        let parsed = KafkaConfig::parse_properties("sasl.username=me, sasl.password=s=cret");
        assert_eq!(parsed.unwrap(), expected);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kafka.properties");
        fs::write(&file, "# who\nsasl.username = me\n\nsasl.password=s=cret\n").unwrap();
        let parsed = KafkaConfig::parse_properties(file.to_str().unwrap()).unwrap();
        assert_eq!(parsed, expected);
        let mut config = KafkaConfig::new("localhost:9092", Space::main(), "state");
        config.properties = parsed;
        let shown = format!("{config:?}");
        assert!(
            shown.contains("sasl.password") && !shown.contains("cret"),
            "{shown}"
        );
        let error = KafkaConfig::parse_properties("a=b,oops").unwrap_err();
        assert!(error.to_string().contains("oops"), "{error}");
    }

    #[test]
    fn a_space_owns_its_topics_group_and_transactions() {
        let config = KafkaConfig::new("b", "peak".parse().unwrap(), "state");
        assert_eq!(config.events_topic(), "peak.fulfillment-events");
        assert_eq!(config.ledger_topic(), "peak.fulfillment-runs");
        assert_eq!(config.group(), "peak.eip-dataflow");
        assert_eq!(config.transactional_id(), "eip-window-peak");
        let main = KafkaConfig::new("b", Space::main(), "state");
        assert_eq!(main.events_topic(), "fulfillment-events");
    }
}
