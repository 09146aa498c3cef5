//! PostgreSQL: our store's commit of a tick against COPY into a staging table and one MERGE, in one
//! transaction, of the same rows into a table of the same shape.
//!
//! The rows are the routes and days of the events, each with the events of the day as its counts; the
//! first round of both inserts, later rounds change every row. Both take turns, and the medians count.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use eip_contract::{Day, Offset, Space, decode};
use eip_stores::{
    PostgresConfig, PostgresSpaces, PostgresStore, RowChanges, StatsStore as _, TickCommit,
};
use eip_views::{ROUTE_STATS_DAILY, RouteStatsRow};
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::SinksOptions;
use crate::figures::{Cost, Meter};

/// Most bytes of one piece of a COPY.
const PIECE: usize = 1 << 20;

/// Measures and prints.
pub(super) fn measure(options: &SinksOptions) -> anyhow::Result<()> {
    let space: Space = format!("bench-sinks-{}", std::process::id()).parse()?;
    let spaces = PostgresSpaces::new(&options.postgres);
    let measured = in_space(options, &space);
    spaces.drop(&space)?;
    let (rows, mut ours, mut limits) = measured?;
    say!("postgres        {rows} rows of route_stats_daily in one tick");
    let ours = median(&mut ours);
    let limit = median(&mut limits);
    for (name, cost) in [("sink", ours), ("COPY + MERGE", limit)] {
        say!(
            "  {name:<12}  {:>9.0} rows/s        {:>6.2} s   {:>5.2} s CPU of the client",
            rows as f64 / cost.wall.as_secs_f64(),
            cost.wall.as_secs_f64(),
            cost.cpu.as_secs_f64()
        );
    }
    let ratio = limit.wall.as_secs_f64() / ours.wall.as_secs_f64();
    say!("  sink / raw    {ratio:>9.2}");
    Ok(())
}

type Measured = (usize, Vec<Cost>, Vec<Cost>);

fn in_space(options: &SinksOptions, space: &Space) -> anyhow::Result<Measured> {
    let mut store = PostgresStore::new(&PostgresConfig {
        url: options.postgres.clone(),
        space: space.clone(),
        topic_id: "bench".to_owned(),
    })?;
    let epoch = store.take_epoch(1)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut raw = runtime.block_on(Raw::open(&options.postgres, space))?;
    let mut rows = rows(&options.events)?;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        for row in &mut rows {
            row.late_seconds_sum += 1;
        }
        for first in [round % 2 == 0, round % 2 != 0] {
            if first {
                let changes = [RowChanges {
                    view: &ROUTE_STATS_DAILY,
                    upserts: rows.iter().cloned().map(RouteStatsRow::into_row).collect(),
                    deletes: Vec::new(),
                }];
                let meter = Meter::start();
                store.commit(&TickCommit {
                    epoch,
                    tick: 1 + round as u64,
                    offsets: &[Offset(0)],
                    last: &[],
                    rows: &changes,
                    dead_letters: &[],
                    all_dead_letters: false,
                })?;
                ours.push(meter.stop());
            } else {
                limits.push(runtime.block_on(raw.merge(&rows))?);
            }
        }
    }
    Ok((rows.len(), ours, limits))
}

/// Rows of the routes and days of a file of events.
fn rows(events: &std::path::Path) -> anyhow::Result<Vec<RouteStatsRow>> {
    let text = std::fs::read(events).with_context(|| format!("reading {}", events.display()))?;
    let mut counts: BTreeMap<(Day, String, String), [i64; 6]> = BTreeMap::new();
    for line in text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let event = decode(line)
            .map_err(|letter| anyhow::anyhow!("no event: {letter}"))?
            .event;
        let key = (
            event.event_at.day(),
            event.seller_region.into_owned(),
            event.customer_region.into_owned(),
        );
        counts.entry(key).or_default()[event.event_type.rank()] += 1;
    }
    let row =
        |((stat_date, seller_region, customer_region), counts): (_, [i64; 6])| RouteStatsRow {
            stat_date,
            seller_region,
            customer_region,
            counts,
            delivered_late: 0,
            lead_count: counts[5],
            lead_seconds_sum: counts[5] * 86_400,
            lead_seconds_percentiles: [(counts[5] > 0).then_some(86_400); 3],
            late_seconds_sum: 0,
        };
    Ok(counts.into_iter().map(row).collect())
}

/// The loader without a store around it.
struct Raw {
    connection: PgConnection,
    table: String,
}

impl Raw {
    async fn open(url: &str, space: &Space) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        let of: (String,) = sqlx::query_as(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
             WHERE tablename = 'route_stats_daily' AND schemaname LIKE '%' || $1",
        )
        .bind(space.name())
        .fetch_one(&mut connection)
        .await
        .context("the store made no table")?;
        let of = of.0;
        // In the space's schema, with which it goes.
        let schema = of.rsplit_once('.').map_or("public", |(schema, _)| schema);
        let table = format!("{schema}.raw_rows");
        for statement in [
            format!("CREATE TABLE {table} (LIKE {of} INCLUDING ALL)"),
            format!("CREATE TABLE {schema}.staged (LIKE {of})"),
        ] {
            connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        }
        Ok(Self { connection, table })
    }

    async fn merge(&mut self, rows: &[RouteStatsRow]) -> anyhow::Result<Cost> {
        let table = &self.table;
        let staged = table.replace("raw_rows", "staged");
        let columns = eip_views::ROUTE_STATS_DAILY.sql_columns();
        let set: Vec<String> = columns[3..]
            .iter()
            .map(|name| format!("{name} = s.{name}"))
            .collect();
        let values: Vec<String> = columns.iter().map(|name| format!("s.{name}")).collect();
        let merge = format!(
            "MERGE INTO {table} t USING {staged} s ON t.stat_date = s.stat_date \
             AND t.seller_region = s.seller_region AND t.customer_region = s.customer_region \
             WHEN MATCHED THEN UPDATE SET {} WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
            set.join(", "),
            columns.join(", "),
            values.join(", ")
        );
        let meter = Meter::start();
        // The text is a part of the work, as it is of the store's.
        let text = text(rows)?;
        let mut transaction = self.connection.begin().await?;
        transaction
            .execute(sqlx::AssertSqlSafe(format!("TRUNCATE {staged}")))
            .await?;
        let into = format!("COPY {staged} ({}) FROM STDIN", columns.join(", "));
        let mut copy = transaction.copy_in_raw(&into).await?;
        for piece in text.as_bytes().chunks(PIECE) {
            copy.send(piece).await?;
        }
        copy.finish().await?;
        transaction.execute(sqlx::AssertSqlSafe(merge)).await?;
        transaction.commit().await?;
        Ok(meter.stop())
    }
}

/// The rows as COPY reads them.
fn text(rows: &[RouteStatsRow]) -> anyhow::Result<String> {
    let mut text = String::with_capacity(rows.len() * 64);
    for row in rows {
        write!(
            text,
            "{}\t{}\t{}",
            row.stat_date, row.seller_region, row.customer_region
        )?;
        for integer in row.integers() {
            match integer {
                Some(integer) => write!(text, "\t{integer}")?,
                None => text.push_str("\t\\N"),
            }
        }
        text.push('\n');
    }
    Ok(text)
}

fn median(costs: &mut [Cost]) -> Cost {
    costs.sort_unstable_by_key(|cost| cost.wall);
    costs.get(costs.len() / 2).copied().unwrap_or(Cost {
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
    })
}
