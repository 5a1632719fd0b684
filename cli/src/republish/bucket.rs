//! The bucket of records that Lambda gave up.

use anyhow::{Context as _, Result};
use aws_sdk_s3::{Client, operation::get_object::GetObjectError, types::Object};
use jiff::Timestamp;

use crate::stack::connection::Connection;

/// What the names of Lambda's objects begin with: `aws/lambda/<mapping>/<shard>/<day>/<time>-<id>`.
const PREFIX: &str = "aws/lambda/";

/// What S3 lists of the bucket at a time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Lambda's objects, shard by shard, the oldest first.
    pub objects: Vec<Listed>,
    /// Whether there are more.
    pub has_more: bool,
}

/// An object, as it is listed.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: String,
    /// Since when it is there.
    pub since: Option<Timestamp>,
}

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

    /// The first page of the list: 1,000 objects at most (`ListObjectsV2`, Amazon S3 API Reference).
    ///
    /// # Errors
    ///
    /// As for [`Self::keys`].
    pub async fn first_page(&self) -> Result<Page> {
        let list = self.client.list_objects_v2().bucket(&self.name).prefix(PREFIX).send().await;
        let page = list.with_context(|| format!("cannot list the bucket {}", self.name))?;
        let listed = |Object { key, last_modified, .. }| {
            let since = last_modified.and_then(|at| Timestamp::from_second(at.secs()).ok());
            Some(Listed { key: key?, since })
        };
        let objects = page.contents.unwrap_or_default().into_iter().filter_map(listed).collect();
        Ok(Page { objects, has_more: page.is_truncated.unwrap_or_default() })
    }

    /// The text of an object. Bytes that are not UTF-8 are replaced. `None` if the object is gone: since
    /// it was listed, somebody has published its records and deleted it, or it has expired.
    ///
    /// # Errors
    ///
    /// As for [`Self::keys`].
    pub async fn load(&self, key: &str) -> Result<Option<String>> {
        let told = || format!("cannot read {key} in the bucket {}", self.name);
        let object = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            object => object.with_context(told)?,
        };
        let body = object.body.collect().await.with_context(told)?;
        Ok(Some(String::from_utf8_lossy(&body.into_bytes()).into_owned()))
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
