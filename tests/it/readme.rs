//! The README and reality agree.

use std::path::Path;

use anyhow::{Context as _, Result};
use storehook_domain::schedule::AGES;
use storehook_tests::root;

use crate::template::template;

#[test]
fn every_parameter_is_in_the_configuration_table_with_its_default() -> Result<()> {
    let readme = readme()?;
    for (name, parameter) in template()?["Parameters"].as_mapping().context("no parameters")? {
        let name = name.as_str().context("a name")?;
        let default = match &parameter["Default"] {
            yaml_serde::Value::Number(number) => number.to_string(),
            text => text.as_str().unwrap_or_default().to_owned(),
        };
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")))
            .with_context(|| format!("no row for {name}"))?;
        let told = if default.is_empty() { "| none |".to_owned() } else { format!("| `{default}` |") };
        assert!(row.contains(&told), "{row} does not tell the default, {told}");
    }
    Ok(())
}

#[test]
fn every_file_that_it_names_is_there() -> Result<()> {
    let readme = readme()?;
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
        assert!(root().join(Path::new(link)).exists(), "{link}");
    }
    for code in readme.split('`').skip(1).step_by(2) {
        let is_path = ["shared/", "functions/", "cli/", "tests/", "events/"]
            .iter()
            .any(|folder| code.starts_with(folder));
        if is_path && !code.contains([' ', '<', '*', '{', '\n']) {
            assert!(root().join(code).exists(), "{code}");
        }
    }
    Ok(())
}

#[test]
fn its_retry_schedule_is_the_codes() -> Result<()> {
    let readme = readme()?;
    for (number, age) in (1..).zip(AGES) {
        let row = format!("| {number} | {} |", spoken(age));
        assert!(readme.contains(&row), "{row}");
    }
    Ok(())
}

#[test]
fn it_names_every_command_of_the_program() -> Result<()> {
    let readme = readme()?;
    for command in ["local", "install", "publish", "listen", "status"] {
        assert!(readme.contains(&format!("| `storehook {command}")), "{command}");
    }
    assert!(readme.contains("cargo run --release -- local"));
    assert!(readme.contains("cargo test --workspace"));
    Ok(())
}

/// An age as the README tells it: `0`, `10 s`, `2 min 40 s`, `3 h 52 min 40 s`.
fn spoken(seconds: u64) -> String {
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let told: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if told.is_empty() { "0".to_owned() } else { told.join(" ") }
}

fn readme() -> Result<String> {
    Ok(std::fs::read_to_string(root().join("README.md"))?)
}
