//! The run ledger in its topic of one partition: an entry's position is its offset.
//!
//! An entry is JSON with its format version in it, under the run's id as key. One that stands
//! inside of a transaction carries the header `run`, so that somebody who reads before the
//! transaction's end can tell that it may not come to count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::native::End;
use super::reader::KafkaReader;
use crate::error::LogError;
use crate::event_log::{LedgerSource, LogReader as _};
use crate::ledger::LedgerEntry;
use crate::reader::RecordRef;

/// The newest format of an entry that this program reads and the one it writes.
const FORMAT: u32 = 1;
/// How long the broker may give nothing of what it says is there.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    #[serde(flatten)]
    entry: &'a LedgerEntry,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    format: u32,
}

/// An entry's bytes in the topic.
pub(super) fn encode(entry: &LedgerEntry) -> Vec<u8> {
    let format = FORMAT;
    serde_json::to_vec(&Written { format, entry }).expect("an entry is plain data")
}

/// An entry out of the topic; `None` for something that is none.
fn decode(topic: &str, record: &RecordRef<'_>) -> Result<Option<LedgerEntry>, LogError> {
    let value = record.value.unwrap_or_default();
    let read = serde_json::from_slice(value).and_then(|Version { format }| {
        if format > FORMAT {
            return Ok(Err(format));
        }
        serde_json::from_slice(value).map(Ok)
    });
    match read {
        Ok(Ok(entry)) => Ok(Some(entry)),
        Ok(Err(found)) => Err(LogError::NewerFormat {
            path: format!("topic {topic}, offset {}", record.offset).into(),
            found,
            supported: FORMAT,
        }),
        Err(error) => {
            let offset = record.offset.0;
            tracing::warn!(topic, offset, %error, "passing over what is no ledger entry");
            Ok(None)
        }
    }
}

/// Follows the committed entries.
pub(super) struct KafkaLedger {
    broker: Arc<Broker>,
    reader: KafkaReader,
}

impl KafkaLedger {
    /// Begins with the first entry.
    pub(super) fn open(broker: &Arc<Broker>) -> Result<Self, LogError> {
        let reader = KafkaReader::open(broker, &broker.ledger, &[0], &[Offset(0)], true)?;
        Ok(Self {
            broker: Arc::clone(broker),
            reader,
        })
    }

    /// The next entry's offset.
    pub(super) fn position(&self) -> Offset {
        self.reader.positions()[0]
    }

    /// Hands over the entries from [`KafkaLedger::position`] up to `upto` that count whether or not
    /// an open transaction holds them back; those inside of one are left out.
    pub(super) fn look_ahead(
        &self,
        upto: Offset,
        each: &mut dyn FnMut(u64, LedgerEntry),
    ) -> Result<(), LogError> {
        let topic = &self.broker.ledger;
        let mut reader = KafkaReader::open(&self.broker, topic, &[0], &[self.position()], false)?;
        read_to(
            &mut reader,
            topic,
            upto,
            &mut |is_undecided, offset, entry| {
                if !is_undecided {
                    each(offset, entry);
                }
            },
        )?;
        Ok(())
    }
}

impl LedgerSource for KafkaLedger {
    fn poll(&mut self, each: &mut dyn FnMut(u64, LedgerEntry)) -> Result<usize, LogError> {
        let upto = self.broker.ledger_end(End::Stable)?;
        let mut each = |_in_transaction, offset, entry| each(offset, entry);
        read_to(&mut self.reader, &self.broker.ledger, upto, &mut each)
    }
}

/// Hands over all entries before `upto`: whether it stands in a transaction, where it is, what it
/// says.
fn read_to(
    reader: &mut KafkaReader,
    topic: &str,
    upto: Offset,
    each: &mut dyn FnMut(bool, u64, LedgerEntry),
) -> Result<usize, LogError> {
    let mut count = 0;
    let mut failed = None;
    let mut silent_since = Instant::now();
    while reader.positions()[0] < upto {
        let read = reader.poll(
            &[upto],
            usize::MAX,
            &mut |record| match decode(topic, &record) {
                _ if failed.is_some() => {}
                Ok(Some(entry)) => {
                    count += 1;
                    each(record.run.is_some(), record.offset.0, entry);
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            },
        )?;
        if let Some(error) = failed {
            return Err(error);
        }
        if read > 0 {
            silent_since = Instant::now();
        } else if silent_since.elapsed() > PATIENCE {
            return Err(LogError::Silent {
                positions: reader.positions().to_vec(),
                upto: vec![upto],
            });
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{RunKind, RunState, RunTag};

    fn record(value: &[u8]) -> RecordRef<'_> {
        RecordRef {
            partition: 0,
            offset: Offset(3),
            key: None,
            value: Some(value),
            run: None,
            parts: None,
            appended_ms: None,
            due_micros: None,
        }
    }

    #[test]
    fn an_entry_comes_back_and_says_its_format() {
        let tag = RunTag {
            run_id: "r".into(),
            attempt: 1,
        };
        let entry = LedgerEntry::new(&tag, RunKind::Window, RunState::Running, 5);
        let bytes = encode(&entry);
        insta::assert_snapshot!(
            String::from_utf8_lossy(&bytes),
            @r#"{"format":1,"run_id":"r","attempt":1,"kind":"window","state":"running","at":5}"#
        );
        assert_eq!(decode("t", &record(&bytes)).unwrap(), Some(entry));
    }

    #[test]
    fn a_newer_entry_is_refused_and_what_is_none_passed_over() {
        let newer = decode("t", &record(br#"{"format":2,"shape":"unknown"}"#)).unwrap_err();
        let text = newer.to_string();
        assert!(
            text.contains("format 2") && text.contains("up to 1"),
            "{text}"
        );
        assert_eq!(decode("t", &record(b"oops")).unwrap(), None);
    }
}
