//! Sessions and one-time links, in the registry table.

use aws_sdk_dynamodb::{Client, types::ReturnValue};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    registry::{LinkItem, SessionItem, TokenItem, sign_in_key, token_partition},
    table::{self, TableError, number},
};
use storehook_domain::installation::{rate_limit::RateLimit, token::TokenHash};

use crate::http::bucket::{Bucket, Buckets, Count, Owner};

/// The registry's sessions and links.
#[derive(Clone)]
pub(crate) struct SessionStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) buckets: Buckets,
}

/// How many requests all sessions of an installation may make at once, and a second. A page is one request.
const REQUESTS: (u32, u32) = (60, 5);

/// How many attempts at signing in may come from a network at once, and a second. Tokens and codes
/// have 256 random bits, so this does not protect them: it bounds what guessing costs.
const ATTEMPTS: (u32, u32) = (20, 1);

impl SessionStore {
    /// Writes a new session.
    pub(crate) async fn put(
        &self,
        id: &TokenHash,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let item = table::to_item(SessionItem::begin(id, token, now))?;
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Loads a session, strongly consistent: one that has ended must not be admitted.
    pub(crate) async fn load(&self, id: &TokenHash) -> Result<Option<SessionItem>, TableError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(SessionItem::key_of(id)));
        get.consistent_read(true).send().await?.item.map(table::from_item).transpose()
    }

    /// Moves a session's expiry, unless the session has ended meanwhile.
    pub(crate) async fn extend(&self, id: &TokenHash, now: Timestamp) -> Result<(), TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(SessionItem::key_of(id)))
            .update_expression("SET expires_at = :expires_at")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":expires_at", number(SessionItem::expiry(now)));
        let _ = table::conditional(update.send().await)?;
        Ok(())
    }

    /// Ends a session.
    pub(crate) async fn end(&self, id: &TokenHash) -> Result<(), TableError> {
        let delete = self.client.delete_item().table_name(&self.table);
        delete.set_key(Some(SessionItem::key_of(id))).send().await?;
        Ok(())
    }

    /// Ends all sessions of a token that began until now. A token that is gone has none.
    pub(crate) async fn end_all(&self, token: &TokenHash, now: Timestamp) -> Result<(), TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(TokenItem::key_of(token)))
            .update_expression("SET sessions_since = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.as_microsecond()));
        let _ = table::conditional(update.send().await)?;
        Ok(())
    }

    /// Writes a new link for an installation with this token.
    pub(crate) async fn put_link(
        &self,
        code: &TokenHash,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<LinkItem, TableError> {
        let link = LinkItem::new(code, token_partition(token), now);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(table::to_item(&link)?));
        put.send().await?;
        Ok(link)
    }

    /// Uses a link up, and returns it.
    ///
    /// If the response is lost and the SDK sends the call again, the link looks used, and its owner
    /// asks for another one. Nothing else is lost, because a link has no effect before its session
    /// begins. To recognise one's own delete, the link would have to be marked with the session
    /// first, in a write of its own, and that mark would outlive a function that dies in between.
    pub(crate) async fn use_link(
        &self,
        code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<LinkItem>, TableError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(LinkItem::key_of(code)))
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllOld);
        let Ok(deleted) = table::conditional(delete.send().await)? else { return Ok(None) };
        deleted.attributes.map(table::from_item).transpose()
    }

    /// Counts a request of an installation's sessions.
    pub(crate) async fn count_request(
        &self,
        token: &TokenHash,
        empty_at: Option<i64>,
        now: Timestamp,
    ) -> Result<Count, TableError> {
        let key = TokenItem::key_of(token);
        self.count(key, "panel_bucket_empty_at", REQUESTS, Owner::Another, empty_at, now).await
    }

    /// Counts an attempt at signing in from a network.
    pub(crate) async fn count_attempt(&self, network: &str, now: Timestamp) -> Result<Count, TableError> {
        let expires_at = now.as_second() + SignedDuration::from_hours(1).as_secs();
        self.count(sign_in_key(network), "bucket_empty_at", ATTEMPTS, Owner::Itself { expires_at }, None, now)
            .await
    }

    async fn count(
        &self,
        key: table::Item,
        member: &'static str,
        (burst, per_second): (u32, u32),
        owner: Owner,
        empty_at: Option<i64>,
        now: Timestamp,
    ) -> Result<Count, TableError> {
        match RateLimit::new(burst, per_second) {
            Some(limit) => {
                let bucket = Bucket { key, member, limit, drops: 1, beside: None, owner };
                self.buckets.count(&bucket, empty_at, now).await
            }
            None => Ok(Count::Unlimited),
        }
    }
}
