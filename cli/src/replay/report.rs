//! Replays and counts as they are printed: tables, or JSON with the same facts.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use storehook_aws::history::ReplayCount;
use storehook_domain::{
    job::replay::record::{ReplayRecord, ReplayStatus},
    webhook::{Webhook, WebhookId},
    words::number::deliveries,
};

use crate::{
    table::{
        Column::{Left as L, Right as R},
        table,
    },
    time,
};

/// A webhook that takes nothing.
#[derive(Debug, Clone, Serialize)]
pub struct Left {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Its status.
    pub status: &'static str,
}

/// Replays, and webhooks without one.
#[derive(Debug, Clone, Default)]
pub struct Replays {
    /// The replays.
    pub replays: Vec<ReplayRecord>,
    /// The webhooks that take nothing.
    pub left: Vec<Left>,
}

/// How many deliveries replays would send.
#[derive(Debug, Clone, Serialize)]
pub struct Counted {
    /// Which deliveries.
    pub state: &'static str,
    /// By webhook.
    pub webhooks: Vec<CountedWebhook>,
    /// The webhooks that take nothing.
    #[serde(rename = "left_out")]
    pub left: Vec<Left>,
}

/// How many deliveries of a webhook a replay would send.
#[derive(Debug, Clone, Serialize)]
pub struct CountedWebhook {
    webhook_id: WebhookId,
    topic: String,
    found: u64,
    complete: bool,
}

impl Replays {
    /// Whether one of them was stopped before its end.
    pub fn is_stopped(&self) -> bool {
        self.replays.iter().any(|record| record.status == ReplayStatus::Stopped)
    }
}

impl Counted {
    /// Adds the count of a webhook.
    pub fn add(&mut self, webhook: &Webhook, count: ReplayCount) {
        let ReplayCount { found, is_complete: complete } = count;
        let topic = webhook.topic.as_str().to_owned();
        self.webhooks.push(CountedWebhook { webhook_id: webhook.id, topic, found, complete });
    }
}

fn write_left(formatter: &mut fmt::Formatter<'_>, left: &[Left]) -> fmt::Result {
    for Left { webhook_id, status } in left {
        write!(formatter, "\nleft out: webhook {webhook_id}, which is {status}")?;
    }
    Ok(())
}

impl fmt::Display for Replays {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.replays.iter().map(|record| {
            let (replay, counts) = (&record.replay, &record.counts);
            [
                replay.webhook_id.to_string(),
                replay.id.clone(),
                replay.state.as_str().to_owned(),
                record.status.as_str().to_owned(),
                counts.found.to_string(),
                counts.sent.to_string(),
                counts.expired.to_string(),
                time::short(replay.began_at),
                record.ended_at.map_or_else(|| "-".to_owned(), time::short),
            ]
        });
        let columns = [
            R("webhook"),
            L("replay"),
            L("deliveries"),
            L("state"),
            R("found"),
            R("sent"),
            R("expired"),
            L("began"),
            L("ended"),
        ];
        let sent = self.replays.iter().map(|record| record.counts.sent).sum();
        if !self.replays.is_empty() {
            writeln!(formatter, "{}", table(columns, rows))?;
        }
        write!(formatter, "{} sent again", deliveries(sent))?;
        let is_running = |record: &ReplayRecord| record.status == ReplayStatus::Running;
        if self.replays.iter().any(is_running) {
            write!(formatter, " so far; to see more, run it again with --id")?;
        }
        write_left(formatter, &self.left)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.webhooks.iter().map(|webhook| {
            let least = if webhook.complete { "" } else { "at least " };
            [webhook.webhook_id.to_string(), webhook.topic.clone(), format!("{least}{}", webhook.found)]
        });
        if !self.webhooks.is_empty() {
            writeln!(formatter, "{}", table([R("webhook"), L("topic"), R("deliveries")], rows))?;
        }
        let found = self.webhooks.iter().map(|webhook| webhook.found).sum();
        write!(formatter, "would send {} again ({})", deliveries(found), self.state)?;
        write_left(formatter, &self.left)
    }
}

impl Serialize for Replays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            id: &'a str,
            webhook_id: WebhookId,
            deliveries: &'static str,
            state: &'static str,
            from: jiff::Timestamp,
            to: jiff::Timestamp,
            per_second: u32,
            found: u64,
            sent: u64,
            expired: u64,
            began_at: jiff::Timestamp,
            ended_at: Option<jiff::Timestamp>,
        }
        let shown = self.replays.iter().map(|record| Shown {
            id: &record.replay.id,
            webhook_id: record.replay.webhook_id,
            deliveries: record.replay.state.as_str(),
            state: record.status.as_str(),
            from: record.replay.from,
            to: record.replay.to,
            per_second: record.replay.per_second,
            found: record.counts.found,
            sent: record.counts.sent,
            expired: record.counts.expired,
            began_at: record.replay.began_at,
            ended_at: record.ended_at,
        });
        let mut fields = serializer.serialize_struct("Replays", 2)?;
        fields.serialize_field("replays", &shown.collect::<Vec<_>>())?;
        fields.serialize_field("left_out", &self.left)?;
        fields.end()
    }
}
