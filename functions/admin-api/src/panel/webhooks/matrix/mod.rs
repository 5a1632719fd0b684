//! Events by endpoints: a row for each topic that is subscribed to, and a column for each address.
//!
//! A cell leads to its webhook, or offers to create it. Where a wildcard of the same endpoint takes
//! the topic already, the cell says so instead: a second webhook would send each event twice.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use storehook_domain::{
    event::topic::{Topic, TopicPattern},
    webhook::Status,
};

use crate::{
    panel::{
        look::{icon::Icon, state::state},
        session::encoded,
        webhooks::{endpoint::Endpoint, status::status_of},
    },
    webhooks::responses::WebhookProperties,
};

/// The most cells of a matrix: beyond, nobody finds anything in it, and the page grows long.
const CELLS_LIMIT: usize = 400;

/// Webhooks by topic and address.
pub(crate) struct Matrix<'a> {
    /// Addresses, sorted.
    addresses: Vec<&'a str>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    /// The topic's key, which all spellings share.
    topic: String,
    /// A cell for each address.
    cells: Vec<Cell<'a>>,
}

enum Cell<'a> {
    /// The webhooks: several differ in format or protocol.
    Webhooks(Vec<&'a WebhookProperties<'a>>),
    /// No webhook, but an active one on a wildcard.
    Covered(&'a WebhookProperties<'a>),
    Free,
}

impl<'a> Matrix<'a> {
    /// The matrix of webhooks; `None` if it would have too many cells.
    pub(crate) fn of(webhooks: &'a [WebhookProperties<'a>]) -> Option<Self> {
        let mut places: BTreeMap<(String, &str), Vec<&WebhookProperties<'_>>> = BTreeMap::new();
        for webhook in webhooks {
            places.entry((key_of(webhook.topic), webhook.address)).or_default().push(webhook);
        }
        let topics: BTreeSet<&String> = places.keys().map(|(topic, _)| topic).collect();
        let addresses: BTreeSet<&str> = places.keys().map(|(_, address)| *address).collect();
        if topics.len() * addresses.len() > CELLS_LIMIT {
            return None;
        }
        let cell = |topic: &String, address: &'a str| match places.get(&(topic.clone(), address)) {
            Some(found) => Cell::Webhooks(found.clone()),
            None => wider_than(topic)
                .into_iter()
                .filter_map(|wider| places.get(&(wider, address)))
                .flatten()
                .find(|webhook| webhook.status == Status::Active.as_str())
                .map_or(Cell::Free, |webhook| Cell::Covered(webhook)),
        };
        let row = |topic: &String| Row {
            topic: topic.clone(),
            cells: addresses.iter().map(|address| cell(topic, address)).collect(),
        };
        let rows = topics.iter().map(|topic| row(topic)).collect();
        Some(Self { addresses: addresses.into_iter().collect(), rows })
    }

    /// The matrix as a table. Cells offer to create a webhook if the matrix holds all webhooks.
    pub(crate) fn table(&self, is_whole: bool) -> Markup {
        let endpoints: Vec<_> = self.addresses.iter().map(|address| Endpoint::of(address)).collect();
        html! {
            div.scroll tabindex="0" role="region" aria-label="Events by endpoints" {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "Topic" }
                            @for (address, endpoint) in self.addresses.iter().zip(&endpoints) {
                                th scope="col" title=(address) { (endpoint.host) br; (endpoint.path) }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                th scope="row" { (row.topic) }
                                @for ((cell, address), endpoint) in row.cells.iter().zip(&self.addresses).zip(&endpoints) {
                                    td { (shown(cell, &row.topic, address, endpoint, is_whole)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn shown(cell: &Cell<'_>, topic: &str, address: &str, endpoint: &Endpoint, is_whole: bool) -> Markup {
    html! {
        @match cell {
            Cell::Webhooks(webhooks) => @for webhook in webhooks {
                div {
                    a href={ "/panel/webhooks/" (webhook.id.to_string()) } {
                        (state(status_of(webhook))) span.sr { ": " (webhook.topic) " to " (endpoint) }
                    }
                    @if webhooks.len() > 1 { " " span.muted { (webhook.format) ", " (webhook.protocol) } }
                }
            },
            Cell::Covered(webhook) => span.muted {
                "by " a href={ "/panel/webhooks/" (webhook.id.to_string()) } {
                    (webhook.topic) span.sr { " to " (endpoint) }
                }
            },
            Cell::Free if is_whole => {
                a.create href={ "/panel/webhooks/new?topic=" (encoded(topic)) "&address=" (encoded(address)) } {
                    (Icon::Plus.draw()) "Create" span.sr { " a webhook for " (topic) " to " (endpoint) }
                }
            },
            Cell::Free => span.muted { "–" },
        }
    }
}

/// The key of a topic that the API printed.
fn key_of(topic: &str) -> String {
    TopicPattern::parse(topic).map_or_else(|_| topic.to_owned(), |pattern| pattern.key().to_owned())
}

/// The keys of the wildcards that take everything that this topic or wildcard takes.
fn wider_than(key: &str) -> Vec<String> {
    let patterns = Topic::parse(key).map(|topic| topic.matching_patterns());
    let patterns = patterns.unwrap_or_else(|_| vec!["*".to_owned()]);
    patterns.into_iter().filter(|pattern| pattern != key).collect()
}

#[cfg(test)]
mod tests;
