//! How far the Kinesis poller has come on each shard, in memory and in a file.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;

/// The last sequence number that is done, by mapping and shard. A file keeps them if the local stack
/// keeps its state.
pub(super) struct Checkpoints {
    file: Option<PathBuf>,
    positions: Mutex<HashMap<String, String>>,
}

impl Checkpoints {
    /// Reads the checkpoints of a file, if there is one.
    pub(super) fn load(file: Option<PathBuf>) -> Result<Self> {
        let kept = match &file {
            Some(file) if file.exists() => serde_json::from_slice(&fs_err::read(file)?)?,
            _ => HashMap::new(),
        };
        Ok(Self { file, positions: Mutex::new(kept) })
    }

    /// How far a shard has come.
    pub(super) fn get(&self, shard: &str) -> Option<String> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).get(shard).cloned()
    }

    /// Notes how far a shard has come.
    pub(super) fn set(&self, shard: &str, sequence_number: String) -> Result<()> {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.insert(shard.to_owned(), sequence_number);
        if let Some(file) = &self.file {
            let partial = file.with_extension("partial");
            fs_err::write(&partial, serde_json::to_vec(&*positions)?)?;
            fs_err::rename(partial, file)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_outlive_the_program() -> Result<()> {
        let file = std::env::temp_dir().join(format!("checkpoints-{}.json", uuid::Uuid::new_v4()));
        let first = Checkpoints::load(Some(file.clone()))?;
        assert_eq!(first.get("s/0"), None);
        first.set("s/0", "42".to_owned())?;
        assert_eq!(Checkpoints::load(Some(file.clone()))?.get("s/0").as_deref(), Some("42"));
        fs_err::remove_file(file)?;
        Ok(())
    }
}
