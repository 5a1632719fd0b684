//! Which messages of the dead-letter queue a redrive sends again.

use jiff::Timestamp;
use storehook_domain::{delivery::message::DeliveryMessage, webhook::WebhookId};

const EXAMPLES: &str = "\
Examples:
  storehook --stack storehook redrive --dry-run
  storehook --stack storehook redrive --webhook 7";

/// Which dead letters to send again.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Send only the dead letters of this webhook.
    #[arg(long, value_name = "ID")]
    pub webhook: Option<WebhookId>,
    /// Count the dead letters by webhook, and send none.
    #[arg(long)]
    pub dry_run: bool,
}

impl Args {
    /// Whether dead letters of all tenants are sent.
    pub(super) fn is_of_all_tenants(&self) -> bool {
        self.webhook.is_none() && !self.dry_run
    }
}

/// Why a message of the dead-letter queue stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwanted {
    /// It belongs to a webhook that was not named.
    OtherWebhook,
    /// It was queued after the redrive began, and may be the redrive's own work.
    Later,
    /// It is not a delivery.
    NoDelivery,
}

/// The dead letter in a message's body, if it must be sent again. Without a webhook's id, the dead
/// letters of every webhook are.
pub(super) fn wanted(
    body: &str,
    webhook: Option<WebhookId>,
    began_at: Timestamp,
) -> Result<DeliveryMessage<'_>, Unwanted> {
    let delivery = DeliveryMessage::parse(body.as_bytes()).map_err(|_| Unwanted::NoDelivery)?;
    if webhook.is_some_and(|webhook| webhook != delivery.envelope.id.webhook_id) {
        return Err(Unwanted::OtherWebhook);
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
        let id = wanted.map(|delivery| delivery.envelope.id.to_string());
        assert_eq!(id, expected.map(str::to_owned), "{body}");
        Ok(())
    }

    #[test]
    fn dead_letters_of_every_webhook_or_of_the_named_one_are_selected() -> Result<()> {
        let letter = dead_letter(7, "e", "2026-11-19T15:00:00Z");
        check(&letter, None, Ok("7-e"))?;
        check(&letter, Some(7), Ok("7-e"))?;
        check(&letter, Some(70), Err(Unwanted::OtherWebhook))
    }

    #[test]
    fn a_redrive_of_no_webhook_in_particular_is_of_all_tenants_unless_it_only_counts() {
        let all = Args::default();
        let (counted, one) =
            (Args { dry_run: true, ..all.clone() }, Args { webhook: Some(WebhookId::new(7)), ..all.clone() });
        assert_eq!([all, counted, one].map(|args| args.is_of_all_tenants()), [true, false, false]);
    }

    #[test]
    fn dead_letters_queued_after_the_redrive_began_are_skipped() -> Result<()> {
        check(&dead_letter(7, "e", "2026-11-21T14:59:59.999999999Z"), None, Ok("7-e"))?;
        check(&dead_letter(7, "e", "2026-11-21T15:00:00Z"), None, Err(Unwanted::Later))?;
        check(&dead_letter(7, "e", "2026-11-21T15:00:01Z"), Some(7), Err(Unwanted::Later))
    }

    #[test]
    fn messages_that_are_not_deliveries_are_skipped() -> Result<()> {
        for body in ["", "not json", "{}", r#"{"envelope": {}, "payload": {}}"#] {
            check(body, None, Err(Unwanted::NoDelivery))?;
            check(body, Some(7), Err(Unwanted::NoDelivery))?;
        }
        Ok(())
    }
}
