//! The items of tokens: with a token an app calls the API.

use serde::{Deserialize, Serialize};
use storehook_domain::installation::{Installation, Scope, app::AppId, shop::ShopDomain, token::TokenHash};

use crate::table::{Item, key};

/// A token's item: who calls with it, and what they may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenItem {
    pk: String,
    sk: String,
    /// The shop.
    pub shop: ShopDomain,
    /// The app.
    pub app: AppId,
    /// What the token may do.
    pub scopes: Vec<Scope>,
    /// The shop's time zone.
    pub time_zone: String,
    /// When the bucket of the rate limit will be empty, in microseconds since the Unix epoch; see
    /// [`storehook_domain::installation::rate_limit::RateLimit`]. `None` until the first counted
    /// call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_empty_at: Option<i64>,
    /// When the bucket of its panel's requests will be empty, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel_bucket_empty_at: Option<i64>,
    /// When the bucket of its pushed events will be empty, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_bucket_empty_at: Option<i64>,
    /// How many webhooks its installation had when a push last looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks_seen: Option<WebhooksSeen>,
    /// When somebody last signed out of the panel everywhere, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_since: Option<i64>,
}

/// A number of webhooks, and when somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksSeen {
    /// How many there were.
    pub webhooks: u64,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
}

impl TokenItem {
    /// The item of an installation's token.
    pub fn of(token: &TokenHash, installation: &Installation) -> Self {
        Self {
            pk: token_partition(token),
            sk: TOKEN_SORT_KEY.to_owned(),
            shop: installation.shop.clone(),
            app: installation.app.clone(),
            scopes: installation.scopes.clone(),
            time_zone: installation.time_zone.clone(),
            bucket_empty_at: None,
            panel_bucket_empty_at: None,
            push_bucket_empty_at: None,
            webhooks_seen: None,
            sessions_since: None,
        }
    }

    /// The key of a token's item.
    pub fn key_of(token: &TokenHash) -> Item {
        token_key(&token_partition(token))
    }
}

/// The sort key of every token's item.
pub const TOKEN_SORT_KEY: &str = "TOKEN";

/// The partition of a token's item. An installation's item holds it as `token`.
pub fn token_partition(token: &TokenHash) -> String {
    format!("TOKEN#{}", token.as_str())
}

/// The key of the token's item in this partition.
pub(super) fn token_key(partition: &str) -> Item {
    key(partition, TOKEN_SORT_KEY)
}
