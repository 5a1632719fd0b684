//! `docs/operating.md`, the template, the program and the log.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use storehook::command_line::CommandLine;

use super::{first_cells, read};
use crate::stack::template::template;

#[test]
fn every_parameter_is_in_the_configuration_table_with_its_default() -> Result<()> {
    let document = read("docs/operating.md")?;
    let mut names = BTreeSet::new();
    for (name, parameter) in template()?["Parameters"].as_mapping().context("no parameters")? {
        let name = name.as_str().context("a name")?;
        let default = match &parameter["Default"] {
            yaml_serde::Value::Number(number) => number.to_string(),
            text => text.as_str().unwrap_or_default().to_owned(),
        };
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")))
            .with_context(|| format!("no row for {name}"))?;
        let told = if default.is_empty() { "| none |".to_owned() } else { format!("| `{default}` |") };
        assert!(row.contains(&told), "{row} does not tell the default, {told}");
        names.insert(name.to_owned());
    }
    assert_eq!(first_cells(&document, "parameter"), names);
    Ok(())
}

#[test]
fn it_names_every_command_of_the_program() -> Result<()> {
    let document = read("docs/operating.md")?;
    let commands = CommandLine::names().into_iter().map(|command| format!("storehook {command}"));
    assert_eq!(first_cells(&document, "command"), commands.collect());
    Ok(())
}

/// The table of the fields of a log line has all that the code writes, and no others.
#[test]
fn its_fields_of_the_attempt_line_are_those_of_the_code() -> Result<()> {
    let source = read("functions/delivery/src/log.rs")?;
    let (_, event) = source.split_once("tracing::info!(").context("no event")?;
    let (event, _) = event.split_once(");").context("no end of the event")?;
    let fields = event.lines().filter_map(|line| Some(line.split_once(" = ")?.0.trim().to_owned()));
    let told = first_cells(&read("docs/operating.md")?, "field");
    assert_eq!(told, fields.collect::<BTreeSet<_>>());
    Ok(())
}
