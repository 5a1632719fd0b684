//! The query for a shop's webhooks, which each batch makes once for each shop: page by page, each by a direct
//! call, or by the SDK if that fails.

use aws_sdk_dynamodb::Client;
use serde::{Deserialize, Serialize};
use storehook_aws::{
    direct::Direct,
    table::{Item, TableError},
};

/// A query of an index, in the order of its sort key.
pub(crate) struct Query<'a> {
    /// The name of the table.
    pub(crate) table: &'a str,
    /// The name of the index.
    pub(crate) index: &'a str,
    /// The condition of its keys.
    pub(crate) condition: &'a str,
    /// The values that the condition names.
    pub(crate) values: Item,
}

/// A page: its items, and where the next one begins.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// `None` if this is the last one.
    pub(crate) last_key: Option<Item>,
}

impl Query<'_> {
    /// The page that begins after this key. It holds up to 1 MB ("Query", Amazon DynamoDB API
    /// Reference).
    ///
    /// # Errors
    ///
    /// The call failed.
    pub(crate) async fn page(
        &self,
        client: &Client,
        direct: &Direct,
        last_key: Option<Item>,
    ) -> Result<Page, TableError> {
        match self.page_directly(direct, last_key.clone()).await {
            Some(page) => Ok(page),
            None => Box::pin(self.page_by_sdk(client, last_key)).await,
        }
    }

    /// Makes the call directly. `None` if it was not made, or is unclear.
    async fn page_directly(&self, direct: &Direct, last_key: Option<Item>) -> Option<Page> {
        let call = Call {
            table_name: self.table,
            index_name: self.index,
            key_condition_expression: self.condition,
            expression_attribute_values: self.values.clone().into(),
            exclusive_start_key: last_key.map(Into::into),
        };
        let Response { items, last_evaluated_key } = direct.read("Query", &call).await?;
        let items = items.into_iter().map(Item::from).collect();
        Some(Page { items, last_key: last_evaluated_key.map(Item::from).filter(|key| !key.is_empty()) })
    }

    /// The same call by the SDK.
    async fn page_by_sdk(&self, client: &Client, last_key: Option<Item>) -> Result<Page, TableError> {
        let call = client
            .query()
            .table_name(self.table)
            .index_name(self.index)
            .key_condition_expression(self.condition)
            .set_expression_attribute_values(Some(self.values.clone()))
            .set_exclusive_start_key(last_key);
        let response = call.send().await?;
        let last_key = response.last_evaluated_key.filter(|key| !key.is_empty());
        Ok(Page { items: response.items.unwrap_or_default(), last_key })
    }
}

/// The direct call ("Query", Amazon DynamoDB API Reference).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Call<'a> {
    table_name: &'a str,
    index_name: &'a str,
    key_condition_expression: &'a str,
    expression_attribute_values: serde_dynamo::Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusive_start_key: Option<serde_dynamo::Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(default)]
    items: Vec<serde_dynamo::Item>,
    last_evaluated_key: Option<serde_dynamo::Item>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use storehook_aws::{AwsConfig, direct::Service, stand_in::StandIn, table};

    use super::*;

    /// The second page is asked for directly, and by the SDK, which makes the very same call.
    #[tokio::test]
    async fn every_page_is_read_directly_or_by_the_sdk() -> Result<(), Box<dyn std::error::Error>> {
        let aws = StandIn::start().await?;
        let config = AwsConfig::read(&aws.environment(&[]))?;
        let last = json!({"shop": {"S": "a.example"}, "id": {"N": "7"}, "pk": {"S": "p"}, "sk": {"S": "s"}});
        aws.reply("Query", json!({"Items": [{"id": {"N": "7"}}], "LastEvaluatedKey": last}));
        aws.reply_with("Query", 500.try_into()?, json!({}));
        aws.reply("Query", json!({"Items": [{"id": {"N": "8"}}]}));
        let query = Query {
            table: "t",
            index: "i",
            condition: "shop = :shop",
            values: Item::from([(":shop".to_owned(), table::text("a.example"))]),
        };
        let (client, direct) = (Client::new(&config.sdk), Direct::new(&config, Service::DynamoDb));
        let id = |page: &Page| page.items.first().and_then(|item| item.get("id")?.as_n().ok()).cloned();
        let first = query.page(&client, &direct, None).await?;
        assert_eq!(id(&first).as_deref(), Some("7"));
        let second = query.page(&client, &direct, first.last_key).await?;
        assert_eq!((id(&second).as_deref(), second.last_key), (Some("8"), None));
        let calls = aws.calls("Query");
        assert_eq!(calls.len(), 3);
        assert_eq!(calls[0].get("ExclusiveStartKey"), None);
        assert_eq!(calls[1]["ExclusiveStartKey"], last);
        assert_eq!(calls[1], calls[2]);
        Ok(())
    }
}
