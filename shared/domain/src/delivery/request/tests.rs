//! Tests of the POST of an attempt, header by header and to the byte.

use super::*;
use crate::{
    delivery::subscriber::Subscriber,
    event::{StoreEvent, origin::RecordOrigin, topic::TopicPattern},
    installation::{app::AppId, secret::SharedSecret, secret_rotation::InstallationSecret, shop::ShopDomain},
    webhook::{Format, Protocol, Status, WebhookId, address::Address, custom_headers::CustomHeaders},
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
        secrets: vec![SharedSecret::parse(SECRET)?.into()],
        uninstalled_at: None,
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
    request_to(&webhook(serde_json::json!({"X-Own": "mine"}))?, record, prefix)
}

fn request_to(
    webhook: &Webhook,
    record: &str,
    prefix: &HeaderPrefix,
) -> Result<(HeaderMap, String), Box<dyn std::error::Error>> {
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let delivery = DeliveryMessage::of(
        &event,
        None,
        &Subscriber::by_topic(WebhookId::new(7), AppId::parse("demo")?),
        Timestamp::UNIX_EPOCH,
    );
    let now = Timestamp::from_second(NOW)?;
    let platform = Platform { header_prefix: prefix.clone(), ..Platform::default() };
    let request = DeliveryRequest::build(&delivery, webhook, &installation()?, &platform, now)?;
    Ok((request.headers, request.body.into_owned()))
}

#[test]
fn a_request_has_every_header_of_the_contract_and_no_other() -> TestResult {
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
        ("x-spiffy-stores-api-version", "2026-10".to_owned()),
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
fn the_body_is_the_payload_its_xml_or_sprees_message() -> TestResult {
    let record = r#"{"shop": "a.example", "topic": "order:new", "event_id": "e1", "payload":
        {"id": 327475578523353102, "price": "19.90", "weight": 199.0}}"#;
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<order>\n  <price type=\"decimal\">19.90</price>\n\
               <weight type=\"float\">199.0</weight>\n</order>\n";
    let xml = xml.replace("\n<weight", "\n  <weight");
    let message = |event: &str| {
        format!(r#"{{"event":"{event}","event_id":"e1","payload":{{"price":"19.90","weight":199.0}}}}"#)
    };
    for (protocol, format, topic, content_type, expected) in [
        (
            Protocol::Webhook,
            Format::Json,
            "*",
            "application/json",
            r#"{"price":"19.90","weight":199.0}"#.to_owned(),
        ),
        (Protocol::Webhook, Format::Xml, "*", "application/xml", xml),
        (Protocol::Integration, Format::Json, "order:new", "application/json", message("order:new")),
        (Protocol::Integration, Format::Xml, "orders/create", "application/json", message("orders/create")),
        (Protocol::Integration, Format::Json, "orders/*", "application/json", message("orders/create")),
        (Protocol::Integration, Format::Json, "*", "application/json", message("orders/create")),
    ] {
        let fields = vec!["price".to_owned(), "weight".to_owned()];
        let topic = TopicPattern::parse(topic)?;
        let webhook = Webhook { protocol, format, topic, fields, ..webhook(serde_json::json!({}))? };
        let (headers, body) = request_to(&webhook, record, &HeaderPrefix::default())?;
        assert_eq!(body, expected);
        assert_eq!(headers["content-type"], content_type);
        let signature = body_signature(&SharedSecret::parse(SECRET)?, body.as_bytes());
        assert_eq!(headers["x-spiffy-stores-hmac-sha256"], signature, "of the very body");
        assert_eq!(headers["x-spiffy-stores-order-id"], "327475578523353102", "selected or not");
    }
    Ok(())
}

#[test]
fn during_a_rotation_both_secrets_sign_and_single_signatures_use_the_older() -> TestResult {
    let installation = Installation {
        secrets: vec![
            InstallationSecret {
                secret: SharedSecret::parse(SECRET)?,
                retires_at: Some(Timestamp::from_second(NOW + 1)?),
            },
            SharedSecret::parse(&"n".repeat(32))?.into(),
        ],
        ..installation()?
    };
    let record = r#"{"shop": "a.example", "topic": "orders/paid", "event_id": "e1", "payload": {}}"#;
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let delivery = DeliveryMessage::of(
        &event,
        None,
        &Subscriber::by_topic(WebhookId::new(7), AppId::parse("demo")?),
        Timestamp::UNIX_EPOCH,
    );
    let (webhook, now) = (webhook(serde_json::json!({}))?, Timestamp::from_second(NOW)?);
    let platform = Platform::default();
    let headers = DeliveryRequest::build(&delivery, &webhook, &installation, &platform, now)?.headers;
    let [older, newer] = &installation.secrets[..] else { return Err("two secrets".into()) };
    let (older, newer) = (&older.secret, &newer.secret);
    assert_eq!(headers["x-spiffy-hmac-sha256"], body_signature(older, b"{}"));
    let signed = format!("7-e1.{NOW}.{{}}");
    let both = [older, newer].map(|secret| format!("v1,{}", body_signature(secret, signed.as_bytes())));
    assert_eq!(headers["webhook-signature"], both.join(" "));

    let now = Timestamp::from_second(NOW + 1)?;
    let headers = DeliveryRequest::build(&delivery, &webhook, &installation, &platform, now)?.headers;
    assert_eq!(headers["x-spiffy-hmac-sha256"], body_signature(newer, b"{}"), "the overlap has ended");
    assert!(!headers["webhook-signature"].to_str()?.contains(' '));
    Ok(())
}

#[test]
fn a_replay_has_its_header_and_redaction_hides_custom_values() -> TestResult {
    let record = r#"{"shop": "a.example", "topic": "orders/paid", "event_id": "e1", "payload": {}}"#;
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let delivery = DeliveryMessage::of(
        &event,
        None,
        &Subscriber::by_topic(WebhookId::new(7), AppId::parse("demo")?),
        Timestamp::UNIX_EPOCH,
    );
    let (webhook, now) = (webhook(serde_json::json!({"X-Api-Key": "k3y"}))?, Timestamp::from_second(NOW)?);
    let build = |delivery: &DeliveryMessage<'_>| {
        DeliveryRequest::build(delivery, &webhook, &installation()?, &Platform::default(), now)
            .map(|request| request.redacted_headers(&webhook.custom_headers))
            .map_err(Box::<dyn std::error::Error>::from)
    };
    let value = |headers: &[(String, String)], name: &str| {
        headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let first = build(&delivery)?;
    assert_eq!(value(&first, "x-api-key").as_deref(), Some("***"));
    assert_eq!(value(&first, "webhook-id").as_deref(), Some("7-e1"));
    assert_eq!(value(&first, "x-spiffy-stores-replay"), None);
    let again = build(&delivery.redriven("m-1", now))?;
    assert_eq!(value(&again, "x-spiffy-stores-replay").as_deref(), Some("true"));
    assert_eq!(value(&again, "webhook-id").as_deref(), Some("7-e1"), "it is the same delivery");
    Ok(())
}

#[test]
fn the_id_header_has_the_resources_id_and_is_absent_without_one() -> TestResult {
    for (topic, payload, name, value) in [
        ("customer_groups/update", r#"{"id": 5}"#, "x-acme-customer-group-id", Some("5")),
        ("carts/create", r#"{"id": "eeaf"}"#, "x-acme-cart-id", Some("eeaf")),
        ("themes/publish", r#"{"id": null}"#, "x-acme-theme-id", None),
        ("return:approved", r#"{"id": 9}"#, "x-acme-return-id", Some("9")),
        ("event:odd", r#"{"id": 9}"#, "x-acme-event-id", Some("e1")),
    ] {
        let record =
            format!(r#"{{"shop": "a.example", "topic": "{topic}", "event_id": "e1", "payload": {payload}}}"#);
        let (headers, _) = request_of(&record, &HeaderPrefix::parse("X-Acme")?)?;
        assert_eq!(headers.get(name).map(|value| value.as_bytes()), value.map(str::as_bytes), "{topic}");
        assert!(!headers.contains_key("x-acme-test"));
    }
    Ok(())
}
