//! Following a deployed webhook: the same requests, here.
//!
//! The admin API lists the deliveries of the webhook and shows the request of each one's last
//! attempt, headers and body as they were sent. So nothing has to reach this machine: no tunnel, no
//! open port. An attempt is told of and forwarded once. Between two looks a delivery may be attempted
//! more often; then the last attempt counts.
//!
//! It needs the history, which the API reads. It follows deliveries that were first queued within the
//! last quarter of an hour ([`WINDOW`]), with their retries in that time, and those of the future.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use jiff::{SignedDuration, Timestamp};
use storehook_domain::{installation::secret::SharedSecret, webhook::WebhookId};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{
    api::{AdminApi, Delivery, Listed},
    forward::Forward,
    printer::Printer,
    verified::{There, Verified},
};
use crate::output::{self, OutputError};

/// How long after it was first queued a delivery is followed.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// How far apart calls of the API are at least. The app itself needs them, too: by default an
/// installation has two a second, so this takes half of them at most. Of a busy webhook, deliveries are
/// therefore told of later than they are made.
const APART: Duration = Duration::from_secs(1);

/// How many looks in a row may fail.
const FAILED_LOOKS: u32 = 5;

/// What is followed, and where to.
pub struct Follow {
    /// The API.
    pub api: AdminApi,
    /// The webhook.
    pub webhook: WebhookId,
    /// What verifies the signatures, if it is known.
    pub secret: Option<SharedSecret>,
    /// Where requests are forwarded to.
    pub forward: Option<Forward>,
    /// Prints deliveries.
    pub printer: Printer,
}

/// The attempts that were dealt with: their number, and when the delivery was last listed.
#[derive(Debug, Default)]
struct Known(BTreeMap<String, (u64, u64)>);

impl Known {
    /// The deliveries that were attempted since the last look, and what is known from now on. Deliveries
    /// that are no longer listed are forgotten.
    fn new_attempts(&mut self, look: u64, listed: &[Listed]) -> Vec<String> {
        let mut new = Vec::new();
        for Listed { id, attempt_count } in listed.iter().rev() {
            let (known, _) = self.0.get(id).copied().unwrap_or_default();
            if *attempt_count > known {
                new.push(id.clone());
            }
            self.0.insert(id.clone(), (known.max(*attempt_count), look));
        }
        self.0.retain(|_, (_, listed_at)| *listed_at == look);
        new
    }
}

impl Follow {
    /// Follows the webhook until the API refuses or the output fails. Calls `begun` once it knows what is
    /// not new.
    ///
    /// # Errors
    ///
    /// The API refuses, or does not respond several times in a row; or nobody reads the output.
    pub async fn run(&self, begun: impl FnOnce() -> Result<(), OutputError>) -> Result<()> {
        let mut pace = interval(APART);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = Known::default();
        // What was attempted before is not new.
        known.new_attempts(0, &self.listed(storehook_aws::now(), &mut pace).await?);
        begun()?;
        let mut failed = 0;
        for look in 1.. {
            tokio::time::sleep(PAUSE).await;
            match self.listed(storehook_aws::now(), &mut pace).await {
                Ok(listed) => {
                    failed = 0;
                    for id in known.new_attempts(look, &listed) {
                        pace.tick().await;
                        self.deal_with(&id).await?;
                    }
                }
                Err(error) if failed + 1 == FAILED_LOOKS => return Err(error),
                Err(error) => {
                    failed += 1;
                    output::note(format_args!("{error:#}; looking again"));
                }
            }
        }
        Ok(())
    }

    /// The deliveries that are followed, the newest first.
    async fn listed(&self, now: Timestamp, pace: &mut Interval) -> Result<Vec<Listed>> {
        let since = (now - WINDOW).to_string();
        let (mut listed, mut next) = (Vec::new(), None);
        loop {
            pace.tick().await;
            let page = self.api.deliveries(self.webhook, &since, next.as_deref()).await?;
            listed.extend(page.deliveries);
            next = page.page_info;
            if next.is_none() {
                return Ok(listed);
            }
        }
    }

    /// Tells of the last attempt of a delivery, and makes its request here.
    async fn deal_with(&self, id: &str) -> Result<()> {
        let delivery = self.api.delivery(id).await?;
        let Some((headers, body)) = request_of(&delivery)? else {
            output::note(format_args!("{id} cannot be shown: its payload is not kept, or too large"));
            return Ok(());
        };
        let mut verified = Verified::of(self.secret.as_ref(), &headers, body.as_bytes());
        let last = delivery.last_attempt;
        verified.there = Some(There {
            attempt: delivery.attempt_count,
            status_there: last.as_ref().and_then(|last| last.status),
            error_there: last.and_then(|last| last.error),
        });
        if let Some(forward) = &self.forward {
            let (forwarded, _) = forward.send(headers.clone(), Bytes::from(body.clone())).await;
            verified.forwarded = Some(forwarded);
        }
        Ok(self.printer.print(&verified, &headers, body.as_bytes())?)
    }
}

/// The request of a delivery's last attempt; `None` if it is not kept whole.
fn request_of(delivery: &Delivery) -> Result<Option<(HeaderMap, String)>> {
    let Some(request) = &delivery.request else { return Ok(None) };
    let Some(body) = request.body.clone().filter(|_| !request.body_truncated) else { return Ok(None) };
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let value = value.as_str().context("a header is no text")?;
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
    }
    Ok(Some((headers, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_new_once() {
        let listed = |counts: &[(&str, u64)]| -> Vec<Listed> {
            let one = |(id, attempt_count): &(&str, u64)| Listed {
                id: (*id).to_owned(),
                attempt_count: *attempt_count,
            };
            counts.iter().map(one).collect()
        };
        let mut known = Known::default();
        for (look, counts, new) in [
            (0, &[("a", 1), ("b", 0)][..], &["a"][..]),
            (1, &[("c", 0), ("a", 1), ("b", 0)], &[]),
            // The newest come first, and are dealt with last.
            (2, &[("d", 1), ("c", 1), ("a", 3), ("b", 0)], &["a", "c", "d"]),
            (3, &[("d", 1), ("c", 1)], &[]),
            (4, &[], &[]),
        ] {
            assert_eq!(known.new_attempts(look, &listed(counts)), new, "{look}");
        }
        assert!(known.0.is_empty());
    }

    #[test]
    fn a_request_is_made_of_what_was_sent() -> Result<()> {
        let delivery = |body: &str, is_truncated: bool| -> Result<Delivery> {
            Ok(serde_json::from_str(&format!(
                r#"{{"id": "7-e1", "topic": "orders/create", "attempt_count": 1, "last_attempt": null,
                    "request": {{"method": "POST", "address": "https://a.example/", "headers": {{"webhook-id": "7-e1", "x-key": "***"}},
                    "body": {body}, "body_truncated": {is_truncated}}}}}"#
            ))?)
        };
        let (headers, body) = request_of(&delivery(r#""{\"id\":1}""#, false)?)?.context("no request")?;
        assert_eq!((headers.len(), body.as_str()), (2, r#"{"id":1}"#));
        assert_eq!(request_of(&delivery("null", false)?)?, None);
        assert_eq!(request_of(&delivery(r#""{""#, true)?)?, None);
        Ok(())
    }
}
