//! Blocks of code, with a button that copies them.

use maud::{Markup, html};
use serde_json::value::RawValue;

/// A block of code under a name. The button works with JavaScript, and is hidden without.
pub(crate) fn block(name: &str, text: &str) -> Markup {
    html! {
        div.code-block {
            button.copy type="button" hidden data-copy { "Copy" span.sr { " " (name) } }
            pre tabindex="0" aria-label=(name) { code { (text) } }
        }
    }
}

/// JSON with line breaks and indentation; any other text as it is. Numbers and strings stay as they
/// were written.
pub(crate) fn pretty(text: &str) -> String {
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    if is_json { indented(text) } else { text.to_owned() }
}

/// Breaks valid JSON into lines, and touches nothing but the white space between its tokens.
fn indented(json: &str) -> String {
    let (mut out, mut depth, mut in_string, mut is_escaped) = (String::new(), 0_usize, false, false);
    let mut tokens = json.chars().peekable();
    while let Some(token) = tokens.next() {
        if in_string {
            out.push(token);
            in_string = is_escaped || token != '"';
            is_escaped = !is_escaped && token == '\\';
            continue;
        }
        match token {
            '{' | '[' => {
                out.push(token);
                while tokens.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(end) = tokens.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(token);
            }
            ',' => {
                out.push(token);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                out.push(token);
                in_string = true;
            }
            space if space.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    // Deep nesting must not make a page of white space.
    out.push_str(&"  ".repeat(depth.min(40)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_gets_lines_and_keeps_its_values() {
        for (json, expected) in [
            ("{}", "{}"),
            ("[ ]", "[]"),
            ("7", "7"),
            (
                r#"{"a":199.0,"b":[1,{"c":"x,{}:\"y\\"}]}"#,
                "{\n  \"a\": 199.0,\n  \"b\": [\n    1,\n    {\n      \"c\": \"x,{}:\\\"y\\\\\"\n    }\n  ]\n}",
            ),
            (r#"{"id": 123456789012345678}"#, "{\n  \"id\": 123456789012345678\n}"),
            ("{not json", "{not json"),
            ("<order>\n</order>", "<order>\n</order>"),
        ] {
            assert_eq!(pretty(json), expected);
        }
    }

    #[test]
    fn a_block_escapes_its_text() {
        let block = block("body", "<script>alert(1)</script>").into_string();
        assert!(block.contains("&lt;script&gt;"), "{block}");
    }
}
