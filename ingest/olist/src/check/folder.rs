//! The files of a folder: its own and those one level below, without hidden ones.

use std::io;
use std::path::{Path, PathBuf};

use crate::description::DESCRIPTION_FILE;
use crate::error::OlistError;

/// Most files that are looked at.
const MAX_FILES: usize = 1_000;

/// A file of the folder.
#[derive(Debug)]
pub(super) struct Listed {
    /// Inside the folder, with `/` between.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Whether it has bytes to read: no pipe, no socket.
    pub(super) is_regular: bool,
}

/// The files in the order of their names, without `dataset.toml`, and how many more there are.
pub(super) fn list(folder: &Path) -> Result<(Vec<Listed>, u64), OlistError> {
    let failed = |path: &Path, source| OlistError::Read {
        file: path.display().to_string(),
        source,
    };
    let mut found = Vec::new();
    let folders = entries(folder, "", &mut found).map_err(|source| failed(folder, source))?;
    for (name, path) in folders {
        entries(&path, &format!("{name}/"), &mut found).map_err(|source| failed(&path, source))?;
    }
    found.retain(|file| file.name != DESCRIPTION_FILE);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let left_out = found.len().saturating_sub(MAX_FILES) as u64;
    found.truncate(MAX_FILES);
    Ok((found, left_out))
}

/// Adds the files of one folder; its folders by name.
fn entries(
    folder: &Path,
    before: &str,
    found: &mut Vec<Listed>,
) -> io::Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{before}{name}");
        // A link that leads nowhere is listed, and reading it says why.
        let metadata = std::fs::metadata(&path);
        if metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            folders.push((name, path));
        } else {
            found.push(Listed {
                name,
                path,
                bytes: metadata.as_ref().map_or(0, std::fs::Metadata::len),
                is_regular: metadata.is_ok_and(|metadata| metadata.is_file()),
            });
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_deeper_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.csv",
            "a/a.csv",
            ".hidden",
            ".git/x",
            "a/deep/y.csv",
            "dataset.toml",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let (files, left_out) = list(folder.path()).unwrap();
        let names: Vec<(&str, u64)> = files
            .iter()
            .map(|file| (file.name.as_str(), file.bytes))
            .collect();
        assert_eq!(names, [("a/a.csv", 7), ("b.csv", 5)]);
        assert_eq!(left_out, 0);
        assert!(list(&folder.path().join("none")).is_err());
    }
}
