//! The facts of a delivery, as a list of names and values.

use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{
    webhook::{Status, Webhook},
    words::number::counted,
};

use crate::{
    deliveries::responses::ShownDelivery,
    panel::{
        deliveries::rows::name_of,
        look::{state::state, time::when},
    },
};

/// The facts. `webhook` is the webhook as it is now; `None` if it is deleted.
pub(super) fn facts(delivery: &ShownDelivery, webhook: Option<&Webhook>, now: Timestamp) -> Markup {
    html! {
        dl.facts {
            dt { "State" }
            dd { (state(delivery.state)) }
            dt { "Topic" }
            dd { (delivery.topic) @if delivery.test { " (a test event)" } }
            dt { "Event" }
            dd {
                code { (delivery.event_id) } " "
                // An event's id needs no escapes in a URL.
                a href={ "/panel/events?id=" (delivery.event_id) } { "What became of this event elsewhere" }
            }
            dt { "Webhook" }
            dd {
                @match webhook {
                    Some(webhook) => {
                        a href={ "/panel/webhooks/" (webhook.id) } { (name_of(webhook)) }
                        @if webhook.status != Status::Active { ", which is " (webhook.status.as_str()) }
                    }
                    None => { (delivery.webhook_id) ", which is deleted" },
                }
            }
            dt { "Event happened" }
            dd { (when(&delivery.triggered_at, now)) }
            dt { "Queued" }
            dd { (when(&delivery.created_at, now)) }
            dt { "Runs" }
            dd {
                "The event's own"
                @if delivery.replays > 0 { ", and " (counted(delivery.replays as u64, "other", "others")) }
            }
            dt { "Delivery id" }
            dd { code { (delivery.id) } }
            @if delivery.has_other_payload {
                dt { "Note" }
                dd {
                    "Another event came under the same id with another payload. It was not sent: ids of events must differ."
                }
            }
        }
    }
}
