//! A walk through JSON text, one step at a time.
//!
//! The XML renderer needs the spelling of each number, repeated keys, and payloads of any depth. A
//! tree of values gives it none of them, so it walks the text: one pass, without recursion and
//! without memory of its own. The walk trusts that the text is valid JSON, as that of a raw value
//! is. On any other text it still ends, but its steps mean nothing.

use std::fmt;

use serde::de::{Deserializer, Visitor};

/// One step of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonStep<'a> {
    /// An object starts.
    Object,
    /// An array starts.
    Array,
    /// The innermost object or array ends.
    End,
    /// A member's key, as it is written. The value comes next.
    Key(&'a str),
    /// A value without members or elements, as it is written.
    Scalar(&'a str),
}

/// The steps of a JSON text.
#[derive(Debug)]
pub(crate) struct JsonSteps<'a> {
    rest: &'a str,
}

impl<'a> JsonSteps<'a> {
    /// Starts a walk through a JSON text.
    pub(crate) fn of(json: &'a str) -> Self {
        Self { rest: json }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

impl<'a> Iterator for JsonSteps<'a> {
    type Item = JsonStep<'a>;

    fn next(&mut self) -> Option<JsonStep<'a>> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
        let first = self.rest.bytes().next()?;
        let length = match first {
            b'{' | b'[' | b'}' | b']' => 1,
            b'"' => string_length(self.rest),
            _ => self.rest.find([' ', '\t', '\n', '\r', ',', ']', '}']).unwrap_or(self.rest.len()),
        };
        let text = self.take(length);
        Some(match first {
            b'{' => JsonStep::Object,
            b'[' => JsonStep::Array,
            b'}' | b']' => JsonStep::End,
            _ => match self.rest.trim_start_matches([' ', '\t', '\n', '\r']).strip_prefix(':') {
                Some(rest) => {
                    self.rest = rest;
                    JsonStep::Key(text)
                }
                None => JsonStep::Scalar(text),
            },
        })
    }
}

/// The length of the JSON string at the start of a text, with both quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Decodes a JSON string. It drops half of a surrogate pair, which JSON can write but no Unicode
/// text can hold.
pub(crate) fn decoded(string: &str) -> String {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a string")
        }

        // As a `str`, serde_json refuses half a pair. As bytes, it gives it in a form that is not
        // UTF-8.
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(bytes.utf8_chunks().map(|chunk| chunk.valid()).collect())
        }
    }
    serde_json::Deserializer::from_str(string).deserialize_bytes(Text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::JsonStep::{Array, End, Key, Object, Scalar};
    use super::*;

    #[test]
    fn steps_yield_every_part_as_it_is_written() {
        for (json, expected) in [
            ("{}", &[Object, End][..]),
            (
                r#"{"a" : 1.0e5,"a":"\",]}"}"#,
                &[Object, Key(r#""a""#), Scalar("1.0e5"), Key(r#""a""#), Scalar(r#""\",]}""#), End],
            ),
            (
                "[ null ,\n[true], [ ] ]",
                &[Array, Scalar("null"), Array, Scalar("true"), End, Array, End, End],
            ),
            (
                r#"{"\\":{"":"\\"}}"#,
                &[Object, Key(r#""\\""#), Object, Key(r#""""#), Scalar(r#""\\""#), End, End],
            ),
        ] {
            assert_eq!(JsonSteps::of(json).collect::<Vec<_>>(), expected, "{json}");
        }
    }

    #[test]
    fn steps_through_invalid_json_end() {
        for text in ["", ":", "\"", "\"\\", "::,:", "{\"a", "é:é", "]]"] {
            assert!(JsonSteps::of(text).count() <= text.len(), "{text}");
        }
    }

    #[test]
    fn strings_are_decoded_without_halves_of_surrogate_pairs() {
        for (string, expected) in [
            (r#""a\/b\"\\\n\u00e9é""#, "a/b\"\\\néé"),
            (r#""\ud83d\ude00\u0000""#, "😀\0"),
            (r#""a\ud83d-\ude00b\ud83d\u0041""#, "a-bA"),
        ] {
            assert_eq!(decoded(string), expected, "{string}");
        }
    }
}
