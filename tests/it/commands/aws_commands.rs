//! The commands of the AWS CLI in the documents: operations and options that AWS has.
//!
//! Most of them change something or need an account, so they are not run. `aws_commands.py` compares
//! them with botocore's models, which the CLI is made from.

use std::{io::Write as _, process::Stdio};

use anyhow::{Context as _, Result};
use storehook::local::python::{self, EMULATOR};
use storehook_tests::root;

use crate::documents::read;

/// The commands of a document: in its code and in its sentences, and those inside of others.
fn commands(document: &str) -> Vec<String> {
    let text = document.replace("\\\n", " ");
    let code = |number: usize| number % 2 == 1;
    let blocks: Vec<_> = text.split("```").enumerate().collect();
    let lines = blocks.iter().filter(|(number, _)| code(*number)).flat_map(|(_, block)| block.lines());
    let prose = blocks.iter().filter(|(number, _)| !code(*number)).map(|(_, prose)| prose.replace('\n', " "));
    let spans: Vec<_> = prose
        .flat_map(|prose| {
            let spans = prose.split('`').enumerate().filter(|(number, _)| code(*number));
            // A sentence need not name every option.
            spans.map(|(_, span)| format!("{span} ...")).collect::<Vec<_>>()
        })
        .collect();
    let all = lines.map(str::to_owned).chain(spans);
    all.flat_map(|line| nested(&line)).filter(|command| command.starts_with("aws ")).collect()
}

/// A line and the commands whose output it takes, `$(…)`, each with a word in the place of those.
fn nested(line: &str) -> Vec<String> {
    let (mut line, mut all) = (line.trim().to_owned(), Vec::new());
    while let Some(begin) = line.rfind("$(") {
        let Some(end) = line[begin..].find(')').map(|length| begin + length) else { break };
        all.push(line[begin + 2..end].trim().to_owned());
        line.replace_range(begin..=end, "WORD");
    }
    all.push(line);
    all
}

#[tokio::test]
async fn every_command_of_the_aws_cli_has_an_operation_and_options_that_aws_has() -> Result<()> {
    let documents = ["docs/runbook.md", "docs/operating.md"];
    let texts = documents.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let commands: Vec<_> = texts.iter().flat_map(|text| commands(text)).collect();
    assert!(commands.len() >= 20, "{commands:?}");
    let interpreter = python::environment(&root().join("target"), &EMULATOR).await?;
    let mut check = std::process::Command::new(interpreter)
        .args(["-c", include_str!("aws_commands.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    check.stdin.take().context("no input")?.write_all(commands.join("\n").as_bytes())?;
    let told = String::from_utf8(check.wait_with_output()?.stdout)?;
    let wrong: Vec<_> = commands.iter().zip(told.lines()).filter(|(_, wrong)| !wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(told.lines().count(), commands.len(), "{told}");
    Ok(())
}
