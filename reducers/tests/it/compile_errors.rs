//! What the derives accept, and where and how they refuse the rest.

#[test]
fn the_derives_accept_what_they_can_hold_and_point_at_what_they_cannot() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/accepted.rs");
    cases.compile_fail("tests/ui/refused_*.rs");
}
