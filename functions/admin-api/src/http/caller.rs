//! The caller: the installation that a request speaks for.

use jiff::tz::TimeZone;
use storehook_aws::registry::{TokenItem, WebhooksSeen};
use storehook_domain::installation::{app::AppId, shop::ShopDomain, token::TokenHash};

/// An admitted installation. Handlers find it in the request's extensions. Every key that is read
/// or written is built from it, so no request reaches another installation's data.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) shop: ShopDomain,
    pub(crate) app: AppId,
    /// The token that it called with. It tells the installation from a later one of the same app on
    /// the same shop.
    pub(crate) token: TokenHash,
    pub(crate) time_zone: TimeZone,
    pub(crate) pushed: Pushed,
}

/// What its token's item tells of the events that it has pushed.
#[derive(Clone, Copy)]
pub(crate) struct Pushed {
    /// When the bucket of its events will be empty, in microseconds since the Unix epoch.
    pub(crate) empty_at: Option<i64>,
    /// How many webhooks it had when a push last looked.
    pub(crate) webhooks: Option<WebhooksSeen>,
}

impl Caller {
    /// The caller that a token's item names.
    pub(crate) fn of(token: TokenHash, item: TokenItem) -> Self {
        let time_zone = time_zone_of(&item);
        let pushed = Pushed { empty_at: item.push_bucket_empty_at, webhooks: item.webhooks_seen };
        Self { shop: item.shop, app: item.app, token, time_zone, pushed }
    }
}

/// The installation command checks the zone. A zone that is renamed later must not lock the app
/// out.
fn time_zone_of(item: &TokenItem) -> TimeZone {
    TimeZone::get(&item.time_zone).unwrap_or_else(|error| {
        tracing::warn!(error = storehook_aws::causes(&error), caller.shop = %item.shop, "unknown time zone: using UTC");
        TimeZone::UTC
    })
}
