//! The rate limit: one leaky bucket for each installation, in its token's item of the registry.

use jiff::Timestamp;
use storehook_aws::{registry::TokenItem, table::TableError};
use storehook_domain::installation::{rate_limit::RateLimit, token::TokenHash};

use crate::http::bucket::{Bucket, Buckets, Count, Owner};

/// Counts the calls of installations.
#[derive(Clone)]
pub(crate) struct CallLimit {
    pub(crate) buckets: Buckets,
    /// `None` if calls are not limited.
    pub(crate) limit: Option<RateLimit>,
}

impl CallLimit {
    /// Counts a call. `empty_at` is when the token's bucket runs empty, as last read.
    pub(crate) async fn count(
        &self,
        token: &TokenHash,
        empty_at: Option<i64>,
        now: Timestamp,
    ) -> Result<Count, TableError> {
        let Some(limit) = self.limit else { return Ok(Count::Unlimited) };
        let (key, member) = (TokenItem::key_of(token), "bucket_empty_at");
        let bucket = Bucket { key, member, limit, drops: 1, beside: None, owner: Owner::Another };
        self.buckets.count(&bucket, empty_at, now).await
    }
}
