//! The trace context of an event's publisher.
//!
//! Tracing must never cost an event. So a `traceparent` that is none is dropped, and the event goes
//! out without it. Receivers then begin a trace of their own, as they do with events that have none.

use serde_json::value::RawValue;

use crate::input::optional_text::optional_text;

/// The `traceparent` of a record, if it is one.
pub(crate) fn traceparent_of(field: Option<&RawValue>) -> Option<String> {
    optional_text(field).ok().flatten().filter(|value| is_traceparent(value))
}

/// W3C Trace Context, §3.2: `version-traceid-parentid-flags`, all lower-case hexadecimal. Version
/// `ff` and ids of zeros are invalid. Later versions may have more parts; we know only these four.
fn is_traceparent(value: &str) -> bool {
    let parts: Vec<_> = value.split('-').collect();
    let [version, trace_id, parent_id, flags] = parts[..] else { return false };
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, digits: usize| is_hex(part, digits) && part.bytes().any(|byte| byte != b'0');
    is_hex(version, 2) && version != "ff" && is_id(trace_id, 32) && is_id(parent_id, 16) && is_hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_passed_on() -> serde_json::Result<()> {
        let ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        let zeros = "00000000000000000000000000000000-00f067aa0ba902b7";
        for (value, is_passed_on) in [
            (format!(r#""00-{ids}-01""#), true),
            (format!(r#""cc-{ids}-00""#), true),
            (format!(r#""00-{ids}-01-more""#), false),
            (format!(r#""cc-{ids}-01-more""#), false),
            (format!(r#""00-{ids}-""#), false),
            (format!(r#""00-{ids}""#), false),
            (format!(r#""ff-{ids}-01""#), false),
            (format!(r#""00-{zeros}-01""#), false),
            (format!(r#""00-{}-01""#, ids.to_uppercase()), false),
            (format!(r#"" 00-{ids}-01""#), false),
            (r#""00-zz""#.to_owned(), false),
            (r#""""#.to_owned(), false),
            ("null".to_owned(), false),
            ("7".to_owned(), false),
            ("[]".to_owned(), false),
        ] {
            let raw: &RawValue = serde_json::from_str(&value)?;
            assert_eq!(traceparent_of(Some(raw)).is_some(), is_passed_on, "{value}");
        }
        assert_eq!(traceparent_of(None), None);
        Ok(())
    }
}
