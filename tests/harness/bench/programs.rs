//! The functions' programs: built as a deployment builds them, by the bench's own profile.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use storehook::local::functions;
use tokio::process::Command;

use super::Arguments;
use crate::repository::root;

/// The functions' programs.
pub struct Programs {
    programs: BTreeMap<String, PathBuf>,
    under: Vec<String>,
}

impl Programs {
    /// The functions.
    pub const FUNCTIONS: [&str; 3] = ["delivery", "fan-out", "admin-api"];

    /// Builds them.
    pub async fn build(arguments: &Arguments) -> Result<Self> {
        let programs = functions::build_these(&root(), &Self::FUNCTIONS).await?;
        Ok(Self { programs, under: arguments.under() })
    }

    /// The program of a function.
    pub fn of(&self, function: &str) -> Result<&Path> {
        let program = self.programs.get(function);
        program.map(PathBuf::as_path).with_context(|| format!("there is no program {function}"))
    }

    /// What starts it: the program itself, or a profiler that does.
    pub(super) fn command(&self, function: &str) -> Result<Command> {
        let program = self.of(function)?;
        let [profiler, arguments @ ..] = self.under.as_slice() else { return Ok(Command::new(program)) };
        let mut command = Command::new(profiler);
        command.args(arguments).arg(program);
        Ok(command)
    }
}
