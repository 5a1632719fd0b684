//! The file that `--export` writes.
//!
//! It holds payloads, so only its owner may read it. A file that is there is not written over: it
//! may hold somebody's work.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{file::Line, piece::Piece};

/// The file.
#[derive(Debug)]
pub struct Writer(BufWriter<File>);

impl Writer {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// It is there already, or cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let told = || format!("{} cannot be made: name a file that is not there yet", path.display());
        Ok(Self(BufWriter::new(file.with_context(told)?)))
    }

    /// Writes the line of a piece.
    ///
    /// # Errors
    ///
    /// The disk is full, or another failure.
    pub fn write(&mut self, piece: &Piece, source: &'static str) -> Result<()> {
        let line = serde_json::to_string(&Line::of(piece, source)?)?;
        writeln!(self.0, "{line}").context("the file cannot be written")
    }

    /// Writes what is left to write.
    ///
    /// # Errors
    ///
    /// As for [`Self::write`].
    pub fn finish(mut self) -> Result<()> {
        self.0.flush().context("the file cannot be written")
    }
}
