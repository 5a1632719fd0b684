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
use crate::input::Input;

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
        for (number, line) in input.lines()? {
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
mod tests {
    use super::{super::piece::Origin, *};

    fn record(data: &[u8]) -> Piece {
        let origin = Origin {
            shard_id: "s".to_owned(),
            sequence_number: "42".to_owned(),
            arrived_at: jiff::Timestamp::UNIX_EPOCH,
            partition_key: None,
        };
        let content = Content::Record { origin, data: data.to_vec(), is_rejected: true };
        Piece { id: "s:42".to_owned(), reason: Some("why".to_owned()), content }
    }

    #[test]
    fn a_line_holds_any_bytes_in_the_form_that_is_easiest_to_edit() -> Result<()> {
        for (data, written) in [
            (
                &b"{\"a\": 199.0,\r\n  \"a\": \"x\"}\n"[..],
                r#""encoding":"json","record":{"a": 199.0,    "a": "x"}"#,
            ),
            (b"\xef\xbb\xbf[1]", r#""encoding":"json","record":[1]"#),
            (b"not\njson", r#""encoding":"text","record":"not\njson""#),
            (b"", r#""encoding":"text","record":"""#),
            (b"\xff\x00", r#""encoding":"base64","record":"/wA=""#),
        ] {
            let line = serde_json::to_string(&Line::of(&record(data), "queue")?)?;
            let head = r#"{"id":"s:42","kind":"record","source":"queue","reason":"why","drop":false,"#;
            assert_eq!(line, format!("{head}{written}}}"));
            let read: Line = serde_json::from_str(&line)?;
            let same = without_byte_order_mark(data);
            assert_eq!(decoded(&read)?.len(), same.trim_ascii_end().len(), "{line}");
        }
        Ok(())
    }

    #[test]
    fn a_file_says_what_becomes_of_each_piece_in_it() -> Result<()> {
        let event = r#"{"shop":"a.example","topic":"orders/create","payload":{}}"#;
        let text = format!(
            "{{\"id\":\"s:42\",\"kind\":\"record\",\"encoding\":\"text\",\"record\":{event}}}\n\n\
             {{\"id\":\"s:43\",\"drop\":true,\"record\":null}}\n"
        );
        let mended = Mended::read(&mut Input::copy(text.as_bytes())?)?;
        assert_eq!(mended.dropped(), 1);
        let step = |id: &str| mended.step(&Piece { id: id.to_owned(), ..record(b"") });
        assert!(matches!(step("s:42"), Some(Step::Put(_))));
        assert!(matches!(step("s:43"), Some(Step::Drop)));
        assert!(step("s:45").is_none());
        assert_eq!(mended.not_found(|id| id != "s:43").collect::<Vec<_>>(), ["s:43"]);
        Ok(())
    }

    #[test]
    fn a_file_that_is_not_mended_is_refused_with_its_line() -> Result<()> {
        for (text, told) in [
            (r#"{"id":"s:1","record":{"shop":"a.example"}}"#, "line 1: 'topic' is missing"),
            ("\n{\"id\":\"m-1\",\"record\":{}}", "line 2: the message is not a job"),
            (
                "{\"id\":\"a\",\"drop\":true,\"record\":1}\n{\"id\":\"a\",\"drop\":true,\"record\":1}",
                "line 2: a is there twice",
            ),
            (r#"{"id":"s:1","encoding":"base64","record":"?"}"#, "line 1: 'record' is not base64"),
            ("\n{\"id\":\"a\"}", "line 2: missing field `record`"),
        ] {
            let error =
                Mended::read(&mut Input::copy(text.as_bytes())?).map_err(|error| format!("{error:#}"));
            let error = error.err().unwrap_or_default();
            assert!(error.starts_with(told), "{error}");
        }
        Ok(())
    }
}
