//! Where the programs of the database servers are: distributions keep them off the PATH.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where Debian has a folder for each version.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// On the PATH of root alone.
const SYSTEM_FOLDERS: &[&str] = &["/usr/sbin", "/usr/local/sbin"];

/// The programs of MariaDB, or of MySQL.
#[derive(Debug)]
pub(crate) struct MariaDb {
    pub(crate) server: PathBuf,
    /// MySQL's server is its own installer.
    pub(crate) installer: Option<PathBuf>,
    pub(crate) client: PathBuf,
}

/// Returns where a program is on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Returns the folder that has all programs of PostgreSQL.
pub(crate) fn postgres() -> Option<PathBuf> {
    let on_path = env::var_os("PATH")?;
    let of_debian = fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten();
    let of_debian = of_debian.filter_map(|folder| Some(folder.ok()?.path())).collect();
    let of_debian = newest(of_debian).map(|version| version.join("bin"));
    env::split_paths(&on_path).chain(of_debian).find(|folder| has_postgres(folder)).or_else(|| {
        let told = Command::new(find("pg_config")?).arg("--bindir").output().ok()?;
        let folder = PathBuf::from(String::from_utf8(told.stdout).ok()?.trim());
        Some(folder).filter(|folder| has_postgres(folder))
    })
}

fn has_postgres(folder: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
}

/// Returns the folder that is named for the highest version: 15 comes after 9.6.
fn newest(folders: Vec<PathBuf>) -> Option<PathBuf> {
    let version = |folder: &PathBuf| -> Option<Vec<u32>> {
        folder.file_name()?.to_str()?.split('.').map(|part| part.parse().ok()).collect()
    };
    folders.into_iter().filter(|folder| version(folder).is_some()).max_by_key(version)
}

/// Returns the programs of MariaDB, or else of MySQL.
pub(crate) fn mariadb() -> Option<MariaDb> {
    let find = |programs: &[&str]| {
        programs.iter().find_map(|program| {
            let system = SYSTEM_FOLDERS.iter().map(|folder| Path::new(folder).join(program));
            find(program).or_else(|| system.into_iter().find(|file| file.is_file()))
        })
    };
    Some(MariaDb {
        server: find(&["mariadbd", "mysqld"])?,
        installer: find(&["mariadb-install-db", "mysql_install_db"]),
        client: find(&["mariadb", "mysql"])?,
    })
}

#[cfg(test)]
mod tests;
