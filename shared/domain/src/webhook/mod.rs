//! Webhooks: subscriptions of an app to what happens in a shop.

pub mod address;
pub mod address_policy;
pub mod attributes;
pub mod custom_headers;
pub mod disabled_event;
pub mod failure_run;
pub mod filter;
pub mod header_prefix;
pub mod new_webhook;
pub mod query;

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
    /// Its id. Ids grow.
    pub id: WebhookId,
    /// The shop whose events it gets.
    pub shop: ShopDomain,
    /// The app that registered it, and alone sees it.
    pub app: AppId,
    /// What it subscribes to.
    pub topic: TopicPattern,
    /// Where its deliveries go.
    pub address: Address,
    /// The format of their bodies.
    pub format: Format,
    /// What its endpoint is expected to answer.
    pub protocol: Protocol,
    /// Whether it gets deliveries.
    pub status: Status,
    /// The top-level payload keys that it gets; none means all.
    pub fields: Vec<String>,
    /// The namespaces of the metafields that it gets.
    pub metafield_namespaces: Vec<String>,
    /// Headers of its own.
    pub custom_headers: CustomHeaders,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, so that two at once cannot both win.
    pub version: u64,
}

/// A webhook's times are in whole seconds: the API tells them so, and its filters must find what it told.
pub fn whole_second(time: Timestamp) -> Timestamp {
    time.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Trunc)).unwrap_or(time)
}

/// A webhook's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WebhookId(u64);

/// The text is no webhook id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number")]
pub struct InvalidWebhookId;

impl WebhookId {
    /// The id with this number.
    pub fn new(number: u64) -> Self {
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

    /// ASCII digits and nothing else: no sign, no exponent, no other script's digits.
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

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// What an endpoint is expected to answer.
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

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }
}

/// Whether a webhook gets deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does.
    Active,
    /// Its owner paused it.
    Paused,
    /// We disabled it.
    Disabled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// Those that an owner sets.
    pub const WRITABLE: [Self; 2] = [Self::Active, Self::Paused];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// The status that an owner sets by that name; `disabled` is ours alone to set.
    pub fn from_writable_name(name: &str) -> Option<Self> {
        Self::WRITABLE.into_iter().find(|status| status.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_plain_digits() {
        for (text, id) in [
            ("1", Some(1)),
            ("901431826", Some(901_431_826)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1.0", None),
            ("٣", None),
            (" 1", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<WebhookId>().ok().map(WebhookId::get), id, "{text:?}");
        }
    }

    #[test]
    fn an_owner_cannot_set_disabled() {
        for (name, status) in [
            ("active", Some(Status::Active)),
            ("paused", Some(Status::Paused)),
            ("disabled", None),
            ("", None),
        ] {
            assert_eq!(Status::from_writable_name(name), status);
        }
    }
}
