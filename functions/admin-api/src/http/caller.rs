//! The caller: the installation that a request speaks for.

use jiff::tz::TimeZone;
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
}
