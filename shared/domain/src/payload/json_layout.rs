//! JSON with other white space between its tokens. The tokens keep their bytes: keys repeat, and
//! numbers and strings stay as they are spelled.

use crate::payload::json_steps::{JsonStep, JsonSteps};

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonLayout {
    /// Without white space, as JavaScript's `JSON.stringify` prints it.
    Compact,
    /// In one line, with a space after each `:` and `,`, as Python's `json.dumps` prints it.
    Spaced,
    /// A line for each member and each element, indented by this many spaces.
    Indented(usize),
}

/// No line begins further right than this many levels: deep nesting must not become a text of
/// white space.
const DEEPEST: usize = 40;

/// Writes valid JSON in another layout; `None` if the text would be longer than `max` bytes.
///
/// ```
/// use storehook_domain::payload::json_layout::{JsonLayout, laid_out};
///
/// let json = r#"{"id":327475578523353102,  "weight": 199.0}"#;
/// let compact = laid_out(json, JsonLayout::Compact, 99);
/// assert_eq!(compact.as_deref(), Some(r#"{"id":327475578523353102,"weight":199.0}"#));
/// assert_eq!(laid_out(json, JsonLayout::Spaced, 9), None);
/// ```
pub fn laid_out(json: &str, layout: JsonLayout, max: usize) -> Option<String> {
    let (mut out, mut open) = (String::with_capacity(json.len()), Vec::new());
    let (mut is_first, mut is_value) = (true, false);
    for step in JsonSteps::of(json) {
        // A value stands beside its key, and an end closes its place; all else begins a place.
        if step != JsonStep::End && !is_value && !open.is_empty() {
            if !is_first {
                out.push_str(if layout == JsonLayout::Spaced { ", " } else { "," });
            }
            new_line(&mut out, layout, open.len());
        }
        match step {
            JsonStep::Object | JsonStep::Array => {
                let (start, end) = if step == JsonStep::Object { ("{", "}") } else { ("[", "]") };
                out.push_str(start);
                open.push(end);
            }
            JsonStep::Key(key) => {
                out.push_str(key);
                out.push_str(if layout == JsonLayout::Compact { ":" } else { ": " });
            }
            JsonStep::Scalar(text) => out.push_str(text),
            JsonStep::End => {
                let end = open.pop().unwrap_or_default();
                if !is_first {
                    new_line(&mut out, layout, open.len());
                }
                out.push_str(end);
            }
        }
        (is_first, is_value) =
            (matches!(step, JsonStep::Object | JsonStep::Array), matches!(step, JsonStep::Key(_)));
        if out.len() > max {
            return None;
        }
    }
    Some(out)
}

fn new_line(out: &mut String, layout: JsonLayout, depth: usize) {
    if let JsonLayout::Indented(spaces) = layout {
        out.push('\n');
        out.push_str(&" ".repeat(spaces * depth.min(DEEPEST)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_keeps_the_tokens() {
        let json = r#"{"a":199.0,"b" : [1,{"c":"x,{}:\"y\\"} ], "d":{ },"e":[ ],"a":null}"#;
        for (layout, expected) in [
            (JsonLayout::Compact, r#"{"a":199.0,"b":[1,{"c":"x,{}:\"y\\"}],"d":{},"e":[],"a":null}"#),
            (
                JsonLayout::Spaced,
                r#"{"a": 199.0, "b": [1, {"c": "x,{}:\"y\\"}], "d": {}, "e": [], "a": null}"#,
            ),
            (
                JsonLayout::Indented(2),
                "{\n  \"a\": 199.0,\n  \"b\": [\n    1,\n    {\n      \"c\": \"x,{}:\\\"y\\\\\"\n    }\n  ],\n  \
                 \"d\": {},\n  \"e\": [],\n  \"a\": null\n}",
            ),
        ] {
            let max = expected.len();
            assert_eq!(laid_out(json, layout, max).as_deref(), Some(expected));
            assert_eq!(laid_out(expected, layout, max).as_deref(), Some(expected), "again");
            assert_eq!(laid_out(json, layout, max - 1), None);
        }
        assert_eq!(laid_out(" 7\n", JsonLayout::Indented(4), 1).as_deref(), Some("7"));
    }
}
