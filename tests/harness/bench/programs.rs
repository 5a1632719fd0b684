//! The functions' programs: built as a deployment builds them, by the bench's own profile.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use storehook::local::functions;

use crate::repository::root;

/// The functions' programs.
pub struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// The functions.
    pub const FUNCTIONS: [&str; 3] = ["delivery", "fan-out", "admin-api"];

    /// Builds them.
    pub async fn build() -> Result<Self> {
        Ok(Self(functions::build_these(&root(), &Self::FUNCTIONS).await?))
    }

    /// The program of a function.
    pub fn of(&self, function: &str) -> Result<&Path> {
        self.0.get(function).map(PathBuf::as_path).with_context(|| format!("there is no program {function}"))
    }
}
