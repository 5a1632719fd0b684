//! Bodies that a body may have been made of: before its white space or its escapes were changed.

use serde_json::value::RawValue;

use crate::{
    delivery::verification::mistake::{Escapes, Mistake},
    payload::json_layout::{JsonLayout, laid_out},
};

/// How many times as long as a body another one may be. One that is longer is deep nesting in lines.
const GROWTH: usize = 4;

/// A body of this many bytes is never too long.
const SMALL: usize = 64 * 1024;

/// The bodies, without the one that is given, and what became of each. They are made one by one, so
/// that a long body is never there in all its forms at the same time.
pub(super) fn other_bodies(body: &str) -> impl Iterator<Item = (String, Mistake)> + '_ {
    /// What somebody may have done to the line breaks of a body.
    type Change = fn(&str) -> String;
    const LINE_BREAKS: [(Change, Mistake); 4] = [
        (|body| unbroken(body).to_owned(), Mistake::LineBreakAdded),
        (|body| format!("{}\n", unbroken(body)), Mistake::LineBreakRemoved),
        (|body| unix(body).replace('\n', "\r\n"), Mistake::LineBreaks),
        (unix, Mistake::LineBreaks),
    ];
    let broken = LINE_BREAKS.into_iter().map(move |(make, mistake)| (make(body), mistake));
    // A raw value is valid JSON without white space around it.
    let json = serde_json::from_str::<&RawValue>(body).ok().map(RawValue::get);
    broken.chain(json.into_iter().flat_map(rewritten)).filter(move |(other, _)| other != body)
}

fn unbroken(body: &str) -> &str {
    body.trim_end_matches(['\r', '\n'])
}

fn unix(body: &str) -> String {
    body.replace("\r\n", "\n")
}

/// The JSON in every layout, and with all kinds of escapes.
fn rewritten(json: &str) -> impl Iterator<Item = (String, Mistake)> + '_ {
    let layouts = [JsonLayout::Compact, JsonLayout::Spaced, JsonLayout::Indented(2), JsonLayout::Indented(4)];
    let max = (GROWTH * json.len()).max(SMALL);
    let written = [None].into_iter().chain(layouts.map(Some)).filter_map(move |layout| {
        let written = match layout {
            None => json.to_owned(),
            Some(layout) => laid_out(json, layout, max)?,
        };
        Some((layout, written))
    });
    written.flat_map(|(layout, written)| {
        let kinds = [Escapes::None, Escapes::NonAscii, Escapes::NonAsciiAndSlash];
        [None].into_iter().chain(kinds.map(Some)).filter_map(move |escapes| {
            let other = match escapes {
                None => written.clone(),
                Some(escapes) => Some(spelled(&written, escapes)).filter(|other| *other != written)?,
            };
            Some((other, Mistake::Rewritten { layout, escapes }))
        })
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_nesting_makes_no_body_of_many_times_its_length() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let longest = other_bodies(&deep).map(|(other, _)| other.len()).max();
        assert!(longest.is_some_and(|longest| longest <= GROWTH * deep.len()), "{longest:?}");
        let small = "[[[1]]]";
        let in_lines = Mistake::Rewritten { layout: Some(JsonLayout::Indented(4)), escapes: None };
        let found = other_bodies(small).find(|(_, mistake)| *mistake == in_lines);
        assert!(found.is_some_and(|(other, _)| other.len() > GROWTH * small.len()));
    }
}
