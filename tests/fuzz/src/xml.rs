//! Bodies as XML. What is rendered is well formed: another parser reads it.

use storehook_domain::{
    delivery::body_shape::BodyShape,
    event::{id::EventId, topic::Topic},
    payload::Payload,
};

const SHAPE: &str = r#"{"topic": "orders/create", "protocol": "webhook", "format": "xml", "fields": [],
    "metafield_namespaces": []}"#;

/// Renders the bytes, if they are a payload.
pub fn xml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(payload) = Payload::parse(text) else { return };
    let shape: BodyShape = serde_json::from_str(SHAPE).expect("a shape");
    let topic = Topic::parse("orders/create").expect("a topic");
    let event_id = EventId::parse("e1").expect("an id");
    let Ok((body, _)) = shape.body(payload, &topic, &event_id) else { return };
    let document = roxmltree::Document::parse(&body).expect("the XML is well formed");
    assert_eq!(document.root_element().tag_name().name(), "order");
}
