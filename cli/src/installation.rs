//! The installation that a command works on, in the registry.
//!
//! The operator reaches the registry with the AWS credentials at hand; no token is needed.

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::Client;
use storehook_aws::registry::{InstallationItem, InstallationState, load_installation};
use storehook_domain::installation::{app::AppId, shop::ShopDomain};

use crate::stack::connection::Connection;

/// Which installation a command works on: an app on a shop.
#[derive(Debug, Clone, clap::Args)]
pub struct Which {
    /// The shop's domain.
    #[arg(long)]
    pub shop: ShopDomain,
    /// The app's name.
    #[arg(long)]
    pub app: AppId,
}

/// The registry of a stack.
#[derive(Debug, Clone)]
pub struct Registry {
    /// Its client.
    pub client: Client,
    /// Its table.
    pub table: String,
}

impl Registry {
    /// The registry of the stack that a connection leads to.
    pub fn of(connection: &Connection) -> Self {
        Self { client: Client::new(&connection.sdk), table: connection.resource("registry") }
    }

    /// Loads an installation, in whichever state it is.
    ///
    /// # Errors
    ///
    /// The registry cannot be read.
    pub async fn load(&self, which: &Which) -> Result<Option<InstallationItem>> {
        let found = load_installation(&self.client, &self.table, &which.shop, &which.app).await;
        found.context("the registry cannot be read")
    }

    /// Loads an installation whose app is installed.
    ///
    /// # Errors
    ///
    /// The registry cannot be read, or the app is not installed there.
    pub async fn installed(&self, which: &Which) -> Result<InstallationItem> {
        let Which { shop, app } = which;
        let Some(installation) = self.load(which).await? else {
            bail!("{app} is not installed on {shop}: `storehook list` shows what is installed where")
        };
        if installation.state() != InstallationState::Installed {
            bail!("{app} was uninstalled from {shop}");
        }
        Ok(installation)
    }
}
