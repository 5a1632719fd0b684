//! How things are, in a sentence: for all webhooks together, and for one that needs somebody.

use storehook_domain::{history::state::DeliveryState, webhook::Status};

use crate::{
    deliveries::activity::{Activity, WebhookActivity},
    panel::look::number::{counted, deliveries},
};

/// The sentence at the top of the panel.
pub(super) fn overview(activity: &Activity) -> String {
    let webhooks = &activity.webhooks;
    if webhooks.is_empty() {
        return "No webhooks yet".to_owned();
    }
    let disabled = webhooks.iter().filter(|one| one.webhook.status == Status::Disabled).count();
    let failing = webhooks.iter().filter(|one| is_failing(one)).count();
    let held = activity.total.of(DeliveryState::Held);
    let dead = activity.total.of(DeliveryState::Dead);
    let lost = [(held, "held"), (dead, "dead")];
    let lost = lost.iter().filter(|(number, _)| *number > 0);
    let lost: Vec<_> = lost.map(|(number, word)| format!("{} {word}", are(*number))).collect();
    let lost = if lost.is_empty() { String::new() } else { format!("; {}", lost.join(", ")) };
    let of_webhooks = |number: usize, words: &str| {
        let number = counted(number as u64, "webhook", "webhooks");
        format!("{number} {words}{lost}.")
    };
    match (disabled, failing) {
        (0, 0) if activity.total.total() == 0 => "No deliveries yet in this time.".to_owned(),
        (0, 0) if lost.is_empty() && webhooks.len() == 1 => "Your webhook is taking deliveries.".to_owned(),
        (0, 0) if lost.is_empty() => format!("All {} webhooks are taking deliveries.", webhooks.len()),
        (0, 0) => of_webhooks(webhooks.len(), if webhooks.len() == 1 { "is working" } else { "are working" }),
        (0, 1) => of_webhooks(1, "is failing"),
        (0, failing) => of_webhooks(failing, "are failing"),
        (1, _) => of_webhooks(1, "is disabled"),
        (disabled, _) => of_webhooks(disabled, "are disabled"),
    }
}

/// What is wrong with a webhook; `None` if nothing is.
pub(super) fn need(one: &WebhookActivity) -> Option<String> {
    let (held, dead) = (one.stats.of(DeliveryState::Held), one.stats.of(DeliveryState::Dead));
    let retrying = one.stats.of(DeliveryState::Retrying);
    match one.webhook.status {
        Status::Disabled => Some(format!(
            "Its deliveries failed for days, so it was disabled. {} held. Mend the endpoint, then resume it.",
            are(held)
        )),
        Status::Paused if held > 0 => {
            Some(format!("It is paused, and {} held. Resume it, then replay them.", are(held)))
        }
        Status::Active if dead > 0 => {
            Some(format!("{} failed at every attempt. Replay them.", deliveries(dead)))
        }
        Status::Active if held > 0 => Some(format!("{} held from a pause. Replay them.", are(held))),
        Status::Active if is_failing(one) => {
            Some(format!("{} failed and will be tried again.", deliveries(retrying)))
        }
        Status::Active | Status::Paused => None,
    }
}

/// Whether more deliveries wait for a retry than were delivered.
fn is_failing(one: &WebhookActivity) -> bool {
    let retrying = one.stats.of(DeliveryState::Retrying);
    one.webhook.status == Status::Active && retrying > 0 && retrying > one.stats.of(DeliveryState::Delivered)
}

/// `1 delivery is`, `2 deliveries are`.
fn are(number: u64) -> String {
    format!("{} {}", deliveries(number), if number == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};
    use serde_json::json;
    use storehook_domain::history::{
        stats::DeliveryStats,
        timeline::{Range, Timeline},
    };

    use super::*;

    fn webhook(
        status: &str,
        states: &[(DeliveryState, usize)],
    ) -> Result<WebhookActivity, serde_json::Error> {
        let webhook = serde_json::from_value(json!({
            "id": 1, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
            "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
            "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z",
            "version": 1,
        }))?;
        let mut stats = DeliveryStats::default();
        for (state, count) in states {
            (0..*count).for_each(|_| stats.count(*state, None));
        }
        Ok(WebhookActivity { webhook, stats })
    }

    fn activity(webhooks: Vec<WebhookActivity>) -> Activity {
        let mut total = DeliveryStats::default();
        for (state, count) in webhooks.iter().flat_map(|one| one.stats.counts()) {
            (0..count).for_each(|_| total.count(state, None));
        }
        let timeline = Timeline::empty(Range::Day, Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        Activity { timeline, webhooks, total, is_complete: true }
    }

    #[test]
    fn one_sentence_says_how_all_webhooks_are() -> Result<(), serde_json::Error> {
        use DeliveryState::{Dead, Delivered, Held, Retrying};
        let good = || webhook("active", &[(Delivered, 9)]);
        for (webhooks, expected) in [
            (vec![], "No webhooks yet"),
            (vec![webhook("active", &[])?], "No deliveries yet in this time."),
            (vec![good()?], "Your webhook is taking deliveries."),
            (vec![good()?, good()?], "All 2 webhooks are taking deliveries."),
            (vec![good()?, webhook("active", &[(Retrying, 2)])?], "1 webhook is failing."),
            (
                vec![good()?, webhook("disabled", &[(Held, 812), (Dead, 1)])?],
                "1 webhook is disabled; 812 deliveries are held, 1 delivery is dead.",
            ),
            (vec![good()?, webhook("paused", &[(Held, 1)])?], "2 webhooks are working; 1 delivery is held."),
        ] {
            assert_eq!(overview(&activity(webhooks)), expected);
        }
        Ok(())
    }

    #[test]
    fn only_a_webhook_that_somebody_must_look_at_is_in_need() -> Result<(), serde_json::Error> {
        use DeliveryState::{Dead, Delivered, Held, Retrying};
        for (status, states, expected) in [
            ("active", &[(Delivered, 9), (Retrying, 1)][..], None),
            ("paused", &[][..], None),
            ("active", &[(Dead, 1)][..], Some("1 delivery failed at every attempt. Replay them.")),
            (
                "paused",
                &[(Held, 2)][..],
                Some("It is paused, and 2 deliveries are held. Resume it, then replay them."),
            ),
            ("active", &[(Retrying, 2)][..], Some("2 deliveries failed and will be tried again.")),
        ] {
            assert_eq!(need(&webhook(status, states)?).as_deref(), expected, "{status}");
        }
        Ok(())
    }
}
