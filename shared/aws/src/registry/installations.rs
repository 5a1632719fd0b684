//! The items of installations.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use storehook_domain::{
    event::id::EventId,
    installation::{
        Installation, Scope, app::AppId, secret_rotation::InstallationSecret, shop::ShopDomain,
        token::TokenHash,
    },
    webhook::quota::WebhookCount,
};

use super::tokens::{token_key, token_partition};
use crate::table::{Item, key};

/// An installation's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstallationItem {
    pk: String,
    sk: String,
    shop: ShopDomain,
    app: AppId,
    store_id: String,
    time_zone: String,
    scopes: Vec<Scope>,
    secrets: Vec<InstallationSecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uninstalled_at: Option<Timestamp>,
    /// When the app was installed.
    pub installed_at: Timestamp,
    /// The partition of its token's item.
    token: String,
    /// The number of its changes; absent until the first one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
    /// The latest events `app/uninstalled` that ended an installation of this app on this shop:
    /// earlier ones, and this one if it is ending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_by: Vec<EventId>,
    /// How many webhooks it has, by the transactions that create and delete them; absent if an older
    /// release installed the app and nobody has counted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook_count: Option<u64>,
    /// When the webhooks themselves were last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhooks_counted_at: Option<Timestamp>,
    /// When the item expires, in seconds since the Unix epoch, once the installation is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// The state of an installation: see the table in [`crate::registry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallationState {
    /// The app is installed.
    Installed,
    /// It is uninstalled, and something of it is left to clear.
    Ending,
    /// It is uninstalled, and all that is left expires.
    Ended,
}

fn is_zero(version: &u64) -> bool {
    *version == 0
}

impl InstallationItem {
    /// The item of an installation with this token. It has no webhook yet.
    pub fn of(installation: Installation, token: &TokenHash, installed_at: Timestamp) -> Self {
        let Installation { shop, app, store_id, time_zone, scopes, secrets, uninstalled_at } = installation;
        let (pk, sk) = (partition_of(&shop, &app), INSTALLATION_SORT_KEY.to_owned());
        let token = token_partition(token);
        Self {
            pk,
            sk,
            shop,
            app,
            store_id,
            time_zone,
            scopes,
            secrets,
            uninstalled_at,
            installed_at,
            token,
            version: 0,
            ended_by: Vec::new(),
            webhook_count: Some(0),
            webhooks_counted_at: Some(installed_at),
            expires_at: None,
        }
    }

    /// The installation after others that these events ended. It remembers the last of them.
    pub fn after(self, ended_by: &[EventId]) -> Self {
        let first = ended_by.len().saturating_sub(REMEMBERED_ENDS);
        Self { ended_by: ended_by.iter().skip(first).cloned().collect(), ..self }
    }

    /// Its state.
    pub fn state(&self) -> InstallationState {
        match (self.uninstalled_at, self.expires_at) {
            (None, _) => InstallationState::Installed,
            (Some(_), None) => InstallationState::Ending,
            (Some(_), Some(_)) => InstallationState::Ended,
        }
    }

    /// How many webhooks it has; `None` if nobody has counted them.
    pub fn webhook_count(&self) -> Option<WebhookCount> {
        let (webhooks, counted_at) = (self.webhook_count?, self.webhooks_counted_at?);
        Some(WebhookCount { webhooks, counted_at })
    }

    /// What its item holds of its token. No other installation has it.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The installation, unless the app is uninstalled, or it is another one than that with this token
    /// ([`Self::token`]).
    pub fn installed_with(self, token: &str) -> Option<Installation> {
        let has_token = self.token == token;
        let installation = Installation::from(self);
        (has_token && installation.uninstalled_at.is_none()).then_some(installation)
    }

    /// The key of its token's item.
    pub fn token_key(&self) -> Item {
        token_key(&self.token)
    }
}

impl From<InstallationItem> for Installation {
    fn from(item: InstallationItem) -> Self {
        let InstallationItem { shop, app, store_id, time_zone, scopes, secrets, uninstalled_at, .. } = item;
        Self { shop, app, store_id, time_zone, scopes, secrets, uninstalled_at }
    }
}

/// How long the items of an uninstalled app are kept. It is longer than the schedule of its last
/// delivery.
pub const UNINSTALLED_KEPT: SignedDuration = SignedDuration::from_hours(4 * 24);

/// How many ends an installation remembers. An event must be known for as long as clocks may
/// differ, which is a minute.
const REMEMBERED_ENDS: usize = 20;

/// Whether an item of an installation's partition is the installation itself.
pub fn is_installation(item: &Item) -> bool {
    item.get("sk").and_then(|key| key.as_s().ok()).is_some_and(|key| key == INSTALLATION_SORT_KEY)
}

/// The partition of an installation and its webhooks.
pub fn partition_of(shop: &ShopDomain, app: &AppId) -> String {
    format!("SHOP#{shop}#APP#{app}")
}

/// The key of an installation's item.
pub fn installation_key(shop: &ShopDomain, app: &AppId) -> Item {
    key(&partition_of(shop, app), INSTALLATION_SORT_KEY)
}

/// The sort key of every installation's item.
pub const INSTALLATION_SORT_KEY: &str = "INSTALLATION";

#[cfg(test)]
mod tests {
    use storehook_domain::installation::secret::SharedSecret;

    use super::*;
    use crate::{
        registry::tokens::TokenItem,
        table::{from_item, to_item},
    };

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn an_installation_reads_back_from_its_item() -> TestResult {
        let installation = Installation {
            shop: ShopDomain::parse("a.example")?,
            app: AppId::parse("demo")?,
            store_id: "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned(),
            time_zone: "America/New_York".to_owned(),
            scopes: vec![Scope::Webhooks, Scope::EventsPush],
            secrets: vec![SharedSecret::parse(&"s".repeat(32))?.into()],
            uninstalled_at: None,
        };
        let token = TokenHash::of("shtk_a");
        let item = to_item(InstallationItem::of(installation.clone(), &token, Timestamp::UNIX_EPOCH))?;
        let read: InstallationItem = from_item(item.clone())?;
        assert_eq!(read.token_key(), TokenItem::key_of(&token));
        let counted_at = Timestamp::UNIX_EPOCH;
        assert_eq!(read.webhook_count(), Some(WebhookCount { webhooks: 0, counted_at }));
        assert_eq!(Installation::from(from_item::<InstallationItem>(item)?), installation);
        Ok(())
    }
}
