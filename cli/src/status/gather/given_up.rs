//! The bucket of records that Lambda gave up: one page of its list.

use anyhow::Result;

use crate::{republish::bucket::Bucket, stack::connection::Connection, status::facts::GivenUpFacts};

/// Counts the batches that are in the bucket, up to 1,000.
pub(super) async fn load(connection: &Connection) -> Result<GivenUpFacts> {
    let name = connection.outputs().await?.given_up_records.clone();
    let page = Bucket::new(connection, name.clone()).first_page().await?;
    let batches = page.objects.len() as u64;
    let since = page.objects.into_iter().filter_map(|object| object.since).min();
    Ok(GivenUpFacts { bucket: name, batches, has_more: page.has_more, since })
}
