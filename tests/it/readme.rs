//! The README and reality agree.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result};
use storehook_domain::delivery::schedule::AGES;
use storehook_tests::root;

use crate::{
    api::openapi::{description, operations},
    stack::template::template,
};

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
    for command in ["local", "install", "publish", "listen", "redrive", "status"] {
        assert!(readme.contains(&format!("| `storehook {command}")), "{command}");
    }
    assert!(readme.contains("cargo run --release -- local"));
    assert!(readme.contains("cargo test --workspace"));
    Ok(())
}

/// The API reference is the OpenAPI description's: calls, parameters, attributes and statuses, no more and
/// no less.
#[test]
fn its_api_reference_is_the_openapi_descriptions() -> Result<()> {
    let readme = readme()?;
    let description = description()?;
    let calls = operations()?.into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(first_cells(&readme, "call"), calls);

    let parameters = description["paths"]["/admin/webhooks.json"]["get"]["parameters"].as_array();
    let parameters = parameters.context("no parameters")?.iter();
    let names = parameters.map(|parameter| parameter["name"].as_str().unwrap_or_default().to_owned());
    assert_eq!(first_cells(&readme, "list parameter"), names.collect());

    let attributes = &description["components"]["schemas"]["WebhookRequest"]["properties"]["webhook"];
    let attributes = attributes["properties"].as_object().context("no attributes")?;
    assert_eq!(first_cells(&readme, "attribute"), attributes.keys().cloned().collect());

    let mut statuses = BTreeSet::from(["405".to_owned()]);
    for item in description["paths"].as_object().context("no paths")?.values() {
        for operation in item.as_object().context("no operations")?.values() {
            let responses = operation["responses"].as_object().context("no responses")?;
            statuses.extend(responses.keys().filter(|status| !status.starts_with('2')).cloned());
        }
    }
    assert_eq!(first_cells(&readme, "status"), statuses);
    Ok(())
}

/// The names in the first column of the table whose first column has this heading; the code where there
/// is code, else what stands between commas.
fn first_cells(readme: &str, heading: &str) -> BTreeSet<String> {
    let rows = readme.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |"))).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    cells
        .flat_map(|cell| match cell.contains('`') {
            true => cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>(),
            false => cell.split(',').map(|name| name.trim().to_owned()).collect(),
        })
        .collect()
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
