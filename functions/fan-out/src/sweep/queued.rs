//! Counting what is queued, for the books of messages.
//!
//! The functions count the messages that they put into the lanes (`Sent`) and those that end there
//! (`Done`). The difference must be in the queues: in a lane, or among the dead letters. The sweep
//! counts the messages of these queues and writes by how many they have become more, so that over any
//! time `Sent` = `Done` + `QueuedChange`. If it is more, messages are lost.
//!
//! The last count is an item of the registry. A sweep that fails or comes twice changes nothing: the
//! next one counts from the last count that was kept.
//!
//! An alarm looks at whole hours, so a count must belong to the hour that it ends. The schedule fires
//! at every fifth minute of the clock, within a minute ("Schedule types", Amazon EventBridge User
//! Guide), and the count is written with the time just before that minute ([`counted_at`]).
//!
//! * Dead letters count when they become more and not when they become fewer. What a redrive, an
//!   operator or the retention takes away was accounted for when it died. (A redrive's messages are in
//!   a lane again and nobody has sent them, so for an hour there are too many and not too few.)
//! * Dead letters that expire hide as many that come: after two weeks of a steady trickle they become
//!   neither more nor fewer, and messages would seem to be lost. So the functions count a delivery's
//!   last failure as an end, too (`Dead`): `Missing` = `Sent` - `Done` - `Dead` - `QueuedChange`. A
//!   death then counts twice while dead letters grow, and a loss shows as far as it exceeds the deaths.
//! * SQS calls its counts approximate, and they lag by up to a minute or so ("Approximate... metrics",
//!   `GetQueueAttributes`, Amazon SQS API Reference). An error is made good by the next count.

use aws_sdk_dynamodb::types::ReturnValue;
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::Timestamp;
use serde::Deserialize;
use storehook_aws::{
    queue::QueueError,
    table::{self, Item, TableError, number, text},
};

/// The partition of the count, and its only sort key.
const QUEUED: &str = "QUEUED";

/// What makes up the messages of a queue: those to receive, those in flight and those that are delayed.
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

/// How far apart the counts are, in milliseconds: the schedule of the template.
const APART: i64 = 5 * 60 * 1_000;

/// The time to write for what a sweep counts that begins now: just before the last fifth minute of the
/// clock.
pub(crate) fn counted_at(now: Timestamp) -> Timestamp {
    let now = now.as_millisecond();
    Timestamp::from_millisecond(now - now.rem_euclid(APART) - 1).unwrap_or_default()
}

/// The queues whose messages are counted, and the registry, which keeps the last count.
pub(crate) struct QueueCounts {
    pub(crate) sqs: aws_sdk_sqs::Client,
    /// The URLs of both lanes.
    pub(crate) lanes: [String; 2],
    pub(crate) dead_letters: String,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) registry: String,
}

/// How many messages are queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Queued {
    /// In both lanes.
    lanes: i64,
    /// Among the dead letters.
    dead: i64,
}

impl Queued {
    /// By how many the messages in the lanes and the new dead letters are more than before.
    fn since(self, before: Self) -> i64 {
        self.lanes - before.lanes + (self.dead - before.dead).max(0)
    }
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCounted {
    #[error("a queue could not be asked")]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Table(#[from] TableError),
}

impl QueueCounts {
    /// By how many the queued messages have become more since the last count, which this one replaces.
    /// The first count has none before it.
    pub(super) async fn change(&self) -> Result<i64, NotCounted> {
        let [fast, slow] = &self.lanes;
        let lanes = self.messages_of(fast).await? + self.messages_of(slow).await?;
        let now = Queued { lanes, dead: self.messages_of(&self.dead_letters).await? };
        let item = [
            ("pk", text(QUEUED)),
            ("sk", text(QUEUED)),
            ("lanes", number(now.lanes)),
            ("dead", number(now.dead)),
        ];
        let item: Item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let put = self.dynamodb.put_item().table_name(&self.registry).set_item(Some(item));
        let put = put.return_values(ReturnValue::AllOld).send().await.map_err(TableError::from)?;
        let before = put.attributes.map(table::from_item::<Queued>).transpose()?;
        Ok(before.map_or(0, |before| now.since(before)))
    }

    /// How many messages a queue holds.
    async fn messages_of(&self, url: &str) -> Result<i64, QueueError> {
        let asked = self.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(COUNTS.to_vec()));
        let attributes = asked.send().await?.attributes.unwrap_or_default();
        let count = |name| attributes.get(name)?.parse::<i64>().ok();
        Ok(COUNTS.iter().filter_map(count).sum())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use storehook_aws::{
        metrics::{Metric, Tally},
        stand_in::{StandIn, logged},
    };

    use crate::{Batch, handle, tests::stand_in::dependencies_of, tests::times};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// Sweeps, with queues that hold so many messages each and this last count. Returns the stand-in,
    /// what was counted, and whether the log complains.
    async fn swept(
        queues: [i64; 3],
        before: Option<(i64, i64)>,
    ) -> Result<(StandIn, i64, bool), Box<dyn std::error::Error>> {
        let aws = StandIn::start().await?;
        for count in queues {
            aws.reply(
                "GetQueueAttributes",
                json!({"Attributes": {
                    "ApproximateNumberOfMessages": (count - 3).to_string(),
                    "ApproximateNumberOfMessagesNotVisible": "2",
                    "ApproximateNumberOfMessagesDelayed": "1",
                }}),
            );
        }
        let before = before.map(|(lanes, dead)| {
            json!({"Attributes": {"lanes": {"N": lanes.to_string()}, "dead": {"N": dead.to_string()}}})
        });
        aws.reply("PutItem", before.unwrap_or_else(|| json!({})));
        let dependencies = dependencies_of(&aws)?;
        let batch: Batch = serde_json::from_value(json!({"sweep": "recoveries"}))?;
        let (_, lines) = logged(handle(&dependencies, batch, times(60))).await;
        let has_failed = lines.iter().any(|line| line["message"] == "queued messages not counted");
        Ok((aws, dependencies.meter.take().counted(Metric::QueuedChange), has_failed))
    }

    #[tokio::test]
    async fn a_sweep_counts_by_how_many_the_queued_messages_are_more() -> TestResult {
        for (queues, before, change) in [
            ([10, 20, 5], None, 0),
            ([10, 20, 5], Some((30, 5)), 0),
            ([10, 25, 5], Some((30, 5)), 5),
            ([10, 10, 5], Some((30, 5)), -10),
            ([10, 18, 7], Some((30, 5)), 0),
            // A redrive takes dead letters away: they are in a lane again.
            ([13, 20, 3], Some((30, 5)), 3),
        ] {
            let (aws, counted, has_failed) = swept(queues, before).await?;
            assert_eq!((counted, has_failed), (change, false), "{queues:?} after {before:?}");
            let kept = &aws.calls("PutItem")[0]["Item"];
            assert_eq!(kept["lanes"]["N"], (queues[0] + queues[1]).to_string());
            assert_eq!(kept["dead"]["N"], queues[2].to_string());
            let asked = aws.calls("GetQueueAttributes");
            let asked: Vec<_> = asked.iter().map(|call| call["QueueUrl"].clone()).collect();
            assert_eq!(asked, ["https://sqs/delivery", "https://sqs/retry", "https://sqs/dead-letter"]);
        }
        Ok(())
    }

    #[test]
    fn a_count_belongs_to_the_five_minutes_before_it() -> TestResult {
        for (now, at) in [
            ("2026-11-21T15:00:00Z", "2026-11-21T14:59:59.999Z"),
            ("2026-11-21T15:00:48.5Z", "2026-11-21T14:59:59.999Z"),
            ("2026-11-21T15:04:59.999Z", "2026-11-21T14:59:59.999Z"),
            ("2026-11-21T15:05:00Z", "2026-11-21T15:04:59.999Z"),
        ] {
            assert_eq!(super::counted_at(now.parse()?).to_string(), at, "{now}");
        }
        Ok(())
    }

    /// The next sweep counts from the count before.
    #[tokio::test]
    async fn a_count_that_fails_is_logged_and_counts_nothing() -> TestResult {
        let aws = StandIn::start().await?;
        aws.refuse("GetQueueAttributes", json!({}));
        let dependencies = dependencies_of(&aws)?;
        let batch: Batch = serde_json::from_value(json!({"sweep": "recoveries"}))?;
        let (_, lines) = logged(handle(&dependencies, batch, times(60))).await;
        assert!(lines.iter().any(|line| line["message"] == "queued messages not counted"), "{lines:?}");
        assert!(aws.calls("PutItem").is_empty());
        assert_eq!(dependencies.meter.take(), Tally::default());
        Ok(())
    }
}
