//! The migrations of the tables, built into the program. sqlx has a macro for it, which compiles both
//! databases' clients and SQLite a second time, for the compiler's sake.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Number, name and text of a file.
pub(crate) type MigrationFile = (i64, &'static str, &'static str);

/// What brings tables up to date. sqlx compares the text of what was done before with what was
/// stored of it then.
pub(crate) fn migrator(files: &[MigrationFile]) -> Migrator {
    let files = files.iter().map(|&(version, name, sql)| {
        let name = Cow::Borrowed(name);
        Migration::new(
            version,
            name,
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(files.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::MigrationFile;
    use crate::{postgres, sqlite};

    #[test]
    fn every_file_is_built_in_under_its_number_and_name() {
        for (folder, files) in [
            ("postgres", postgres::MIGRATIONS),
            ("sqlite", sqlite::MIGRATIONS),
        ] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(folder);
            let stored: BTreeSet<_> = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| {
                    let path = entry.unwrap().path();
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    (name, std::fs::read_to_string(path).unwrap())
                })
                .collect();
            let built_in = files.iter().map(|&(version, name, sql): &MigrationFile| {
                let name = name.replace(' ', "_");
                (format!("{version:04}_{name}.sql"), sql.to_owned())
            });
            assert_eq!(built_in.collect::<BTreeSet<_>>(), stored);
        }
    }
}
