//! The body of a delivery: what a webhook makes of an event's payload.

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

/// What of a webhook decides the bodies of its deliveries. It is kept with an attempt, so that the very
/// body can be shown of which only the payload is kept, whatever the webhook has become since.
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

    /// The body that an event's payload becomes, and its media type.
    pub fn body<'a>(
        &self,
        payload: Payload<'a>,
        topic: &Topic,
        event_id: &EventId,
    ) -> Result<(Cow<'a, str>, &'static str), Unrenderable> {
        let payload = payload.select(&self.fields, &self.metafield_namespaces);
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

    /// Spree's event message. An integration that has subscribed to Spree's name of a topic is told that
    /// name; one that has subscribed to many is told the topic's own.
    fn message(&self, topic: &Topic, event_id: &EventId, payload: &str) -> String {
        let topic = topic.as_str();
        let event = if self.topic.key() == topic { self.topic.as_str() } else { topic };
        // Neither holds what JSON would escape.
        format!(r#"{{"event":"{event}","event_id":"{event_id}","payload":{payload}}}"#)
    }
}
