//! The file that pieces are mended in: a line of JSON for each.
//!
//! `--export` writes it and `--from` reads it again. A record that is JSON stands in its line as
//! JSON, so that it can be edited. Other bytes are a text, or base64. To get rid of a piece, set its
//! `drop` to true. A line that is taken out leaves its piece where it is.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use storehook_domain::{
    event::{StoreEvent, origin::RecordOrigin},
    input::byte_order_mark::without_byte_order_mark,
};

use super::{
    piece::{Content, Piece},
    plan::{Step, job, mended},
};
use crate::input::{Input, RECORD_LIMIT};

/// The longest line. A byte of a record is written as six at most, `\u001b`, and the rest of a line has
/// less than a MiB.
const LINE_LIMIT: u64 = 6 * RECORD_LIMIT + 1024 * 1024;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    /// What names the piece.
    id: String,
    /// What it is: record, job, place, part or other. Only told.
    #[serde(default, skip_deserializing)]
    kind: &'static str,
    /// Where it was found: queue or bucket. Only told.
    #[serde(default, skip_deserializing)]
    source: &'static str,
    /// Why it is here, or would stay. Only told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whether to delete it without publishing it.
    #[serde(default)]
    drop: bool,
    /// How `record` holds the bytes.
    #[serde(default)]
    encoding: Encoding,
    /// The bytes.
    record: Box<RawValue>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    /// As JSON.
    #[default]
    Json,
    /// As a text.
    Text,
    /// As base64.
    Base64,
}

/// What is to become of the pieces in a file, by what names them.
#[derive(Debug, Default)]
pub struct Mended(HashMap<String, Wanted>);

#[derive(Debug)]
enum Wanted {
    Drop,
    Bytes(Vec<u8>),
}

impl Line {
    /// The line of a piece from this source.
    ///
    /// # Errors
    ///
    /// Never: texts always serialize.
    pub fn of(piece: &Piece, source: &'static str) -> Result<Self> {
        let bytes: &[u8] = match &piece.content {
            Content::Record { data, .. } => data,
            Content::Job(text) | Content::Other(text) => text.as_bytes(),
            // Nothing that could be mended.
            Content::Place(_) | Content::Part(_) => b"null",
        };
        let (encoding, record) = encoded(bytes)?;
        let (id, kind, reason) = (piece.id.clone(), piece.content.kind(), piece.reason.clone());
        Ok(Self { id, kind, source, reason, drop: false, encoding, record })
    }
}

/// The bytes as a JSON value. JSON has line breaks only between its tokens, where a space does as
/// well.
fn encoded(bytes: &[u8]) -> Result<(Encoding, Box<RawValue>)> {
    let text = |encoding, text: &str| Ok((encoding, serde_json::value::to_raw_value(text)?));
    match std::str::from_utf8(without_byte_order_mark(bytes)) {
        Ok(json) if serde_json::from_str::<&RawValue>(json).is_ok() => {
            let line = json.trim().replace(['\n', '\r'], " ");
            Ok((Encoding::Json, RawValue::from_string(line)?))
        }
        Ok(other) => text(Encoding::Text, other),
        Err(_) => text(Encoding::Base64, &STANDARD.encode(bytes)),
    }
}

fn decoded(line: &Line) -> Result<Vec<u8>> {
    let text = || serde_json::from_str::<String>(line.record.get()).context("'record' is no string");
    match line.encoding {
        // A text that was replaced by JSON is JSON.
        Encoding::Text | Encoding::Base64 if !line.record.get().starts_with('"') => {
            Ok(line.record.get().into())
        }
        Encoding::Json => Ok(line.record.get().into()),
        Encoding::Text => Ok(text()?.into_bytes()),
        Encoding::Base64 => STANDARD.decode(text()?).context("'record' is not base64"),
    }
}

/// Checks bytes before anything is published: a record, which is named by its place, must be an event;
/// anything else must be a job.
fn check(id: &str, data: &[u8]) -> Result<()> {
    if let Some((shard_id, sequence_number)) = id.split_once(':') {
        StoreEvent::parse(
            data,
            &RecordOrigin { shard_id, sequence_number, arrived_at: Timestamp::UNIX_EPOCH },
        )?;
    } else {
        job(&String::from_utf8_lossy(data))?;
    }
    Ok(())
}

impl Mended {
    /// Reads a file, and checks all that it would publish.
    ///
    /// # Errors
    ///
    /// A line is malformed or not mended, or two of them are of one piece. The error names the line.
    pub fn read(input: &mut Input) -> Result<Self> {
        let mut wanted = HashMap::new();
        for (number, line) in input.lines_of(LINE_LIMIT)? {
            let told = || format!("line {number}");
            let line = line.with_context(told)?;
            if line.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(&line).with_context(told)?;
            let piece = if line.drop {
                Wanted::Drop
            } else if line.record.get() == "null" {
                continue;
            } else {
                let data = decoded(&line).with_context(told)?;
                check(&line.id, &data).with_context(told)?;
                Wanted::Bytes(data)
            };
            ensure!(
                wanted.insert(line.id.clone(), piece).is_none(),
                "line {number}: {} is there twice",
                line.id
            );
        }
        Ok(Self(wanted))
    }

    /// How many pieces are deleted without being published.
    pub fn dropped(&self) -> usize {
        self.0.values().filter(|wanted| matches!(wanted, Wanted::Drop)).count()
    }

    /// What is to become of a piece; `None` if it is not in the file.
    pub fn step(&self, piece: &Piece) -> Option<Step> {
        Some(match self.0.get(&piece.id)? {
            Wanted::Drop => Step::Drop,
            Wanted::Bytes(data) => mended(piece, data).unwrap_or_else(|error| Step::Keep(error.to_string())),
        })
    }

    /// What names the pieces in it that were not found.
    pub fn not_found<'a>(&'a self, found: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = &'a str> {
        self.0.keys().map(String::as_str).filter(move |id| !found(id))
    }
}

#[cfg(test)]
mod tests;
