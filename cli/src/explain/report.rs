//! What `explain` shows: a row for each webhook, the attempts, and what nobody can know.

use std::fmt;

use serde::Serialize;
use storehook_domain::words::number::latency;

use super::{fates::Row, queues::DeadLetter, stuck::Stuck};
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
    pub(super) rejected: Vec<Stuck>,
    /// Where it lies in the bucket of given-up records.
    pub(super) given_up: Vec<Stuck>,
    /// What to do.
    pub(super) advice: Vec<String>,
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
        let stuck = [stuck("rejected", &self.rejected), stuck("given up", &self.given_up)];
        let parts = [self.rows(), self.attempts(), self.dead_letters()];
        for part in parts.into_iter().chain(stuck).flatten() {
            write!(formatter, "\n\n{part}")?;
        }
        if !self.advice.is_empty() || !self.notes.is_empty() {
            writeln!(formatter)?;
        }
        self.advice.iter().try_for_each(|advice| write!(formatter, "\nDo: {advice}"))?;
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
}

/// A table of what waits to be published again.
fn stuck(name: &'static str, all: &[Stuck]) -> Option<String> {
    let columns = [Left(name), Left("shop"), Left("topic"), Left("webhooks"), Left("reason")];
    let rows = all.iter().map(|stuck| {
        let webhooks = stuck.webhooks.map_or("all".to_owned(), |(from, to)| format!("{from} to {to}"));
        [
            stuck.id.clone(),
            stuck.shop.as_ref().map(ToString::to_string).unwrap_or_default(),
            stuck.topic.as_deref().map(printable).unwrap_or_default(),
            webhooks,
            stuck.reason.clone(),
        ]
    });
    (!all.is_empty()).then(|| table(columns, rows))
}
