//! The secrets of installations.
//!
//! They are written whole, on the condition that the installation's `version` is still the one that
//! was loaded with them. The condition says nothing about the secrets themselves: an older release
//! stored them in another shape, and a value that is read and written anew may differ from the
//! stored one.
//!
//! A rotation whose response was lost is made again by the SDK and then refused, because it grew
//! the version itself. It is known by its new secret: nobody else has that one.

use aws_sdk_dynamodb::{Client, types::ReturnValuesOnConditionCheckFailure};
use storehook_domain::installation::{
    Installation, app::AppId, secret::SharedSecret, secret_rotation::InstallationSecret, shop::ShopDomain,
};

use super::installations::{InstallationItem, installation_key};
use crate::table::{self, Item, TableError, number, text};

/// The installation whose secrets are replaced, as it was when they were read.
#[derive(Debug, Clone, Copy)]
pub struct SecretOwner<'a> {
    /// Its shop.
    pub shop: &'a ShopDomain,
    /// Its app.
    pub app: &'a AppId,
    /// What its item holds of its token.
    pub token: &'a str,
    /// The number of its changes.
    pub version: u64,
}

/// Loads the installation of an app on a shop, strongly consistent, whichever state it is in.
///
/// # Errors
///
/// The call failed, or the item is malformed.
pub async fn load_installation(
    client: &Client,
    registry: &str,
    shop: &ShopDomain,
    app: &AppId,
) -> Result<Option<InstallationItem>, TableError> {
    let key = installation_key(shop, app);
    let get = client.get_item().table_name(registry).set_key(Some(key)).consistent_read(true);
    get.send().await?.item.map(table::from_item).transpose()
}

/// Replaces the secrets of an installation, if it is still installed and unchanged. `new` is the one
/// among them that has just been made. Returns whether they are replaced.
///
/// # Errors
///
/// The call failed, or an item is malformed.
pub async fn replace_secrets(
    client: &Client,
    registry: &str,
    owner: SecretOwner<'_>,
    secrets: &[InstallationSecret],
    new: &SharedSecret,
) -> Result<bool, TableError> {
    let SecretOwner { shop, app, token, version } = owner;
    let update = client
        .update_item()
        .table_name(registry)
        .set_key(Some(installation_key(shop, app)))
        .update_expression("SET secrets = :secrets, version = :next")
        .expression_attribute_values(":secrets", table::to_value(secrets)?)
        .expression_attribute_values(":next", number(version + 1))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    const IS_INSTALLED: &str = "#token = :token AND attribute_not_exists(uninstalled_at)";
    let update = update
        .expression_attribute_names("#token", "token")
        .expression_attribute_values(":token", text(token));
    let update = match version {
        0 => update.condition_expression(format!("{IS_INSTALLED} AND attribute_not_exists(version)")),
        version => update
            .condition_expression(format!("{IS_INSTALLED} AND version = :version"))
            .expression_attribute_values(":version", number(version)),
    };
    let Err(conflict) = table::conditional(update.send().await)? else { return Ok(true) };
    Ok(conflict
        .item
        .map_or(Ok(None), |item| installed_with(item, token))?
        .is_some_and(|found| found.secrets.iter().any(|secret| secret.secret == *new)))
}

/// An item's installation, if it has this token and is installed.
fn installed_with(item: Item, token: &str) -> Result<Option<Installation>, TableError> {
    let item: InstallationItem = table::from_item(item)?;
    Ok(item.installed_with(token))
}
