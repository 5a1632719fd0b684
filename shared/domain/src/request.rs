//! The POST of an attempt, to the byte.
//!
//! The body is built once and then signed and sent, so a signature is always over the
//! very bytes that leave. Headers are built from parsed values, so none can be split.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;

use crate::{Delivery, Format, HeaderPrefix, Installation, Webhook, body_signature, standard_signatures};

/// What `User-Agent` says.
pub(crate) const USER_AGENT: &str = concat!("Storehook/", env!("CARGO_PKG_VERSION"));

/// The POST of one attempt.
#[derive(Debug, Clone)]
pub struct DeliveryRequest<'a> {
    /// Its headers, all of them but those that HTTP itself adds.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Cow<'a, str>,
}

/// A header could not be built: the registry holds a value that no header can.
#[derive(Debug, thiserror::Error)]
#[error("a header of the delivery is invalid: {0}")]
pub struct InvalidHeader(#[from] http::Error);

impl<'a> DeliveryRequest<'a> {
    /// The POST of `delivery` to `webhook`, as attempted now.
    pub fn build(
        delivery: &Delivery<'a>,
        webhook: &Webhook,
        installation: &Installation,
        prefix: &HeaderPrefix,
        now: Timestamp,
    ) -> Result<Self, InvalidHeader> {
        let body = match webhook.format {
            Format::Json => delivery.payload().select(&webhook.fields, &webhook.metafield_namespaces),
        };
        let content_type = match webhook.format {
            Format::Json => "application/json",
        };
        let mut headers = Headers::default();
        // The prefix may have been another one when the webhook's own headers were judged.
        for (name, value) in webhook.custom_headers.iter().filter(|(name, _)| !prefix.begins(name)) {
            headers.set(name, value)?;
        }
        headers.set(header::CONTENT_TYPE.as_str(), content_type)?;
        headers.set(header::USER_AGENT.as_str(), USER_AGENT)?;
        if let Some(traceparent) = &delivery.traceparent {
            headers.set("traceparent", traceparent)?;
        }
        describe(&mut headers, delivery, installation, prefix)?;
        sign(&mut headers, delivery, installation, prefix, &body, now)?;
        Ok(Self { headers: headers.0, body })
    }
}

/// The headers that say what the delivery is about.
fn describe(
    headers: &mut Headers,
    delivery: &Delivery<'_>,
    installation: &Installation,
    prefix: &HeaderPrefix,
) -> Result<(), http::Error> {
    headers.set(&prefix.name("ID"), &installation.store_id)?;
    headers.set(&prefix.name("Topic"), delivery.topic.as_str())?;
    headers.set(&prefix.name("Shop-Domain"), delivery.shop.as_str())?;
    let resource = delivery.topic.resource();
    // These two would be read as the headers of the same name below.
    if let Some(id) = &delivery.resource_id
        && !matches!(resource, "webhook" | "event")
    {
        headers.set(&prefix.name(&format!("{}-Id", resource.replace('_', "-"))), id)?;
    }
    headers.set(&prefix.name("Webhook-Id"), &delivery.webhook_id.to_string())?;
    headers.set(&prefix.name("Event-Id"), delivery.event_id.as_str())?;
    headers.set(&prefix.name("Triggered-At"), &delivery.triggered_at.to_string())?;
    if delivery.test {
        headers.set(&prefix.name("Test"), "true")?;
    }
    Ok(())
}

/// The headers of both signature schemes.
fn sign(
    headers: &mut Headers,
    delivery: &Delivery<'_>,
    installation: &Installation,
    prefix: &HeaderPrefix,
    body: &str,
    now: Timestamp,
) -> Result<(), http::Error> {
    // While a rotation overlaps, the single-valued headers are the older secret's.
    if let Some(oldest) = installation.secrets.first() {
        let signature = body_signature(oldest, body.as_bytes());
        headers.set(&prefix.name("HMAC-SHA256"), &signature)?;
        headers.set("X-Spiffy-HMAC-SHA256", &signature)?;
    }
    let id = delivery.id();
    headers.set("webhook-timestamp", &now.as_second().to_string())?;
    headers
        .set("webhook-signature", &standard_signatures(&installation.secrets, &id, now, body.as_bytes()))?;
    headers.set("webhook-id", &id)
}

#[derive(Default)]
struct Headers(HeaderMap);

impl Headers {
    /// Sets a header, over one of a webhook's own of that name.
    fn set(&mut self, name: &str, value: &str) -> Result<(), http::Error> {
        self.0.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Address, AppId, CustomHeaders, Protocol, RecordOrigin, SharedSecret, ShopDomain, Status, StoreEvent,
        TopicPattern, WebhookId,
    };

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const NOW: i64 = 1_795_000_000;

    fn installation() -> Result<Installation, Box<dyn std::error::Error>> {
        Ok(Installation {
            shop: ShopDomain::parse("a.example")?,
            app: AppId::parse("demo")?,
            store_id: "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned(),
            time_zone: "UTC".to_owned(),
            scopes: vec![],
            secrets: vec![SharedSecret::parse(SECRET)?],
        })
    }

    fn webhook(custom_headers: serde_json::Value) -> Result<Webhook, Box<dyn std::error::Error>> {
        Ok(Webhook {
            id: WebhookId::new(7),
            shop: ShopDomain::parse("a.example")?,
            app: AppId::parse("demo")?,
            topic: TopicPattern::parse("*")?,
            address: Address::parse("https://b.example/")?,
            format: Format::Json,
            protocol: Protocol::Webhook,
            status: Status::Active,
            fields: vec![],
            metafield_namespaces: vec![],
            custom_headers: CustomHeaders::parse(&custom_headers, &HeaderPrefix::default())?,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            version: 1,
        })
    }

    fn request_of(
        record: &str,
        prefix: &HeaderPrefix,
    ) -> Result<(HeaderMap, String), Box<dyn std::error::Error>> {
        let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
        let event = StoreEvent::parse(record.as_bytes(), &origin)?;
        let delivery = Delivery::of(&event, WebhookId::new(7), AppId::parse("demo")?, Timestamp::UNIX_EPOCH);
        let webhook = webhook(serde_json::json!({"X-Own": "mine"}))?;
        let now = Timestamp::from_second(NOW)?;
        let request = DeliveryRequest::build(&delivery, &webhook, &installation()?, prefix, now)?;
        Ok((request.headers, request.body.into_owned()))
    }

    #[test]
    fn every_header_of_the_contract_is_there_and_no_other() -> TestResult {
        let record = r#"{"shop": "a.example", "topic": "order:new", "event_id": "e1", "triggered_at": "2026-11-21T15:00:00Z",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "test": true, "payload": {"id": 12345}}"#;
        let (headers, body) = request_of(record, &HeaderPrefix::default())?;
        assert_eq!(body, r#"{"id": 12345}"#);
        let secret = SharedSecret::parse(SECRET)?;
        let hmac = body_signature(&secret, body.as_bytes());
        let standard = body_signature(&secret, format!("7-e1.{NOW}.{body}").as_bytes());
        let mut expected = vec![
            ("x-own", "mine".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("user-agent", USER_AGENT.to_owned()),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            ("x-spiffy-stores-id", "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned()),
            ("x-spiffy-stores-topic", "orders/create".to_owned()),
            ("x-spiffy-stores-shop-domain", "a.example".to_owned()),
            ("x-spiffy-stores-order-id", "12345".to_owned()),
            ("x-spiffy-stores-webhook-id", "7".to_owned()),
            ("x-spiffy-stores-event-id", "e1".to_owned()),
            ("x-spiffy-stores-triggered-at", "2026-11-21T15:00:00Z".to_owned()),
            ("x-spiffy-stores-test", "true".to_owned()),
            ("x-spiffy-stores-hmac-sha256", hmac.clone()),
            ("x-spiffy-hmac-sha256", hmac),
            ("webhook-id", "7-e1".to_owned()),
            ("webhook-timestamp", NOW.to_string()),
            ("webhook-signature", format!("v1,{standard}")),
        ];
        expected.sort();
        let mut actual: Vec<_> = headers
            .iter()
            .map(|(name, value)| Ok((name.as_str(), value.to_str()?.to_owned())))
            .collect::<Result<_, http::header::ToStrError>>()?;
        actual.sort();
        assert_eq!(actual, expected);
        Ok(())
    }

    #[test]
    fn the_id_header_is_the_resources_and_missing_where_there_is_no_id() -> TestResult {
        for (topic, payload, name, value) in [
            ("customer_groups/update", r#"{"id": 5}"#, "x-acme-customer-group-id", Some("5")),
            ("carts/create", r#"{"id": "eeaf"}"#, "x-acme-cart-id", Some("eeaf")),
            ("themes/publish", r#"{"id": null}"#, "x-acme-theme-id", None),
            ("return:approved", r#"{"id": 9}"#, "x-acme-return-id", Some("9")),
            ("event:odd", r#"{"id": 9}"#, "x-acme-event-id", Some("e1")),
        ] {
            let record = format!(
                r#"{{"shop": "a.example", "topic": "{topic}", "event_id": "e1", "payload": {payload}}}"#
            );
            let (headers, _) = request_of(&record, &HeaderPrefix::parse("X-Acme")?)?;
            assert_eq!(headers.get(name).map(|value| value.as_bytes()), value.map(str::as_bytes), "{topic}");
            assert!(!headers.contains_key("x-acme-test"));
        }
        Ok(())
    }
}
