//! Which program this is: another build is another file.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::UNIX_EPOCH;

use uuid::Uuid;

/// Returns what tells the file of this program from others, by what the file system says of it;
/// `None` where it says nothing.
pub(crate) fn id() -> Option<Uuid> {
    let file = std::env::current_exe().ok()?.metadata().ok()?;
    let made_at = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let mut hasher = DefaultHasher::new();
    made_at.hash(&mut hasher);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (file.dev(), file.ino()).hash(&mut hasher);
    }
    Some(Uuid::from_u64_pair(hasher.finish(), file.len()))
}
