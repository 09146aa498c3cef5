//! Who may write: taking over from every earlier epoch, and leaving an alias behind.
//!
//! A bulk names a write alias of its writer (`require_alias`), so one that arrives when its alias
//! is gone writes nothing. Versions alone would not do: Elasticsearch forgets the version of a
//! deleted document, and a late old write would bring the document back. What has passed the alias
//! when it goes is being executed by the cluster, and there the versions hold: a deletion is
//! remembered for a minute.

use elasticsearch::http::Method;
use serde_json::{Value, json};

use super::super::error::{Fault, Retry, StoreError};
use super::client::Failure;
use super::indices::{Generation, Indices, change};
use super::layout::WriteAlias;

/// How often aliases that others change meanwhile are read again.
const ROUNDS: usize = 50;

/// Another dataflow with a greater epoch is there.
pub(super) fn superseded(theirs: u64, ours: u64) -> StoreError {
    StoreError::new(
        Fault::Internal,
        Retry::Never,
        format!("a newer dataflow took over (its epoch is {theirs}, ours {ours})"),
    )
}

/// Refuses when any of `generations` knows a greater epoch.
fn check_newest(generations: &[Generation], ours: u64) -> Result<(), StoreError> {
    let aliases = generations.iter().flat_map(|g| &g.write_aliases);
    let marks = generations.iter().map(|g| g.epoch);
    match aliases.map(|alias| alias.epoch).chain(marks).max() {
        Some(theirs) if theirs > ours => Err(superseded(theirs, ours)),
        _ => Ok(()),
    }
}

/// Gives `writers` writers of `epoch` their aliases on each view's `target` index, and takes those
/// of every earlier epoch from all indices, in one step. The result is checked: of two dataflows
/// that do this at once, the one with the greater epoch stays, whoever comes first.
pub(super) async fn take_over(
    targets: &[(Indices, String)],
    epoch: u64,
    writers: usize,
) -> Result<(), StoreError> {
    for _ in 0..ROUNDS {
        let mut actions = Vec::new();
        for (indices, target) in targets {
            let generations = indices.generations().await?;
            if let Err(error) = check_newest(&generations, epoch) {
                withdraw(targets, epoch).await?;
                return Err(error);
            }
            let layout = &indices.layout;
            for generation in &generations {
                for alias in &generation.write_aliases {
                    if alias.epoch < epoch || generation.index != *target {
                        actions.push(json!({ "remove": {
                            "index": generation.index,
                            "alias": layout.write_alias(*alias),
                            "must_exist": false,
                        } }));
                    }
                }
            }
            let present = generations
                .iter()
                .filter(|generation| generation.index == *target)
                .flat_map(|generation| &generation.write_aliases);
            let present: Vec<&WriteAlias> = present.filter(|alias| alias.epoch == epoch).collect();
            for writer in 0..writers {
                if !present.iter().any(|alias| alias.writer == writer) {
                    let alias = WriteAlias {
                        epoch,
                        writer,
                        n: 1,
                    };
                    actions.push(json!({ "add": {
                        "index": target,
                        "alias": layout.write_alias(alias),
                    } }));
                }
            }
        }
        let Some((indices, _target)) = targets.first().filter(|_| !actions.is_empty()) else {
            return Ok(());
        };
        let body = json!({ "actions": actions });
        match change(&indices.client, Method::Post, "_aliases", &body).await {
            // The predecessor changed its own meanwhile.
            Err(failure) if failure.kind == "aliases_not_found_exception" => {}
            Err(failure) => return Err(indices.client.error("set the write aliases", &failure)),
            Ok(()) => {}
        }
    }
    Err(StoreError::new(
        Fault::External,
        Retry::Backoff,
        "the write aliases in elasticsearch keep changing: another dataflow is starting",
    ))
}

/// Takes back what an attempt to take over may have added before it saw a newer epoch.
async fn withdraw(targets: &[(Indices, String)], epoch: u64) -> Result<(), StoreError> {
    for (indices, _target) in targets {
        for generation in indices.generations().await? {
            for alias in &generation.write_aliases {
                if alias.epoch == epoch {
                    let name = indices.layout.write_alias(*alias);
                    let path = format!("{}/_alias/{name}", generation.index);
                    let gone: Result<Value, Failure> =
                        indices.client.call(Method::Delete, &path, None).await;
                    match gone {
                        Err(failure) if failure.status != Some(404) => {
                            let what = "take a write alias back";
                            return Err(indices.client.error(what, &failure));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    Ok(())
}

/// Where a writer writes.
#[derive(Clone, Debug)]
pub(super) struct WriteEnd {
    /// The index behind the alias.
    pub(super) index: String,
    /// The alias.
    pub(super) alias: WriteAlias,
    /// Whether a request under the alias may still arrive: it has to be left behind first.
    pub(super) unsettled: bool,
}

impl WriteEnd {
    /// Finds the end of a writer whose epoch has been taken over; `None` when there is none, and
    /// no newer epoch either.
    pub(super) async fn find(
        indices: &Indices,
        epoch: u64,
        writer: usize,
    ) -> Result<Option<Self>, StoreError> {
        let generations = indices.generations().await?;
        check_newest(&generations, epoch)?;
        let mut own: Vec<(WriteAlias, &str)> = Vec::new();
        for generation in &generations {
            for alias in &generation.write_aliases {
                if (alias.epoch, alias.writer) == (epoch, writer) {
                    own.push((*alias, &generation.index));
                }
            }
        }
        Ok(own.into_iter().max().map(|(alias, index)| Self {
            index: index.to_owned(),
            alias,
            unsettled: false,
        }))
    }

    /// Leaves the alias behind for the next one, in one step. From its return on no earlier
    /// request of this writer can arrive.
    pub(super) async fn leave(&mut self, indices: &Indices) -> Result<(), StoreError> {
        let next = WriteAlias {
            n: self.alias.n + 1,
            ..self.alias
        };
        let layout = &indices.layout;
        let body = json!({ "actions": [
            { "remove": {
                "index": self.index,
                "alias": layout.write_alias(self.alias),
                "must_exist": true,
            } },
            { "add": { "index": self.index, "alias": layout.write_alias(next) } },
        ] });
        match change(&indices.client, Method::Post, "_aliases", &body).await {
            Ok(()) => {
                self.alias = next;
                self.unsettled = false;
                Ok(())
            }
            // Not mine any more, or an earlier try has got there after all.
            Err(failure) if failure.status == Some(404) => {
                self.look_again(indices, &failure.to_string()).await
            }
            Err(failure) => Err(indices.client.error("change the write alias", &failure)),
        }
    }

    /// What to do when the alias is gone: a later one of mine is taken up, a newer epoch is told,
    /// and where there is neither somebody removed it, with or without its index: the store says so
    /// in its own `words`.
    pub(super) async fn look_again(
        &mut self,
        indices: &Indices,
        words: &str,
    ) -> Result<(), StoreError> {
        let WriteAlias { epoch, writer, .. } = self.alias;
        match Self::find(indices, epoch, writer).await? {
            Some(end) if end.alias > self.alias => {
                *self = end;
                Ok(())
            }
            Some(_) => Err(self.gone(indices, Retry::Backoff, words)),
            None => Err(self.gone(indices, Retry::Anew, words)),
        }
    }

    /// What `error`, met while the index was read or refreshed, means for this writer: it may wait
    /// for the store, unless its alias and with it the index is gone, or a newer epoch is there.
    pub(super) async fn meaning_of(&self, indices: &Indices, error: StoreError) -> StoreError {
        let WriteAlias { epoch, writer, .. } = self.alias;
        match Self::find(indices, epoch, writer).await {
            Ok(Some(_)) => error,
            Ok(None) => self.gone(indices, Retry::Anew, &error.to_string()),
            Err(why) => why,
        }
    }

    fn gone(&self, indices: &Indices, retry: Retry, words: &str) -> StoreError {
        let how_long = match retry {
            Retry::Backoff => " for a moment",
            Retry::Never | Retry::Anew => "",
        };
        let message = format!(
            "the write alias {} is gone from elasticsearch at {}{how_long}: {words}",
            indices.layout.write_alias(self.alias),
            indices.client.place(),
        );
        StoreError::new(Fault::External, retry, message)
    }
}
