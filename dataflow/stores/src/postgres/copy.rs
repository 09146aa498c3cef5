//! Rows as `COPY … (FORMAT binary)` takes them
//! (<https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format").

use eip_views::{Row, Value, View};
use sqlx::PgConnection;

use super::failure::Failure;

/// Bytes a message.
const MESSAGE: usize = 1 << 20;
/// Days from 1970-01-01, the contract's first, to 2000-01-01, PostgreSQL's.
const EPOCH_DAYS: i64 = 10_957;

/// Appends `rows` to the view's table.
pub(super) async fn rows(
    connection: &mut PgConnection,
    view: &View,
    rows: &[&Row],
) -> Result<(), Failure> {
    let sql = format!(
        "COPY {} ({}) FROM STDIN (FORMAT binary)",
        view.name,
        view.sql_columns().join(", ")
    );
    let mut copy = connection.copy_in_raw(&sql).await?;
    let mut message = Vec::with_capacity(MESSAGE + 1024);
    message.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
    message.extend_from_slice(&[0; 8]);
    for row in rows {
        message.extend_from_slice(&(row.len() as i16).to_be_bytes());
        for value in *row {
            encode(&mut message, value);
        }
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

fn encode(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(&(-1_i32).to_be_bytes()),
        Value::Text(text) => field(out, text.as_bytes()),
        Value::Time(time) => {
            let micros = (time.seconds() - EPOCH_DAYS * 86_400) * 1_000_000;
            field(out, &micros.to_be_bytes());
        }
        Value::Day(day) => {
            let days = i64::from(day.days()) - EPOCH_DAYS;
            field(out, &(days as i32).to_be_bytes());
        }
        Value::Integer(integer) => field(out, &integer.to_be_bytes()),
        Value::Boolean(boolean) => field(out, &[u8::from(*boolean)]),
        Value::EventType(event_type) => field(out, event_type.name().as_bytes()),
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}
