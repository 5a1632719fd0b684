//! Values of every JSON type in every field of a webhook.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_tests::Stack;

use super::bad_input::WEBHOOKS;

/// Whatever is sent in the place of a webhook's properties: it is stored as it should be or refused
/// with the field's name, and never anything else.
#[tokio::test]
async fn values_of_any_type_in_any_field_are_accepted_or_refused_by_name() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let values = [
        json!(null),
        json!(7),
        json!(f64::MAX),
        json!(true),
        json!("\u{0}"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"a": {}}),
    ];
    let fields = [
        "topic",
        "address",
        "format",
        "fields",
        "metafield_namespaces",
        "protocol",
        "status",
        "custom_headers",
    ];
    for (number, (field, value)) in
        fields.iter().flat_map(|field| values.iter().map(move |value| (field, value))).enumerate()
    {
        let mut webhook = json!({"topic": "orders/create", "address": format!("https://a.example/{number}")});
        webhook[field] = value.clone();
        let response = api.call(Method::POST, WEBHOOKS, Some(json!({ "webhook": webhook }))).await?;
        match response.status {
            StatusCode::CREATED => assert!(response.json["webhook"]["id"].is_u64(), "{field}: {value}"),
            StatusCode::UNPROCESSABLE_ENTITY => {
                let named: Vec<_> = response.json["errors"]
                    .as_object()
                    .into_iter()
                    .flat_map(|errors| errors.keys())
                    .collect();
                assert_eq!(named, [field], "{value}");
            }
            status => anyhow::bail!("{field}: {value}: {status} {}", response.json),
        }
    }
    Ok(())
}
