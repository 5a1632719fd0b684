//! What the documents name is there: files, and the sections that links lead to.

use std::path::Path;

use anyhow::{Context as _, Result};
use storehook_tests::root;

use super::{codes, documents, prose_and_code, read};

/// The folders whose files the documents name by their paths.
const FOLDERS: [&str; 6] = ["shared/", "functions/", "cli/", "tests/", "events/", "docs/"];

/// The files of the repository's own folder that they name.
const FILES: [&str; 11] = [
    ".ci/run",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "samconfig.toml",
    "template.yaml",
];

#[test]
fn every_named_file_exists() -> Result<()> {
    let mut missing = Vec::new();
    for document in documents()? {
        let (prose, code) = prose_and_code(&read(&document)?);
        let named = codes(&prose).chain(code.split(|c: char| c.is_whitespace() || "\"'`()".contains(c)));
        for name in named {
            let is_path = FOLDERS.iter().any(|folder| name.starts_with(folder)) || FILES.contains(&name);
            if is_path && !name.contains([' ', '<', '*', '{', '$', '\n']) && !root().join(name).exists() {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    Ok(())
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let mut broken = Vec::new();
    for document in documents()? {
        let (prose, _) = prose_and_code(&read(&document)?);
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            if !is_there(&document, link)? {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    Ok(())
}

/// Two sections of one name would have one anchor.
#[test]
fn section_names_are_unique_in_each_document() -> Result<()> {
    for document in documents()? {
        let mut anchors = anchors(&read(&document)?);
        anchors.sort();
        let count = anchors.len();
        anchors.dedup();
        assert_eq!(anchors.len(), count, "{document}");
    }
    Ok(())
}

/// Whether a relative link of a document leads to a file or folder and, where it names one, to a
/// section.
fn is_there(document: &str, link: &str) -> Result<bool> {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let folder = Path::new(document).parent().context("a folder")?;
    let file = if file.is_empty() { document.into() } else { folder.join(file) };
    if !root().join(&file).exists() {
        return Ok(false);
    }
    let Some(anchor) = anchor else { return Ok(true) };
    let text = read(file.to_str().context("a path")?)?;
    Ok(anchors(&text).iter().any(|known| known == anchor))
}

/// The anchors of a document's sections, as GitHub makes them of the headings.
fn anchors(document: &str) -> Vec<String> {
    let (prose, _) = prose_and_code(document);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
