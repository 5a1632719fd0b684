//! The bucket of records that Lambda gave up.

use anyhow::{Context as _, Result};
use aws_sdk_s3::Client;

use crate::stack::connection::Connection;

/// What the names of Lambda's objects begin with: `aws/lambda/<mapping>/<shard>/<day>/<time>-<id>`.
const PREFIX: &str = "aws/lambda/";

/// The bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket with this name.
    pub fn new(connection: &Connection, name: String) -> Self {
        Self { client: Client::new(&connection.sdk), name }
    }

    /// The names of Lambda's objects: shard by shard, the oldest first.
    ///
    /// # Errors
    ///
    /// S3 does not respond, or refuses.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let list = self.client.list_objects_v2().bucket(&self.name).prefix(PREFIX);
        let mut pages = list.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.with_context(|| format!("cannot list the bucket {}", self.name))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    /// The text of an object. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    ///
    /// As for [`Self::keys`].
    pub async fn load(&self, key: &str) -> Result<String> {
        let told = || format!("cannot read {key} in the bucket {}", self.name);
        let object = self.client.get_object().bucket(&self.name).key(key).send().await.with_context(told)?;
        let body = object.body.collect().await.with_context(told)?;
        Ok(String::from_utf8_lossy(&body.into_bytes()).into_owned())
    }

    /// Deletes an object.
    ///
    /// # Errors
    ///
    /// As for [`Self::keys`].
    pub async fn delete(&self, key: &str) -> Result<()> {
        let delete = self.client.delete_object().bucket(&self.name).key(key);
        delete.send().await.with_context(|| format!("cannot delete {key} in the bucket {}", self.name))?;
        Ok(())
    }
}
