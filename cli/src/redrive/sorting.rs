//! Which messages of the dead-letter queue a redrive is about.

use jiff::Timestamp;
use storehook_domain::{Delivery, WebhookId};

/// What a message of the dead-letter queue is to a redrive.
#[derive(Debug)]
pub(super) enum Sorting<'a> {
    /// A dead letter that is to be sent again.
    Wanted(Delivery<'a>),
    /// A dead letter of another webhook than the one that is named.
    Anothers,
    /// A dead letter that was queued after the redrive began: it may be the redrive's own work.
    Later,
    /// Something that nobody can deliver.
    NoDelivery,
}

/// Sorts a message by its body. Without a webhook's id, every webhook's are wanted.
pub(super) fn sort(body: &str, webhook: Option<WebhookId>, began_at: Timestamp) -> Sorting<'_> {
    match Delivery::parse(body.as_bytes()) {
        Err(_) => Sorting::NoDelivery,
        Ok(delivery) if webhook.is_some_and(|webhook| webhook != delivery.webhook_id) => Sorting::Anothers,
        Ok(delivery) if delivery.enqueued_at >= began_at => Sorting::Later,
        Ok(delivery) => Sorting::Wanted(delivery),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;
    use crate::redrive::stand_in::dead_letter;

    fn check(body: &str, webhook: Option<u64>, expected: &str) -> Result<()> {
        let began_at = "2026-11-21T15:00:00Z".parse()?;
        let found = match sort(body, webhook.map(WebhookId::new), began_at) {
            Sorting::Wanted(delivery) => format!("wanted {}", delivery.id()),
            Sorting::Anothers => "another's".to_owned(),
            Sorting::Later => "later".to_owned(),
            Sorting::NoDelivery => "no delivery".to_owned(),
        };
        assert_eq!(found, expected, "{body}");
        Ok(())
    }

    #[test]
    fn every_webhooks_dead_letters_are_wanted_or_those_of_the_named_one() -> Result<()> {
        let letter = dead_letter(7, "e", "2026-11-19T15:00:00Z");
        check(&letter, None, "wanted 7-e")?;
        check(&letter, Some(7), "wanted 7-e")?;
        check(&letter, Some(70), "another's")
    }

    #[test]
    fn what_was_queued_since_the_redrive_began_is_left_alone() -> Result<()> {
        check(&dead_letter(7, "e", "2026-11-21T14:59:59.999999999Z"), None, "wanted 7-e")?;
        check(&dead_letter(7, "e", "2026-11-21T15:00:00Z"), None, "later")?;
        check(&dead_letter(7, "e", "2026-11-21T15:00:01Z"), Some(7), "later")?;
        // Which of the two reasons is told is all the same, as long as it is told once.
        check(&dead_letter(7, "e", "2026-11-21T15:00:01Z"), Some(8), "another's")
    }

    #[test]
    fn what_is_no_delivery_belongs_to_no_webhook() -> Result<()> {
        for body in ["", "not json", "{}", r#"{"webhook_id": 7, "payload": {}}"#] {
            check(body, None, "no delivery")?;
            check(body, Some(7), "no delivery")?;
        }
        Ok(())
    }
}
