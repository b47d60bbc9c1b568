use super::{locked_version, major_and_minor};

#[test]
fn the_version_of_node_is_read_from_its_answer() {
    assert_eq!(major_and_minor("v20.11.1\n"), Some((20, 11)));
    assert_eq!(major_and_minor("nonsense"), None);
}

#[test]
fn the_locked_version_is_that_of_exactly_this_package() {
    let lock_file = r#"
        version = 4
        [[package]]
        name = "wasm-bindgen-test"
        version = "0.3.80"
        [[package]]
        name = "wasm-bindgen"
        version = "0.2.130"
    "#;
    assert_eq!(locked_version(lock_file, "wasm-bindgen").unwrap(), "0.2.130");
    let error = locked_version(lock_file, "serde").unwrap_err();
    assert!(error.to_string().contains("no serde"), "{error}");
}
