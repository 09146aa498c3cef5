//! `eip shipments`, `eip routes`, `eip overview`: questions to the Ops Search API, as tables.
//!
//! Without `--api` the views of the chain are asked by an API in this process, for as long as the command
//! takes.

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Exit;
use super::api::config;
use super::bearer::Bearer;
use super::chain::ChainArgs;
use crate::text::{days, percent, table, thousands};

/// Whom to ask and how to show it.
#[derive(Args)]
pub(super) struct Ask {
    /// The address of an API (`eip api`); without it the views of the chain are read here.
    #[arg(long, value_name = "URL", env = "EIP_API")]
    api: Option<String>,
    /// The answer as JSON, as the API gives it.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    bearer: Bearer,
    #[command(flatten)]
    chain: ChainArgs,
}

/// Find shipments, or show one.
#[derive(Args)]
pub(crate) struct Shipments {
    /// Parameters of `GET /v1/shipments` as `name=value` (`status=delivered late_at_least=2d`), or an order
    /// id or the beginning of one.
    #[arg(value_name = "NAME=VALUE|ID")]
    parameters: Vec<String>,
    #[command(flatten)]
    ask: Ask,
}

/// Which figures of the routes.
#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// The greatest shares of late deliveries.
    Worst,
    /// Sums by day, week, month or route.
    Stats,
}

/// Show how late the routes are.
#[derive(Args)]
pub(crate) struct Routes {
    /// Which figures.
    #[arg(value_enum, default_value = "worst")]
    which: Which,
    /// Parameters of the API's path as `name=value` (`start=2018-03-01 min_delivered=50 group=month`).
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    ask: Ask,
}

/// Show how the shipments stand at a glance.
#[derive(Args)]
pub(crate) struct Overview {
    /// Parameters of `GET /v1/overview` as `name=value` (`days=7 at_risk_hours=24`).
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    ask: Ask,
}

impl Shipments {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let parameters = parameters(&self.parameters, Some("q"))?;
        let answer = self.ask.get("/v1/shipments", &parameters)?;
        if self.ask.json {
            out!("{answer}");
            return Ok(Exit::Done);
        }
        if let Some(changes) = answer["changes"].as_array() {
            show_changes(changes, &answer);
            return Ok(Exit::Done);
        }
        let shipments = list(&answer["shipments"]);
        let rows = shipments.iter().map(|shipment| {
            vec![
                text(&shipment["orderId"]),
                text(&shipment["status"]),
                format!(
                    "{}-{}",
                    text(&shipment["sellerRegion"]),
                    text(&shipment["customerRegion"])
                ),
                text(&shipment["placedAt"]),
                text(&shipment["estimatedDeliveryAt"]),
                text(&shipment["deliveredAt"]),
                days(shipment["lateSeconds"].as_i64()),
            ]
        });
        let header = [
            "order",
            "status",
            "route",
            "placed",
            "promised",
            "delivered",
            "late",
        ];
        out!("{}", table(&header, 6, rows.collect()));
        let total = &answer["total"];
        let more = if total["relation"] == "gte" {
            " or more"
        } else {
            ""
        };
        out!(
            "{} of {}{more}; {}",
            shipments.len(),
            thousands(total["value"].as_u64().unwrap_or(0)),
            as_of(&answer)
        );
        Ok(Exit::Done)
    }
}

impl Routes {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut parameters = parameters(&self.parameters, None)?;
        let (path, field) = match self.which {
            Which::Worst => ("/v1/routes/worst", "routes"),
            Which::Stats => {
                if !parameters.iter().any(|(name, _)| name == "group") {
                    parameters.push(("group".to_owned(), "month".to_owned()));
                }
                ("/v1/routes/stats", "rows")
            }
        };
        let answer = self.ask.get(path, &parameters)?;
        if self.ask.json {
            out!("{answer}");
            return Ok(Exit::Done);
        }
        let rows = list(&answer[field]).iter().map(|row| {
            let route = match (
                row["seller_region"].as_str(),
                row["customer_region"].as_str(),
            ) {
                (Some(seller), Some(customer)) => format!("{seller}-{customer}"),
                _ => "all".to_owned(),
            };
            let count = |name: &str| thousands(row[name].as_i64().unwrap_or(0));
            vec![
                text(&row["stat_date"]),
                route,
                count("placed"),
                count("delivered"),
                count("delivered_late"),
                percent(row["on_time_basis_points"].as_i64()),
                days(row["lead_seconds_average"].as_i64()),
            ]
        });
        let header = [
            "from",
            "route",
            "placed",
            "delivered",
            "late",
            "in time",
            "lead, mean",
        ];
        out!("{}", table(&header, 2, rows.collect()));
        out!("{}", as_of(&answer));
        Ok(Exit::Done)
    }
}

impl Overview {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let parameters = parameters(&self.parameters, None)?;
        let answer = self.ask.get("/v1/overview", &parameters)?;
        if self.ask.json {
            out!("{answer}");
            return Ok(Exit::Done);
        }
        let number = |value: &Value| thousands(value.as_u64().unwrap_or(0));
        let statuses = list(&answer["by_status"]).iter();
        let mut rows: Vec<Vec<String>> = statuses
            .map(|status| vec![text(&status["status"]), number(&status["count"])])
            .collect();
        for (name, field) in [
            ("all", "shipments"),
            ("delayed", "delayed"),
            ("at risk", "at_risk"),
            ("stalled", "stalled"),
            ("quiet", "quiet"),
        ] {
            rows.push(vec![name.to_owned(), number(&answer[field])]);
        }
        out!("{}", table(&["shipments", ""], 1, rows));
        let ranges = [&answer["range"], &answer["range_before"]].map(|range| {
            vec![
                text(&range["start"]),
                text(&range["end"]),
                number(&range["placed"]),
                number(&range["delivered"]),
                number(&range["delivered_late"]),
                percent(range["on_time_basis_points"].as_i64()),
            ]
        });
        let header = [
            "from",
            "to before",
            "placed",
            "delivered",
            "late",
            "in time",
        ];
        out!("{}", table(&header, 2, ranges.into()));
        out!("{}", as_of(&answer));
        Ok(Exit::Done)
    }
}

impl Ask {
    /// The answer to a GET.
    pub(super) fn get(&self, path: &str, parameters: &[(String, String)]) -> anyhow::Result<Value> {
        let runtime = tokio::runtime::Runtime::new()?;
        let answer = runtime.block_on(async {
            if let Some(api) = &self.api {
                let token = self.bearer.token()?;
                return get(api, token.as_deref(), path, parameters).await;
            }
            let config = config(&self.chain)?;
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let api = format!("http://{}", listener.local_addr()?);
            let ended = CancellationToken::new();
            let serving = eip_api::run(listener, config, ended.clone());
            let asked = async {
                let answer = get(&api, None, path, parameters).await;
                ended.cancel();
                answer
            };
            let (served, answer) = tokio::join!(serving, asked);
            served?;
            answer
        });
        // A read of the log that nobody waits for any more.
        runtime.shutdown_background();
        answer
    }
}

async fn get(
    api: &str,
    token: Option<&str>,
    path: &str,
    parameters: &[(String, String)],
) -> anyhow::Result<Value> {
    let url = format!("{}{path}", api.trim_end_matches('/'));
    let mut request = reqwest::Client::new().get(&url).query(parameters);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request
        .send()
        .await
        .with_context(|| format!("cannot reach the API at {api}"))?;
    let status = answer.status();
    let body: Value = serde_json::from_str(&answer.text().await?)
        .with_context(|| format!("{url} did not answer with JSON"))?;
    if !status.is_success() {
        bail!("{}", body["detail"].as_str().unwrap_or("the API refused"));
    }
    Ok(body)
}

/// `name=value`; a text without `=` is the value of `usual`.
fn parameters(given: &[String], usual: Option<&str>) -> anyhow::Result<Vec<(String, String)>> {
    given
        .iter()
        .map(|text| match (text.split_once('='), usual) {
            (Some((name, value)), _) => Ok((name.to_owned(), value.to_owned())),
            (None, Some(usual)) => Ok((usual.to_owned(), text.clone())),
            (None, None) => bail!("{text:?} is not of the form name=value"),
        })
        .collect()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// What has changed since a tick.
fn show_changes(changes: &[Value], answer: &Value) {
    let rows = changes.iter().map(|change| {
        let shipment = &change["shipment"];
        let status = if change["deleted"] == true {
            "deleted".to_owned()
        } else if change["matches"] == false {
            "does not match".to_owned()
        } else {
            text(&shipment["status"])
        };
        vec![
            change["tick"].to_string(),
            text(&change["order_id"]),
            status,
        ]
    });
    out!("{}", table(&["tick", "order", "now"], 3, rows.collect()));
    let upto = &answer["upto_tick"];
    match answer["next"].as_str() {
        Some(next) => out!("more: the same with cursor={next}"),
        None => out!("all up to tick {upto}; go on with changed_since_tick={upto}"),
    }
}

/// Of which moment the answer is.
pub(super) fn as_of(answer: &Value) -> String {
    let as_of = &answer["as_of"];
    let now = text(&as_of["data_now"]);
    match as_of["data_now_from"].as_str() {
        Some("replay") => format!("{now} in the replay that is running"),
        _ => format!("data up to {now}"),
    }
}
