//! One app on one shop.

pub mod app;
pub mod rate_limit;
pub mod secret;
pub mod secret_rotation;
pub mod shop;
pub mod token;

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::installation::{
    app::AppId, secret::SharedSecret, secret_rotation::InstallationSecret, shop::ShopDomain,
};

/// One app on one shop: who it is, what it may do, and what its deliveries are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The shop.
    pub shop: ShopDomain,
    /// The app.
    pub app: AppId,
    /// The shop's UUID, sent as `X-Spiffy-Stores-ID`.
    pub store_id: String,
    /// The shop's IANA time zone, for example `America/New_York`; the API prints its timestamps in it.
    pub time_zone: String,
    /// What its token may do.
    pub scopes: Vec<Scope>,
    /// The secrets, oldest first: one, and those whose rotation overlaps.
    pub secrets: Vec<InstallationSecret>,
    /// When the app was uninstalled. What is left of the installation then is what the delivery that
    /// tells the app so needs; all others end.
    pub uninstalled_at: Option<Timestamp>,
}

impl Installation {
    /// The secrets that sign at this time, oldest first.
    pub fn signing_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SharedSecret> {
        self.secrets.iter().filter(move |secret| secret.signs(now)).map(|secret| &secret.secret)
    }
}

/// Something that an installation's token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Manage the app's webhooks.
    Webhooks,
    /// Push events of the shop.
    EventsPush,
}

/// The text names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a scope is 'webhooks' or 'events:push'")]
pub struct UnknownScope;

impl Scope {
    /// The scope's name, as `storehook install --scope` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::EventsPush => "events:push",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        [Self::Webhooks, Self::EventsPush]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_from_their_names() {
        for scope in [Scope::Webhooks, Scope::EventsPush] {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("admin".parse::<Scope>(), Err(UnknownScope));
    }
}
