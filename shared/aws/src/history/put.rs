//! Writing a delivery's record: one call for each attempt, so it is made directly.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue;
use storehook_domain::history::record::DeliveryRecord;

use super::{
    deliveries::{DeliveryItem, Packing},
    store::{HistoryTable, Write},
};
use crate::{
    direct::{Called, Direct},
    table::{self, TableError, number},
};

/// The direct call ("PutItem", Amazon DynamoDB API Reference).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutItem<'a> {
    table_name: &'a str,
    item: &'a serde_dynamo::Item,
    condition_expression: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression_attribute_values: Option<Version>,
    return_values_on_condition_check_failure: &'static str,
}

#[derive(Serialize)]
struct Version {
    #[serde(rename = ":version")]
    version: AttributeValue,
}

/// The error of a call whose condition failed.
#[derive(Deserialize)]
struct ConditionFailed {
    #[serde(rename = "Item")]
    item: Option<serde_dynamo::Item>,
}

/// The condition that there is no record, or that it has the version that was read.
fn condition(version: u64) -> &'static str {
    if version == 0 { "attribute_not_exists(pk)" } else { "version = :version" }
}

impl HistoryTable {
    /// Writes a record over the `version` that it was made from; 0 means that there was no record.
    ///
    /// A record may be written twice, where the first response is lost. The second write then meets the
    /// first, which does not count as a conflict.
    ///
    /// # Errors
    ///
    /// The call failed, or an item is malformed.
    pub async fn put(&self, after: &DeliveryRecord, version: u64) -> Result<Write, TableError> {
        let item: serde_dynamo::Item = serde_dynamo::to_item(Packing(after))?;
        let directly = match &self.direct {
            Some(direct) => self.put_directly(direct, &item, version).await,
            None => None,
        };
        let found = match directly {
            Some(found) => found,
            None => Box::pin(self.put_by_sdk(item, version)).await?,
        };
        let Some(found) = found else { return Ok(Write::Made) };
        let found = found.map(|found| Box::new(found.record));
        Ok(if found.as_deref() == Some(after) { Write::Made } else { Write::Conflict(found) })
    }

    /// Writes an item. Returns `None` if it is unclear whether it was written, else the conflict, if
    /// there is one, with what is there now.
    async fn put_directly(
        &self,
        direct: &Direct,
        item: &serde_dynamo::Item,
        version: u64,
    ) -> Option<Option<Option<DeliveryItem>>> {
        let put = PutItem {
            table_name: &self.name,
            item,
            condition_expression: condition(version),
            expression_attribute_values: (version != 0)
                .then(|| Version { version: AttributeValue::N(version.to_string()) }),
            return_values_on_condition_check_failure: "ALL_OLD",
        };
        match direct.call("PutItem", &put).await {
            Called::Made(_) => Some(None),
            Called::ConditionFailed(error) => {
                let ConditionFailed { item } = serde_json::from_slice(&error).ok()?;
                Some(Some(item.map(serde_dynamo::from_item).transpose().ok()?))
            }
            Called::NotMade | Called::Unclear => None,
        }
    }

    /// The same by the SDK.
    async fn put_by_sdk(
        &self,
        item: serde_dynamo::Item,
        version: u64,
    ) -> Result<Option<Option<DeliveryItem>>, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.into()))
            .condition_expression(condition(version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match version {
            0 => put,
            version => put.expression_attribute_values(":version", number(version)),
        };
        let Err(conflict) = table::conditional(put.send().await)? else { return Ok(None) };
        Ok(Some(conflict.item.map(table::from_item::<DeliveryItem>).transpose()?))
    }
}
