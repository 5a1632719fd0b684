//! The options that every command takes: which stack, how to print, and whether to ask.

use std::fmt::Display;

use anyhow::Result;
use serde::Serialize;

use crate::{
    consent::{Unconfirmed, confirm},
    output::{self, Form, OutputError},
    stack::connection::{Connection, StackArgs},
};

/// The options that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Which stack to work on.
    #[command(flatten)]
    pub stack: StackArgs,
    /// Print JSON, with the same facts, for scripts.
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not ask before a change that does harm.
    #[arg(long, short, global = true)]
    pub yes: bool,
}

/// A token or a secret was made, and nobody has seen it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the change is made, but nobody read the output: make another token or secret with `storehook token rotate` or \
     `storehook rotate`"
)]
pub struct NotShown;

impl Global {
    /// Connects to the stack that the command line names.
    ///
    /// # Errors
    ///
    /// See [`Connection::open`].
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(&self.stack).await
    }

    /// How results are printed.
    pub fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }

    /// Prints a result, as text or as JSON.
    ///
    /// # Errors
    ///
    /// See [`OutputError`].
    pub fn show(&self, result: &(impl Display + Serialize)) -> Result<(), OutputError> {
        output::show(self.form(), result)
    }

    /// Prints what is shown once and cannot be shown again, such as a new secret.
    ///
    /// # Errors
    ///
    /// See [`OutputError`]. If nobody reads the output, that is an error, too: [`NotShown`].
    pub fn show_once(&self, result: &(impl Display + Serialize)) -> anyhow::Result<()> {
        match self.show(result) {
            Err(OutputError::Closed) => Err(NotShown.into()),
            shown => Ok(shown?),
        }
    }

    /// Asks whether to do what `harm` says, unless the command line has said yes.
    ///
    /// # Errors
    ///
    /// See [`Unconfirmed`].
    pub fn confirm(&self, harm: &str) -> Result<(), Unconfirmed> {
        confirm(self.yes, harm)
    }
}
