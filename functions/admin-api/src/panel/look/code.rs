//! Blocks of code, with a button that copies them.

use maud::{Markup, html};
use serde_json::value::RawValue;
use storehook_domain::payload::json_layout::{JsonLayout, laid_out};

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
    if is_json { laid_out(text, JsonLayout::Indented(2)) } else { text.to_owned() }
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
