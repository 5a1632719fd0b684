//! The body of a delivery: the payload in the form that its webhook asks for.
//!
//! A webhook selects members, a format (JSON or XML) and a protocol. An integration gets Spree's
//! event message, which is always JSON.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    event::{
        id::EventId,
        topic::{Topic, TopicPattern},
    },
    payload::{
        Payload,
        xml::{self, Unrenderable},
    },
    webhook::{Format, Protocol, Webhook},
};

/// The attributes of a webhook that decide the bodies of its deliveries.
///
/// The history keeps payloads and no bodies. It keeps the shape with each attempt, so it can show
/// the body as it was sent, even if the webhook has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyShape {
    topic: TopicPattern,
    protocol: Protocol,
    format: Format,
    fields: Vec<String>,
    metafield_namespaces: Vec<String>,
}

impl BodyShape {
    /// The shape of a webhook's bodies.
    pub fn of(webhook: &Webhook) -> Self {
        Self {
            topic: webhook.topic.clone(),
            protocol: webhook.protocol,
            format: webhook.format,
            fields: webhook.fields.clone(),
            metafield_namespaces: webhook.metafield_namespaces.clone(),
        }
    }

    /// Makes a body from an event's payload. Returns it with its media type.
    ///
    /// # Errors
    ///
    /// The payload is too deep or too large for XML.
    pub fn body<'a>(
        &self,
        payload: Payload<'a>,
        topic: &Topic,
        event_id: &EventId,
    ) -> Result<(Cow<'a, str>, &'static str), Unrenderable> {
        let payload = payload.select(topic.resource(), &self.fields, &self.metafield_namespaces);
        Ok(match (self.protocol, self.format) {
            (Protocol::Integration, _) => {
                (self.message(topic, event_id, &payload).into(), "application/json")
            }
            (Protocol::Webhook, Format::Json) => (payload, "application/json"),
            (Protocol::Webhook, Format::Xml) => {
                (xml::render(&payload, topic.resource())?.into(), "application/xml")
            }
        })
    }

    /// Spree's event message. It names the topic as the webhook spells it. If the webhook
    /// subscribes to a pattern of many topics, the message has the topic's own name.
    fn message(&self, topic: &Topic, event_id: &EventId, payload: &str) -> String {
        let topic = topic.as_str();
        let event = if self.topic.key() == topic { self.topic.as_str() } else { topic };
        // Topics and ids have no characters that JSON would escape.
        format!(r#"{{"event":"{event}","event_id":"{event_id}","payload":{payload}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_resource_keeps_its_secrets_in_every_form() -> Result<(), Box<dyn std::error::Error>> {
        let topic = "product_listings/add";
        let payload = r#"{"product_listing": {"id":1, "cost":2, "metafields":[{"namespace":"private"}]}}"#;
        let xml = |members: &str| {
            let opening = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<product-listing>\n";
            format!("{opening}  <id type=\"integer\">1</id>\n{members}</product-listing>\n")
        };
        let cost = "  <cost type=\"integer\">2</cost>\n";
        for (fields, json, xml) in [
            (&[][..], r#"{"product_listing":{"id":1,"cost":2}}"#, xml(cost)),
            (&["product_listing"], r#"{"product_listing":{"id":1,"cost":2}}"#, xml(cost)),
            (&["id", "metafields"], r#"{"product_listing":{"id":1}}"#, xml("")),
        ] {
            let message = format!(r#"{{"event":"{topic}","event_id":"e1","payload":{json}}}"#);
            for (protocol, format, expected) in [
                (Protocol::Webhook, Format::Json, json),
                (Protocol::Webhook, Format::Xml, &xml),
                (Protocol::Integration, Format::Json, &message),
            ] {
                let shape = BodyShape {
                    topic: TopicPattern::parse(topic)?,
                    protocol,
                    format,
                    fields: fields.iter().map(|field| (*field).to_owned()).collect(),
                    metafield_namespaces: vec![],
                };
                let payload = Payload::parse(payload)?;
                let (body, _) = shape.body(payload, &Topic::parse(topic)?, &EventId::parse("e1")?)?;
                assert_eq!(body, expected, "{protocol:?} {format:?}");
            }
        }
        Ok(())
    }
}
