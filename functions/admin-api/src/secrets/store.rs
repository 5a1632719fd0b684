//! The secrets of installations, in the registry table.
//!
//! They are written whole, on the condition that the installation's `version` is still the one that
//! was loaded with them. The condition says nothing about the secrets themselves: an older release
//! stored them in another shape, and a value that is read and written anew may differ from the
//! stored one.
//!
//! A rotation whose response was lost is made again by the SDK and then refused, because it grew
//! the version itself. It is known by its new secret: nobody else has that one.

use aws_sdk_dynamodb::{Client, types::ReturnValuesOnConditionCheckFailure};
use storehook_aws::{
    registry::{self, InstallationItem},
    table::{self, Item, TableError, number, text},
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
        self.load_item(caller).await?.map_or(Ok(None), |item| installed(item, caller))
    }

    /// Loads the caller's installation; `None` if the app is uninstalled.
    pub(crate) async fn load_installation(
        &self,
        caller: &Caller,
    ) -> Result<Option<Installation>, TableError> {
        let item = self.load_item(caller).await?.map(table::from_item).transpose()?;
        Ok(item.and_then(|item: InstallationItem| of_caller(item, caller)))
    }

    /// Loads the item of the app on the shop, whichever installation it holds.
    async fn load_item(&self, caller: &Caller) -> Result<Option<Item>, TableError> {
        let key = registry::installation_key(&caller.shop, &caller.app);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await?.item)
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
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(registry::installation_key(&caller.shop, &caller.app)))
            .update_expression("SET secrets = :secrets, version = :next")
            .expression_attribute_values(":secrets", table::to_value(secrets)?)
            .expression_attribute_values(":next", number(version + 1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        const IS_INSTALLED: &str = "#token = :token AND attribute_not_exists(uninstalled_at)";
        let update = update
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":token", text(registry::token_partition(&caller.token)));
        let update = match version {
            0 => update.condition_expression(format!("{IS_INSTALLED} AND attribute_not_exists(version)")),
            version => update
                .condition_expression(format!("{IS_INSTALLED} AND version = :version"))
                .expression_attribute_values(":version", number(version)),
        };
        let Err(conflict) = table::conditional(update.send().await)? else { return Ok(true) };
        let found = conflict.item.map_or(Ok(None), |item| installed(item, caller))?;
        Ok(found.is_some_and(|found| found.secrets.iter().any(|secret| secret.secret == *new)))
    }
}

/// The secrets of an item's installation; see [`of_caller`].
fn installed(item: Item, caller: &Caller) -> Result<Option<VersionedSecrets>, TableError> {
    let item: InstallationItem = table::from_item(item)?;
    let version = item.version;
    let secrets = of_caller(item, caller).map(|installation| installation.secrets);
    Ok(secrets.map(|secrets| VersionedSecrets { secrets, version }))
}

/// An item's installation, unless the app is uninstalled, or it is a later one than the caller's.
fn of_caller(item: InstallationItem, caller: &Caller) -> Option<Installation> {
    let is_callers = item.token() == registry::token_partition(&caller.token);
    let installation = Installation::from(item);
    (is_callers && installation.uninstalled_at.is_none()).then_some(installation)
}
