//! The canonical export of the views, and their digests (semantics, section 6).

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use eip_views::View;
use sha2::{Digest as _, Sha256};

use super::error::{Fault, Retry, StoreError};
use super::reader::ViewReader;

/// One view in short: two views are equal when their digests are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDigest {
    /// The view's name.
    pub name: &'static str,
    /// Its lines.
    pub rows: u64,
    /// SHA-256 of its canonical export, in lower-case hex.
    pub sha256: String,
}

impl ViewReader {
    /// Writes `<view>.ndjson` of all views into the folder `out`, all from one moment.
    pub fn export(&mut self, out: &Path) -> Result<Vec<ViewDigest>, StoreError> {
        fs::create_dir_all(out).map_err(|error| unwritable(out, error))?;
        self.snapshot(|reader| {
            let views = reader.views().into_iter();
            views
                .map(|view| {
                    let path = out.join(format!("{}.ndjson", view.name));
                    let part = out.join(format!("{}.ndjson.part", view.name));
                    let file = File::create(&part).map_err(|error| unwritable(&part, error))?;
                    let mut file = BufWriter::with_capacity(1 << 20, file);
                    let digest = reader.digest_into(view, &mut file, &part)?;
                    // A file under its final name is whole.
                    fs::rename(&part, &path).map_err(|error| unwritable(&path, error))?;
                    Ok(digest)
                })
                .collect()
        })
    }

    /// The digests of all views, all from one moment.
    pub fn digests(&mut self) -> Result<Vec<ViewDigest>, StoreError> {
        self.snapshot(|reader| {
            let nowhere = Path::new("nowhere");
            let views = reader.views().into_iter();
            views
                .map(|view| reader.digest_into(view, &mut io::sink(), nowhere))
                .collect()
        })
    }

    fn digest_into(
        &mut self,
        view: &'static View,
        out: &mut dyn Write,
        path: &Path,
    ) -> Result<ViewDigest, StoreError> {
        let mut hash = Sha256::new();
        let mut rows = 0;
        let mut block = Vec::with_capacity(1 << 16);
        let mut written = Ok(());
        self.for_each_line(view, &mut |line| {
            rows += 1;
            block.extend_from_slice(line);
            block.push(b'\n');
            if block.len() >= (1 << 16) - 1024 && written.is_ok() {
                hash.update(&block);
                written = out.write_all(&block);
                block.clear();
            }
        })?;
        hash.update(&block);
        written
            .and_then(|()| out.write_all(&block))
            .and_then(|()| out.flush())
            .map_err(|error| unwritable(path, error))?;
        Ok(ViewDigest {
            name: view.name,
            rows,
            sha256: hex(&hash.finalize()),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

fn unwritable(path: &Path, error: io::Error) -> StoreError {
    let message = format!("cannot write {}", path.display());
    StoreError::new(Fault::External, Retry::Backoff, message).because(error)
}
