//! Members of a JSON object that are a string or left out.

use serde::{Deserialize as _, Deserializer};

/// Reads the value of a member that is a string or left out; `null` counts as left out. The value
/// is a [`serde_json::Value`] or still raw.
///
/// # Errors
///
/// The value is something else than a string. The message is the API's.
pub(crate) fn optional_text<'de>(
    value: Option<impl Deserializer<'de>>,
) -> Result<Option<String>, &'static str> {
    let text = value.map(Option::<String>::deserialize).transpose();
    text.map(Option::flatten).map_err(|_| "must be a string")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, value::RawValue};

    use super::*;

    #[test]
    fn a_text_is_a_string_or_left_out() -> serde_json::Result<()> {
        for (json, expected) in [
            (r#""a\u00e9""#, Ok(Some("aé".to_owned()))),
            (r#""""#, Ok(Some(String::new()))),
            ("null", Ok(None)),
            ("7", Err("must be a string")),
            ("[]", Err("must be a string")),
            (r#"["a"]"#, Err("must be a string")),
        ] {
            let (value, raw): (Value, &RawValue) = (serde_json::from_str(json)?, serde_json::from_str(json)?);
            assert_eq!(optional_text(Some(&value)), expected, "{json}");
            assert_eq!(optional_text(Some(raw)), expected, "{json}");
        }
        assert_eq!(optional_text(None::<&Value>), Ok(None));
        Ok(())
    }
}
