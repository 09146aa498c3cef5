//! One call of [`super::ElasticsearchStore::bulk`]: requests of bounded size, some at once, judged
//! item by item, until all is done or the store is unwell.
//!
//! A setback that passes by itself is tried again here a few times; then the caller is told and
//! calls again. Whenever the outcome of a request is unknown, its alias is left behind before
//! anything is sent again ([`super::fence`]).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use elasticsearch::http::Method;
use tokio::task::JoinSet;

use super::super::error::{Fault, Retry, StoreError};
use super::super::{DocumentWrite, RefusedDocument, tick_of};
use super::client::{Answer, Failure};
use super::conflict::{Conflict, settle};
use super::encode;
use super::fence::WriteEnd;
use super::indices::Indices;
use super::verdict::{FILTER, Hindrance, Outcome, Setback, Verdict, judge};

/// So many refused one after the other, with none accepted between, are no documents' fault.
const MANY: usize = 100;
/// How often a passing rush is tried again before the caller is told.
const TRIES: u32 = 6;
/// How often a request is whose outcome is unknown: each may take as long as its timeout.
const UNKNOWN_TRIES: u32 = 1;
/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);

/// What the calls for one view have in common.
pub(super) struct Lane {
    pub(super) indices: Indices,
    pub(super) end: WriteEnd,
    pub(super) request_bytes: usize,
    pub(super) concurrency: usize,
    /// Refused in calls that failed afterwards, still to be handed over.
    pub(super) refused: Vec<RefusedDocument>,
    /// Refused since the last document that was accepted.
    pub(super) refused_in_a_row: usize,
}

/// What is left of a call.
struct Batch<'w> {
    writes: &'w [DocumentWrite],
    version: u64,
    /// Higher versions, for those whose document was changed by another hand.
    raised: HashMap<usize, u64>,
    /// Items that are neither done nor refused, in their order.
    open: Vec<usize>,
    done: Vec<bool>,
}

impl Lane {
    /// Writes all; takes out of `writes` what is done or refused.
    pub(super) async fn bulk(
        &mut self,
        version: u64,
        writes: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError> {
        let mut batch = Batch {
            writes,
            version,
            raised: HashMap::new(),
            open: (0..writes.len()).collect(),
            done: vec![false; writes.len()],
        };
        let result = self.work(&mut batch).await;
        let mut done = batch.done.into_iter();
        if result.is_ok() {
            writes.clear();
        } else {
            writes.retain(|_write| !done.next().expect("one a write"));
        }
        result.map(|()| std::mem::take(&mut self.refused))
    }

    async fn work(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let mut tries = 0;
        while !batch.open.is_empty() {
            if self.end.unsettled {
                self.end.leave(&self.indices).await?;
            }
            let before = batch.open.len();
            let (conflicts, setback) = self.round(batch).await?;
            self.settle(batch, conflicts).await?;
            if batch.open.is_empty() {
                break;
            }
            // What is open without a setback is in conflict with another hand.
            let (hindrance, words) = match setback {
                Some(setback) => (setback.hindrance, setback.words),
                None => (Hindrance::Throttled, "documents keep changing".to_owned()),
            };
            if hindrance == Hindrance::Gone {
                self.end.look_again(&self.indices, &words).await?;
            }
            if batch.open.len() <= before / 2 {
                tries = 0;
            }
            let most = match hindrance {
                Hindrance::Throttled | Hindrance::Gone => TRIES,
                Hindrance::Unknown => UNKNOWN_TRIES,
                Hindrance::Unwell => 0,
            };
            if tries >= most {
                return Err(self.unwell(&words));
            }
            tokio::time::sleep(PAUSE * (1 << tries)).await;
            tries += 1;
        }
        Ok(())
    }

    fn unwell(&self, words: &str) -> StoreError {
        StoreError::new(
            Fault::External,
            Retry::Backoff,
            format!(
                "elasticsearch at {} takes no {}: {words}",
                self.indices.client.place(),
                self.indices.view.name
            ),
        )
    }

    /// Sends every open item once. After the first setback nothing more is sent, but all that is
    /// under way is waited for.
    async fn round(
        &mut self,
        batch: &mut Batch<'_>,
    ) -> Result<(Vec<Conflict>, Option<Setback>), StoreError> {
        let mut queue: VecDeque<Vec<usize>> = VecDeque::new();
        let open = std::mem::take(&mut batch.open);
        let mut next = 0;
        let mut requests = JoinSet::new();
        let mut conflicts = Vec::new();
        let mut setback: Option<Setback> = None;
        let mut stop = None;
        loop {
            while setback.is_none() && stop.is_none() && requests.len() < self.concurrency {
                let items = queue
                    .pop_front()
                    .or_else(|| self.cut(batch, &open, &mut next));
                let Some(items) = items else { break };
                self.send(batch, items, &mut requests);
            }
            let Some(joined) = requests.join_next().await else {
                break;
            };
            let (items, sent): (Vec<usize>, Result<Answer, Failure>) =
                joined.expect("a request neither panics nor is cancelled");
            match judge(sent, items.len()) {
                Outcome::Items(verdicts) => {
                    let found = self.take(batch, &items, verdicts, &mut conflicts);
                    match found {
                        Ok(found) => worse(&mut setback, found),
                        Err(error) => stop = Some(error),
                    }
                }
                Outcome::Whole(found) => worse(&mut setback, Some(found)),
                Outcome::Guilty(words) if items.len() == 1 => {
                    let verdicts = vec![Verdict::Refused(words)];
                    if let Err(error) = self.take(batch, &items, verdicts, &mut conflicts) {
                        stop = Some(error);
                    }
                }
                Outcome::Guilty(_words) => {
                    let (first, second) = items.split_at(items.len() / 2);
                    queue.push_front(second.to_vec());
                    queue.push_front(first.to_vec());
                }
            }
            if setback
                .as_ref()
                .is_some_and(|setback| setback.hindrance == Hindrance::Unknown)
            {
                self.end.unsettled = true;
            }
        }
        batch.open = open;
        batch.open.retain(|&item| !batch.done[item]);
        match stop {
            Some(error) => Err(error),
            None => Ok((conflicts, setback)),
        }
    }

    /// The items of the next request.
    fn cut(&self, batch: &Batch<'_>, open: &[usize], next: &mut usize) -> Option<Vec<usize>> {
        let start = *next;
        let mut bytes = 0;
        while let Some(&item) = open.get(*next) {
            bytes += encode::size(&batch.writes[item]);
            if bytes > self.request_bytes && *next > start {
                break;
            }
            *next += 1;
        }
        (*next > start).then(|| open[start..*next].to_vec())
    }

    fn send(
        &self,
        batch: &Batch<'_>,
        items: Vec<usize>,
        requests: &mut JoinSet<(Vec<usize>, Result<Answer, Failure>)>,
    ) {
        let bytes = items.iter().map(|&item| encode::size(&batch.writes[item]));
        let mut body = Vec::with_capacity(bytes.sum());
        for &item in &items {
            let version = batch.raised.get(&item).copied().unwrap_or(batch.version);
            let write = &batch.writes[item];
            encode::append(&mut body, write, tick_of(batch.version), version);
        }
        let alias = self.indices.layout.write_alias(self.end.alias);
        let path = format!("{alias}/_bulk?require_alias=true&filter_path={FILTER}");
        let client = self.indices.client.clone();
        requests.spawn(async move {
            let sent = client.send(Method::Post, &path, Some(body)).await;
            (items, sent)
        });
    }

    /// Takes what a request's verdicts say; gives the worst setback among them.
    fn take(
        &mut self,
        batch: &mut Batch<'_>,
        items: &[usize],
        verdicts: Vec<Verdict>,
        conflicts: &mut Vec<Conflict>,
    ) -> Result<Option<Setback>, StoreError> {
        let mut setback = None;
        for (&item, verdict) in items.iter().zip(verdicts) {
            match verdict {
                Verdict::Done => {
                    batch.done[item] = true;
                    self.refused_in_a_row = 0;
                }
                Verdict::Conflict(current) => conflicts.push(Conflict { item, current }),
                Verdict::Refused(reason) => {
                    self.refused_in_a_row += 1;
                    if self.refused_in_a_row > MANY {
                        return Err(self.refuses_everything(&reason));
                    }
                    batch.done[item] = true;
                    self.refused.push(self.refused(batch, item, reason));
                }
                Verdict::Setback(found) => worse(&mut setback, Some(found)),
            }
        }
        Ok(setback)
    }

    fn refused(&self, batch: &Batch<'_>, item: usize, reason: String) -> RefusedDocument {
        let write = &batch.writes[item];
        RefusedDocument {
            view: self.indices.view,
            id: write.id().to_owned(),
            version: batch.version,
            doc: match write {
                DocumentWrite::Index { doc, .. } => Some(doc.clone()),
                DocumentWrite::Delete { .. } => None,
            },
            reason,
        }
    }

    fn refuses_everything(&self, reason: &str) -> StoreError {
        StoreError::new(
            Fault::External,
            Retry::Never,
            format!(
                "elasticsearch at {} refused {MANY} {} one after the other, the last for: {reason}; \
                 if the mapping of {} was changed, `eip rebuild` makes a right one",
                self.indices.client.place(),
                self.indices.view.name,
                self.end.index
            ),
        )
    }

    /// Looks into conflicts: what this epoch has written already is done, what another hand has
    /// changed is sent again above it.
    async fn settle(
        &self,
        batch: &mut Batch<'_>,
        conflicts: Vec<Conflict>,
    ) -> Result<(), StoreError> {
        let settled = settle(
            &self.indices,
            &self.end,
            batch.writes,
            batch.version,
            conflicts,
        )
        .await?;
        for (item, again) in settled {
            match again {
                None => batch.done[item] = true,
                Some(version) => {
                    batch.raised.insert(item, version);
                }
            }
        }
        batch.open.retain(|&item| !batch.done[item]);
        Ok(())
    }
}

/// Keeps the worse of two.
fn worse(kept: &mut Option<Setback>, found: Option<Setback>) {
    let rank = |setback: &Option<Setback>| setback.as_ref().map(|setback| setback.hindrance);
    if rank(&found) > rank(kept) {
        *kept = found;
    }
}
