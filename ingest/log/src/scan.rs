//! The journal as a whole, line by line: where each partition ends, and the ledger's entries.
//!
//! What a writer needs to go on, what [`crate::EndsWatcher`] and [`crate::LedgerReader`] follow. It
//! checks what holds the log together: offsets follow one another, blocks are closed, a header says
//! what the files before it say.

use serde::Deserialize;

use crate::error::LogError;
use crate::files::{self, Header};
use crate::ledger::LedgerEntry;
use crate::line::{Kind, Switch, record_head};
use crate::state::StateDir;
use crate::tail::{Place, Tail};

/// Takes a committed entry and its position in the ledger.
pub(crate) type OnEntry<'a> = &'a mut dyn FnMut(u64, LedgerEntry);

#[derive(Deserialize)]
struct LedgerLine {
    ledger: LedgerEntry,
    n: u64,
}

/// A block whose end has not come yet.
struct Block {
    run: String,
    entry: Option<LedgerEntry>,
}

pub(crate) struct Scan {
    state: StateDir,
    tail: Option<Tail>,
    /// Where to begin once there is a file.
    from_file: u64,
    /// The header of the file where the scan began.
    pub(crate) header: Option<Header>,
    /// The next offset of each partition, records of an open block included.
    pub(crate) next: Vec<u64>,
    /// The same without these.
    pub(crate) ends: Vec<u64>,
    /// Committed entries of the ledger so far.
    pub(crate) ledger: u64,
    block: Option<Block>,
}

impl Scan {
    /// From the journal's beginning.
    pub(crate) fn from_start(state: &StateDir) -> Self {
        Self {
            state: state.clone(),
            tail: None,
            from_file: 1,
            header: None,
            next: vec![0; state.partitions() as usize],
            ends: vec![0; state.partitions() as usize],
            ledger: 0,
            block: None,
        }
    }

    /// From the beginning of the last file that has a header.
    pub(crate) fn from_last_file(state: &StateDir) -> Result<Self, LogError> {
        let mut scan = Self::from_start(state);
        let last = files::last(state)?;
        scan.from_file = last.max(1);
        // Only the last one can be without a header: it is begun when the others are whole.
        if last > 1 && Header::read(state, last)?.is_none() {
            scan.from_file = last - 1;
        }
        Ok(scan)
    }

    /// The place before the next line; `None` when there is no file yet.
    pub(crate) fn place(&self) -> Option<Place> {
        self.tail.as_ref().map(Tail::place)
    }

    /// The file that is being read.
    pub(crate) fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// The run of the open block.
    pub(crate) fn open_block(&self) -> Option<&str> {
        self.block.as_ref().map(|block| block.run.as_str())
    }

    /// Reads all that is there.
    pub(crate) fn advance(&mut self, on_entry: Option<OnEntry<'_>>) -> Result<(), LogError> {
        self.advance_up_to(false, on_entry).map(drop)
    }

    /// Reads the rest of the present file, unless the next one's header says that no entry of the ledger is in
    /// it: then it is passed over. Whether there is a next one, where the scan stands then.
    pub(crate) fn advance_file(&mut self, on_entry: OnEntry<'_>) -> Result<bool, LogError> {
        if self.passes_file()? {
            return Ok(true);
        }
        self.advance_up_to(true, Some(on_entry))
    }

    /// Goes to the next file when the scan stands at the beginning of one without an entry. Blocks never span
    /// files, so nothing else of it is missed by who wants entries only.
    fn passes_file(&mut self) -> Result<bool, LogError> {
        let place = self.place();
        if place.is_some_and(|place| place.byte > 0) {
            return Ok(false);
        }
        let next = place.map_or(self.from_file, |place| place.file) + 1;
        let without_entry = |header: Header| header.ledger == self.ledger;
        if !Header::read(&self.state, next)?.is_some_and(without_entry) {
            return Ok(false);
        }
        (self.tail, self.header, self.from_file) = (None, None, next);
        Ok(true)
    }

    fn advance_up_to(
        &mut self,
        one_file: bool,
        mut on_entry: Option<OnEntry<'_>>,
    ) -> Result<bool, LogError> {
        if self.tail.is_none() {
            self.tail = Tail::open(
                &self.state,
                Place {
                    file: self.from_file,
                    byte: 0,
                },
            )?;
        }
        let Some(mut tail) = self.tail.take() else {
            return Ok(false);
        };
        let result = self.advance_in(&mut tail, one_file, &mut on_entry);
        // A file that a crash left without a header is replaced by another of its name.
        if self.header.is_some() || result.is_err() {
            self.tail = Some(tail);
        }
        result
    }

    fn advance_in(
        &mut self,
        tail: &mut Tail,
        one_file: bool,
        on_entry: &mut Option<OnEntry<'_>>,
    ) -> Result<bool, LogError> {
        let file = tail.place().file;
        while let Some(range) = tail.peek_across(&self.state)? {
            let line = tail.line(&range);
            let kind = Kind::of(line);
            let place = tail.place();
            if one_file && place.file > file {
                return Ok(true);
            }
            let taken = if (place.byte == 0) != (kind == Kind::Header) {
                Err("a header belongs to a file's beginning, and only there".into())
            } else if kind == Kind::Record {
                self.take_record(line)
            } else if kind == Kind::Header {
                self.take_header(Header::parse(line, &self.state, place.file)?)
            } else {
                self.take_other(line, kind, on_entry)
            };
            taken.map_err(|what| tail.corrupt(what))?;
            tail.consume(&range);
        }
        Ok(false)
    }

    fn take_header(&mut self, header: Header) -> Result<(), String> {
        if self.header.is_none() {
            self.next.clone_from(&header.next);
            self.ends.clone_from(&header.next);
            self.ledger = header.ledger;
            self.header = Some(header);
            return Ok(());
        }
        if self.block.is_some() {
            return Err("the transaction of the file before has no end".into());
        }
        if header.next != self.next || header.ledger != self.ledger {
            return Err(format!(
                "offsets {:?} and ledger position {} do not continue {:?} and {}",
                header.next, header.ledger, self.next, self.ledger
            ));
        }
        Ok(())
    }

    #[inline]
    fn take_record(&mut self, line: &[u8]) -> Result<(), String> {
        let (partition, offset, _) = record_head(line).ok_or("no partition and offset")?;
        let next = self
            .next
            .get_mut(partition as usize)
            .ok_or("no such partition")?;
        if *next != offset {
            return Err(format!(
                "partition {partition} goes from offset {next} to {offset}"
            ));
        }
        *next += 1;
        if self.block.is_none() {
            self.ends[partition as usize] = *next;
        }
        Ok(())
    }

    fn take_other(
        &mut self,
        line: &[u8],
        kind: Kind,
        on_entry: &mut Option<OnEntry<'_>>,
    ) -> Result<(), String> {
        let wrong = |error: serde_json::Error| error.to_string();
        match kind {
            Kind::Begin => {
                #[derive(Deserialize)]
                struct Begin {
                    begin: String,
                }
                if self.block.is_some() {
                    return Err("a transaction begins inside of another".into());
                }
                let Begin { begin: run } = serde_json::from_slice(line).map_err(wrong)?;
                self.block = Some(Block { run, entry: None });
            }
            Kind::Commit | Kind::Abort => {
                let switch: Switch = serde_json::from_slice(line).map_err(wrong)?;
                let block = self
                    .block
                    .take()
                    .ok_or("a transaction ends that has no beginning")?;
                if switch.next != self.next {
                    return Err(format!(
                        "offsets {:?} instead of {:?}",
                        switch.next, self.next
                    ));
                }
                self.ends.clone_from(&self.next);
                if let (Kind::Commit, Some(entry)) = (kind, block.entry) {
                    self.deliver(entry, on_entry);
                }
            }
            Kind::Ledger => {
                let LedgerLine { ledger: entry, n } =
                    serde_json::from_slice(line).map_err(wrong)?;
                if n != self.ledger {
                    return Err(format!("the ledger goes from {} to {n}", self.ledger));
                }
                match &mut self.block {
                    Some(block) => block.entry = Some(entry),
                    None => self.deliver(entry, on_entry),
                }
            }
            Kind::Record | Kind::Header | Kind::Unknown => return Err("an unknown line".into()),
        }
        Ok(())
    }

    fn deliver(&mut self, entry: LedgerEntry, on_entry: &mut Option<OnEntry<'_>>) {
        if let Some(on_entry) = on_entry {
            on_entry(self.ledger, entry);
        }
        self.ledger += 1;
    }
}
