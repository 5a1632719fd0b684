//! Leaky buckets, in items of the registry: see [`RateLimit`].
//!
//! One conditional write counts a request. Its condition repeats what the domain assumed of the
//! bucket. If another request came first, the write is refused and returns the bucket as it is now,
//! and the domain decides again. Nothing is read and written back, so no request is lost.
//!
//! If the response to a write is lost and the SDK sends it again, the request counts twice. That is
//! harmless: nothing is refused that would not be refused a request later, and the bucket leaks.
//! Only a mark of each request in the item could tell the two apart, and that costs every request
//! more.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use storehook_aws::table::{self, Item, TableError, number};
use storehook_domain::installation::rate_limit::{BucketFull, Pour, RateLimit};

/// The registry's buckets.
#[derive(Clone)]
pub(crate) struct Buckets {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// A bucket: a member of an item.
pub(crate) struct Bucket {
    /// The key of the item.
    pub(crate) key: Item,
    /// The name of the member: when the bucket will be empty.
    pub(crate) member: &'static str,
    pub(crate) limit: RateLimit,
    /// How many drops a request counts as.
    pub(crate) drops: u32,
    /// Another member that is written with the bucket.
    pub(crate) beside: Option<(&'static str, AttributeValue)>,
    pub(crate) owner: Owner,
}

/// Whose item a bucket is in.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// The item is somebody else's. If it is gone, it must not come back with nothing but a bucket.
    Another,
    /// The item is the bucket's own. It expires at this second since the Unix epoch.
    Itself { expires_at: i64 },
}

/// The count of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Requests are not limited.
    Unlimited,
    /// The request is admitted, and the bucket now holds `level` requests of `burst`.
    Admitted { level: u32, burst: u32 },
    /// The bucket is full for that many seconds.
    Full { seconds: i64, burst: u32 },
    /// The item was deleted meanwhile.
    Gone,
}

/// The result of a write.
enum Write {
    Made { empty_at: i64 },
    Refused { empty_at: Option<i64> },
    Gone,
}

impl Buckets {
    /// Counts a request. `empty_at` is when the bucket runs empty, as last read.
    pub(crate) async fn count(
        &self,
        bucket: &Bucket,
        mut empty_at: Option<i64>,
        now: Timestamp,
    ) -> Result<Count, TableError> {
        let (limit, now) = (bucket.limit, now.as_microsecond());
        // The loop ends, because no write makes a bucket run empty earlier: a refused `Begin`
        // becomes an `Add` or finds the bucket full, and a refused `Add` finds it full.
        loop {
            let pour = match limit.admit(bucket.drops, empty_at, now) {
                Ok(pour) => pour,
                Err(BucketFull { seconds }) => return Ok(Count::Full { seconds, burst: limit.burst() }),
            };
            match self.write(bucket, pour, now).await? {
                Write::Made { empty_at } => {
                    return Ok(Count::Admitted { level: limit.level(empty_at, now), burst: limit.burst() });
                }
                Write::Refused { empty_at: found } => empty_at = found,
                Write::Gone => return Ok(Count::Gone),
            }
        }
    }

    async fn write(&self, bucket: &Bucket, pour: Pour, now: i64) -> Result<Write, TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(bucket.key.clone()))
            .expression_attribute_names("#empty_at", bucket.member)
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (mut update, exists, mut set) = match bucket.owner {
            Owner::Another => (update, "attribute_exists(pk) AND ", String::new()),
            Owner::Itself { expires_at } => {
                let update = update.expression_attribute_values(":expires_at", number(expires_at));
                (update, "", ", expires_at = :expires_at".to_owned())
            }
        };
        if let Some((name, value)) = &bucket.beside {
            set += ", #beside = :beside";
            update = update
                .expression_attribute_names("#beside", *name)
                .expression_attribute_values(":beside", value.clone());
        }
        let update = match pour {
            Pour::Begin { empty_at } => update
                .update_expression(format!("SET #empty_at = :empty_at{set}"))
                .condition_expression(format!(
                    "{exists}(attribute_not_exists(#empty_at) OR #empty_at <= :now)"
                ))
                .expression_attribute_values(":empty_at", number(empty_at)),
            Pour::Add { micros, latest } => update
                .update_expression(format!("SET #empty_at = #empty_at + :micros{set}"))
                .condition_expression("#empty_at > :now AND #empty_at <= :latest")
                .expression_attribute_values(":micros", number(micros))
                .expression_attribute_values(":latest", number(latest)),
        };
        let item = match table::conditional(update.send().await)? {
            Ok(output) => output.attributes,
            Err(conflict) => {
                return Ok(match (conflict.item, bucket.owner) {
                    (Some(found), _) => Write::Refused { empty_at: bucket.empty_at(&found) },
                    (None, Owner::Another) => Write::Gone,
                    // DynamoDB has just deleted the bucket, which had expired.
                    (None, Owner::Itself { .. }) => Write::Refused { empty_at: None },
                });
            }
        };
        let empty_at = item.and_then(|item| bucket.empty_at(&item));
        Ok(Write::Made { empty_at: empty_at.unwrap_or(now) })
    }
}

impl Bucket {
    /// When the bucket in this item will be empty; `None` if it was never used.
    fn empty_at(&self, item: &Item) -> Option<i64> {
        item.get(self.member)?.as_n().ok()?.parse().ok()
    }
}
