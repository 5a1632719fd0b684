//! The folder that holds the project.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The nearest folder, from `start` upwards, that holds the project.
pub fn project_root(start: &Path) -> Result<PathBuf> {
    let is_root =
        |folder: &&Path| folder.join("template.yaml").is_file() && folder.join("functions").is_dir();
    let root = start
        .ancestors()
        .find(is_root)
        .context("no template.yaml here: run the command inside your clone of Storehook")?;
    Ok(root.to_owned())
}
