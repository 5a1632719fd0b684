//! The partition that an installation has to itself.

use storehook_domain::installation::{app::AppId, shop::ShopDomain};

/// The partition of an installation and its webhooks.
pub fn partition_of(shop: &ShopDomain, app: &AppId) -> String {
    format!("SHOP#{shop}#APP#{app}")
}
