//! The secrets of installations, in the registry table.

use aws_sdk_dynamodb::{
    Client, operation::update_item::UpdateItemError, types::ReturnValuesOnConditionCheckFailure,
};
use storehook_aws::{
    registry::{self, InstallationItem},
    table::{self, TableError},
};
use storehook_domain::installation::{Installation, secret_rotation::InstallationSecret};

use crate::{error::ApiError, http::caller::Caller};

/// The registry's secrets.
#[derive(Clone)]
pub(crate) struct SecretStore {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl SecretStore {
    /// Loads the secrets of the caller's installation; `None` if the app is uninstalled.
    pub(crate) async fn load(&self, caller: &Caller) -> Result<Option<Vec<InstallationSecret>>, TableError> {
        let key = registry::installation_key(&caller.shop, &caller.app);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let item = get.send().await?.item.map(table::from_item::<InstallationItem>).transpose()?;
        let installation = item.map(Installation::from);
        let installation = installation.filter(|installation| installation.uninstalled_at.is_none());
        Ok(installation.map(|installation| installation.secrets))
    }

    /// Replaces the secrets of the caller's installation, if they are still `before`. When the SDK
    /// repeats a call whose response was lost, the write finds its own work: that is no conflict.
    pub(crate) async fn replace(
        &self,
        caller: &Caller,
        before: &[InstallationSecret],
        after: &[InstallationSecret],
    ) -> Result<(), ApiError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(registry::installation_key(&caller.shop, &caller.app)))
            .update_expression("SET secrets = :after")
            .condition_expression("secrets = :before AND attribute_not_exists(uninstalled_at)")
            .expression_attribute_values(":before", table::to_value(before)?)
            .expression_attribute_values(":after", table::to_value(after)?)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let found =
                        refused.item().cloned().map(table::from_item::<InstallationItem>).transpose()?;
                    let is_ours = found.is_some_and(|found| Installation::from(found).secrets == after);
                    if is_ours { Ok(()) } else { Err(ApiError::Conflict) }
                }
                _ => Err(TableError::from(error).into()),
            },
        }
    }
}
