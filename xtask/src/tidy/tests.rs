use cargo_metadata::DependencyKind::{Development, Normal};

use super::{
    blank::{Language, blank},
    layout, snippets,
    source::{Function, Source, functions},
    workspace::{Member, arrows_back},
};

#[track_caller]
fn check_blank(language: Language, text: &str, expected: &str) {
    let blanked = blank(text, language);
    assert_eq!(blanked.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    assert_eq!(blanked.lines().count(), text.lines().count());
}

#[test]
fn comments_and_literals_of_rust_are_no_code() {
    check_blank(Language::Rust, "a // b\nc /* d /* e */\n f */ g", "a c g");
    check_blank(
        Language::Rust,
        r##"a("}\"" , r#"{"{"#, b"{", '{', '\'', 'é')"##,
        "a( , , b , , , )",
    );
    check_blank(
        Language::Rust,
        "fn f<'a>(x: &'a str) { for_\"x\" }",
        "fn f<'a>(x: &'a str) { for_ }",
    );
    check_blank(Language::Rust, "r#type = r; 'outer: loop {}", "r#type = r; 'outer: loop {}");
}

#[test]
fn comments_and_literals_of_javascript_are_no_code() {
    check_blank(Language::JavaScript, "a('{', \"{\", `\n{`) // b", "a( , , )");
    check_blank(Language::JavaScript, "x = /['\"{]/.test(a / b / c)", "x = .test(a / b / c)");
    check_blank(Language::JavaScript, "<p>don't</p>\nnext()", "<p>don next()");
}

#[test]
fn a_function_is_counted_from_its_head_to_its_closing_brace() {
    let code = "struct S { f: fn(u8) }\nfn one(a: [u8; 2])\nwhere\n    A: B,\n{\n    if x { y }\n}\nfn two();\n";
    assert_eq!(
        functions(code),
        [Function { line: 2, line_count: 6 }, Function { line: 8, line_count: 1 }]
    );
}

#[track_caller]
fn check_layout(path: &str, text: &str, expected: &[&str]) {
    let problems = layout::problems(&Source::new(path, text.to_owned()));
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn a_rust_file_says_first_what_it_is_for() {
    check_layout("a/src/b.rs", "//! B.\n", &[]);
    check_layout("a/src/b.rs", "use b;\n", &["a/src/b.rs:1: must start"]);
    check_layout("a/src/b/tests.rs", "use b;\n", &[]);
}

#[test]
fn sizes_have_limits() {
    let body = "    step();\n".repeat(70);
    check_layout(
        "a.rs",
        &format!("//! A.\n\nfn f() {{\n{body}}}\n"),
        &["a.rs:3: a function of 72 lines"],
    );
    check_layout("a.rs", &format!("//! A.\n{}", "\n".repeat(700)), &["a.rs: 701 lines"]);
    let documented = format!("//! A.\n{}mod a;\n", "/// Doc.\n".repeat(70));
    check_layout("lib.rs", &documented, &[]);
    check_layout(
        "lib.rs",
        &format!("//! A.\n{}", "mod a;\n".repeat(61)),
        &["lib.rs: 61 lines of code"],
    );
    let tested = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "use a;\n".repeat(70));
    check_layout("lib.rs", &tested, &[]);
}

#[test]
fn tests_neither_sleep_nor_stay_away() {
    check_layout(
        "tests/a.rs",
        "#[ignore = \"later\"]\nfn a() { items.skip(1) }",
        &["tests/a.rs:1: `#[ignore`"],
    );
    check_layout(
        "tests/a.rs",
        "fn a() {\n    std::thread::sleep(second); }",
        &["tests/a.rs:2: `thread::sleep(`"],
    );
    check_layout(
        "a.rs",
        "//! A.\nfn a() { time::sleep(b) }\n#[cfg(test)]\nmod tests { fn b() { time::sleep(b) } }",
        &["a.rs:4:"],
    );
    check_layout(
        "js/test/a.test.ts",
        "it.only('a')\nit.skip('b')",
        &["js/test/a.test.ts:1:", "js/test/a.test.ts:2:"],
    );
    check_layout("js/src/a.ts", "setTimeout(resolve, 5)", &[]);
}

#[test]
fn unfinished_code_is_found_but_not_in_comments() {
    check_layout("a.rs", "//! todo!(later)\nfn a() { todo!() }", &["a.rs:2: `todo!(`"]);
}

#[test]
fn names_say_what_is_inside() {
    let paths =
        ["a/utils.rs", "a/common/mod.rs", "a/helpers.test.ts", "a/database.rs"].map(str::to_owned);
    assert_eq!(layout::forbidden_names(&paths).len(), 3);
    check_layout("a.rs", "//! A.\nmod utils {\n}", &["a.rs:2: `mod utils {`"]);
}

const SAMPLE: &str = "before\n    // ANCHOR: model\n    struct Note {\n        // ANCHOR: id\n        id: Id,\n\n        // ANCHOR_END: id\n    }\n    // ANCHOR_END: model\nafter\n";

fn sample() -> Source {
    Source::new("examples/notes/reducers/src/lib.rs", SAMPLE.to_owned())
}

#[test]
fn an_anchored_piece_has_neither_marks_nor_indentation() {
    assert_eq!(
        snippets::anchored(&sample(), "model").unwrap(),
        ["struct Note {", "    id: Id,", "", "}"]
    );
    assert!(snippets::anchored(&sample(), "store").is_err());
}

#[test]
fn a_stale_snippet_is_told_and_refreshed() {
    let page = |body: &str| {
        let text = format!(
            "# Notes\n<!-- snippet: examples/notes/reducers/src/lib.rs#id -->\n{body}<!-- /snippet -->\nend\n"
        );
        Source::new("README.md", text)
    };
    let (refreshed, problems) = snippets::refresh(&page(""), &[sample()]);
    assert_eq!(refreshed, page("```rust\nid: Id,\n\n```\n").text);
    assert!(problems[0].starts_with("README.md:2: the snippet is not what"), "{problems:?}");

    let (refreshed, problems) = snippets::refresh(&page("```rust,ignore\nold\n```\n"), &[sample()]);
    assert_eq!(refreshed, page("```rust,ignore\nid: Id,\n\n```\n").text);
    assert_eq!(problems.len(), 1);
    assert!(snippets::refresh(&Source::new("README.md", refreshed), &[sample()]).1.is_empty());
}

#[test]
fn a_snippet_of_nothing_is_told_and_left_alone() {
    let text = "<!-- snippet: missing.rs#id -->\n<!-- /snippet -->\n";
    let (refreshed, problems) = snippets::refresh(&Source::new("README.md", text.to_owned()), &[]);
    assert_eq!(refreshed, text);
    assert_eq!(problems, ["README.md:1: missing.rs is not a tracked source"]);
}

#[test]
fn promises_are_checked_one_by_one() {
    let model = format!("// ANCHOR: model\n{}// ANCHOR_END: model\n", "line\n\n".repeat(41));
    let source = Source::new("examples/notes/reducers/src/lib.rs", model);
    let problems = snippets::problems(&[], &[source]);
    let of_the_model: Vec<_> =
        problems.iter().filter(|problem| problem.contains("`model`")).collect();
    assert!(of_the_model[0].contains("41 lines at `model`, at most 40"), "{problems:#?}");
    assert!(
        problems.iter().any(|problem| problem.contains("`// ANCHOR: reuse` is in 0 files")),
        "{problems:#?}"
    );
}

#[test]
fn dependencies_point_one_way() {
    let member = |name: &str, dependencies: &[(&str, _)]| Member {
        name: name.to_owned(),
        dependencies: dependencies.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
    };
    let good = [
        member("flux-reducers", &[("flux-derive", Normal), ("flux-reducers", Development)]),
        member("flux-derive", &[("flux-reducers", Development)]),
        member("flux-server", &[("flux-reducers", Normal)]),
        member("notes-server", &[("flux-server", Normal), ("notes-reducers", Normal)]),
        member("flux-tests", &[("notes-reducers", Development)]),
    ];
    assert_eq!(arrows_back(&good), [""; 0]);

    let bad = [
        member("flux-reducers", &[("flux-server", Normal)]),
        member("flux-wasm", &[("flux-derive", Normal)]),
        member("flux-server", &[("notes-reducers", Development)]),
    ];
    assert_eq!(arrows_back(&bad).len(), 3);
}
