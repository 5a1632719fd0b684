//! The documents and reality agree: the README, `docs/`, CONTRIBUTING.md and events/README.md.

mod alarms;
mod api;
mod links;
mod operating;
mod publishing;
mod receiving;
mod sale_day;
mod snippets;

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, Result};
use storehook_tests::root;

/// The most that a newcomer should have to read first, in bytes.
const README_LIMIT: usize = 12 * 1024;

#[test]
fn the_readme_is_short() -> Result<()> {
    let length = read("README.md")?.len();
    assert!(length <= README_LIMIT, "{length} bytes");
    Ok(())
}

#[test]
fn the_readme_has_the_two_commands_and_leads_to_every_document() -> Result<()> {
    let readme = read("README.md")?;
    for command in ["cargo run -- local", "cargo test --workspace"] {
        assert!(readme.contains(command), "{command}");
    }
    for document in documents()?.iter().filter(|document| *document != "README.md") {
        assert!(readme.contains(&format!("]({document}")), "no link to {document}");
    }
    Ok(())
}

/// Every document, by its path in the repository.
fn documents() -> Result<Vec<String>> {
    let mut documents = ["README.md", "CONTRIBUTING.md", "events/README.md"].map(str::to_owned).to_vec();
    for entry in std::fs::read_dir(root().join("docs"))? {
        let name = entry?.file_name().into_string().ok().context("a document's name")?;
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    Ok(documents)
}

/// A document's text.
pub(crate) fn read(document: &str) -> Result<String> {
    let path: PathBuf = root().join(document);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The names in the first column of the table whose first column has this heading; the code where
/// there is code, else what stands between commas.
fn first_cells(document: &str, heading: &str) -> BTreeSet<String> {
    let rows = document.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |"))).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    cells
        .flat_map(|cell| {
            if cell.contains('`') {
                codes(cell).map(str::to_owned).collect::<Vec<_>>()
            } else {
                cell.split(',').map(|name| name.trim().to_owned()).collect()
            }
        })
        .collect()
}

/// What stands between backticks.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A document in two: its prose, and the lines of its code blocks.
fn prose_and_code(document: &str) -> (String, String) {
    let (mut prose, mut code, mut is_code) = (String::new(), String::new(), false);
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        let text = if is_code { &mut code } else { &mut prose };
        text.push_str(line);
        text.push('\n');
    }
    (prose, code)
}

/// The code blocks of a document in this language.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    document.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}
