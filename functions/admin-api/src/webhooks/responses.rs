//! Webhooks as the API prints them.
//!
//! The types here are both what is printed and what the OpenAPI description says of it.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer, ser::Error as _};
use storehook_domain::webhook::{Webhook, WebhookId, custom_headers::CustomHeaders};
use utoipa::ToSchema;

use crate::webhooks::schemas;

/// An answer with one webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookAnswer<'a> {
    #[schema(value_type = WebhookProperties<'static>)]
    webhook: Shown<'a>,
}

/// An answer with some webhooks, by ascending id.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhooksAnswer<'a> {
    #[schema(value_type = Vec<WebhookProperties<'static>>)]
    webhooks: Vec<Shown<'a>>,
}

/// How many webhooks there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountAnswer {
    pub(crate) count: u64,
}

/// An answer that says nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct EmptyAnswer {}

/// A subscription of an app to what happens in a shop. An answer to a request with `fields` has only
/// those properties.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookProperties<'a> {
    /// Its id. Ids grow.
    #[schema(value_type = u64, example = 4_759_306)]
    id: WebhookId,
    /// Where its deliveries go, as its owner wrote it.
    #[schema(format = Uri, example = "https://apple.com/hook")]
    address: &'a str,
    /// What it subscribes to, in the spelling that it was created with.
    #[schema(schema_with = schemas::topic_reference)]
    topic: &'a str,
    /// When it was created, in the shop's time zone.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    created_at: String,
    /// When it was last changed, in the shop's time zone.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    updated_at: String,
    #[schema(schema_with = schemas::format)]
    format: &'static str,
    #[schema(schema_with = schemas::fields)]
    fields: &'a [String],
    #[schema(schema_with = schemas::metafield_namespaces)]
    metafield_namespaces: &'a [String],
    #[schema(schema_with = schemas::protocol)]
    protocol: &'static str,
    #[schema(schema_with = schemas::status)]
    status: &'static str,
    /// Headers of its own.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"X-Api-Key": "abc"}))]
    custom_headers: &'a CustomHeaders,
}

/// A webhook's properties, or those of them that were asked for.
struct Shown<'a> {
    properties: WebhookProperties<'a>,
    fields: Option<&'a [String]>,
}

impl<'a> WebhookAnswer<'a> {
    /// Shows a webhook, its times in the shop's zone, and with `fields` only those properties.
    pub(crate) fn of(webhook: &'a Webhook, time_zone: &TimeZone, fields: Option<&'a [String]>) -> Self {
        Self { webhook: Shown::of(webhook, time_zone, fields) }
    }
}

impl<'a> WebhooksAnswer<'a> {
    /// Shows webhooks, as [`WebhookAnswer::of`] does each.
    pub(crate) fn of(webhooks: &'a [Webhook], time_zone: &TimeZone, fields: Option<&'a [String]>) -> Self {
        Self { webhooks: webhooks.iter().map(|webhook| Shown::of(webhook, time_zone, fields)).collect() }
    }
}

impl<'a> Shown<'a> {
    fn of(webhook: &'a Webhook, time_zone: &TimeZone, fields: Option<&'a [String]>) -> Self {
        let properties = WebhookProperties {
            id: webhook.id,
            address: webhook.address.as_str(),
            topic: webhook.topic.as_str(),
            created_at: local_time(webhook.created_at, time_zone),
            updated_at: local_time(webhook.updated_at, time_zone),
            format: webhook.format.as_str(),
            fields: &webhook.fields,
            metafield_namespaces: &webhook.metafield_namespaces,
            protocol: webhook.protocol.as_str(),
            status: webhook.status.as_str(),
            custom_headers: &webhook.custom_headers,
        };
        Self { properties, fields }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(fields) = self.fields else { return self.properties.serialize(serializer) };
        let mut properties = serde_json::to_value(&self.properties).map_err(S::Error::custom)?;
        if let Some(properties) = properties.as_object_mut() {
            properties.retain(|name, _| fields.contains(name));
        }
        properties.serialize(serializer)
    }
}

/// ISO 8601 with the zone's offset, `2017-03-20T16:02:17-04:00`.
pub(crate) fn local_time(time: Timestamp, time_zone: &TimeZone) -> String {
    time.to_zoned(time_zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn times_are_the_shops() -> TestResult {
        for (time, zone, expected) in [
            ("2017-03-20T20:02:17.9Z", "America/New_York", "2017-03-20T16:02:17-04:00"),
            ("2017-03-20T20:02:17.9Z", "Asia/Kolkata", "2017-03-21T01:32:17+05:30"),
            ("2017-03-20T20:02:17.9Z", "UTC", "2017-03-20T20:02:17+00:00"),
            // The hour that the clocks go through twice, and the one that they leave out.
            ("2026-11-01T05:30:00Z", "America/New_York", "2026-11-01T01:30:00-04:00"),
            ("2026-11-01T06:30:00Z", "America/New_York", "2026-11-01T01:30:00-05:00"),
            ("2026-03-08T06:59:59Z", "America/New_York", "2026-03-08T01:59:59-05:00"),
            ("2026-03-08T07:00:00Z", "America/New_York", "2026-03-08T03:00:00-04:00"),
        ] {
            let printed = local_time(time.parse()?, &TimeZone::get(zone)?);
            assert_eq!(printed, expected, "{time} in {zone}");
            let read: Timestamp = printed.parse()?;
            assert_eq!(read.as_second(), time.parse::<Timestamp>()?.as_second(), "it is the same time");
        }
        Ok(())
    }

    #[test]
    fn a_webhook_shows_the_pages_properties_in_its_order_then_ours() -> TestResult {
        let webhook = json!({
            "id": 4_759_306, "shop": "a.example", "app": "demo", "topic": "order:new", "address": "http://apple.com",
            "format": "json", "protocol": "webhook", "status": "paused", "fields": ["id"], "metafield_namespaces": [],
            "custom_headers": {"X-B": "2", "X-A": "1"}, "created_at": "2017-03-20T20:02:17Z",
            "updated_at": "2017-03-20T20:04:29Z", "version": 3,
        });
        let webhook: Webhook = serde_json::from_value(webhook)?;
        let zone = TimeZone::get("America/New_York")?;
        let all = serde_json::to_string(&WebhookAnswer::of(&webhook, &zone, None))?;
        let expected = concat!(
            r#"{"webhook":{"id":4759306,"address":"http://apple.com","topic":"order:new","#,
            r#""created_at":"2017-03-20T16:02:17-04:00","updated_at":"2017-03-20T16:04:29-04:00","format":"json","#,
            r#""fields":["id"],"metafield_namespaces":[],"protocol":"webhook","status":"paused","#,
            r#""custom_headers":{"X-B":"2","X-A":"1"}}}"#,
        );
        assert_eq!(all, expected);
        let fields = ["topic", "id", "version", "shop"].map(str::to_owned);
        let some = serde_json::to_string(&WebhooksAnswer::of(&[webhook], &zone, Some(&fields)))?;
        assert_eq!(some, r#"{"webhooks":[{"id":4759306,"topic":"order:new"}]}"#);
        let nothing: Value = serde_json::to_value(EmptyAnswer {})?;
        assert_eq!(nothing, json!({}));
        Ok(())
    }
}
