//! Tests of what a client may write to a webhook.

use serde_json::json;

use super::*;
use crate::event::catalogue;
use crate::webhook::attributes::LIST_LIMIT;

fn errors_of(attributes: Value) -> Value {
    let attributes = attributes.as_object().cloned().unwrap_or_default();
    match NewWebhook::parse(&attributes, &WebhookRules::default()) {
        Ok(_) => json!({}),
        Err(errors) => json!(errors),
    }
}

#[test]
fn a_missing_topic_and_a_missing_address_are_reported_together() {
    let blank =
        json!({"topic": ["can't be blank", catalogue::not_allowed_message()], "address": ["can't be blank"]});
    for attributes in [
        json!({"body": "foobar"}),
        json!({"topic": "", "address": ""}),
        json!({"topic": " \t", "address": "\n"}),
        json!({"topic": null, "address": null}),
    ] {
        assert_eq!(errors_of(attributes.clone()), blank, "{attributes}");
    }
}

#[test]
fn every_field_has_the_apis_messages() {
    let list = "must be a list of strings without control characters";
    let too_long = "is too long (maximum is 2048 bytes of JSON)";
    for (field, value, message) in [
        ("topic", json!("orders/exploded"), catalogue::not_allowed_message().as_str()),
        ("topic", json!({}), "is invalid"),
        ("address", json!("nonsense"), "is invalid"),
        ("address", json!(7), "is invalid"),
        ("address", json!("ftp://a.example/"), "protocol ftp:// is not supported"),
        ("address", json!("http://169.254.169.254/"), "is not allowed"),
        (
            "address",
            json!(format!("http://a.example/{}", "x".repeat(2_048))),
            "is too long (maximum is 2048 characters)",
        ),
        ("format", json!("yaml"), "is not included in the list"),
        ("format", json!(7), "is not included in the list"),
        ("protocol", json!("smtp"), "is not included in the list"),
        ("status", json!("disabled"), "is not included in the list"),
        ("fields", json!(7), list),
        ("fields", json!([7]), list),
        ("fields", json!(["id\0"]), list),
        ("fields", json!(vec!["id"; LIST_LIMIT]), too_long),
        ("metafield_namespaces", json!("a"), list),
        ("metafield_namespaces", json!(["x".repeat(LIST_LIMIT - 3)]), too_long),
        ("custom_headers", json!({"Host": "a"}), "may not set Host"),
        ("custom_headers", json!({"X-A": "***"}), "has *** for X-A, which has no value to keep"),
    ] {
        let mut attributes = json!({"topic": "orders/create", "address": "https://a.example/"});
        attributes[field] = value;
        assert_eq!(errors_of(attributes.clone()), json!({field: [message]}), "{attributes}");
    }
}

#[test]
fn unchanged_attributes_are_not_checked_again() -> Result<(), Box<dyn std::error::Error>> {
    // Storehook has disabled it, and the operator has since closed its address and its header.
    let current = json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "http://10.0.0.1/",
        "format": "json", "protocol": "webhook", "status": "disabled", "fields": [], "metafield_namespaces": [],
        "custom_headers": {"X-Acme-Key": "a"}, "created_at": "2026-11-21T15:00:00Z",
        "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    });
    let webhook: Webhook = serde_json::from_value(current.clone())?;
    let rules = WebhookRules { header_prefix: HeaderPrefix::parse("X-Acme")?, ..WebhookRules::default() };
    for (name, value, errors) in [
        ("fields", json!(["id"]), json!({})),
        ("status", json!("active"), json!({})),
        ("status", json!("DISABLED"), json!({"status": ["is not included in the list"]})),
        ("address", json!("http://10.0.0.1/2"), json!({"address": ["is not allowed"]})),
        ("custom_headers", json!({"X-Acme-Key": "b"}), json!({"custom_headers": ["may not set X-Acme-Key"]})),
    ] {
        let mut sent_back = current.as_object().cloned().unwrap_or_default();
        sent_back["custom_headers"] = json!({"X-Acme-Key": "***"});
        sent_back.insert(name.to_owned(), value);
        let patch = WebhookPatch::parse(&sent_back, &rules, &webhook);
        assert_eq!(json!(patch.clone().err().unwrap_or_default()), errors, "{name}");
        let mut changed = webhook.clone();
        patch.unwrap_or_default().apply_to(&mut changed);
        let expected =
            if name == "status" && errors == json!({}) { Status::Active } else { Status::Disabled };
        assert_eq!(changed.status, expected, "{name}");
        assert_eq!(changed.custom_headers, webhook.custom_headers, "{name}");
    }
    Ok(())
}

#[test]
fn the_operators_hint_stands_beside_the_error_of_a_refused_address() {
    let rules = WebhookRules { address_hint: Some("ask us".to_owned()), ..WebhookRules::default() };
    for (address, errors) in [
        ("http://10.0.0.1/", json!({"address": ["is not allowed", "ask us"]})),
        ("http://localhost/", json!({"address": ["is not allowed", "ask us"]})),
        ("http://a.example/#b", json!({"address": ["is invalid"]})),
        ("http://a.example/", json!({})),
    ] {
        let attributes = json!({"topic": "orders/create", "address": address});
        let parsed = NewWebhook::parse(attributes.as_object().unwrap_or(&Map::new()), &rules);
        assert_eq!(json!(parsed.err().unwrap_or_default()), errors, "{address}");
    }
}

/// A Lambda response has at most 6 MB (AWS Lambda quotas). It carries the body as a JSON string, in
/// which each quote and each backslash takes another byte.
#[test]
fn a_page_of_the_longest_webhooks_fits_into_a_lambda_response() {
    // A character of an address takes up to four bytes: as UTF-8, or as an escape that is escaped.
    let longest = 4 * crate::webhook::address::ADDRESS_LIMIT
        + 2 * (2 * LIST_LIMIT + crate::webhook::custom_headers::JSON_LIMIT)
        + 1_024;
    assert!(longest * crate::input::query_parameters::PAGE_LIMIT < 6 * 1_000_000, "{longest}");
}

#[test]
fn null_means_the_default() {
    let attributes =
        json!({"topic": "order:new", "address": "https://a.example/", "format": null, "fields": null});
    assert_eq!(errors_of(attributes), json!({}));
}
