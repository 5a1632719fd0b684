//! The rate limit, kept in the registry: one bucket for each installation, in its token's item.
//!
//! A call is counted by one conditional write, which says of the bucket what the domain's
//! judgement rests on. Where another call came first the write is refused with the bucket
//! as it is, and judged anew; nothing is read and then written back, so no call is lost.

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::UpdateItemError,
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

/// What the count of a call says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Calls are not limited.
    Unlimited,
    /// The call is one of so many that the bucket holds now.
    Admitted { level: u32, burst: u32 },
    /// The bucket is full for so many seconds.
    Full { seconds: i64, burst: u32 },
    /// The token has been taken away meanwhile.
    Gone,
}

/// What became of a write.
enum Write {
    Made { empty_at: i64 },
    Refused { found: TokenItem },
    Gone,
}

impl CallLimit {
    pub(crate) fn new(client: Client, table: String, limit: Option<RateLimit>) -> Self {
        Self { client, table, limit }
    }

    /// Counts a call by a token whose bucket was last seen to run empty at `empty_at`.
    pub(crate) async fn count(
        &self,
        token: &TokenHash,
        mut empty_at: Option<i64>,
        now: Timestamp,
    ) -> Result<Count, TableError> {
        let Some(limit) = self.limit else { return Ok(Count::Unlimited) };
        let now = now.as_microsecond();
        // It ends: no write makes a bucket run empty earlier, so a `Begin` that is refused becomes an
        // `Add` or finds the bucket full, and an `Add` that is refused finds it full.
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
            // A token that is gone must not come back as an item that holds nothing but a bucket.
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
        let item = match update.send().await {
            Ok(answer) => answer.attributes,
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let found = refused.item().cloned().map(table::from_item).transpose()?;
                    return Ok(found.map_or(Write::Gone, |found| Write::Refused { found }));
                }
                _ => return Err(error.into()),
            },
        };
        let item: TokenItem = table::from_item(item.unwrap_or_default())?;
        Ok(Write::Made { empty_at: item.bucket_empty_at.unwrap_or(now) })
    }
}
