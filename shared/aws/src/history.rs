//! The history table: the shapes of its items.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | delivered | `DELIVERY#<delivery id>` | `DELIVERED` |

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::registry::{Item, key};

/// How long a delivery is known to have been delivered: longer than a duplicate of it can come, of a
/// stream that keeps its records for a day and a queue that tries for two.
pub const DELIVERED_KEPT: SignedDuration = SignedDuration::from_hours(4 * 24);

/// The most of an endpoint's details that is kept, in characters.
pub const DETAILS_LIMIT: usize = 1_024;

/// That a delivery has been delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveredItem {
    pk: String,
    sk: String,
    delivered_at: Timestamp,
    /// What an integration endpoint said besides, as JSON, up to [`DETAILS_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// In seconds since the Unix epoch, as DynamoDB's TTL has it.
    expires_at: i64,
}

impl DeliveredItem {
    /// The item of a delivery that has been delivered now.
    pub fn of(delivery_id: &str, details: Option<&str>, now: Timestamp) -> Self {
        Self {
            pk: partition_of(delivery_id),
            sk: SORT_KEY.to_owned(),
            delivered_at: now,
            details: details.map(|details| details.chars().take(DETAILS_LIMIT).collect()),
            expires_at: now.as_second() + DELIVERED_KEPT.as_secs(),
        }
    }

    /// The key of a delivery's item.
    pub fn key_of(delivery_id: &str) -> Item {
        key(&partition_of(delivery_id), SORT_KEY)
    }
}

const SORT_KEY: &str = "DELIVERED";

fn partition_of(delivery_id: &str) -> String {
    format!("DELIVERY#{delivery_id}")
}
