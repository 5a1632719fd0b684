//! Webhooks as the API prints them.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};
use storehook_domain::Webhook;

/// A webhook's JSON: the page's properties in the page's order, then ours. Timestamps are in
/// the shop's zone. With `fields`, only those properties.
pub(crate) fn webhook_json(webhook: &Webhook, time_zone: &TimeZone, fields: Option<&[String]>) -> Value {
    let mut properties = Map::new();
    let mut add = |name: &str, value: Value| {
        if fields.is_none_or(|fields| fields.iter().any(|field| field == name)) {
            properties.insert(name.to_owned(), value);
        }
    };
    add("id", json!(webhook.id));
    add("address", json!(webhook.address.as_str()));
    add("topic", json!(webhook.topic.as_str()));
    add("created_at", json!(local_time(webhook.created_at, time_zone)));
    add("updated_at", json!(local_time(webhook.updated_at, time_zone)));
    add("format", json!(webhook.format.as_str()));
    add("fields", json!(webhook.fields));
    add("metafield_namespaces", json!(webhook.metafield_namespaces));
    add("protocol", json!(webhook.protocol.as_str()));
    add("status", json!(webhook.status.as_str()));
    add("custom_headers", json!(webhook.custom_headers));
    Value::Object(properties)
}

/// ISO 8601 with the zone's offset, `2017-03-20T16:02:17-04:00`.
fn local_time(time: Timestamp, time_zone: &TimeZone) -> String {
    time.to_zoned(time_zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_shops() -> Result<(), jiff::Error> {
        for (zone, expected) in [
            ("America/New_York", "2017-03-20T16:02:17-04:00"),
            ("Asia/Kolkata", "2017-03-21T01:32:17+05:30"),
            ("UTC", "2017-03-20T20:02:17+00:00"),
        ] {
            assert_eq!(local_time("2017-03-20T20:02:17.9Z".parse()?, &TimeZone::get(zone)?), expected);
        }
        Ok(())
    }
}
