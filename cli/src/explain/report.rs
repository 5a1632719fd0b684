//! What `explain` shows: a row for each webhook, the attempts, and what nobody can know.

use std::fmt;

use serde::Serialize;
use storehook_domain::words::number::latency;

use super::{
    fates::Row,
    queues::{DeadLetter, Rejected},
};
use crate::{
    table::{
        Column::{Left, Right},
        printable, table,
    },
    time,
};

/// What became of an event.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) event_id: String,
    /// Whether anything is known of it.
    pub(super) is_known: bool,
    pub(super) shops: Vec<String>,
    pub(super) topics: Vec<String>,
    /// What became of it at each webhook that might have heard of it.
    pub(super) webhooks: Vec<Row>,
    /// Where it lies in the dead-letter queue.
    pub(super) dead_letters: Vec<DeadLetter>,
    /// Where it lies in the rejected queue.
    pub(super) rejected: Vec<Rejected>,
    /// What nobody can know, and why.
    pub(super) notes: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "event {}", self.event_id)?;
        if self.is_known {
            write!(formatter, ", {} of {}", self.topics.join(", "), self.shops.join(", "))?;
        } else {
            write!(formatter, ": nothing is known of it")?;
        }
        for part in [self.rows(), self.attempts(), self.dead_letters(), self.rejected()].into_iter().flatten()
        {
            write!(formatter, "\n\n{part}")?;
        }
        if !self.notes.is_empty() {
            writeln!(formatter)?;
        }
        self.notes.iter().try_for_each(|note| write!(formatter, "\nNote: {note}"))
    }
}

impl Explanation {
    fn rows(&self) -> Option<String> {
        let columns = [
            Right("webhook"),
            Left("shop"),
            Left("app"),
            Left("subscription"),
            Left("address"),
            Left("status"),
            Left("outcome"),
            Right("attempts"),
            Left("queued"),
            Left("delivery"),
            Left("why"),
        ];
        let rows = self.webhooks.iter().map(|row| {
            [
                row.webhook_id.to_string(),
                row.shop.to_string(),
                row.app.to_string(),
                row.subscription.clone().unwrap_or_default(),
                row.address.clone().unwrap_or_default(),
                row.status.to_owned(),
                row.outcome.as_str().to_owned(),
                row.attempt_count.to_string(),
                row.queued_at.map(time::short).unwrap_or_default(),
                row.delivery.clone().unwrap_or_default(),
                row.why.clone(),
            ]
        });
        (!self.webhooks.is_empty()).then(|| table(columns, rows))
    }

    fn attempts(&self) -> Option<String> {
        let columns = [
            Left("attempts of"),
            Left("run"),
            Right("number"),
            Left("at"),
            Right("took"),
            Left("status"),
            Left("code"),
            Left("address"),
            Left("error"),
        ];
        let rows = self.webhooks.iter().flat_map(|row| {
            row.attempts.iter().map(|attempt| {
                [
                    row.delivery.clone().unwrap_or_default(),
                    attempt.run.clone(),
                    attempt.number.to_string(),
                    time::short(attempt.at),
                    latency(attempt.latency_ms),
                    attempt.status.map(|status| status.to_string()).unwrap_or_default(),
                    attempt.code.clone().unwrap_or_default(),
                    attempt.address.clone(),
                    attempt.error.clone().unwrap_or_default(),
                ]
            })
        });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then(|| table(columns, rows))
    }

    fn dead_letters(&self) -> Option<String> {
        let columns = [Right("dead letter of"), Left("delivery"), Left("message")];
        let rows = self.dead_letters.iter().map(|letter| {
            [letter.webhook_id.to_string(), letter.delivery.clone(), letter.message_id.clone()]
        });
        (!self.dead_letters.is_empty()).then(|| table(columns, rows))
    }

    fn rejected(&self) -> Option<String> {
        let columns = [Left("rejected"), Left("shop"), Left("topic"), Left("webhooks"), Left("reason")];
        let rows = self.rejected.iter().map(|rejected| {
            let webhooks = rejected.webhooks.map_or("all".to_owned(), |(from, to)| format!("{from} to {to}"));
            [
                rejected.id.clone(),
                rejected.shop.as_ref().map(ToString::to_string).unwrap_or_default(),
                rejected.topic.as_deref().map(printable).unwrap_or_default(),
                webhooks,
                rejected.reason.clone(),
            ]
        });
        (!self.rejected.is_empty()).then(|| table(columns, rows))
    }
}
