//! What is known of the stream: its shards, and by CloudWatch what arrives and who reads it.
//!
//! Lambda makes a data point of `IteratorAge` for each minute in which the function gets records, and none
//! when it stops reading. So what arrived after the newest point is unread. What arrived in the minute of
//! that point may have been read in it, so later minutes alone count.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};

use super::metrics::{FRESH, Metrics, Wanted};
use crate::{stack::connection::Connection, status::facts::StreamFacts};

/// How long a record may be on the stream before somebody should have read it, and CloudWatch should know.
const UNREAD: SignedDuration = SignedDuration::from_mins(3);

/// What a data point tells of: the minute that begins at its time.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(super) async fn load_shards(connection: &Connection) -> Result<Option<u64>> {
    let name = connection.resource("events");
    let client = aws_sdk_kinesis::Client::new(&connection.sdk);
    let described = client.describe_stream_summary().stream_name(&name).send().await;
    let summary =
        described.with_context(|| format!("cannot read the stream {name}"))?.stream_description_summary;
    Ok(summary.and_then(|summary| u64::try_from(summary.open_shard_count).ok()))
}

/// The facts about the stream that this function reads, with what CloudWatch knows.
pub(super) fn with_metrics(
    stream: StreamFacts,
    function: String,
    metrics: &Metrics,
    now: Timestamp,
) -> StreamFacts {
    let ago = |time: SignedDuration| now.saturating_sub(time).unwrap_or(now);
    let (age, arrived) = (Wanted::iterator_age(function), Wanted::arrived(stream.name.clone()));
    let last_read_at = metrics.latest_at(&age);
    let unread_from = last_read_at.map_or(Timestamp::MIN, |at| at.saturating_add(MINUTE).unwrap_or(at));
    StreamFacts {
        // The metric has milliseconds.
        iterator_age_seconds: metrics.latest(&age, ago(FRESH)).map(|age| age / 1_000),
        last_read_at,
        arrived: metrics.sum(&arrived, (ago(FRESH), now)),
        unread: metrics.sum(&arrived, (unread_from, ago(UNREAD))),
        ..stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data points of a metric: how many minutes ago, and the value.
    type Points<'a> = &'a [(i64, f64)];

    /// The ages, what arrived, and how late and how many unread records are told.
    type Case<'a> = (&'a str, Points<'a>, Points<'a>, (Option<u64>, Option<u64>));

    #[test]
    fn what_arrived_after_the_last_read_is_unread() -> Result<()> {
        let now: Timestamp = "2026-11-27T03:00:00Z".parse()?;
        let cases: [Case<'_>; 8] = [
            ("a stream that is read", &[(2, 90.0), (1, 90.0)], &[(2, 5.0), (1, 5.0)], (Some(0), None)),
            (
                "one not read for ten minutes",
                &[(10, 90.0)],
                &[(10, 5.0), (8, 5.0), (3, 2.0)],
                (Some(0), Some(7)),
            ),
            ("one that nothing arrives on", &[(10, 90.0)], &[(10, 5.0)], (Some(0), None)),
            ("one that nobody has read", &[], &[(40, 5.0)], (None, Some(5))),
            ("one not read since long ago", &[(50, 90.0)], &[(30, 4.0)], (None, Some(4))),
            ("too early to tell", &[(10, 61_000.0)], &[(2, 5.0)], (Some(61), None)),
            ("a minute without events", &[(10, 90.0)], &[(5, 0.0)], (Some(0), Some(0))),
            ("no metrics", &[], &[], (None, None)),
        ];
        for (what, ages, arrived, (age, unread)) in cases {
            let at = |points: Points<'_>| {
                points
                    .iter()
                    .map(|(minutes, value)| (now - SignedDuration::from_mins(*minutes), *value))
                    .collect()
            };
            let metrics = Metrics::with([
                (Wanted::iterator_age("f".to_owned()), at(ages)),
                (Wanted::arrived("s".to_owned()), at(arrived)),
            ]);
            let stream = StreamFacts {
                name: "s".to_owned(),
                shards: None,
                iterator_age_seconds: None,
                last_read_at: None,
                arrived: None,
                unread: None,
            };
            let stream = with_metrics(stream, "f".to_owned(), &metrics, now);
            assert_eq!((stream.iterator_age_seconds, stream.unread), (age, unread), "{what}");
        }
        Ok(())
    }
}
