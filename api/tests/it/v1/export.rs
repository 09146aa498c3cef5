//! `GET /v1/shipments/export` as columns: what readers of Parquet and Arrow find is what NDJSON says.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int64Type, TimestampMillisecondType, TimestampSecondType};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use eip_contract::EventTime;
use eip_views::{Kind, SHIPMENTS};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};

use crate::support::{Answer, Api};

/// More than one page, and a shipment that is not like the others.
async fn with_pages(test: impl AsyncFn(Api)) {
    Api::on_both(async |api| {
        api.delivered_orders(1_003).await;
        api.undelivered_order("=cmd").await;
        api.make_visible(1700).await;
        test(api).await;
    })
    .await;
}

/// The rows of NDJSON.
async fn rows(api: &Api, filter: &str) -> Vec<Value> {
    let path = format!("/v1/shipments/export?format=ndjson{filter}");
    let answer = api.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines = answer.text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The rows of batches, in the form of NDJSON.
fn shown(batches: &[RecordBatch], unit: TimeUnit) -> Vec<Value> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let mut fields = Map::new();
            for (place, column) in SHIPMENTS.columns.iter().enumerate() {
                let array = batch.column(place);
                let field = batch.schema().field(place).clone();
                assert_eq!(field.name(), column.name);
                let expected = match column.kind {
                    Kind::Time => DataType::Timestamp(unit, Some("UTC".into())),
                    Kind::Integer => DataType::Int64,
                    Kind::Boolean => DataType::Boolean,
                    _ => DataType::Utf8,
                };
                assert_eq!(field.data_type(), &expected, "{}", column.name);
                let time = |seconds| json!(EventTime::from_seconds(seconds).unwrap().to_string());
                let value = match (column.kind, unit) {
                    _ if array.is_null(row) => Value::Null,
                    (Kind::Time, TimeUnit::Second) => {
                        time(array.as_primitive::<TimestampSecondType>().value(row))
                    }
                    (Kind::Time, _) => {
                        let times = array.as_primitive::<TimestampMillisecondType>();
                        time(times.value(row) / 1000)
                    }
                    (Kind::Integer, _) => json!(array.as_primitive::<Int64Type>().value(row)),
                    (Kind::Boolean, _) => json!(array.as_boolean().value(row)),
                    _ => json!(array.as_string::<i32>().value(row)),
                };
                fields.insert(column.name.to_owned(), value);
            }
            rows.push(Value::Object(fields));
        }
    }
    rows
}

fn parquet(answer: &Answer) -> Vec<RecordBatch> {
    assert_eq!(answer.content_type, "application/vnd.apache.parquet");
    let bytes = Bytes::from(answer.bytes.clone());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let batches = reader.build().unwrap();
    batches.map(Result::unwrap).collect()
}

fn arrow(answer: &Answer) -> Vec<RecordBatch> {
    assert_eq!(answer.content_type, "application/vnd.apache.arrow.stream");
    let bytes = std::io::Cursor::new(&answer.bytes);
    let reader = arrow_ipc::reader::StreamReader::try_new(bytes, None).unwrap();
    reader.map(Result::unwrap).collect()
}

#[tokio::test]
async fn columns_hold_what_the_lines_say() {
    with_pages(async |api| {
        for (filter, count) in [("", 1_004), ("&delayed=true", 1), ("&q=nobody", 0)] {
            let expected = rows(&api, filter).await;
            assert_eq!(expected.len(), count);
            let answer = api
                .get(&format!("/v1/shipments/export?format=parquet{filter}"))
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.header("x-total-count"), count.to_string());
            assert_eq!(answer.header("x-eip-tick"), "1700");
            assert_eq!(shown(&parquet(&answer), TimeUnit::Millisecond), expected);
            let answer = api
                .get(&format!("/v1/shipments/export?format=arrow{filter}"))
                .await;
            assert_eq!(shown(&arrow(&answer), TimeUnit::Second), expected);
        }
    })
    .await;
}
