//! Rows as `COPY … (FORMAT binary)` takes them
//! (<https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format").

use eip_views::{ROUTE_STATS_DAILY, RouteStatsRow};
use sqlx::PgConnection;

use super::failure::Failure;

/// Bytes a message.
const MESSAGE: usize = 1 << 20;
/// Days from 1970-01-01, the contract's first, to 2000-01-01, PostgreSQL's.
const EPOCH_DAYS: i32 = 10_957;

/// Appends `rows` to the table.
pub(super) async fn stats_rows(
    connection: &mut PgConnection,
    rows: &[&RouteStatsRow],
) -> Result<(), Failure> {
    let sql = format!(
        "COPY route_stats_daily ({}) FROM STDIN (FORMAT binary)",
        ROUTE_STATS_DAILY.sql_columns().join(", ")
    );
    let mut copy = connection.copy_in_raw(&sql).await?;
    let mut message = Vec::with_capacity(MESSAGE + 1024);
    message.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
    message.extend_from_slice(&[0; 8]);
    for row in rows {
        encode(&mut message, row);
        if message.len() >= MESSAGE {
            copy.send(&message[..]).await?;
            message.clear();
        }
    }
    message.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(&message[..]).await?;
    copy.finish().await?;
    Ok(())
}

fn encode(out: &mut Vec<u8>, row: &RouteStatsRow) {
    out.extend_from_slice(&(ROUTE_STATS_DAILY.columns.len() as i16).to_be_bytes());
    field(
        out,
        &(row.stat_date.days() as i32 - EPOCH_DAYS).to_be_bytes(),
    );
    field(out, row.seller_region.as_bytes());
    field(out, row.customer_region.as_bytes());
    for integer in row.integers() {
        match integer {
            Some(integer) => field(out, &integer.to_be_bytes()),
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}
