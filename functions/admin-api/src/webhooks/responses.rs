//! Webhooks as the API prints them: the types here are also what the OpenAPI description tells.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer, ser::Error as _};
use storehook_domain::{
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{
        Webhook, WebhookId,
        custom_headers::{CustomHeaders, MASK},
    },
};
use utoipa::ToSchema;

use crate::{
    events::schemas::topic_reference,
    http::local_time::local_time,
    webhooks::{
        health::{HeldCount, WebhookHealth},
        schemas,
    },
};

/// One webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookResponse<'a> {
    #[schema(value_type = WebhookProperties<'static>)]
    pub(crate) webhook: Shown<'a>,
}

/// A page of webhooks, by ascending id.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhooksResponse<'a> {
    #[schema(value_type = Vec<WebhookProperties<'static>>)]
    pub(crate) webhooks: Vec<Shown<'a>>,
}

/// The number of webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountResponse {
    pub(crate) count: u64,
}

/// An empty object.
#[derive(Serialize, ToSchema)]
pub(crate) struct EmptyResponse {}

/// A subscription of an app to events of a shop. A request with `fields` gets only those
/// properties.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookProperties<'a> {
    /// The id. Newer webhooks have greater ids.
    #[schema(value_type = u64, example = 4_759_306)]
    pub(crate) id: WebhookId,
    /// The URL that its deliveries are sent to, as the app wrote it.
    #[schema(format = Uri, example = "https://apple.com/hook")]
    pub(crate) address: &'a str,
    /// The topic that it subscribes to, as the app wrote it.
    #[schema(schema_with = topic_reference)]
    pub(crate) topic: &'a str,
    /// When it was created, in the shop's time zone.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    pub(crate) created_at: String,
    /// When it was last changed, in the shop's time zone.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    pub(crate) updated_at: String,
    #[schema(schema_with = schemas::format)]
    pub(crate) format: &'static str,
    #[schema(schema_with = schemas::fields)]
    pub(crate) fields: &'a [String],
    #[schema(schema_with = schemas::metafield_namespaces)]
    pub(crate) metafield_namespaces: &'a [String],
    #[schema(schema_with = schemas::protocol)]
    pub(crate) protocol: &'static str,
    #[schema(schema_with = schemas::status)]
    pub(crate) status: &'static str,
    /// The custom headers of its deliveries. Every value shows as `***`; a `***` that is sent back
    /// keeps the value.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"X-Api-Key": "***"}))]
    pub(crate) custom_headers: MaskedHeaders<'a>,
    /// Since when all attempts have failed, while deliveries are held for that; null otherwise.
    /// Read-only.
    #[schema(format = DateTime)]
    pub(crate) failing_since: Option<String>,
    /// When one of the held deliveries will be sent to find out whether the endpoint works again; null
    /// if none will. Read-only.
    #[schema(format = DateTime)]
    pub(crate) next_probe_at: Option<String>,
    /// When the webhook will be disabled, unless something arrives until then; null if it is not
    /// failing, or if that is more than a day away and no delivery is held for it. Read-only.
    #[schema(format = DateTime)]
    pub(crate) disables_at: Option<String>,
    /// How many deliveries are held, up to 1000; null if they could not be counted. Lists do not have
    /// it. Read-only.
    #[serde(skip_serializing_if = "HeldCount::is_not_shown")]
    #[schema(value_type = Option<u64>, required = false, minimum = 0, maximum = 1000)]
    pub(crate) held_count: HeldCount,
}

/// The custom headers of a webhook as everybody sees them: names, and a mask for each value.
pub(crate) struct MaskedHeaders<'a>(&'a CustomHeaders);

impl<'a> MaskedHeaders<'a> {
    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.iter().map(|(name, _)| name)
    }
}

impl Serialize for MaskedHeaders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names().map(|name| (name, MASK)))
    }
}

/// A webhook's properties, or those that `fields` names.
pub(crate) struct Shown<'a> {
    pub(crate) properties: WebhookProperties<'a>,
    pub(crate) fields: Option<&'a [String]>,
}

impl<'a> WebhookResponse<'a> {
    /// Shows a webhook, its times in the shop's zone, and with `fields` only those properties.
    pub(crate) fn of(
        webhook: &'a Webhook,
        health: &WebhookHealth,
        time_zone: &TimeZone,
        fields: Option<&'a [String]>,
    ) -> Self {
        let held_count = HeldCount::Shown(health.held);
        Self { webhook: Shown::of(webhook, &health.endpoint, held_count, time_zone, fields) }
    }
}

impl<'a> WebhooksResponse<'a> {
    /// Shows webhooks, as [`WebhookResponse::of`] does each, without counts. Nothing is wrong with those
    /// that have no health.
    pub(crate) fn of(
        webhooks: &'a [Webhook],
        healths: &HashMap<WebhookId, EndpointHealth>,
        time_zone: &TimeZone,
        fields: Option<&'a [String]>,
    ) -> Self {
        let shown = webhooks.iter().map(|webhook| {
            let health = healths.get(&webhook.id).copied().unwrap_or_default();
            Shown::of(webhook, &health, HeldCount::NotShown, time_zone, fields)
        });
        Self { webhooks: shown.collect() }
    }
}

impl<'a> Shown<'a> {
    fn of(
        webhook: &'a Webhook,
        health: &EndpointHealth,
        held_count: HeldCount,
        time_zone: &TimeZone,
        fields: Option<&'a [String]>,
    ) -> Self {
        let time = |time: Option<Timestamp>| time.map(|time| local_time(time, time_zone));
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
            custom_headers: MaskedHeaders(&webhook.custom_headers),
            failing_since: time(health.failing_since),
            next_probe_at: time(health.next_probe_at),
            disables_at: time(health.disables_at),
            held_count,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn properties_are_printed_in_the_order_of_the_spiffy_stores_page_then_ours() -> TestResult {
        let webhook = json!({
            "id": 4_759_306, "shop": "a.example", "app": "demo", "topic": "order:new", "address": "http://apple.com",
            "format": "json", "protocol": "webhook", "status": "paused", "fields": ["id"], "metafield_namespaces": [],
            "custom_headers": {"X-B": "2", "X-A": "1"}, "created_at": "2017-03-20T20:02:17Z",
            "updated_at": "2017-03-20T20:04:29Z", "version": 3,
        });
        let webhook: Webhook = serde_json::from_value(webhook)?;
        let zone = TimeZone::get("America/New_York")?;
        let health = WebhookHealth {
            endpoint: EndpointHealth {
                failing_since: Some("2017-03-20T20:02:17Z".parse()?),
                next_probe_at: None,
                disables_at: Some("2017-03-25T20:02:17Z".parse()?),
                is_catching_up: false,
            },
            held: Some(812),
        };
        let all = serde_json::to_string(&WebhookResponse::of(&webhook, &health, &zone, None))?;
        let expected = concat!(
            r#"{"webhook":{"id":4759306,"address":"http://apple.com","topic":"order:new","#,
            r#""created_at":"2017-03-20T16:02:17-04:00","updated_at":"2017-03-20T16:04:29-04:00","format":"json","#,
            r#""fields":["id"],"metafield_namespaces":[],"protocol":"webhook","status":"paused","#,
            r#""custom_headers":{"X-B":"***","X-A":"***"},"failing_since":"2017-03-20T16:02:17-04:00","#,
            r#""next_probe_at":null,"disables_at":"2017-03-25T16:02:17-04:00","held_count":812}}"#,
        );
        assert_eq!(all, expected);
        let fields = ["topic", "id", "version", "shop", "failing_since", "held_count"].map(str::to_owned);
        let healths = HashMap::from([(webhook.id, health.endpoint)]);
        let webhooks = [webhook.clone(), Webhook { id: WebhookId::new(5_000_000), ..webhook }];
        let some = serde_json::to_string(&WebhooksResponse::of(&webhooks, &healths, &zone, Some(&fields)))?;
        let expected = concat!(
            r#"{"webhooks":[{"id":4759306,"topic":"order:new","failing_since":"2017-03-20T16:02:17-04:00"},"#,
            r#"{"id":5000000,"topic":"order:new","failing_since":null}]}"#,
        );
        assert_eq!(some, expected, "a list does not count");
        let nothing: Value = serde_json::to_value(EmptyResponse {})?;
        assert_eq!(nothing, json!({}));
        Ok(())
    }
}
