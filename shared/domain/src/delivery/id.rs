//! Deliveries' ids.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    event::{StoreEvent, id::EventId, topic::Topic},
    installation::app::AppId,
    webhook::WebhookId,
};

/// A delivery's id, `<webhook id>-<event id>`. It stays the same in every retry and replay.
///
/// Two deliveries to a webhook may share an event id: an app may push an event under an id that the
/// store uses as well, and a webhook on a pattern may get events of several topics under one id. So
/// in these cases the id ends with `~` and a [`Distinction`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// Tells it from other deliveries of the same event id to the same webhook, if there may be
    /// any.
    pub distinction: Option<Distinction>,
}

/// A short digest of a delivery's topic and of the app that pushed the event: 8 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Distinction(u32);

/// The text is not a delivery's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a delivery's id is a webhook's id, a dash and an event's id")]
pub struct InvalidDeliveryId;

impl Distinction {
    /// The distinction of an event with this topic. `pushed_by` is the app that pushed it; `None`
    /// if the store published it.
    pub fn of(topic: &Topic, pushed_by: Option<&AppId>) -> Self {
        // Neither can hold a line break.
        let parts = [topic.as_str(), pushed_by.map_or("", AppId::as_str)].join("\n");
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(parts.as_bytes()).into();
        Self(u32::from_be_bytes([a, b, c, d]))
    }

    fn parse(text: &str) -> Option<Self> {
        u32::from_str_radix(text, 16).ok().map(Self)
    }
}

impl std::fmt::Display for Distinction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:08x}", self.0)
    }
}

impl DeliveryId {
    /// The id of an event's delivery to a webhook. `is_by_pattern` says whether the webhook
    /// subscribes by a pattern.
    pub fn of(event: &StoreEvent<'_>, webhook_id: WebhookId, is_by_pattern: bool) -> Self {
        let needs_distinction = is_by_pattern || event.pushed_by.is_some();
        let distinction = needs_distinction.then(|| Distinction::of(&event.topic, event.pushed_by.as_ref()));
        Self { webhook_id, event_id: event.id.clone(), distinction }
    }

    /// Reads an id. It must be spelled as [`ToString`] writes it: `07-e` is not `7-e`.
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
    /// assert!(DeliveryId::parse("7-01JD~0a1b2c3d").is_ok());
    /// assert!(DeliveryId::parse("07-01JD").is_err());
    /// # Ok::<_, storehook_domain::delivery::id::InvalidDeliveryId>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidDeliveryId> {
        let (webhook_id, event) = text.split_once('-').ok_or(InvalidDeliveryId)?;
        let webhook_id = webhook_id.parse().map_err(|_| InvalidDeliveryId)?;
        let id = Self::of_webhook(webhook_id, event).ok_or(InvalidDeliveryId)?;
        (id.to_string() == text).then_some(id).ok_or(InvalidDeliveryId)
    }

    /// The id of a webhook's delivery, from the part that [`Self::of_event`] returns.
    pub fn of_webhook(webhook_id: WebhookId, event: &str) -> Option<Self> {
        let (event_id, distinction) = match event.split_once('~') {
            Some((event_id, distinction)) => (event_id, Some(Distinction::parse(distinction)?)),
            None => (event, None),
        };
        Some(Self { webhook_id, event_id: EventId::parse(event_id).ok()?, distinction })
    }

    /// The id without the webhook's: `<event id>`, or `<event id>~<distinction>`.
    pub fn of_event(&self) -> String {
        match self.distinction {
            Some(distinction) => format!("{}~{distinction}", self.event_id),
            None => self.event_id.to_string(),
        }
    }
}

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.webhook_id, self.of_event())
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
            ("7-e1~0a1b2c3d", true),
            ("7-e1~", false),
            ("7-e1~0A1B2C3D", false),
            ("7-e1~a1b2c3d", false),
            ("7-e1~+a1b2c3d", false),
            ("7-~0a1b2c3d", false),
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

    #[test]
    fn distinctions_of_different_topics_or_apps_differ() -> Result<(), Box<dyn std::error::Error>> {
        let (orders, carts) = (Topic::parse("orders/create")?, Topic::parse("carts/create")?);
        let (one, other) = (AppId::parse("one")?, AppId::parse("other")?);
        let all = [
            Distinction::of(&orders, None),
            Distinction::of(&carts, None),
            Distinction::of(&orders, Some(&one)),
            Distinction::of(&orders, Some(&other)),
        ];
        let texts: std::collections::BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), all.len());
        // Ids that were sent contain it, so it never changes.
        assert_eq!(Distinction::of(&orders, Some(&one)).to_string(), "74baef97");
        Ok(())
    }
}
