//! The rate limit: one leaky bucket for each installation, in its token's item of the registry.
//!
//! One conditional write counts a call. Its condition repeats what the domain assumed of the
//! bucket. If another call came first, the write is refused and returns the bucket as it is now,
//! and the domain decides again. Nothing is read and written back, so no call is lost.
//!
//! If the response to a write is lost and the SDK sends it again, the call counts twice. That is
//! harmless: nothing is refused that would not be refused a call later, and the bucket leaks. Only
//! a mark of each call in the item could tell the two apart, and that costs every call more.

use aws_sdk_dynamodb::{
    Client,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use storehook_aws::{
    registry::TokenItem,
    table::{self, TableError, number},
};
use storehook_domain::installation::{
    rate_limit::{BucketFull, Pour, RateLimit},
    token::TokenHash,
};

/// Counts the calls of installations.
#[derive(Clone)]
pub(crate) struct CallLimit {
    client: Client,
    table: String,
    limit: Option<RateLimit>,
}

/// The count of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Calls are not limited.
    Unlimited,
    /// The call is admitted, and the bucket now holds `level` calls of `burst`.
    Admitted { level: u32, burst: u32 },
    /// The bucket is full for that many seconds.
    Full { seconds: i64, burst: u32 },
    /// The token was revoked meanwhile.
    Gone,
}

/// The result of a write.
enum Write {
    Made { empty_at: i64 },
    Refused { found: TokenItem },
    Gone,
}

impl CallLimit {
    pub(crate) fn new(client: Client, table: String, limit: Option<RateLimit>) -> Self {
        Self { client, table, limit }
    }

    /// Counts a call. `empty_at` is when the token's bucket runs empty, as last read.
    pub(crate) async fn count(
        &self,
        token: &TokenHash,
        mut empty_at: Option<i64>,
        now: Timestamp,
    ) -> Result<Count, TableError> {
        let Some(limit) = self.limit else { return Ok(Count::Unlimited) };
        let now = now.as_microsecond();
        // The loop ends, because no write makes a bucket run empty earlier: a refused `Begin`
        // becomes an `Add` or finds the bucket full, and a refused `Add` finds it full.
        loop {
            let pour = match limit.admit(empty_at, now) {
                Ok(pour) => pour,
                Err(BucketFull { seconds }) => return Ok(Count::Full { seconds, burst: limit.burst() }),
            };
            match self.write(token, pour, now).await? {
                Write::Made { empty_at } => {
                    return Ok(Count::Admitted { level: limit.level(empty_at, now), burst: limit.burst() });
                }
                Write::Refused { found } => empty_at = found.bucket_empty_at,
                Write::Gone => return Ok(Count::Gone),
            }
        }
    }

    async fn write(&self, token: &TokenHash, pour: Pour, now: i64) -> Result<Write, TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(TokenItem::key_of(token)))
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match pour {
            // A revoked token must not come back as an item with nothing but a bucket.
            Pour::Begin { empty_at } => update
                .update_expression("SET bucket_empty_at = :empty_at")
                .condition_expression(
                    "attribute_exists(pk) AND (attribute_not_exists(bucket_empty_at) OR bucket_empty_at <= :now)",
                )
                .expression_attribute_values(":empty_at", number(empty_at)),
            Pour::Add { micros, latest } => update
                .update_expression("SET bucket_empty_at = bucket_empty_at + :micros")
                .condition_expression("bucket_empty_at > :now AND bucket_empty_at <= :latest")
                .expression_attribute_values(":micros", number(micros))
                .expression_attribute_values(":latest", number(latest)),
        };
        let item = match table::conditional(update.send().await)? {
            Ok(output) => output.attributes,
            Err(conflict) => {
                let found = conflict.item.map(table::from_item).transpose()?;
                return Ok(found.map_or(Write::Gone, |found| Write::Refused { found }));
            }
        };
        let item: TokenItem = table::from_item(item.unwrap_or_default())?;
        Ok(Write::Made { empty_at: item.bucket_empty_at.unwrap_or(now) })
    }
}
