//! Webhooks: an app's subscriptions to the events of a shop.
//!
//! An app creates and changes webhooks over the API. [`new_webhook`] reads what the app writes,
//! with the help of [`attributes`] and the types of single attributes: [`address`],
//! [`custom_headers`]. [`query`] and [`filter`] read and apply the query of a list.
//!
//! Two settings of the operator limit what a webhook may name: [`address_policy`] (which hosts
//! deliveries may reach) and [`header_prefix`] (which headers are ours). A third one limits how many
//! webhooks an app may have on a shop: [`quota`].
//!
//! A webhook's endpoint can fail. [`health`] decides what follows, and the app is told by
//! [`operational_events`].

pub mod address;
pub mod address_policy;
pub mod attributes;
pub mod custom_headers;
pub mod filter;
pub mod header_prefix;
pub mod health;
pub mod new_webhook;
pub mod operational_events;
pub mod query;
pub mod quota;

use std::{fmt, str::FromStr};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::{
    event::topic::TopicPattern,
    installation::{app::AppId, shop::ShopDomain},
    webhook::{address::Address, custom_headers::CustomHeaders},
};

/// A subscription: a topic, an address, a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id. A newer webhook has a larger one.
    pub id: WebhookId,
    /// The shop whose events it gets.
    pub shop: ShopDomain,
    /// The app that registered it. No other app sees it.
    pub app: AppId,
    /// The topic or pattern that it subscribes to.
    pub topic: TopicPattern,
    /// Where its deliveries go.
    pub address: Address,
    /// The format of their bodies.
    pub format: Format,
    /// Which responses its endpoint is expected to give.
    pub protocol: Protocol,
    /// Whether it gets deliveries.
    pub status: Status,
    /// The keys of the payload, or of the resource inside, that it gets. Empty means all.
    pub fields: Vec<String>,
    /// The namespaces of the metafields that it gets.
    pub metafield_namespaces: Vec<String>,
    /// The headers that its owner adds.
    pub custom_headers: CustomHeaders,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The number of its changes. Of two changes at the same time, only one can increase it.
    pub version: u64,
}

/// What names a webhook: its id and the installation that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookKey {
    /// Its id.
    #[serde(rename = "webhook_id")]
    pub id: WebhookId,
    /// The shop whose events it gets.
    pub shop: ShopDomain,
    /// The app that registered it.
    pub app: AppId,
}

impl Webhook {
    /// A new webhook, with the defaults of everything that it need not have. It is created now, to the
    /// second.
    pub fn new(key: WebhookKey, topic: TopicPattern, address: Address, now: Timestamp) -> Self {
        let (WebhookKey { id, shop, app }, now) = (key, whole_second(now));
        Self {
            id,
            shop,
            app,
            topic,
            address,
            format: Format::default(),
            protocol: Protocol::default(),
            status: Status::Active,
            fields: Vec::new(),
            metafield_namespaces: Vec::new(),
            custom_headers: CustomHeaders::default(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// What names it.
    pub fn key(&self) -> WebhookKey {
        WebhookKey { id: self.id, shop: self.shop.clone(), app: self.app.clone() }
    }
}

/// Cuts a time to whole seconds.
///
/// A webhook's times are whole seconds, because the API prints them so: a client that filters by a
/// printed time must find the webhook.
pub fn whole_second(time: Timestamp) -> Timestamp {
    time.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Trunc)).unwrap_or(time)
}

/// A webhook's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WebhookId(u64);

/// The text is not a webhook id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number")]
pub struct InvalidWebhookId;

impl WebhookId {
    /// The id with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The id's number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for WebhookId {
    type Err = InvalidWebhookId;

    /// Reads ASCII digits and nothing else: no sign, no exponent, no digits of other scripts.
    fn from_str(text: &str) -> Result<Self, InvalidWebhookId> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok()).flatten().map(Self).ok_or(InvalidWebhookId)
    }
}

/// The format of a delivery's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `application/json`: the payload itself.
    #[default]
    Json,
    /// `application/xml`: the payload as XML.
    Xml,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Json, Self::Xml];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// Which responses an endpoint is expected to give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Any 2xx.
    #[default]
    Webhook,
    /// 200 with a verdict on Spree's message.
    Integration,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Integration];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Integration => "integration",
        }
    }

    /// The protocol with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }
}

/// Whether a webhook gets deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It gets deliveries.
    Active,
    /// Its owner paused it.
    Paused,
    /// Storehook disabled it.
    Disabled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// The statuses that an owner may set.
    pub const WRITABLE: [Self; 2] = [Self::Active, Self::Paused];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// The status with this name, if an owner may set it. Only Storehook sets `disabled`.
    pub fn from_writable_name(name: &str) -> Option<Self> {
        Self::WRITABLE.into_iter().find(|status| status.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
