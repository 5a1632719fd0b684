//! The exit status of the program, and what it says when a command fails.
//!
//! A command that finds something wrong has said so in its output. It ends with [`Wrong`], and
//! nothing is added. Every other error is a sentence on standard error that says what to do.

use std::process::ExitCode;

use crate::{consent::Unconfirmed, output, stack::credentials::advice};

/// What the exit status means, for `--help`.
pub const HELP: &str = "\
Exit status:
  0  all is well
  1  the command failed, or it found something wrong and its output says what
  2  the command line is wrong, or a change needs --yes because there is no terminal to ask at";

/// Something is wrong, and the output says what.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("something is wrong: see the output")]
pub struct Wrong;

/// The status for the result of a command. Says on standard error why the command failed.
pub fn code_of(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if output::is_closed(&error) {
        return ExitCode::SUCCESS;
    }
    if error.is::<Wrong>() {
        return ExitCode::FAILURE;
    }
    let told = advice(&error).unwrap_or_else(|| format!("{error:#}"));
    output::note(format_args!("error: {told}"));
    match error.downcast_ref() {
        Some(Unconfirmed::NoTerminal) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}
