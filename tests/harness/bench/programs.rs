//! The functions' programs: built as a deployment builds them, by the bench's own profile.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use storehook::local::functions;
use tokio::process::Command;

use super::report::Arguments;
use crate::repository::root;

/// The functions' programs.
pub struct Programs {
    programs: BTreeMap<String, PathBuf>,
    under: Vec<String>,
}

impl Programs {
    /// The functions.
    pub const FUNCTIONS: [&str; 3] = ["delivery", "fan-out", "admin-api"];

    /// Builds those of these functions, or takes them from where the arguments say.
    pub async fn of_functions(functions: &[&str], arguments: &Arguments) -> Result<Self> {
        let programs = match arguments.programs() {
            Some(folder) => functions.iter().map(|name| ((*name).to_owned(), folder.join(name))).collect(),
            None => functions::build_these(&root(), functions).await?,
        };
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
