//! Documents from Elasticsearch. By id, what was acknowledged is found at once; only searches wait for a
//! refresh.

use std::collections::HashMap;

use eip_contract::EventTime;
use eip_views::{Kind, SHIPMENT_EVENTS, SHIPMENTS, Value, View};
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use super::changes::{Change, ChangeQuery};
use super::condition::{Condition, Count, Direction, Search, Total};
use super::{Document, FACETS, FacetCount, Found, QueryError, TIMES, place};
use crate::elasticsearch::{Client, ElasticsearchConfig, Failure, Layout, NOTES};
use crate::error::StoreError;

/// More groups than regions and states have together.
const GROUPS: usize = 10_000;

/// The documents of one space.
#[derive(Clone)]
pub(super) struct SearchedDocuments {
    client: Client,
    events: String,
    shipments: String,
}

#[derive(Deserialize)]
struct Gotten<'a> {
    #[serde(borrow)]
    docs: Vec<GottenDocument<'a>>,
}

#[derive(Deserialize)]
struct GottenDocument<'a> {
    #[serde(borrow, rename = "_source")]
    source: Option<&'a RawValue>,
    error: Option<Json>,
    /// What a search has sorted it by.
    #[serde(default)]
    sort: Vec<Json>,
}

#[derive(Deserialize)]
struct Searched<'a> {
    #[serde(borrow)]
    hits: Hits<'a>,
    #[serde(default)]
    timed_out: bool,
}

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    hits: Vec<GottenDocument<'a>>,
    /// Left out where they are not counted.
    #[serde(default)]
    total: HitTotal,
}

impl Searched<'_> {
    /// Refuses a part of an answer.
    fn check_whole(&self) -> Result<(), QueryError> {
        if self.timed_out {
            let why = "it gave a part of the answer only";
            return Err(QueryError::unavailable("elasticsearch", why));
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
struct HitTotal {
    value: u64,
    relation: String,
}

impl SearchedDocuments {
    pub(super) fn open(config: &ElasticsearchConfig) -> Result<Self, StoreError> {
        let alias = |view| Layout::new(&config.space, view).read_alias().to_owned();
        Ok(Self {
            client: Client::new(config)?,
            events: alias(&SHIPMENT_EVENTS),
            shipments: alias(&SHIPMENTS),
        })
    }

    pub(super) async fn shipments(&self, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        self.get(&SHIPMENTS, &self.shipments, ids).await
    }

    pub(super) async fn events(&self, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        self.get(&SHIPMENT_EVENTS, &self.events, ids).await
    }

    async fn get(
        &self,
        view: &View,
        alias: &str,
        ids: &[String],
    ) -> Result<Vec<Document>, QueryError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("/{alias}/_mget");
        let body = json!({ "ids": ids }).to_string().into_bytes();
        let answer = self.client.send(Method::Post, &path, Some(body)).await;
        let answer = answer.map_err(|failure| failed(&failure))?;
        let gotten: Gotten<'_> = parsed(&answer)?;
        let mut documents = Vec::with_capacity(gotten.docs.len());
        for document in gotten.docs {
            if let Some(error) = document.error {
                return Err(match error["type"].as_str() {
                    Some("index_not_found_exception") => QueryError::NotYet,
                    _ => QueryError::unavailable("elasticsearch", error.to_string()),
                });
            }
            if let Some(source) = document.source {
                documents.push(read(view, source)?);
            }
        }
        Ok(documents)
    }

    pub(super) async fn search(&self, search: &Search) -> Result<Found, QueryError> {
        let order = match search.sort.direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        let column = &SHIPMENTS.columns[search.sort.column];
        let mut sort = vec![];
        if search.sort.column > 0 {
            sort.push(json!({ column.name: { "order": order, "missing": "_last" } }));
        }
        let by_id = if search.sort.column == 0 {
            order
        } else {
            "asc"
        };
        sort.push(json!({ SHIPMENTS.columns[0].name: { "order": by_id } }));
        let mut body = json!({
            "query": query(&search.condition),
            "sort": sort,
            "size": search.limit,
            "track_total_hits": match search.count {
                Count::All => json!(true),
                Count::Enough => json!(Total::ENOUGH),
                Count::Nothing | Count::Known(_) => json!(false),
            },
        });
        if let Some(after) = &search.after {
            let mut values = vec![];
            if search.sort.column > 0 {
                values.push(sort_value(&after.value, search.sort.direction));
            }
            values.push(json!(after.id));
            body["search_after"] = json!(values);
        }
        let path = format!("/{}/_search", self.shipments);
        let body = body.to_string().into_bytes();
        let answer = self.client.send(Method::Post, &path, Some(body)).await;
        let answer = answer.map_err(|failure| failed(&failure))?;
        let searched: Searched<'_> = parsed(&answer)?;
        searched.check_whole()?;
        let documents = searched.hits.hits.iter().filter_map(|hit| hit.source);
        let documents = documents.map(|source| read(&SHIPMENTS, source));
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        let HitTotal { value, relation } = searched.hits.total;
        let total = match search.count {
            Count::Known(count) => Total::Exactly(count),
            Count::Nothing => Total::AtLeast(documents.len() as u64),
            Count::Enough | Count::All if relation == "eq" => Total::Exactly(value),
            Count::Enough | Count::All => Total::AtLeast(value),
        };
        Ok(Found { documents, total })
    }

    /// A page of shipments by the tick that wrote them.
    pub(super) async fn written(&self, query: &ChangeQuery) -> Result<Vec<Change>, QueryError> {
        let (tick, id) = query.place();
        let body = json!({
            "query": { "range": { "tick": { "gte": tick, "lte": query.upto } } },
            "sort": [{ "tick": "asc" }, { SHIPMENTS.columns[0].name: "asc" }],
            "search_after": [tick, id],
            "size": query.limit,
            "track_total_hits": false,
        });
        // What a shard that does not answer has would be missed for good.
        let path = format!(
            "/{}/_search?allow_partial_search_results=false",
            self.shipments
        );
        let body = body.to_string().into_bytes();
        let answer = self.client.send(Method::Post, &path, Some(body)).await;
        let answer = answer.map_err(|failure| failed(&failure))?;
        let searched: Searched<'_> = parsed(&answer)?;
        searched.check_whole()?;
        let hits = searched.hits.hits.into_iter();
        hits.map(|hit| {
            let (tick, id) = match &hit.sort[..] {
                [tick, id] => (tick.as_u64(), id.as_str()),
                _ => (None, None),
            };
            match (tick, id, hit.source) {
                (Some(tick), Some(id), Some(source)) => Ok(Change {
                    tick,
                    id: id.to_owned(),
                    document: Some(read(&SHIPMENTS, source)?),
                }),
                _ => Err(QueryError::Broken(
                    "a hit without what it is sorted by".to_owned(),
                )),
            }
        })
        .collect()
    }

    /// How many shipments these ticks wrote.
    pub(super) async fn count_written(&self, since: u64, upto: u64) -> Result<u64, QueryError> {
        self.counted(&json!({ "range": { "tick": { "gt": since, "lte": upto } } }))
            .await
    }

    pub(super) async fn count(&self, condition: &Condition) -> Result<u64, QueryError> {
        self.counted(&query(condition)).await
    }

    async fn counted(&self, query: &Json) -> Result<u64, QueryError> {
        let path = format!("/{}/_count", self.shipments);
        let answer: Json = self.ask(&path, &json!({ "query": query })).await?;
        answer["count"]
            .as_u64()
            .ok_or_else(|| QueryError::unavailable("elasticsearch", answer.to_string()))
    }

    pub(super) async fn counts(
        &self,
        within: &Condition,
        conditions: &[Condition],
    ) -> Result<Vec<u64>, QueryError> {
        let path = format!("/{}/_search", self.shipments);
        let filters: Vec<Json> = conditions.iter().map(query).collect();
        let body = json!({
            "query": query(within), "size": 0, "track_total_hits": false,
            "aggs": { "counts": { "filters": { "filters": filters } } },
        });
        let answer: Json = self.ask(&path, &body).await?;
        let buckets = answer["aggregations"]["counts"]["buckets"].as_array();
        let counts: Option<Vec<u64>> = buckets
            .into_iter()
            .flatten()
            .map(|bucket| bucket["doc_count"].as_u64())
            .collect();
        counts
            .filter(|counts| counts.len() == conditions.len())
            .ok_or_else(|| QueryError::unavailable("elasticsearch", answer.to_string()))
    }

    pub(super) async fn facets(
        &self,
        condition: &Condition,
    ) -> Result<Vec<FacetCount>, QueryError> {
        let path = format!("/{}/_search", self.shipments);
        let mut counts = HashMap::new();
        let mut after: Option<Json> = None;
        loop {
            let sources: Vec<Json> = FACETS
                .iter()
                .map(|name| json!({ *name: { "terms": { "field": name } } }))
                .collect();
            let mut composite = json!({ "size": GROUPS, "sources": sources });
            if let Some(after) = after.take() {
                composite["after"] = after;
            }
            let body = json!({
                "query": query(condition), "size": 0, "track_total_hits": false,
                "aggs": { "facets": { "composite": composite } },
            });
            let answer: Json = self.ask(&path, &body).await?;
            let facets = &answer["aggregations"]["facets"];
            let buckets = facets["buckets"].as_array().map_or(&[][..], Vec::as_slice);
            for bucket in buckets {
                let values = FACETS
                    .iter()
                    .map(|name| facet_value(name, &bucket["key"][*name]));
                let values = values.collect::<Option<Vec<_>>>();
                let values = values.ok_or_else(|| QueryError::Broken(bucket.to_string()))?;
                *counts.entry(values).or_default() += bucket["doc_count"].as_u64().unwrap_or(0);
            }
            if buckets.len() < GROUPS {
                return Ok(counts.into_iter().collect());
            }
            after = Some(facets["after_key"].clone());
        }
    }

    pub(super) async fn latest_event(&self) -> Result<Option<EventTime>, QueryError> {
        let path = format!("/{}/_search", self.shipments);
        let latest: serde_json::Map<String, Json> = TIMES
            .iter()
            .map(|name| ((*name).to_owned(), json!({ "max": { "field": name } })))
            .collect();
        let body = json!({ "size": 0, "track_total_hits": false, "aggs": latest });
        let answer: Json = self.ask(&path, &body).await?;
        let aggregations = answer["aggregations"].as_object();
        let milliseconds = aggregations
            .into_iter()
            .flat_map(serde_json::Map::values)
            .filter_map(|max| max["value"].as_f64())
            .fold(f64::NEG_INFINITY, f64::max);
        Ok(milliseconds
            .is_finite()
            .then(|| EventTime::from_seconds((milliseconds / 1000.0) as i64))
            .flatten())
    }

    async fn ask(&self, path: &str, body: &Json) -> Result<Json, QueryError> {
        self.client
            .call(Method::Post, path, Some(body))
            .await
            .map_err(|failure| failed(&failure))
    }
}

/// A condition in Elasticsearch's words.
fn query(condition: &Condition) -> Json {
    let name = |column: &usize| SHIPMENTS.columns[*column].name;
    match condition {
        Condition::All(all) => {
            json!({ "bool": { "filter": all.iter().map(query).collect::<Vec<_>>() } })
        }
        Condition::Any(any) if any.is_empty() => json!({ "match_none": {} }),
        Condition::Any(any) => json!({ "bool": {
            "should": any.iter().map(query).collect::<Vec<_>>(), "minimum_should_match": 1,
        } }),
        Condition::Not(not) => json!({ "bool": { "must_not": [query(not)] } }),
        Condition::OneOf(column, values) => {
            let values: Vec<Json> = values.iter().map(term).collect();
            json!({ "terms": { name(column): values } })
        }
        Condition::Range {
            column,
            from,
            below,
        } => {
            let mut range = serde_json::Map::new();
            for (sign, bound) in [("gte", from), ("lt", below)] {
                if let Some(bound) = bound {
                    range.insert(sign.to_owned(), term(bound));
                }
            }
            json!({ "range": { name(column): range } })
        }
        Condition::Known(column) => json!({ "exists": { "field": name(column) } }),
        Condition::Prefix(column, text) => json!({ "prefix": { name(column): text } }),
    }
}

fn term(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Time(time) => json!(time.to_string()),
        Value::Day(day) => json!(day.to_string()),
        Value::Integer(integer) => json!(integer),
        Value::Boolean(boolean) => json!(boolean),
        Value::EventType(event_type) => json!(event_type.name()),
    }
}

/// A value as Elasticsearch sorts by it: times in milliseconds, and none as the greatest or least
/// number, where the missing ones come last.
fn sort_value(value: &Value<'_>, direction: Direction) -> Json {
    match (value, direction) {
        (Value::Null, Direction::Ascending) => json!(i64::MAX),
        (Value::Null, Direction::Descending) => json!(i64::MIN),
        (Value::Time(time), _) => json!(time.seconds() * 1000),
        (value, _) => term(value),
    }
}

fn facet_value(name: &str, key: &Json) -> Option<Value<'static>> {
    match SHIPMENTS.columns[place(name)].kind {
        Kind::Boolean => key.as_bool().map(Value::Boolean),
        Kind::EventType => eip_contract::EventType::from_name(key.as_str()?).map(Value::EventType),
        _ => key.as_str().map(|text| Value::from(text).into_owned()),
    }
}

fn read(view: &View, source: &RawValue) -> Result<Document, QueryError> {
    let values = view.decode(source.get(), &NOTES);
    let values = values.map_err(|bad| QueryError::Broken(format!("{}: {bad}", view.name)))?;
    Ok(values.into_iter().map(Value::into_owned).collect())
}

fn parsed<'a, T: Deserialize<'a>>(
    answer: &'a crate::elasticsearch::Answer,
) -> Result<T, QueryError> {
    if answer.status >= 400 {
        return Err(failed(&answer.failure()));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| QueryError::unavailable("elasticsearch", error))
}

fn failed(failure: &Failure) -> QueryError {
    if failure.kind == "index_not_found_exception" {
        QueryError::NotYet
    } else {
        QueryError::unavailable("elasticsearch", failure.to_string())
    }
}
