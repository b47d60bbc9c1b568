use std::path::PathBuf;

use super::newest;

#[test]
fn the_newest_version_is_the_highest_number_and_not_the_last_word() {
    let folders = ["/lib/9.6", "/lib/15", "/lib/common", "/lib/10"].map(PathBuf::from);
    assert_eq!(newest(folders.into()), Some(PathBuf::from("/lib/15")));
    assert_eq!(newest(vec!["/lib/common".into()]), None);
}
