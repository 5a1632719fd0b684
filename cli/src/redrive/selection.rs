//! Which messages of the dead-letter queue a redrive is about.

use jiff::Timestamp;
use storehook_domain::{delivery::message::DeliveryMessage, webhook::WebhookId};

/// Which dead letters to send again.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Only this webhook's.
    #[arg(long, value_name = "ID")]
    pub webhook: Option<WebhookId>,
    /// Count them by webhook, and send none.
    #[arg(long)]
    pub dry_run: bool,
}

/// Why a message of the dead-letter queue is left where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwanted {
    /// It is of another webhook than the one that is named.
    Anothers,
    /// It was queued after the redrive began: it may be the redrive's own work.
    Later,
    /// Nobody can deliver it.
    NoDelivery,
}

/// The dead letter that is to be sent again, of a message's body. Without a webhook's id, every webhook's are
/// wanted.
pub(super) fn wanted(
    body: &str,
    webhook: Option<WebhookId>,
    began_at: Timestamp,
) -> Result<DeliveryMessage<'_>, Unwanted> {
    let delivery = DeliveryMessage::parse(body.as_bytes()).map_err(|_| Unwanted::NoDelivery)?;
    if webhook.is_some_and(|webhook| webhook != delivery.webhook_id) {
        return Err(Unwanted::Anothers);
    }
    if delivery.enqueued_at >= began_at { Err(Unwanted::Later) } else { Ok(delivery) }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;
    use crate::redrive::stand_in::dead_letter;

    fn check(body: &str, webhook: Option<u64>, expected: Result<&str, Unwanted>) -> Result<()> {
        let began_at = "2026-11-21T15:00:00Z".parse()?;
        let wanted = wanted(body, webhook.map(WebhookId::new), began_at);
        let id = wanted.map(|delivery| delivery.id());
        assert_eq!(id, expected.map(str::to_owned), "{body}");
        Ok(())
    }

    #[test]
    fn every_webhooks_dead_letters_are_wanted_or_those_of_the_named_one() -> Result<()> {
        let letter = dead_letter(7, "e", "2026-11-19T15:00:00Z");
        check(&letter, None, Ok("7-e"))?;
        check(&letter, Some(7), Ok("7-e"))?;
        check(&letter, Some(70), Err(Unwanted::Anothers))
    }

    #[test]
    fn what_was_queued_since_the_redrive_began_is_left_alone() -> Result<()> {
        check(&dead_letter(7, "e", "2026-11-21T14:59:59.999999999Z"), None, Ok("7-e"))?;
        check(&dead_letter(7, "e", "2026-11-21T15:00:00Z"), None, Err(Unwanted::Later))?;
        check(&dead_letter(7, "e", "2026-11-21T15:00:01Z"), Some(7), Err(Unwanted::Later))
    }

    #[test]
    fn what_is_no_delivery_belongs_to_no_webhook() -> Result<()> {
        for body in ["", "not json", "{}", r#"{"webhook_id": 7, "payload": {}}"#] {
            check(body, None, Err(Unwanted::NoDelivery))?;
            check(body, Some(7), Err(Unwanted::NoDelivery))?;
        }
        Ok(())
    }
}
