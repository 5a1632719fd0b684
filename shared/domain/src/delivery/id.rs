//! Deliveries' ids.

use serde::{Deserialize, Serialize};

use crate::{event::id::EventId, webhook::WebhookId};

/// A delivery's id, `<webhook id>-<event id>`: the same through every retry and replay.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
}

/// The text is no delivery's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a delivery's id is a webhook's id, a dash and an event's id")]
pub struct InvalidDeliveryId;

impl DeliveryId {
    /// Reads an id. Only the spelling that [`ToString`] writes is one: `07-e` is not `7-e`.
    ///
    /// # Errors
    ///
    /// If the text is not a webhook's id, a dash and an event's id.
    ///
    /// ```
    /// use storehook_domain::delivery::id::DeliveryId;
    ///
    /// let id = DeliveryId::parse("7-01JD")?;
    /// assert_eq!((id.webhook_id.get(), id.event_id.as_str()), (7, "01JD"));
    /// assert!(DeliveryId::parse("07-01JD").is_err());
    /// # Ok::<_, storehook_domain::delivery::id::InvalidDeliveryId>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidDeliveryId> {
        let (webhook_id, event_id) = text.split_once('-').ok_or(InvalidDeliveryId)?;
        let id = Self {
            webhook_id: webhook_id.parse().map_err(|_| InvalidDeliveryId)?,
            event_id: EventId::parse(event_id).map_err(|_| InvalidDeliveryId)?,
        };
        (id.to_string() == text).then_some(id).ok_or(InvalidDeliveryId)
    }
}

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.webhook_id, self.event_id)
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = InvalidDeliveryId;

    fn try_from(text: String) -> Result<Self, InvalidDeliveryId> {
        Self::parse(&text)
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_has_one_spelling() {
        for (text, is_valid) in [
            ("7-e1", true),
            ("7-01JD-x_9", true),
            ("7--", true),
            ("18446744073709551615-e", true),
            ("07-e1", false),
            ("+7-e1", false),
            ("7-", false),
            ("-e1", false),
            ("7", false),
            ("", false),
            ("7-a.b", false),
            ("18446744073709551616-e", false),
        ] {
            let parsed = DeliveryId::parse(text);
            let written = parsed.as_ref().map(ToString::to_string);
            assert_eq!(written.as_deref().ok(), is_valid.then_some(text), "{text}");
            assert_eq!(parsed.map(String::from).as_deref().ok(), is_valid.then_some(text), "{text}");
        }
    }
}
