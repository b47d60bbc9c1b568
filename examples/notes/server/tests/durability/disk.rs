//! A disk that is small enough to be filled.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What is written at once where a disk is filled.
const BLOCK: &[u8] = &[0; 4096];

/// A file system in memory, gone with the value.
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts it. There is no other file system that a test could fill and harm nobody.
    pub(crate) fn mount(megabytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]);
        let done = mount.arg(folder.path()).output().unwrap();
        assert!(
            done.status.success(),
            "a small disk can't be mounted: {}Run the tests as root, in a container say: \
             `docker run --cap-add SYS_ADMIN ..`",
            String::from_utf8_lossy(&done.stderr)
        );
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes until nothing more fits but so many bytes.
    pub(crate) fn fill(&self, but: usize) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(BLOCK).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length.saturating_sub(but as u64)).unwrap();
    }

    /// Removes what filled it.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazy: whoever still has a file there does not keep it from being gone afterwards.
        Command::new("umount").arg("--lazy").arg(self.path()).status().ok();
    }
}
