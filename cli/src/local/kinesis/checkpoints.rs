//! How far the Kinesis poller has come on each shard.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;

/// The last sequence number that was worked through, by stream and shard; kept in a file where
/// the local stack keeps its state.
pub(super) struct Checkpoints {
    file: Option<PathBuf>,
    places: Mutex<HashMap<String, String>>,
}

impl Checkpoints {
    /// The checkpoints of this file, if there is one.
    pub(super) fn load(file: Option<PathBuf>) -> Result<Self> {
        let kept = match &file {
            Some(file) if file.exists() => serde_json::from_slice(&fs_err::read(file)?)?,
            _ => HashMap::new(),
        };
        Ok(Self { file, places: Mutex::new(kept) })
    }

    /// How far a shard has come.
    pub(super) fn get(&self, place: &str) -> Option<String> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    /// Notes how far a shard has come.
    pub(super) fn set(&self, place: &str, sequence_number: String) -> Result<()> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(place.to_owned(), sequence_number);
        if let Some(file) = &self.file {
            let partial = file.with_extension("partial");
            fs_err::write(&partial, serde_json::to_vec(&*places)?)?;
            fs_err::rename(partial, file)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_kept_from_one_run_to_the_next() -> Result<()> {
        let file = std::env::temp_dir().join(format!("checkpoints-{}.json", uuid::Uuid::new_v4()));
        let first = Checkpoints::load(Some(file.clone()))?;
        assert_eq!(first.get("s/0"), None);
        first.set("s/0", "42".to_owned())?;
        assert_eq!(Checkpoints::load(Some(file.clone()))?.get("s/0").as_deref(), Some("42"));
        fs_err::remove_file(file)?;
        Ok(())
    }
}
