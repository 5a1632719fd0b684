//! Bodies that a body may have been made of: before its white space or its escapes were changed.

use serde_json::value::RawValue;

use crate::{
    delivery::verification::mistake::{Escapes, Mistake},
    payload::json_layout::{JsonLayout, laid_out},
};

/// Each body once, and what became of it.
pub(super) struct Bodies(pub(super) Vec<(String, Mistake)>);

impl Bodies {
    /// The bodies, without the one that is given.
    pub(super) fn of(body: &str) -> Self {
        let mut bodies = Self(Vec::new());
        let unbroken = body.trim_end_matches(['\r', '\n']);
        let unix = body.replace("\r\n", "\n");
        for (other, mistake) in [
            (unbroken.to_owned(), Mistake::LineBreakAdded),
            (format!("{unbroken}\n"), Mistake::LineBreakRemoved),
            (unix.replace('\n', "\r\n"), Mistake::LineBreaks),
            (unix, Mistake::LineBreaks),
        ] {
            bodies.add(body, other, mistake);
        }
        // A raw value is valid JSON without white space around it.
        if let Ok(json) = serde_json::from_str::<&RawValue>(body) {
            bodies.add_json(body, json.get());
        }
        bodies
    }

    fn add_json(&mut self, body: &str, json: &str) {
        let layouts =
            [JsonLayout::Compact, JsonLayout::Spaced, JsonLayout::Indented(2), JsonLayout::Indented(4)];
        let escapes = [Escapes::None, Escapes::NonAscii, Escapes::NonAsciiAndSlash];
        for layout in [None].into_iter().chain(layouts.map(Some)) {
            let written = layout.map_or_else(|| json.to_owned(), |layout| laid_out(json, layout));
            for escapes in [None].into_iter().chain(escapes.map(Some)) {
                let spelled = escapes.map_or_else(|| written.clone(), |escapes| spelled(&written, escapes));
                self.add(body, spelled, Mistake::Rewritten { layout, escapes });
            }
        }
    }

    fn add(&mut self, body: &str, other: String, mistake: Mistake) {
        if other != body && self.0.iter().all(|(known, _)| *known != other) {
            self.0.push((other, mistake));
        }
    }
}

/// Valid JSON with other escapes. Those that JSON needs stay.
fn spelled(json: &str, escapes: Escapes) -> String {
    let plain = unescaped(json);
    let mut out = String::with_capacity(plain.len());
    for character in plain.chars() {
        match (escapes, character) {
            (Escapes::NonAsciiAndSlash, '/') => out.push_str("\\/"),
            (Escapes::NonAscii | Escapes::NonAsciiAndSlash, character) if !character.is_ascii() => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            (_, character) => out.push(character),
        }
    }
    out
}

/// Valid JSON with characters in place of the escapes that it does not need.
fn unescaped(json: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        out.push_str(before);
        let length = if escape.starts_with("\\u") { unicode_length(escape) } else { 2 };
        let (escape, after) = escape.split_at_checked(length).unwrap_or((escape, ""));
        match escape {
            "\\/" => out.push('/'),
            unicode if unicode.starts_with("\\u") => {
                let decoded = serde_json::from_str::<String>(&format!("\"{unicode}\"")).unwrap_or_default();
                let is_needed = decoded.is_empty() || decoded.is_ascii();
                out.push_str(if is_needed { unicode } else { &decoded });
            }
            needed => out.push_str(needed),
        }
        rest = after;
    }
    out + rest
}

/// The length of a `\u` escape, or of the two that are a surrogate pair.
fn unicode_length(escape: &str) -> usize {
    let is_high = escape
        .get(2..4)
        .is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok_and(|high| (0xd8..0xdc).contains(&high)));
    if is_high && escape.get(6..8) == Some("\\u") { 12 } else { 6 }
}
