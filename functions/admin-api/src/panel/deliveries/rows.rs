//! Deliveries in a table, as several pages list them.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    deliveries::responses::ShownDelivery,
    panel::look::{state::state, time::when},
};

/// A table of deliveries, the newest first. On a phone each is a card.
pub(crate) fn table(caption: &str, deliveries: &[ShownDelivery], now: Timestamp) -> Markup {
    html! {
        table.cards {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "State" }
                    th scope="col" { "Topic" }
                    th scope="col" { "Event" }
                    th scope="col" { "Queued" }
                    th.number scope="col" { "Attempts" }
                    th scope="col" { "Why" }
                }
            }
            tbody { @for delivery in deliveries { (row(delivery, now)) } }
        }
    }
}

fn row(delivery: &ShownDelivery, now: Timestamp) -> Markup {
    let last = delivery.last_attempt.as_ref();
    html! {
        tr {
            td { (state(delivery.state)) @if delivery.test { " " span.muted { "test" } } }
            td data-label="Topic" { (delivery.topic) }
            td data-label="Event" { a href={ "/panel/deliveries/" (delivery.id) } { (delivery.event_id) } }
            td data-label="Queued" { (when(&delivery.created_at, now)) }
            td.number data-label="Attempts" { (delivery.attempt_count) }
            td data-label="Why" {
                @match last.and_then(|last| last.error.as_deref()) {
                    Some(error) => (error),
                    None => span.muted { "–" },
                }
                @if let Some(next) = &delivery.next_attempt_at { " " span.muted { "Next attempt " (when(next, now)) } }
            }
        }
    }
}
