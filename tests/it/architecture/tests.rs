//! The reader of arrows, on crates of a few lines.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{
    circles::{between_rooms, circles},
    crate_files::arrows,
};

const ROOT: &str = "src/lib.rs";

/// Checks which circles a crate of these files has; its first file declares `a` and `b`.
fn check(files: &[(&str, &str)], expected: &[&str]) -> Result<()> {
    let found = circles(&arrows(&crate_of(files), ROOT)?);
    assert_eq!(found, expected, "{files:?}");
    Ok(())
}

fn crate_of(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::from([
        (ROOT.to_owned(), "pub mod a;\npub(crate) mod b;".to_owned()),
        ("src/a.rs".to_owned(), String::new()),
        ("src/b.rs".to_owned(), String::new()),
    ]);
    texts.extend(files.iter().map(|(name, text)| (format!("src/{name}"), (*text).to_owned())));
    texts
}

#[test]
fn circles_are_found_in_every_way_to_write_a_path() -> Result<()> {
    let to_a = ("b.rs", "use crate::a::A;");
    for to_b in [
        "use crate::b::B;",
        "use crate::b;",
        "use super::b::B;",
        "use crate::{b::B, other::C};",
        "use crate::{\n    // said\n    b::{self, B as C},\n};",
        "pub(crate) use super::b::*;",
        "fn f() -> crate::b::B { todo!() }",
        "fn f() { super::b::g::<u8>() }",
        "fn f() { use crate::b::g; g() }",
        "use crate as root;\nfn f() { root::b::g() }",
        "const Q: char = '\"'; use crate::b::B;",
        "fn f<'a>(x: &'a str) -> &'a crate::b::B { todo!() }",
        "const R: &str = r#\"// \" {\"#; use crate::b::B;",
        "#[cfg(test)] mod tests { use crate::b::B; }\nuse crate::b::C;",
        "#[cfg(test)] use crate::b::{B};\nuse crate::b::C;",
    ] {
        check(&[("a.rs", to_b), to_a], &["src/a.rs -> src/b.rs -> src/a.rs"])?;
    }
    Ok(())
}

#[test]
fn comments_strings_tests_and_other_crates_make_no_circle() -> Result<()> {
    let to_a = ("b.rs", "use crate::a::A;");
    for no_arrow in [
        "",
        "// use crate::b::B;",
        "/* use crate::b::B; */ //! see [`crate::b::B`]",
        "const TEXT: &str = \"use crate::b::B;\";",
        "const TEXT: &str = \"\\\" crate::b::B\";",
        "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
        "#[cfg(test)]\nuse crate::b::{B, C};",
        "#[cfg(test)]\n#[expect(dead_code, reason = \"x\")]\nfn f(x: [u8; 2]) { crate::b::g() }",
        "pub(in crate::b) fn f() {}",
        "use other::b::B; fn f() { other::b::g(); b::g() }",
        "use crate::a::A;",
    ] {
        check(&[("a.rs", no_arrow), to_a], &[])?;
    }
    Ok(())
}

#[test]
fn children_may_use_a_parent_that_only_declares_them() -> Result<()> {
    let child = ("a/mod.rs", "pub mod c;\npub struct P;");
    let files = |parent, child_text| {
        let mut texts = crate_of(&[child, ("a/mod.rs", parent), ("a/c.rs", child_text)]);
        texts.remove("src/a.rs");
        texts
    };
    let circle = ["src/a/c.rs -> src/a/mod.rs -> src/a/c.rs"].as_slice();
    for (parent, child, expected) in [
        ("pub mod c;\npub struct P;", "use super::P;", &[][..]),
        ("pub mod c;\npub use self::c::C;", "pub struct C;", &[]),
        ("pub mod c;\npub use self::c::C;\npub struct P;", "use super::P;", circle),
        ("mod c;\nuse c::C;\npub struct P;", "use crate::a::P;", circle),
        ("mod c;\nfn f() { c::g() }\npub struct P;", "fn g(_: super::P) {}", circle),
        ("#[cfg(test)]\nmod c;\npub struct P;", "use super::P;", &[]),
    ] {
        assert_eq!(circles(&arrows(&files(parent, child), ROOT)?), expected, "{parent} {child}");
    }
    Ok(())
}

#[test]
fn each_group_of_files_is_reported_by_its_shortest_circle() -> Result<()> {
    let root = (ROOT, "mod a; mod b; mod c; mod d; mod e;");
    let mut files = crate_of(&[
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "use crate::{a::A, b::B};"),
        ("d.rs", "use crate::{a::A, e::E};"),
        ("e.rs", "use crate::d::D;"),
    ]);
    files.insert(root.0.to_owned(), root.1.to_owned());
    let expected = [
        "src/b.rs -> src/c.rs -> src/b.rs (and 1 more in circles with them)",
        "src/d.rs -> src/e.rs -> src/d.rs",
    ];
    assert_eq!(circles(&arrows(&files, ROOT)?), expected);
    Ok(())
}

#[test]
fn rooms_may_form_a_circle_even_if_no_files_do() -> Result<()> {
    let mut files = crate_of(&[
        ("a/mod.rs", "pub mod one; pub mod two;"),
        ("a/one.rs", "use crate::b::B;"),
        ("a/two.rs", ""),
        ("b/mod.rs", "use crate::a::two::T;"),
    ]);
    files.remove("src/a.rs");
    files.remove("src/b.rs");
    let arrows = arrows(&files, ROOT)?;
    assert_eq!(circles(&arrows), [""; 0]);
    assert_eq!(circles(&between_rooms(&arrows, ROOT)), ["a -> b -> a"]);
    Ok(())
}
