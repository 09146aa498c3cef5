//! The spaces of one place that keeps each in a state folder.

use std::io::ErrorKind;
use std::path::Path;

use eip_contract::{SPACES, Space};

use crate::error::LogError;

/// `main`, whose state folder is `root`, and the names of the folders beside it, in their order.
/// Whether there is a log in each is another question.
pub fn list_spaces(root: &Path) -> Result<Vec<Space>, LogError> {
    let mut spaces = vec![Space::main()];
    let below = root.join(SPACES);
    let entries = match below.read_dir() {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(spaces);
        }
        Err(error) => return Err(LogError::io("read", &below)(error)),
    };
    for entry in entries {
        let name = entry.map_err(LogError::io("read", &below))?.file_name();
        spaces.extend(name.to_str().and_then(|name| name.parse::<Space>().ok()));
    }
    spaces.sort_unstable();
    spaces.dedup();
    Ok(spaces)
}
