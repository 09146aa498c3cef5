//! Which segments are used: each is opened, then compared with the log, before it counts.

use std::fs;

use eip_log::{LogError, WriterLock};
use tracing::warn;

use super::{Cache, Segments, numbers_and_folders, warn_ignored};
use crate::content;
use crate::error::{CacheError, Damage, DamageKind};
use crate::manifest::Manifest;
use crate::segment::{Segment, is_left_over};

/// A segment that is to be deleted, and its manifest as it was judged.
struct Stale {
    number: u64,
    manifest: Option<Manifest>,
    damage: Damage,
}

impl Cache {
    /// Reads the list of segments again. Those that are used already stay; new ones are compared with
    /// the log.
    ///
    /// The log's ends are looked at after the list, so that whoever writes both meanwhile does not
    /// seem to have mirrored what the log does not have.
    pub(super) fn refresh(&self) -> Result<(), CacheError> {
        let stale = self.look()?;
        if stale.is_empty() {
            return Ok(());
        }
        match WriterLock::take(&self.lock_path(), "cache cleaner") {
            Ok(_lock) => self.delete(stale),
            Err(error) => {
                // Who writes the cache deletes them, or the next one who looks and may.
                if !matches!(error, LogError::Locked { .. }) {
                    warn!(%error, "cannot delete segments of the cache");
                }
                self.ignore(stale);
                Ok(())
            }
        }
    }

    /// Takes the writer's lock, removes what a writer that died left behind, and sees what others
    /// have written. All segments are compared with the log again, also those that were before: the
    /// log may have been cut since.
    pub(super) fn begin_change(&self) -> Result<WriterLock, CacheError> {
        fs::create_dir_all(&self.folder).map_err(CacheError::io("make", &self.folder))?;
        let lock = WriterLock::take(&self.lock_path(), "cache writer")?;
        for name in self.names()?.iter().filter(|name| is_left_over(name)) {
            let path = self.folder.join(name);
            fs::remove_dir_all(&path).map_err(CacheError::io("remove", &path))?;
        }
        self.change(|segments| segments.usable.clear());
        let stale = self.look()?;
        self.delete(stale)?;
        let unchecked = |(_, damage): &&(u64, Damage)| damage.kind == DamageKind::Unchecked;
        match self.lock_read().ignored.iter().find(unchecked) {
            Some((_, damage)) => Err(CacheError::Unchecked(damage.clone())),
            None => Ok(lock),
        }
    }

    fn lock_path(&self) -> std::path::PathBuf {
        self.folder.join("writer.lock")
    }

    /// Opens and compares the segments that are new; gives those that are to be deleted.
    fn look(&self) -> Result<Vec<Stale>, CacheError> {
        let numbers = self.numbers()?;
        if numbers.is_empty() {
            self.change(|segments| *segments = Segments::default());
            return Ok(Vec::new());
        }
        let known = self.change(|segments| {
            let Segments { usable, ignored } = segments;
            usable.retain(|segment| numbers.contains(&segment.number()));
            ignored.retain(|(number, damage)| {
                numbers.contains(number) && damage.kind != DamageKind::Unchecked
            });
            let usable = usable.iter().map(|segment| segment.number());
            usable
                .chain(ignored.iter().map(|&(number, _)| number))
                .collect::<Vec<_>>()
        });
        if numbers.iter().all(|number| known.contains(number)) {
            return Ok(Vec::new());
        }
        let ends = self.log.ends()?.poll()?;
        let (mut opened, mut damaged) = (Vec::new(), Vec::new());
        for (number, folder) in numbers_and_folders(&numbers, &self.folder) {
            if known.contains(&number) {
                continue;
            }
            match Segment::open(number, folder.clone(), &*self.log, &ends) {
                Ok(segment) => opened.push(segment),
                Err(damage) => damaged.push((number, Manifest::read(&folder).ok(), damage)),
            }
        }
        let verdicts = content::check(&*self.log, &opened.iter().collect::<Vec<_>>());
        let mut stale = Vec::new();
        self.change(|segments| {
            for (segment, verdict) in opened.into_iter().zip(verdicts) {
                match verdict {
                    // Another thread may have looked at the same time.
                    Ok(()) if segments.knows(segment.number()) => {}
                    Ok(()) => segments.usable.push(segment.into()),
                    Err(damage) => {
                        let manifest = segment.manifest().clone();
                        damaged.push((segment.number(), Some(manifest), damage));
                    }
                }
            }
            for (number, manifest, damage) in damaged {
                if damage.kind == DamageKind::Stale {
                    stale.push(Stale {
                        number,
                        manifest,
                        damage,
                    });
                } else if !segments.knows(number) {
                    warn_ignored(&damage);
                    segments.ignored.push((number, damage));
                }
            }
            segments.usable.sort_by_key(|segment| segment.number());
        });
        Ok(stale)
    }

    /// Deletes segments; the caller holds the lock. One that was replaced meanwhile stays.
    fn delete(&self, stale: Vec<Stale>) -> Result<(), CacheError> {
        let mut numbers = Vec::new();
        for Stale {
            number,
            manifest,
            damage,
        } in stale
        {
            let folder = self.folder.join(crate::segment::folder_name(number));
            if !folder.exists() || Manifest::read(&folder).ok() != manifest {
                continue;
            }
            warn!(
                path = %damage.path.display(),
                "cache segment deleted: {damage}; its records are read from the log"
            );
            numbers.push(number);
        }
        if numbers.is_empty() {
            return Ok(());
        }
        self.remove(&numbers)
    }

    fn ignore(&self, stale: Vec<Stale>) {
        self.change(|segments| {
            for Stale { number, damage, .. } in stale {
                if !segments.knows(number) {
                    warn_ignored(&damage);
                    segments.ignored.push((number, damage));
                }
            }
        });
    }
}

impl Segments {
    fn knows(&self, number: u64) -> bool {
        self.usable.iter().any(|known| known.number() == number)
            || self.ignored.iter().any(|&(known, _)| known == number)
    }
}
