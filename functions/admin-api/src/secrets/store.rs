//! The secrets of the caller's installation, in the registry table.

use aws_sdk_dynamodb::Client;
use storehook_aws::{
    registry::{self, SecretOwner, load_installation, replace_secrets},
    table::TableError,
};
use storehook_domain::installation::{
    Installation, secret::SharedSecret, secret_rotation::InstallationSecret,
};

use crate::http::caller::Caller;

/// The registry's secrets.
#[derive(Clone)]
pub(crate) struct SecretStore {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// The secrets of an installation, and the version of its item.
pub(crate) struct VersionedSecrets {
    pub(crate) secrets: Vec<InstallationSecret>,
    pub(crate) version: u64,
}

impl SecretStore {
    /// Loads the secrets of the caller's installation; `None` if the app is uninstalled.
    pub(crate) async fn load(&self, caller: &Caller) -> Result<Option<VersionedSecrets>, TableError> {
        let item = load_installation(&self.client, &self.table, &caller.shop, &caller.app).await?;
        Ok(item.and_then(|item| {
            let version = item.version;
            let installation = item.installed_with(&registry::token_partition(&caller.token))?;
            Some(VersionedSecrets { secrets: installation.secrets, version })
        }))
    }

    /// Loads the caller's installation; `None` if the app is uninstalled.
    pub(crate) async fn load_installation(
        &self,
        caller: &Caller,
    ) -> Result<Option<Installation>, TableError> {
        let item = load_installation(&self.client, &self.table, &caller.shop, &caller.app).await?;
        Ok(item.and_then(|item| item.installed_with(&registry::token_partition(&caller.token))))
    }

    /// Replaces the secrets of the caller's installation, if it still has this version. `new` is
    /// the one among them that has just been made. Returns whether they are replaced.
    pub(crate) async fn replace(
        &self,
        caller: &Caller,
        version: u64,
        secrets: &[InstallationSecret],
        new: &SharedSecret,
    ) -> Result<bool, TableError> {
        let token = registry::token_partition(&caller.token);
        let owner = SecretOwner { shop: &caller.shop, app: &caller.app, token: &token, version };
        replace_secrets(&self.client, &self.table, owner, secrets, new).await
    }
}
