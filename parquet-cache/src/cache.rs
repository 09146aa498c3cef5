//! The cache of one log: its segments, what they cover, and who may change them.

mod catch_up;
mod merge;
mod order;
mod read;
mod refresh;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use eip_contract::Offset;
use eip_log::Log;
use tracing::{debug, warn};

use crate::coverage::{Coverage, reach};
use crate::durable::sync_folder;
use crate::error::{CacheError, Damage, DamageKind};
use crate::options::CacheOptions;
use crate::segment::{Segment, folder_number, removed_name};
use crate::status::{SegmentStatus, Status};

pub use catch_up::CatchUp;
pub use merge::Compaction;
pub use order::{OrderRecord, OrderRecords};
pub use read::{Hydrated, TakePacked};

/// The mirror of a log, open for reading; each change takes the writer's lock for as long as it lasts.
///
/// Reading takes `&self`: workers share one cache and read their own partitions at the same time.
/// Another process may write meanwhile.
pub struct Cache {
    log: Log,
    folder: PathBuf,
    options: CacheOptions,
    segments: RwLock<Segments>,
}

#[derive(Default)]
struct Segments {
    /// By number.
    usable: Vec<Arc<Segment>>,
    ignored: Vec<(u64, Damage)>,
}

impl Cache {
    /// Opens the cache of a log, in the log's local folder; it need not be there yet. Checks manifests,
    /// sizes, footers and that the log has the records that are mirrored. What does not fit is ignored
    /// with a warning; a segment that mirrors what the log does not have is deleted.
    pub fn open(log: impl Into<Log>) -> Result<Self, CacheError> {
        Self::open_with(log, CacheOptions::default())
    }

    /// As [`Cache::open`], with other sizes.
    pub fn open_with(log: impl Into<Log>, options: CacheOptions) -> Result<Self, CacheError> {
        let log = log.into();
        let cache = Self {
            folder: log.folder().join("cache"),
            log,
            options,
            segments: RwLock::default(),
        };
        cache.refresh()?;
        Ok(cache)
    }

    /// The folder, `<state>/cache`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How far the cache mirrors each partition from its beginning without a gap.
    pub fn coverage(&self) -> Coverage {
        let ends = (0..self.log.partitions()).map(|partition| {
            let ranges: Vec<_> = self.usable().iter().map(|s| s.range(partition)).collect();
            reach(&ranges, Offset(0))
        });
        Coverage::new(ends.collect())
    }

    /// What is there, and whether it is used. `deep` reads and checks every byte.
    pub fn status(&self, deep: bool) -> Status {
        if deep {
            for segment in self.usable() {
                if let Err(damage) = segment.check() {
                    self.give_up(&segment, damage);
                }
            }
        }
        let (coverage, usable) = (self.coverage(), self.usable());
        let mut segments: Vec<_> = usable
            .iter()
            .map(|segment| SegmentStatus::of(segment, &coverage))
            .chain(self.lock_read().ignored.iter().map(SegmentStatus::ignored))
            .collect();
        segments.sort_by_key(|segment| segment.number);
        Status {
            topic_id: self.log.topic_id(),
            coverage,
            segments,
        }
    }

    fn lock_read(&self) -> RwLockReadGuard<'_, Segments> {
        // A list is replaced as a whole or added to: a panic elsewhere leaves it whole.
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, f: impl FnOnce(&mut Segments) -> T) -> T {
        f(&mut self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner))
    }

    fn usable(&self) -> Vec<Arc<Segment>> {
        self.lock_read()
            .usable
            .iter()
            .filter(|segment| !segment.is_given_up())
            .cloned()
            .collect()
    }

    /// A read found damage: the segment is not used any more. If it is not there at all, another
    /// process has merged it, and its rows are in a segment that is new to this one.
    fn give_up(&self, segment: &Arc<Segment>, damage: Damage) {
        if segment.is_given_up() {
            return;
        }
        segment.give_up();
        if damage.kind == DamageKind::Gone && !segment.folder().exists() {
            debug!(
                segment = segment.number(),
                "segment was merged by another process"
            );
            self.change(|segments| segments.usable.retain(|other| !Arc::ptr_eq(other, segment)));
            if let Err(error) = self.refresh() {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot list the cache again"
                );
            }
        } else {
            warn_ignored(&damage);
            self.change(|segments| {
                segments.usable.retain(|other| !Arc::ptr_eq(other, segment));
                segments.ignored.push((segment.number(), damage));
            });
        }
    }

    /// Numbers of all segments' folders, in order.
    fn numbers(&self) -> Result<Vec<u64>, CacheError> {
        let mut numbers: Vec<_> = self
            .names()?
            .iter()
            .filter_map(|name| folder_number(name))
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn names(&self) -> Result<Vec<String>, CacheError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(CacheError::io("list", &self.folder))?,
        };
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name());
        let names: io::Result<Vec<_>> = entries.map(name).collect();
        let names = names.map_err(CacheError::io("list", &self.folder))?;
        Ok(names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .collect())
    }

    /// The number of the next segment: above all that are there, also the ignored ones.
    fn next_number(&self) -> Result<u64, CacheError> {
        Ok(self.numbers()?.last().map_or(1, |last| last + 1))
    }

    /// Removes segments; each is gone at once, whatever happens while its files are deleted.
    fn remove(&self, numbers: &[u64]) -> Result<(), CacheError> {
        let mut removed = Vec::new();
        for (number, folder) in numbers_and_folders(numbers, &self.folder) {
            let away = self.folder.join(removed_name(number));
            fs::rename(&folder, &away).map_err(CacheError::io("rename", &folder))?;
            removed.push(away);
        }
        sync_folder(&self.folder)?;
        self.change(|segments| {
            segments
                .usable
                .retain(|segment| !numbers.contains(&segment.number()));
            segments
                .ignored
                .retain(|(number, _)| !numbers.contains(number));
        });
        for path in removed {
            fs::remove_dir_all(&path).map_err(CacheError::io("remove", &path))?;
        }
        Ok(())
    }

    fn add(&self, segment: Segment) -> Arc<Segment> {
        let segment = Arc::new(segment);
        self.change(|segments| segments.usable.push(Arc::clone(&segment)));
        segment
    }
}

fn numbers_and_folders(numbers: &[u64], cache: &Path) -> impl Iterator<Item = (u64, PathBuf)> {
    numbers
        .iter()
        .map(|&number| (number, cache.join(crate::segment::folder_name(number))))
}

fn warn_ignored(damage: &Damage) {
    warn!(
        path = %damage.path.display(),
        "cache segment ignored: {damage}; its records are read from the log, which takes longer; \
         `eip cache rebuild` makes the cache anew"
    );
}

/// The ranges of a segment, by partition.
type Ranges = Vec<Range<Offset>>;
