//! The rows of one month and one partition, column by column, until they become a row group.

use eip_contract::{Change, Offset};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;

use crate::codes::{Code, Texts};
use crate::manifest::{GroupEntry, Part};
use crate::page::{CodeColumn, IntegerColumn, Sink, TextsColumn, repeated_integer};
use crate::row::CachedRow;
use crate::schema::{Column, HOT_COLUMNS, descriptor};

/// Rows of one partition.
#[derive(Default)]
pub(super) struct Group {
    rows: usize,
    bytes: usize,
    event_types: CodeColumn,
    event_ats: IntegerColumn,
    order_ids: TextsColumn,
    seller_regions: CodeColumn,
    customer_regions: CodeColumn,
    estimates: IntegerColumn,
    offsets: IntegerColumn,
    event_ids: TextsColumn,
    runs: CodeColumn,
    parts: CodeColumn,
    dues: IntegerColumn,
    appended_ats: IntegerColumn,
}

/// The codes of a row's headers, which come with the row for the sake of those who know the last one.
#[derive(Clone, Copy)]
pub(super) struct HeaderCodes {
    pub(super) run: Option<Code>,
    pub(super) parts: Option<Code>,
}

/// A row group, ready to be appended to its file.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) entry: GroupEntry,
    pub(super) metadata: RowGroupMetaData,
}

impl Group {
    pub(super) fn push(&mut self, row: &CachedRow<'_>, headers: HeaderCodes, texts: &mut Texts) {
        let before = self.order_ids.bytes() + self.event_ids.bytes();
        match &row.change {
            Change::Assert(decoded) => {
                let event = &decoded.event;
                self.event_types.push(Some(event.event_type.rank() as Code));
                self.event_ats.push(Some(micros(event.event_at.seconds())));
                self.order_ids.push(Some(event.order_id.as_bytes()));
                self.seller_regions
                    .push(Some(texts.code(&event.seller_region)));
                self.customer_regions
                    .push(Some(texts.code(&event.customer_region)));
                self.estimates.push(
                    event
                        .estimated_delivery_at
                        .map(|time| micros(time.seconds())),
                );
                match decoded.written_id {
                    Some(id) => self.event_ids.push(Some(&id.to_hex())),
                    None => self.event_ids.push(None),
                }
            }
            Change::Retract(order_id) => {
                self.event_types.push(None);
                self.event_ats.push(None);
                self.order_ids.push(Some(order_id.as_bytes()));
                self.seller_regions.push(None);
                self.customer_regions.push(None);
                self.estimates.push(None);
                self.event_ids.push(None);
            }
        }
        self.offsets.push(Some(row.offset.0 as i64));
        self.runs.push(headers.run);
        self.parts.push(headers.parts);
        self.dues.push(row.due_micros);
        self.appended_ats.push(row.appended_ms);
        self.rows += 1;
        // Five integers and five codes of two bytes.
        self.bytes += self.order_ids.bytes() + self.event_ids.bytes() - before + 50;
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// About how much memory the rows take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The row group, to lie at `at`, as the group of that number in its file.
    pub(super) fn encode(
        self,
        texts: &Texts,
        partition: u32,
        at: u64,
        number: usize,
    ) -> Result<Encoded> {
        let rows = self.rows;
        let (first, last) = self
            .offsets
            .range()
            .expect("a group that is written has rows");
        let mut sink = Sink::new(at, self.bytes + 4096);
        let mut columns = vec![
            self.event_types
                .write(&mut sink, Column::EventType, texts)?,
            self.event_ats.write(&mut sink, Column::EventAt, true)?,
            self.order_ids.write(&mut sink, Column::OrderId, false)?,
            self.seller_regions
                .write(&mut sink, Column::SellerRegion, texts)?,
            self.customer_regions
                .write(&mut sink, Column::CustomerRegion, texts)?,
            self.estimates
                .write(&mut sink, Column::EstimatedDeliveryAt, true)?,
            self.offsets.write(&mut sink, Column::Offset, false)?,
        ];
        assert_eq!(
            columns.len(),
            HOT_COLUMNS,
            "the hot columns are the first ones"
        );
        let hot = sink.len();
        columns.extend([
            repeated_integer(&mut sink, Column::Partition, partition as i32, rows)?,
            self.event_ids.write(&mut sink, Column::EventId, true)?,
            self.runs.write(&mut sink, Column::Run, texts)?,
            self.parts.write(&mut sink, Column::Parts, texts)?,
            self.dues.write(&mut sink, Column::Due, true)?,
            self.appended_ats
                .write(&mut sink, Column::AppendedAt, true)?,
        ]);
        let bytes = sink.finish()?;
        let entry = GroupEntry {
            partition,
            rows: rows as u32,
            first: Offset(first as u64),
            last: Offset(last as u64),
            at,
            hot: Part::of(&bytes[..hot]),
            cold: Part::of(&bytes[hot..]),
        };
        let metadata = RowGroupMetaData::builder(descriptor().clone())
            .set_column_metadata(columns)
            .set_num_rows(rows as i64)
            .set_total_byte_size(bytes.len() as i64)
            .set_file_offset(at as i64)
            .set_ordinal(number as i32)
            .build()?;
        Ok(Encoded {
            bytes,
            entry,
            metadata,
        })
    }
}

fn micros(seconds: i64) -> i64 {
    seconds * 1_000_000
}
