//! Rows out of a segment: packed for the engine, or with all columns for tools.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use eip_contract::decode::Decoded;
use eip_contract::{
    Change, DeadLetter, Event, EventId, EventTime, EventType, Fact, Offset, OrderKey, PackedChange,
    Packer, RegionCode, hex,
};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;

use super::Segment;
use crate::cache::TakePacked;
use crate::error::Damage;
use crate::manifest::{DeadRecord, GroupEntry};
use crate::page::{Choices, Chunk, Section, read_chunk, unexpected};
use crate::row::CachedRow;
use crate::schema::{COLUMNS, Column, HOT_COLUMNS};

/// Rows handed over at a time: few enough to stay in the processor's cache.
const BATCH: usize = 1024;

/// Takes a row group and its checked bytes.
type TakeGroup<'a> = dyn FnMut(&GroupEntry, Arc<Section>, &RowGroupMetaData) -> Result<()> + 'a;

/// Which bytes of which row groups are wanted.
#[derive(Clone, Copy)]
enum Want<'a> {
    /// The columns of the packed facts.
    Hot,
    /// All columns.
    Whole,
    /// All columns of the groups that have a row of this order.
    WholeWith(&'a [u8]),
}

/// Where packed rows go, and what it takes to pack them.
pub(crate) struct PackedSink<'a> {
    pub(crate) packer: &'a mut Packer,
    pub(crate) batch: Vec<(Offset, PackedChange)>,
    pub(crate) rows: u64,
    pub(crate) dead_letters: Vec<DeadRecord>,
    pub(crate) give: &'a mut TakePacked<'a>,
}

impl PackedSink<'_> {
    fn push(&mut self, partition: u32, offset: Offset, change: PackedChange) {
        self.batch.push((offset, change));
        if self.batch.len() == BATCH {
            self.flush(partition);
        }
    }

    fn flush(&mut self, partition: u32) {
        if !self.batch.is_empty() {
            (self.give)(partition, &self.batch);
            self.rows += self.batch.len() as u64;
            self.batch.clear();
        }
    }
}

impl Segment {
    /// Hands over the packed rows of a partition's range, row group by row group, each checked first.
    pub(crate) fn read_packed(
        &self,
        partition: u32,
        range: &Range<Offset>,
        sink: &mut PackedSink<'_>,
    ) -> Result<(), Damage> {
        self.for_each_group(
            partition,
            range,
            None,
            Want::Hot,
            &mut |group, section, metadata| packed(group, &section, metadata, range, sink),
        )
    }

    /// Hands over the rows of a partition's range with all columns; of one file, if it is named.
    pub(crate) fn read_rows<E: From<Damage>>(
        &self,
        partition: u32,
        range: &Range<Offset>,
        file: Option<&str>,
        give: &mut dyn FnMut(CachedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read_wanted(partition, range, file, Want::Whole, give)
    }

    /// As [`Segment::read_rows`], only the rows of one order.
    pub(crate) fn read_order<E: From<Damage>>(
        &self,
        partition: u32,
        range: &Range<Offset>,
        order_id: &str,
        give: &mut dyn FnMut(CachedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted = Want::WholeWith(order_id.as_bytes());
        self.read_wanted(partition, range, None, wanted, &mut |row| {
            let of_row = match &row.change {
                Change::Assert(decoded) => &*decoded.event.order_id,
                Change::Retract(order_id) => *order_id,
            };
            if of_row == order_id {
                give(row)
            } else {
                Ok(())
            }
        })
    }

    fn read_wanted<E: From<Damage>>(
        &self,
        partition: u32,
        range: &Range<Offset>,
        file: Option<&str>,
        want: Want<'_>,
        give: &mut dyn FnMut(CachedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut refused = None;
        let read = self.for_each_group(
            partition,
            range,
            file,
            want,
            &mut |group, section, metadata| {
                rows(group, &section, metadata, range, &mut |row| {
                    if refused.is_none() {
                        refused = give(row).err();
                    }
                })
            },
        );
        refused.map_or(Ok(()), Err)?;
        Ok(read?)
    }

    fn for_each_group(
        &self,
        partition: u32,
        range: &Range<Offset>,
        only: Option<&str>,
        want: Want<'_>,
        f: &mut TakeGroup<'_>,
    ) -> Result<(), Damage> {
        for (file, entry) in self.manifest.files.iter().enumerate() {
            let wanted = |group: &GroupEntry| {
                group.partition == partition && group.first < range.end && group.last >= range.start
            };
            let is_asked_for = only.is_none_or(|name| entry.name == name);
            if !is_asked_for || !entry.groups.iter().any(wanted) {
                continue;
            }
            let path = self.path(file);
            let opened = File::open(&path).map_err(Damage::io(&path))?;
            let footer = self.footer(file, &opened)?;
            for (number, group) in entry.groups.iter().enumerate() {
                if !wanted(group) {
                    continue;
                }
                let metadata = footer.row_group(number);
                let is_whole = matches!(want, Want::Whole);
                let mut section = Arc::new(self.section(file, &opened, group, is_whole)?);
                if let Want::WholeWith(order_id) = want {
                    let found = has_order(group, &section, metadata, order_id);
                    if !found.map_err(Damage::decode(&path))? {
                        continue;
                    }
                    section = Arc::new(self.section(file, &opened, group, true)?);
                }
                f(group, section, metadata).map_err(Damage::decode(&path))?;
            }
        }
        Ok(())
    }
}

/// Some columns of a row group.
fn chunks(
    group: &GroupEntry,
    section: &Arc<Section>,
    metadata: &RowGroupMetaData,
    columns: Range<usize>,
) -> Result<Vec<Chunk>> {
    if metadata.num_columns() < columns.end {
        return Err(unexpected("another number of columns"));
    }
    let read = |column| read_chunk(section, metadata.column(column), group.rows as usize);
    columns.map(read).collect()
}

fn has_order(
    group: &GroupEntry,
    section: &Arc<Section>,
    metadata: &RowGroupMetaData,
    order_id: &[u8],
) -> Result<bool> {
    let place = Column::OrderId as usize;
    let ids = chunks(group, section, metadata, place..place + 1)?;
    let mut ids = ids[0].texts()?;
    for row in 0..group.rows as usize {
        if ids.next(row)? == Some(order_id) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn packed(
    group: &GroupEntry,
    section: &Arc<Section>,
    metadata: &RowGroupMetaData,
    range: &Range<Offset>,
    sink: &mut PackedSink<'_>,
) -> Result<()> {
    let chunks = chunks(group, section, metadata, 0..HOT_COLUMNS)?;
    let column = |column: Column| &chunks[column as usize];
    let types = event_types(column(Column::EventType))?;
    let sellers = regions(column(Column::SellerRegion), sink.packer)?;
    let customers = regions(column(Column::CustomerRegion), sink.packer)?;
    let mut type_of = Choices::of(column(Column::EventType), types.len())?;
    let mut seller_of = Choices::of(column(Column::SellerRegion), sellers.len())?;
    let mut customer_of = Choices::of(column(Column::CustomerRegion), customers.len())?;
    let mut event_ats = column(Column::EventAt).integers()?;
    let mut estimates = column(Column::EstimatedDeliveryAt).integers()?;
    let mut order_ids = column(Column::OrderId).texts()?;
    let mut offsets = column(Column::Offset).integers()?;

    let mut last: (&[u8], OrderKey) = (b"", OrderKey::default());
    for row in 0..group.rows as usize {
        let order_id = order_ids
            .next(row)?
            .ok_or_else(|| unexpected("a row without an order"))?;
        let offset = offset(offsets.next(row)?)?;
        let (event_type, event_at) = (type_of.next(row)?, time(event_ats.next(row)?)?);
        let (seller, customer) = (seller_of.next(row)?, customer_of.next(row)?);
        let estimated_delivery_at = time(estimates.next(row)?)?;
        if !range.contains(&offset) {
            continue;
        }
        if order_id != last.0 {
            last = (order_id, order_key(order_id, sink.packer)?);
        }
        let order = last.1;
        let (Some(event_type), Some(event_at), Some(seller), Some(customer)) =
            (event_type, event_at, seller, customer)
        else {
            sink.push(group.partition, offset, PackedChange::Retract(order));
            continue;
        };
        match (&sellers[seller], &customers[customer]) {
            (Ok(seller_region), Ok(customer_region)) => {
                let fact = Fact {
                    event_at,
                    estimated_delivery_at,
                    seller_region: *seller_region,
                    customer_region: *customer_region,
                };
                let change = PackedChange::Assert(order, types[event_type], fact);
                sink.push(group.partition, offset, change);
            }
            (Err(reason), _) | (_, Err(reason)) => sink.dead_letters.push(DeadRecord {
                partition: group.partition,
                offset,
                code: reason.code().to_owned(),
                reason: reason.to_string(),
            }),
        }
    }
    sink.flush(group.partition);
    Ok(())
}

fn rows(
    group: &GroupEntry,
    section: &Arc<Section>,
    metadata: &RowGroupMetaData,
    range: &Range<Offset>,
    give: &mut dyn FnMut(CachedRow<'_>),
) -> Result<()> {
    // An earlier program's files do not have the last one.
    let there = metadata.num_columns().clamp(COLUMNS - 1, COLUMNS);
    let chunks = chunks(group, section, metadata, 0..there)?;
    let column = |column: Column| &chunks[column as usize];
    let types = event_types(column(Column::EventType))?;
    let mut type_of = Choices::of(column(Column::EventType), types.len())?;
    let mut seller_of = TextChoices::of(column(Column::SellerRegion))?;
    let mut customer_of = TextChoices::of(column(Column::CustomerRegion))?;
    let mut run_of = TextChoices::of(column(Column::Run))?;
    let mut parts_of = TextChoices::of(column(Column::Parts))?;
    let mut event_ats = column(Column::EventAt).integers()?;
    let mut estimates = column(Column::EstimatedDeliveryAt).integers()?;
    let mut dues = column(Column::Due).integers()?;
    let appended_ats = chunks.get(Column::AppendedAt as usize);
    let mut appended_ats = appended_ats.map(Chunk::integers).transpose()?;
    let mut offsets = column(Column::Offset).integers()?;
    let mut order_ids = column(Column::OrderId).texts()?;
    let mut event_ids = column(Column::EventId).texts()?;
    for row in 0..group.rows as usize {
        let order_id = order_ids
            .next(row)?
            .ok_or_else(|| unexpected("a row without an order"))?;
        let order_id = text(order_id)?;
        let offset = offset(offsets.next(row)?)?;
        let (event_type, event_at) = (type_of.next(row)?, time(event_ats.next(row)?)?);
        let (seller, customer) = (seller_of.next(row)?, customer_of.next(row)?);
        let estimated_delivery_at = time(estimates.next(row)?)?;
        let written_id = event_ids.next(row)?.and_then(EventId::parse);
        let (run, parts) = (run_of.next(row)?, parts_of.next(row)?);
        let due_micros = dues.next(row)?;
        let appended_ms = match &mut appended_ats {
            Some(appended_ats) => appended_ats.next(row)?,
            None => None,
        };
        if !range.contains(&offset) {
            continue;
        }
        let change = match (event_type, event_at, seller, customer) {
            (Some(event_type), Some(event_at), Some(seller), Some(customer)) => {
                let event = Event {
                    event_type: types[event_type],
                    event_at,
                    order_id: order_id.into(),
                    seller_region: seller.into(),
                    customer_region: customer.into(),
                    estimated_delivery_at,
                };
                Change::Assert(Decoded { event, written_id })
            }
            _ => Change::Retract(order_id),
        };
        give(CachedRow {
            partition: group.partition,
            offset,
            change,
            run,
            parts,
            appended_ms,
            due_micros,
        });
    }
    Ok(())
}

/// A column of texts by their dictionary.
struct TextChoices<'a> {
    choices: Choices<'a>,
    texts: Vec<&'a str>,
}

impl<'a> TextChoices<'a> {
    fn of(chunk: &'a Chunk) -> Result<Self> {
        let texts: Vec<_> = chunk
            .dictionary()?
            .into_iter()
            .map(text)
            .collect::<Result<_>>()?;
        Ok(Self {
            choices: Choices::of(chunk, texts.len())?,
            texts,
        })
    }

    fn next(&mut self, row: usize) -> Result<Option<&'a str>> {
        Ok(self.choices.next(row)?.map(|place| self.texts[place]))
    }
}

fn event_types(chunk: &Chunk) -> Result<Vec<EventType>> {
    let named = |name| EventType::from_name(text(name)?).ok_or_else(|| unexpected("no event type"));
    chunk.dictionary()?.into_iter().map(named).collect()
}

fn regions(chunk: &Chunk, packer: &mut Packer) -> Result<Vec<Result<RegionCode, DeadLetter>>> {
    let code = |region| text(region).map(|text| packer.region(text.as_bytes()));
    chunk.dictionary()?.into_iter().map(code).collect()
}

#[inline]
fn order_key(order_id: &[u8], packer: &Packer) -> Result<OrderKey> {
    let number = order_id.try_into().ok().and_then(hex::parse_32);
    match number.and_then(OrderKey::from_number) {
        Some(key) => Ok(key),
        None => Ok(packer.dictionary().order_key(text(order_id)?)),
    }
}

#[inline]
fn offset(value: Option<i64>) -> Result<Offset> {
    match value {
        Some(offset) => Ok(Offset(offset as u64)),
        None => Err(unexpected("a row without an offset")),
    }
}

#[inline]
fn time(micros: Option<i64>) -> Result<Option<EventTime>> {
    let Some(micros) = micros else {
        return Ok(None);
    };
    match EventTime::from_seconds(micros / 1_000_000) {
        Some(time) => Ok(Some(time)),
        None => Err(unexpected("a time out of range")),
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| unexpected("a text that is not UTF-8"))
}
