//! Installations: one app on one shop.
//!
//! An operator installs an app on a shop. The app then has three things:
//!
//! * A [token](token::TokenHash), which it sends with each API call. Storehook keeps only the
//!   token's hash. A [leaky bucket](rate_limit::RateLimit) limits how often the app may call.
//! * [Scopes](Scope), which say what the token may do.
//! * [Secrets](secret_rotation::InstallationSecret), which sign its deliveries. There is one, or
//!   several while a [rotation](secret_rotation) overlaps.
//!
//! When the app is uninstalled, the token is deleted at once. The rest stays for some days, because
//! the delivery of `app/uninstalled` still needs it.

pub mod app;
pub mod message_group;
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

/// One app on one shop: who it is, what it may do, and the secrets that sign its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The shop.
    pub shop: ShopDomain,
    /// The app.
    pub app: AppId,
    /// The shop's UUID, sent as `X-Spiffy-Stores-ID`.
    pub store_id: String,
    /// The shop's IANA time zone, such as `America/New_York`. The API prints times in it.
    pub time_zone: String,
    /// What its token may do.
    pub scopes: Vec<Scope>,
    /// The secrets, oldest first: the newest, and older ones whose overlap has not ended.
    pub secrets: Vec<InstallationSecret>,
    /// When the app was uninstalled, if it was. Only the delivery of `app/uninstalled` is still
    /// sent.
    pub uninstalled_at: Option<Timestamp>,
}

impl Installation {
    /// The secrets that sign at `now`, oldest first.
    pub fn signing_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SharedSecret> {
        self.secrets.iter().filter(move |secret| secret.signs(now)).map(|secret| &secret.secret)
    }
}

/// A permission of an installation's token.
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
    /// The scope's name, as in `storehook install --scope`.
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
