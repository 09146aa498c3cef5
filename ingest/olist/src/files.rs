//! Which files of a folder hold which table: Olist's names, or what a `dataset.toml` says.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::description::{DESCRIPTION_FILE, Description, TableDescription};
use crate::error::OlistError;
use crate::source::{Packing, Source, hex};
use crate::table::{CUSTOMERS, ITEMS, Layout, ORDERS, SELLERS};

/// Names of the four files in Olist's form, in the order in which they are read.
pub const FILES: [&str; 4] = [SELLERS.file, CUSTOMERS.file, ORDERS.file, ITEMS.file];

/// Names of the four tables, in the order of [`FILES`].
pub const TABLES: [&str; 4] = [SELLERS.table, CUSTOMERS.table, ORDERS.table, ITEMS.table];

/// The columns that are used of each of [`FILES`], the row's own key first.
pub const COLUMNS: [&[&str]; 4] = [
    &SELLERS.columns,
    &CUSTOMERS.columns,
    &ORDERS.columns,
    &ITEMS.columns,
];

/// Most files of one table.
const MAX_FILES: usize = 10_000;

/// The files of a data set, found and not yet read.
pub(crate) struct DataFiles {
    /// Hash of the `dataset.toml`, where there is one.
    pub(crate) description: Option<String>,
    /// In the order of [`FILES`].
    pub(crate) tables: [TableFiles; 4],
}

/// One table: how its files are written, and the files.
pub(crate) struct TableFiles {
    pub(crate) description: TableDescription,
    pub(crate) files: Vec<DataFile>,
}

/// A file to be read.
pub(crate) struct DataFile {
    /// As rejects and the ledger name it: inside the folder, without `.gz` or `.zst`.
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

/// Where its bytes are.
pub(crate) enum Origin {
    Csv(PathBuf, Packing),
    Parquet(PathBuf),
    /// A stream of CSV.
    Stream(Source),
}

impl DataFiles {
    /// Finds the files of a folder.
    pub(crate) fn find(folder: &Path) -> Result<Self, OlistError> {
        let found = Description::of_folder(folder)?;
        let hash = found.as_ref().map(|(text, _)| hex(&Sha256::digest(text)));
        let description = found.map(|(_, description)| description);
        Ok(Self {
            description: hash,
            ..Self::described(folder, description.as_ref())?
        })
    }

    /// Finds the files as a description says, whatever `dataset.toml` the folder holds.
    pub(crate) fn described(
        folder: &Path,
        description: Option<&Description>,
    ) -> Result<Self, OlistError> {
        Ok(Self {
            description: None,
            tables: [
                table(folder, description, &SELLERS)?,
                table(folder, description, &CUSTOMERS)?,
                table(folder, description, &ORDERS)?,
                table(folder, description, &ITEMS)?,
            ],
        })
    }

    /// Streams in Olist's form, in the order of [`FILES`].
    pub(crate) fn of_streams(streams: [Source; 4]) -> Self {
        let mut names = FILES.into_iter();
        Self {
            description: None,
            tables: streams.map(|stream| TableFiles {
                description: TableDescription::default(),
                files: vec![DataFile {
                    name: names
                        .next()
                        .expect("four names for four streams")
                        .to_owned(),
                    origin: Origin::Stream(stream),
                }],
            }),
        }
    }
}

/// Lower-case hex SHA-256 of the unpacked bytes of each file of the data set in a folder, by its
/// name, with `dataset.toml`: what [`crate::InputFile`] says of them.
pub fn sha256_of_files(folder: &Path) -> Result<BTreeMap<String, String>, OlistError> {
    let found = DataFiles::find(folder)?;
    let mut hashes = BTreeMap::new();
    if let Some(hash) = found.description {
        hashes.insert(DESCRIPTION_FILE.to_owned(), hash);
    }
    for file in found.tables.into_iter().flat_map(|table| table.files) {
        let DataFile { name, origin } = file;
        // One file may be of several tables.
        if let Entry::Vacant(entry) = hashes.entry(name) {
            let hash = origin.sha256().map_err(|source| OlistError::Read {
                file: entry.key().clone(),
                source,
            })?;
            entry.insert(hash);
        }
    }
    Ok(hashes)
}

/// A file of a data set as it lies in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// The table that it is of, one of [`TABLES`].
    pub table: &'static str,
    /// As rejects and the ledger name it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether its unpacked bytes are other ones.
    pub is_packed: bool,
}

/// The files of the data set in a folder, without `dataset.toml`, table by table.
pub fn found_files(folder: &Path) -> Result<Vec<FoundFile>, OlistError> {
    let tables = TABLES.into_iter().zip(DataFiles::find(folder)?.tables);
    let files =
        tables.flat_map(|(table, files)| files.files.into_iter().map(move |file| (table, file)));
    Ok(files
        .filter_map(|(table, DataFile { name, origin })| {
            let (path, is_packed) = match origin {
                Origin::Csv(path, packing) => (path, packing != Packing::Plain),
                Origin::Parquet(path) => (path, false),
                Origin::Stream(_) => return None,
            };
            Some(FoundFile {
                table,
                name,
                path,
                is_packed,
            })
        })
        .collect())
}

/// Lower-case hex SHA-256 of the unpacked bytes of a file, packed as its name says.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let (packing, _) = Packing::of_name(path.to_str().unwrap_or_default());
    Source::open(path, packing)?.sha256()
}

impl Origin {
    /// Hash of the unpacked bytes; of a Parquet file of all its bytes.
    pub(crate) fn sha256(self) -> io::Result<String> {
        match self {
            Self::Csv(path, packing) => Source::open(&path, packing)?.sha256(),
            Self::Parquet(path) => Source::open(&path, Packing::Plain)?.sha256(),
            Self::Stream(stream) => stream.sha256(),
        }
    }
}

fn table<const N: usize>(
    folder: &Path,
    description: Option<&Description>,
    layout: &'static Layout<N>,
) -> Result<TableFiles, OlistError> {
    let description = match description {
        Some(description) => description.table(layout)?,
        None => TableDescription::default(),
    };
    let files = match &description.files {
        None => vec![of_olist_name(folder, layout.file)?],
        Some(globs) => of_globs(folder, layout.table, globs)?,
    };
    Ok(TableFiles { description, files })
}

/// The file with Olist's name, plain or packed. Two of them are refused: nobody can say which one is
/// meant.
fn of_olist_name(folder: &Path, name: &'static str) -> Result<DataFile, OlistError> {
    let ends = [
        ("", Packing::Plain),
        (".gz", Packing::Gzip),
        (".zst", Packing::Zstd),
    ];
    let mut found = Vec::new();
    for (end, packing) in ends {
        let path = folder.join(format!("{name}{end}"));
        match path.try_exists() {
            Ok(true) => found.push((format!("{name}{end}"), path, packing)),
            Ok(false) => {}
            Err(source) => {
                return Err(OlistError::Read {
                    file: format!("{name}{end}"),
                    source,
                });
            }
        }
    }
    if let [(first, ..), (second, ..), ..] = found.as_slice() {
        return Err(OlistError::TwoForms {
            first: first.clone(),
            second: second.clone(),
        });
    }
    let (_, path, packing) = found.pop().ok_or_else(|| OlistError::NoFile {
        folder: folder.to_owned(),
        name,
        is_folder: folder.is_dir(),
    })?;
    Ok(DataFile {
        name: name.to_owned(),
        origin: Origin::Csv(path, packing),
    })
}

/// The files that globs find, each once, in the order of their names.
fn of_globs(folder: &Path, table: &str, globs: &[String]) -> Result<Vec<DataFile>, OlistError> {
    let bad = |problem: String| OlistError::BadDescription {
        problem: format!("[{table}] files: {problem}"),
    };
    let escaped = glob::Pattern::escape(
        folder
            .to_str()
            .ok_or_else(|| bad("the folder's own name is not UTF-8; move the data".to_owned()))?,
    );
    let mut found = BTreeMap::new();
    for text in globs {
        let inside = Path::new(text)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if text.is_empty() || !inside {
            return Err(bad(format!("{text:?} leads out of the folder")));
        }
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let paths = glob::glob_with(&format!("{escaped}/{text}"), options)
            .map_err(|error| bad(format!("{text:?} is no glob: {error}")))?;
        let before = found.len();
        let mut any = false;
        for path in paths {
            let path = path.map_err(|error| OlistError::Read {
                file: error.path().display().to_string(),
                source: error.into(),
            })?;
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let name = name
                .to_str()
                .ok_or_else(|| bad(format!("the name {} is not UTF-8", name.display())))?;
            if name == DESCRIPTION_FILE || path.is_dir() {
                continue;
            }
            any = true;
            found.insert(name.to_owned(), path.clone());
        }
        if !any && found.len() == before {
            return Err(bad(format!(
                "{text:?} finds no file in {}",
                folder.display()
            )));
        }
    }
    if found.len() > MAX_FILES {
        return Err(bad(format!("{} files, over {MAX_FILES}", found.len())));
    }
    let mut forms: BTreeMap<String, &str> = BTreeMap::new();
    for name in found.keys() {
        if let Some(other) = forms.insert(stem(name).to_owned(), name) {
            return Err(OlistError::TwoForms {
                first: other.to_owned(),
                second: name.clone(),
            });
        }
    }
    Ok(found
        .into_iter()
        .map(|(name, path)| {
            let (packing, bare) = Packing::of_name(&name);
            let origin = if is_parquet(bare) {
                Origin::Parquet(path)
            } else {
                Origin::Csv(path, packing)
            };
            DataFile {
                name: bare.to_owned(),
                origin,
            }
        })
        .collect())
}

fn is_parquet(name: &str) -> bool {
    let end = Path::new(name).extension().and_then(|end| end.to_str());
    end.is_some_and(|end| end.eq_ignore_ascii_case("parquet"))
}

/// A name without what says only in which form the same rows are.
fn stem(name: &str) -> &str {
    let (_, bare) = Packing::of_name(name);
    [".csv", ".tsv", ".txt", ".parquet"]
        .into_iter()
        .find_map(|end| bare.strip_suffix(end))
        .unwrap_or(bare)
}
