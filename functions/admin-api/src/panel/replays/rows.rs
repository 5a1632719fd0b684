//! Replays in a table, and their parts in words.

use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{webhook::Webhook, words::number::count};

use crate::{
    panel::look::{
        state::state,
        time::{exact, when},
    },
    replays::responses::ShownReplay,
};

/// A table of a webhook's replays, the latest first. On a phone each is a card.
pub(crate) fn table(caption: &str, replays: &[ShownReplay], now: Timestamp) -> Markup {
    html! {
        table.cards {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "State" }
                    th scope="col" { "Began" }
                    th scope="col" { "Deliveries" }
                    th scope="col" { "Queued" }
                    th.number scope="col" { "Found" }
                    th.number scope="col" { "Sent" }
                    th scope="col" { span.sr { "Link" } }
                }
            }
            tbody { @for replay in replays { (row(replay, now)) } }
        }
    }
}

fn row(replay: &ShownReplay, now: Timestamp) -> Markup {
    html! {
        tr {
            td { (state(replay.state)) }
            td data-label="Began" { (when(&replay.began_at, now)) }
            td data-label="Deliveries" { (replay.deliveries) }
            td data-label="Queued" { (window(&replay.from, &replay.to)) }
            td.number data-label="Found" { (count(replay.found)) }
            td.number data-label="Sent" { (count(replay.sent)) }
            td {
                a href=(path_of(replay.webhook_id, &replay.id)) {
                    "Show" span.sr { " the replay of " (exact(&replay.began_at)) }
                }
            }
        }
    }
}

/// The path of a replay's page.
pub(crate) fn path_of(webhook_id: u64, replay_id: &str) -> String {
    format!("/panel/webhooks/{webhook_id}/replays/{replay_id}")
}

/// A window of time in words. One that is open begins with the Unix epoch.
pub(crate) fn window(from: &str, to: &str) -> String {
    let is_open = from.parse().is_ok_and(|from: Timestamp| from == Timestamp::UNIX_EPOCH);
    if is_open { format!("until {}", exact(to)) } else { format!("{} to {}", exact(from), exact(to)) }
}

/// Whose replays a page shows: the way back to the webhook.
pub(crate) fn whose(webhook: &Webhook) -> Markup {
    html! {
        p id="webhook" {
            a href={ "/panel/webhooks/" (webhook.id) } {
                (webhook.topic.as_str()) " to " (webhook.address.as_str())
            }
        }
    }
}

/// Values for tests.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    pub(crate) fn replay(state: &'static str, found: u64, sent: u64) -> ShownReplay {
        ShownReplay {
            id: "r1".to_owned(),
            webhook_id: 7,
            state,
            deliveries: "dead",
            from: "2026-11-20T10:00:00-05:00".to_owned(),
            to: "2026-11-21T10:00:00-05:00".to_owned(),
            per_second: 50,
            found,
            sent,
            expired: found - sent,
            began_at: "2026-11-21T10:00:00-05:00".to_owned(),
            ended_at: (state != "running").then(|| "2026-11-21T10:01:00-05:00".to_owned()),
        }
    }

    pub(crate) fn webhook(status: &str) -> serde_json::Result<Webhook> {
        serde_json::from_value(serde_json::json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create",
            "address": "https://a.example/?q=<script>", "format": "json", "protocol": "webhook", "status": status,
            "fields": [], "metafield_namespaces": [], "custom_headers": {},
            "created_at": "2026-11-01T15:00:00Z", "updated_at": "2026-11-21T14:00:00Z", "version": 3,
        }))
    }

    #[test]
    fn a_row_leads_to_its_replay() -> TestResult {
        let now = "2026-11-21T15:02:00Z".parse()?;
        let table = table("Replays", &[replay("done", 1_204, 1_200)], now).into_string();
        for expected in [
            "href=\"/panel/webhooks/7/replays/r1\"",
            "2026-11-20 10:00:00 -05:00 to 2026-11-21 10:00:00 -05:00",
            ">1,204<",
            ">1,200<",
        ] {
            assert!(table.contains(expected), "{expected}: {table}");
        }
        Ok(())
    }

    #[test]
    fn an_open_window_has_an_end_alone() {
        assert_eq!(
            window("1969-12-31T19:00:00-05:00", "2026-11-21T10:00:00-05:00"),
            "until 2026-11-21 10:00:00 -05:00"
        );
    }
}
