use super::has_passed_tests;

#[test]
fn a_suite_without_tests_has_not_passed() {
    assert!(has_passed_tests("test result: ok. 12 passed; 0 failed; 0 ignored; 0 filtered out"));
    assert!(!has_passed_tests("test result: ok. 0 passed; 0 failed; 0 ignored; 0 filtered out"));
    assert!(!has_passed_tests(
        "this test suite is only configured to run in a browser, so skipping"
    ));
}
