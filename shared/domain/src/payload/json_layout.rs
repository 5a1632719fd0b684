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

/// Writes valid JSON in another layout.
///
/// ```
/// use storehook_domain::payload::json_layout::{JsonLayout, laid_out};
///
/// let json = r#"{"id":327475578523353102,  "weight": 199.0}"#;
/// assert_eq!(laid_out(json, JsonLayout::Compact), r#"{"id":327475578523353102,"weight":199.0}"#);
/// assert_eq!(laid_out(json, JsonLayout::Spaced), r#"{"id": 327475578523353102, "weight": 199.0}"#);
/// ```
pub fn laid_out(json: &str, layout: JsonLayout) -> String {
    let (mut out, mut open) = (String::with_capacity(json.len()), Vec::new());
    let (mut is_first, mut is_value) = (true, false);
    for step in JsonSteps::of(json) {
        if step == JsonStep::End {
            let end = open.pop().unwrap_or_default();
            if !is_first {
                new_line(&mut out, layout, open.len());
            }
            out.push_str(end);
            is_first = false;
            continue;
        }
        // A value stands beside its key; all else begins a place of its own.
        if !is_value && !open.is_empty() {
            if !is_first {
                out.push_str(if layout == JsonLayout::Spaced { ", " } else { "," });
            }
            new_line(&mut out, layout, open.len());
        }
        (is_first, is_value) = (false, false);
        match step {
            JsonStep::Object | JsonStep::Array => {
                let (start, end) = if step == JsonStep::Object { ("{", "}") } else { ("[", "]") };
                out.push_str(start);
                open.push(end);
                is_first = true;
            }
            JsonStep::Key(key) => {
                out.push_str(key);
                out.push_str(if layout == JsonLayout::Compact { ":" } else { ": " });
                is_value = true;
            }
            JsonStep::Scalar(text) => out.push_str(text),
            JsonStep::End => {}
        }
    }
    out
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
            let written = laid_out(json, layout);
            assert_eq!(written, expected);
            assert_eq!(laid_out(&written, layout), expected, "again");
        }
        assert_eq!(laid_out(" 7\n", JsonLayout::Indented(4)), "7");
    }
}
