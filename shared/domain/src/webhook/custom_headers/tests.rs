//! Tests of the headers that a webhook's owner adds.

use serde_json::json;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn custom_headers_are_few_short_and_valid() {
    let many = |count| -> serde_json::Map<_, _> {
        (0..count).map(|number| (format!("X-{number}"), json!("a"))).collect()
    };
    let of_json = |bytes: usize| {
        let [full, rest] = [1_024, bytes - 2 * 1_024 - r#"{"X-A":"","X-B":"","X-C":""}"#.len()];
        json!({"X-A": "x".repeat(full), "X-B": "x".repeat(full), "X-C": "x".repeat(rest)})
    };
    for (headers, error) in [
        (json!({}), None),
        (json!({"X-Api-Key": "abc", "Authorization": "Bearer x"}), None),
        (json!([]), Some("must be an object of header names and values")),
        (json!({"X-A": 7}), Some("must be an object of header names and values")),
        (json!(many(10)), None),
        (json!(many(11)), Some("is too long (maximum is 10 headers)")),
        (json!({"X A": "b"}), Some("has an invalid name: X A")),
        (json!({"": "b"}), Some("has an invalid name: ")),
        (json!({"X-A": "1", "x-a": "2"}), Some("has an invalid name: x-a")),
        (json!({"X".repeat(129): "b"}), Some(&*format!("has an invalid name: {}", "X".repeat(128)))),
        (json!({"X".repeat(128): "b"}), None),
        (json!({"X-A": "b\r\nX-Evil: 1"}), Some("has an invalid value for X-A")),
        (json!({"X-A": "x".repeat(1_024)}), None),
        (json!({"X-A": "x".repeat(1_025)}), Some("has an invalid value for X-A")),
        (of_json(3_072), None),
        (of_json(3_073), Some("is too long (maximum is 3072 bytes of JSON)")),
    ] {
        let result =
            CustomHeaders::parse(&headers, &HeaderPrefix::default()).map_err(|error| error.to_string());
        assert_eq!(result.err().as_deref(), error, "{headers}");
    }
}

/// Hop-by-hop headers (RFC 9110 §7.6.1), headers that frame or describe the body, and ours.
#[test]
fn names_that_http_or_storehook_uses_are_reserved() {
    for name in [
        "Accept-Encoding",
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "Expect",
        "Host",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
        "traceparent",
        "X-Spiffy-Stores-Topic",
        "X-Spiffy-HMAC-SHA256",
        "X-Shopify-Topic",
        "Webhook-Id",
        "webhook-signature",
    ] {
        let refused = CustomHeaders::parse(&json!({name: "a"}), &HeaderPrefix::default());
        assert_eq!(refused, Err(CustomHeadersError::Reserved(name.to_owned())));
    }
}

#[test]
fn the_operators_own_prefix_is_reserved_too() -> Result<(), crate::webhook::header_prefix::InvalidHeaderPrefix>
{
    let prefix = HeaderPrefix::parse("X-Acme")?;
    for (name, is_allowed) in [("X-Acme-Test", false), ("x-acme-order-id", false), ("X-Acmeville", true)] {
        assert_eq!(CustomHeaders::parse(&json!({name: "a"}), &prefix).is_ok(), is_allowed, "{name}");
    }
    Ok(())
}

#[test]
fn debug_shows_names_and_no_values() -> Result<(), CustomHeadersError> {
    let headers = CustomHeaders::parse(&json!({"Authorization": "Bearer x"}), &HeaderPrefix::default())?;
    assert_eq!(format!("{headers:?}"), r#"{"Authorization": ***}"#);
    Ok(())
}

#[test]
fn values_are_visible_ascii_with_spaces_inside() {
    for (value, is_allowed) in [
        ("", true),
        ("Bearer a~!", true),
        ("a  b", true),
        (" a", false),
        ("a ", false),
        (" ", false),
        ("\ta", false),
        ("a\tb", false),
        ("a\u{a0}", false),
        ("kéy", false),
        ("a\u{7f}", false),
        ("a\0", false),
    ] {
        let parsed = CustomHeaders::parse(&json!({"X-A": value}), &HeaderPrefix::default());
        let expected = if is_allowed { None } else { Some(CustomHeadersError::Value("X-A".to_owned())) };
        assert_eq!(parsed.err(), expected, "{value:?}");
    }
}

#[test]
fn a_mask_keeps_the_value_that_is_there_and_nothing_else() -> TestResult {
    let present = json!({"X-Api-Key": "abc", "X-Acme-Key": "a", "X-Old": "kéy "});
    let present: CustomHeaders = serde_json::from_value(present)?;
    // Since the headers were written, the operator has reserved `X-Acme`.
    let prefix = HeaderPrefix::parse("X-Acme")?;
    for (sent, expected) in [
        (json!({"X-Api-Key": "***"}), Ok(json!({"X-Api-Key": "abc"}))),
        (json!({"x-api-KEY": "***"}), Ok(json!({"x-api-KEY": "abc"}))),
        (json!({"X-New": "1", "X-Api-Key": "***"}), Ok(json!({"X-New": "1", "X-Api-Key": "abc"}))),
        (json!({"X-Api-Key": "new"}), Ok(json!({"X-Api-Key": "new"}))),
        (json!({"X-Acme-Key": "***", "X-Old": "***"}), Ok(json!({"X-Acme-Key": "a", "X-Old": "kéy "}))),
        (json!({"X-Acme-Key": "a", "X-Old": "kéy "}), Ok(json!({"X-Acme-Key": "a", "X-Old": "kéy "}))),
        (json!({}), Ok(json!({}))),
        (json!({"X-Acme-Key": "b"}), Err("may not set X-Acme-Key")),
        (json!({"X-Acme-More": "***"}), Err("may not set X-Acme-More")),
        (json!({"X-Old": "kéy"}), Err("has an invalid value for X-Old")),
        (json!({"X-New": "***"}), Err("has *** for X-New, which has no value to keep")),
        (json!({"X-Api-Key": "***", "x-api-key": "***"}), Err("has an invalid name: x-api-key")),
    ] {
        let changed = present.changed(&sent, &prefix).map(|headers| json!(headers));
        let expected = expected.map_err(str::to_owned);
        assert_eq!(changed.map_err(|error| error.to_string()), expected, "{sent}");
    }
    let new = CustomHeaders::parse(&json!({"X-Api-Key": "***"}), &HeaderPrefix::default());
    assert_eq!(new, Err(CustomHeadersError::NothingToKeep("X-Api-Key".to_owned())));
    Ok(())
}

#[test]
fn kept_values_count_toward_the_length() -> TestResult {
    let prefix = HeaderPrefix::default();
    let long = "x".repeat(HEADER_VALUE_LIMIT);
    let present = CustomHeaders::parse(&json!({"X-A": long, "X-B": long}), &prefix)?;
    let changed = present.changed(&json!({"X-A": "***", "X-B": "***", "X-C": long}), &prefix);
    assert_eq!(changed, Err(CustomHeadersError::TooLong));
    Ok(())
}
