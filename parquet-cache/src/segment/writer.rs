//! Writes one segment: rows in, a folder out, which is there as a whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use eip_contract::{Change, Day, Offset};
use eip_log::{Mark, TopicId};

use super::file::GrowingFile;
use super::group::{Group, HeaderCodes};
use super::{Segment, folder_name, temporary_name};
use crate::codes::{LastText, Texts};
use crate::durable::sync_folder;
use crate::error::CacheError;
use crate::manifest::{DeadRecord, Manifest};
use crate::options::CacheOptions;
use crate::row::CachedRow;

/// Rows without an event.
pub(crate) const TOMBSTONES: &str = "tombstones.parquet";

/// A segment while it is written. Dropped unfinished, it is gone; a process that dies leaves its
/// temporary folder to the next writer to remove.
pub(crate) struct SegmentWriter {
    cache: PathBuf,
    number: u64,
    temporary: TemporaryFolder,
    partitions: usize,
    options: CacheOptions,
    texts: Texts,
    last_run: LastText,
    last_parts: LastText,
    /// By day of eventAt: the slot of its month + 1, or 0 when that has none yet.
    slots_by_day: Vec<u16>,
    slots: Vec<Slot>,
    buffered: usize,
    rows: u64,
    dead_letters: Vec<DeadRecord>,
}

/// Removed when it is dropped, unless it has its final name by then.
struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next writer.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One file and the groups that wait for it, by partition.
struct Slot {
    name: String,
    file: Option<GrowingFile>,
    groups: Vec<Group>,
}

impl SegmentWriter {
    /// Begins segment `number` in a cache folder; the caller holds the writer's lock.
    pub(crate) fn create(
        cache: &Path,
        number: u64,
        partitions: u32,
        options: CacheOptions,
    ) -> Result<Self, CacheError> {
        let temporary = TemporaryFolder(cache.join(temporary_name(number)));
        fs::create_dir(&temporary.0).map_err(CacheError::io("make", &temporary.0))?;
        Ok(Self {
            cache: cache.to_owned(),
            number,
            temporary,
            partitions: partitions as usize,
            options,
            texts: Texts::new(),
            last_run: LastText::default(),
            last_parts: LastText::default(),
            slots_by_day: vec![0; Day::END.days() as usize],
            slots: Vec::new(),
            buffered: 0,
            rows: 0,
            dead_letters: Vec::new(),
        })
    }

    /// How many more rows belong into this segment.
    pub(crate) fn room(&self) -> u64 {
        if self.dead_letters.len() >= self.options.segment_dead_letters {
            return 0;
        }
        self.options.segment_rows.saturating_sub(self.rows)
    }

    /// Adds a record that is no row.
    pub(crate) fn dead_letter(&mut self, dead: DeadRecord) {
        self.dead_letters.push(dead);
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &CachedRow<'_>) -> Result<(), CacheError> {
        let slot = match &row.change {
            Change::Assert(decoded) => self.slot_of(decoded.event.event_at.day()),
            Change::Retract(_) => self.slot_named(TOMBSTONES),
        };
        let headers = HeaderCodes {
            run: row
                .run
                .map(|text| self.last_run.code(&mut self.texts, text)),
            parts: row
                .parts
                .map(|text| self.last_parts.code(&mut self.texts, text)),
        };
        let group = &mut self.slots[slot].groups[row.partition as usize];
        let before = group.bytes();
        group.push(row, headers, &mut self.texts);
        self.buffered += group.bytes() - before;
        self.rows += 1;
        if group.rows() >= self.options.group_rows {
            self.flush(slot, row.partition)?;
        }
        if self.buffered > self.options.buffered_bytes {
            self.flush_large()?;
        }
        if self.texts.is_full() {
            self.flush_all()?;
            self.texts = Texts::new();
            (self.last_run, self.last_parts) = (LastText::default(), LastText::default());
        }
        Ok(())
    }

    fn slot_of(&mut self, day: Day) -> usize {
        let place = day.days() as usize;
        if self.slots_by_day[place] == 0 {
            let name = format!("{}.parquet", &day.to_string()[.."2018-03".len()]);
            let slot = self.slot_named(&name);
            self.slots_by_day[place] =
                u16::try_from(slot + 1).expect("there are 2,760 months and the tombstones");
        }
        usize::from(self.slots_by_day[place]) - 1
    }

    fn slot_named(&mut self, name: &str) -> usize {
        if let Some(slot) = self.slots.iter().position(|slot| slot.name == name) {
            return slot;
        }
        let groups = (0..self.partitions).map(|_| Group::default()).collect();
        self.slots.push(Slot {
            name: name.to_owned(),
            file: None,
            groups,
        });
        self.slots.len() - 1
    }

    fn flush(&mut self, slot: usize, partition: u32) -> Result<(), CacheError> {
        let Slot { name, file, groups } = &mut self.slots[slot];
        let group = std::mem::take(&mut groups[partition as usize]);
        if group.rows() == 0 {
            return Ok(());
        }
        self.buffered -= group.bytes();
        let file = match file {
            Some(file) => file,
            None => file.insert(GrowingFile::create(&self.temporary.0, name.clone())?),
        };
        file.append(group, &self.texts, partition)
    }

    /// Flushes every group of at least half the average size, and with them at least half of all.
    fn flush_large(&mut self) -> Result<(), CacheError> {
        let waiting = || {
            self.slots
                .iter()
                .flat_map(|slot| &slot.groups)
                .map(Group::bytes)
        };
        let count = waiting().filter(|&bytes| bytes > 0).count();
        let enough = (self.buffered / count.max(1) / 2).max(1);
        self.flush_from(enough)
    }

    /// Flushes all rows.
    pub(crate) fn flush_all(&mut self) -> Result<(), CacheError> {
        self.flush_from(0)
    }

    fn flush_from(&mut self, bytes: usize) -> Result<(), CacheError> {
        for slot in 0..self.slots.len() {
            for partition in 0..self.partitions {
                if self.slots[slot].groups[partition].bytes() >= bytes {
                    self.flush(slot, partition as u32)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the segment: everything synced, the manifest last, then the folder's own name.
    pub(crate) fn finish(
        mut self,
        topic_id: TopicId,
        ranges: Vec<Range<Offset>>,
        marks: Vec<Vec<Mark>>,
    ) -> Result<Segment, CacheError> {
        self.flush_all()?;
        let mut files = BTreeMap::new();
        for slot in self.slots {
            if let Some(file) = slot.file {
                files.insert(slot.name, file.finish()?);
            }
        }
        self.dead_letters.sort_unstable();
        let manifest = Manifest {
            topic_id,
            ranges,
            marks,
            rows: self.rows,
            files: files.into_values().collect(),
            dead_letters: self.dead_letters,
        };
        manifest.write(&self.temporary.0)?;
        sync_folder(&self.temporary.0)?;
        let folder = self.cache.join(folder_name(self.number));
        fs::rename(&self.temporary.0, &folder)
            .map_err(CacheError::io("rename", &self.temporary.0))?;
        sync_folder(&self.cache)?;
        Ok(Segment::new(self.number, folder, manifest))
    }
}
