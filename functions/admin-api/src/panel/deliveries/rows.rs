//! Deliveries in a table, as several pages list them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{explanation::why::why_in_short, webhook::Webhook};

use crate::{
    deliveries::responses::ShownDelivery,
    panel::look::{state::state, time::when},
};

/// The names of webhooks, by their ids.
pub(crate) type WebhookNames = BTreeMap<u64, String>;

/// A webhook's name in lists: its topic, and the host that its deliveries go to.
pub(crate) fn name_of(webhook: &Webhook) -> String {
    let host = webhook.address.url().host_str().unwrap_or_default();
    format!("{} → {host}", webhook.topic.as_str())
}

/// The names of these webhooks.
pub(crate) fn names_of(webhooks: &[Webhook]) -> WebhookNames {
    webhooks.iter().map(|webhook| (webhook.id.get(), name_of(webhook))).collect()
}

/// A table of one webhook's deliveries, the newest first. On a phone each is a card.
pub(crate) fn table(caption: &str, deliveries: &[ShownDelivery], now: Timestamp) -> Markup {
    table_of(caption, deliveries, None, now)
}

/// A table of several webhooks' deliveries, which names the webhook of each.
pub(crate) fn table_of_all(
    caption: &str,
    deliveries: &[ShownDelivery],
    names: &WebhookNames,
    now: Timestamp,
) -> Markup {
    table_of(caption, deliveries, Some(names), now)
}

fn table_of(
    caption: &str,
    deliveries: &[ShownDelivery],
    names: Option<&WebhookNames>,
    now: Timestamp,
) -> Markup {
    html! {
        table.cards {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "State" }
                    th scope="col" { "Topic" }
                    th scope="col" { "Event" }
                    @if names.is_some() { th scope="col" { "Webhook" } }
                    th scope="col" { "Queued" }
                    th.number scope="col" { "Attempts" }
                    th scope="col" { "Why" }
                }
            }
            tbody { @for delivery in deliveries { (row(delivery, names, now)) } }
        }
    }
}

fn row(delivery: &ShownDelivery, names: Option<&WebhookNames>, now: Timestamp) -> Markup {
    let last = delivery.last_attempt.as_ref();
    html! {
        tr {
            td { (state(delivery.state)) @if delivery.test { " " span.muted { "test" } } }
            td data-label="Topic" { (delivery.topic) }
            td data-label="Event" { a href={ "/panel/deliveries/" (delivery.id) } { (delivery.event_id) } }
            @if let Some(names) = names {
                td data-label="Webhook" { (webhook(delivery.webhook_id, names)) }
            }
            td data-label="Queued" { (when(&delivery.created_at, now)) }
            td.number data-label="Attempts" { (delivery.attempt_count) }
            td data-label="Why" {
                @match (why_in_short(delivery.state, delivery.held_for), last.and_then(|last| last.error.as_deref())) {
                    (Some(reason), _) => (reason),
                    (None, Some(error)) => { (error) "." },
                    (None, None) => span.muted { "–" },
                }
                @if let Some(next) = &delivery.next_attempt_at { " " span.muted { "Next attempt " (when(next, now)) "." } }
            }
        }
    }
}

/// A link to a webhook under its name; of one that is gone, its id.
fn webhook(id: u64, names: &WebhookNames) -> Markup {
    html! {
        @match names.get(&id) {
            Some(name) => a href={ "/panel/webhooks/" (id) } { (name) },
            None => { "Webhook " (id) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(webhook_id: u64, error: Option<&str>) -> ShownDelivery {
        let attempt = |error: &str| crate::deliveries::responses::ShownAttempt {
            number: 1,
            run: "event".to_owned(),
            attempted_at: "2026-11-21T15:00:00+00:00".to_owned(),
            status: None,
            error: Some(error.to_owned()),
            code: None,
            latency_ms: 7,
            address: "https://b.example/".to_owned(),
        };
        ShownDelivery {
            id: format!("{webhook_id}-e"),
            webhook_id,
            event_id: "e".to_owned(),
            topic: "orders/paid".to_owned(),
            state: "retrying",
            held_for: None,
            test: true,
            has_other_payload: false,
            replays: 0,
            triggered_at: "2026-11-21T15:00:00+00:00".to_owned(),
            created_at: "2026-11-21T15:00:00+00:00".to_owned(),
            next_attempt_at: Some("2026-11-21T15:00:10+00:00".to_owned()),
            attempt_count: 1,
            last_attempt: error.map(attempt),
        }
    }

    #[test]
    fn a_row_tells_the_state_why_and_of_several_webhooks_which() {
        let names = WebhookNames::from([(7, "orders/* → <b>.example".to_owned())]);
        let deliveries = [delivery(7, Some("<script>alert(1)</script>")), delivery(8, None)];
        let now = "2026-11-21T15:00:05Z".parse().unwrap_or_default();
        let all = table_of_all("2 deliveries", &deliveries, &names, now).into_string();
        for part in [
            "retrying</span> <span class=\"muted\">test",
            "<a href=\"/panel/deliveries/7-e\">e</a>",
            "<a href=\"/panel/webhooks/7\">orders/* → &lt;b&gt;.example</a>",
            "Webhook 8</td>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "Next attempt <time",
            "in 5 s",
        ] {
            assert!(all.contains(part), "{part}: {all}");
        }
        for (state, reason) in [
            ("held", "<td data-label=\"Why\">The webhook was not active when it was due."),
            ("cancelled", "<td data-label=\"Why\">The webhook was deleted, or the app uninstalled."),
            ("delivered", "<td data-label=\"Why\"><span class=\"muted\">–</span>"),
        ] {
            let delivery = ShownDelivery { state, ..delivery(7, None) };
            let shown = table("1 delivery", &[delivery], now).into_string();
            assert!(shown.contains(reason), "{state}: {shown}");
        }
        let failing = ShownDelivery { state: "held", held_for: Some("failing"), ..delivery(7, None) };
        assert!(table("1 delivery", &[failing], now).into_string().contains("Its endpoint was failing."));
        let one = table("1 delivery", &deliveries[..1], now).into_string();
        assert!(!one.contains("Webhook") && !one.contains("<script>"), "{one}");
    }
}
