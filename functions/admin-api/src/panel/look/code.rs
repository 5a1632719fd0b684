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

/// How much of a text is shown, in bytes. A response of Lambda ends at 6 MiB, and escapes make up to
/// six bytes of one.
const SHOWN: usize = 64 * 1024;

/// JSON with line breaks and indentation; any other text as it is. Numbers and strings stay as they
/// were written. JSON that would be too long in lines stays as it is as well.
pub(crate) fn pretty(text: &str) -> String {
    let is_json = text.len() <= SHOWN && serde_json::from_str::<&RawValue>(text).is_ok();
    let in_lines = if is_json { laid_out(text, JsonLayout::Indented(2), SHOWN) } else { None };
    in_lines.unwrap_or_else(|| text.to_owned())
}

/// As much of a text as is shown, and whether it was longer.
pub(crate) fn beginning(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(SHOWN);
    (text.get(..end).unwrap_or(text), end < text.len())
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
    fn no_text_is_shown_at_great_length() {
        let deep = format!("{}{}", "[".repeat(9_000), "]".repeat(9_000));
        assert_eq!(pretty(&deep), deep);
        let whole = "x".repeat(SHOWN);
        assert_eq!(beginning(&whole), (&*whole, false));
        let longer = format!("{}é", "x".repeat(SHOWN - 1));
        assert_eq!(beginning(&longer), ("x".repeat(SHOWN - 1).as_str(), true));
    }

    #[test]
    fn a_block_escapes_its_text() {
        let block = block("body", "<script>alert(1)</script>").into_string();
        assert!(block.contains("&lt;script&gt;"), "{block}");
    }
}
