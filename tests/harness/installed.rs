//! Installations: each test has a shop of its own.

use anyhow::{Result, ensure};
use storehook::install::{Args, Keys, install};
use storehook_domain::installation::{Scope, app::AppId, secret::SharedSecret, shop::ShopDomain};

use crate::{api::Api, stack::Stack};

/// An app that a test has installed on a shop of its own.
pub struct Installed {
    /// The shop.
    pub shop: ShopDomain,
    /// The app.
    pub app: AppId,
    /// Its token.
    pub token: String,
    /// Its secret.
    pub secret: SharedSecret,
    /// The admin API, as it sees it.
    pub api: Api,
}

impl Stack {
    /// Installs an app on a new shop.
    pub async fn install(&self) -> Result<Installed> {
        self.install_on(&new_shop()?, "test-app").await
    }

    /// Installs an app on a shop.
    pub async fn install_on(&self, shop: &ShopDomain, app: &str) -> Result<Installed> {
        self.install_as(shop, app, &[Scope::Webhooks, Scope::EventsPush]).await
    }

    /// Installs an app on a new shop, with these scopes.
    pub async fn install_with(&self, scopes: &[Scope]) -> Result<Installed> {
        self.install_as(&new_shop()?, "test-app", scopes).await
    }

    async fn install_as(&self, shop: &ShopDomain, app: &str, scopes: &[Scope]) -> Result<Installed> {
        let keys = Keys::random()?;
        let args = Args {
            shop: shop.clone(),
            app: app.parse()?,
            time_zone: "America/New_York".to_owned(),
            scopes: scopes.to_vec(),
        };
        ensure!(install(&self.connection(), &args, &keys).await?, "{app} is installed on {shop}");
        let api = Api::new(&self.api_url, &keys.token)?;
        Ok(Installed { shop: args.shop, app: args.app, token: keys.token, secret: keys.secret, api })
    }
}

fn new_shop() -> Result<ShopDomain> {
    Ok(format!("{}.spiffystores.com", uuid::Uuid::new_v4().simple()).parse()?)
}
