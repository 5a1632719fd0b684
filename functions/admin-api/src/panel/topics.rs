//! The catalogue of topics: what an app may subscribe to, and what each event looks like.
//!
//! The page lists all topics by their resource. A sample is long, so it shows that of one topic,
//! the one that the query opens.

use std::collections::BTreeMap;

use axum::extract::State;
use maud::{Markup, html};
use storehook_domain::{
    event::{pushed::is_pushable, topic::Topic},
    input::field_errors::FieldErrors,
};

use crate::{
    app::App,
    events::topics::{ShownTopic, catalogue_topics},
    panel::{
        fields::Query,
        look::{
            code,
            form::Field,
            page::{Page, Tab},
        },
        session::encoded,
    },
};

/// Shows the topics: those that match `q`, and the sample of `topic`.
pub(crate) async fn show(State(app): State<App>, Query(query): Query) -> Page {
    let topics: Vec<_> = catalogue_topics(&app.settings.rules.header_prefix).collect();
    page(&topics, query.get("q").trim(), query.get("topic"))
}

fn page(topics: &[ShownTopic], search: &str, opened: &str) -> Page {
    let key = Topic::parse(opened).map(|topic| topic.as_str().to_owned()).unwrap_or_default();
    let opened = topics.iter().find(|topic| topic.topic == key);
    let found: Vec<_> = topics.iter().filter(|topic| matches(topic, search)).collect();
    let body = html! {
        h1 { "Topics" }
        p.lead { "A webhook subscribes to a topic. Open one to see what its events carry." }
        @if let Some(topic) = opened { (sample(topic)) }
        form.filters method="get" action="/panel/topics" {
            (search_field(search))
            button type="submit" { "Search" }
            @if !search.is_empty() { a href="/panel/topics" { "Show all topics" } }
        }
        @if found.is_empty() { (nothing(search)) } @else { (table(&found, search, opened)) }
        (more_names())
    };
    let title = opened.map_or_else(|| "Topics".to_owned(), |topic| format!("{} · Topics", topic.topic));
    Page::new(Tab::Topics, title, body)
}

fn search_field(search: &str) -> Markup {
    let errors = FieldErrors::default();
    Field { name: "q", label: "Topic, resource or Spree's name", help: "", errors: &errors }
        .text(search, "search")
}

/// Whether a topic has the text in one of its names.
fn matches(topic: &ShownTopic, search: &str) -> bool {
    let search = search.to_lowercase();
    let names = topic.aliases.iter().chain([&topic.topic, &topic.resource]);
    names.into_iter().any(|name| name.contains(&search))
        || topic.id_header.as_ref().is_some_and(|header| header.to_lowercase().contains(&search))
}

fn sample(topic: &ShownTopic) -> Markup {
    let name = topic.topic;
    html! {
        section aria-labelledby="opened" {
            h2 id="opened" { (name) }
            dl.facts {
                dt { "Resource" } dd { (topic.resource.replace('_', " ")) }
                @if !topic.aliases.is_empty() { dt { "Spree's names" } dd { (topic.aliases.join(", ")) } }
                @if let Some(header) = &topic.id_header { dt { "Header with the id" } dd { code { (header) } } }
                dt { "Root in XML" } dd { code { "<" (topic.xml_root) ">" } }
            }
            div.actions {
                a.button.primary href={ "/panel/webhooks/new?topic=" (name) } { "Subscribe to " (name) }
                @if is_pushable(name) {
                    a.button href={ "/panel/push?topic=" (name) } { "Push this event" }
                }
            }
            h3 { "Sample payload" }
            (code::block("Sample payload", &code::pretty(topic.sample.get())))
        }
    }
}

fn table(topics: &[&ShownTopic], search: &str, opened: Option<&ShownTopic>) -> Markup {
    let mut resources: BTreeMap<_, Vec<&ShownTopic>> = BTreeMap::new();
    for topic in topics {
        resources.entry(topic.resource).or_default().push(topic);
    }
    let search = if search.is_empty() { String::new() } else { format!("&q={}", encoded(search)) };
    html! {
        table.cards {
            caption { (topics.len()) @if topics.len() == 1 { " topic" } @else { " topics" } ", by what they are about" }
            thead { tr { th scope="col" { "Resource" } th scope="col" { "Topic" } th scope="col" { "Spree's names" } } }
            @for (resource, topics) in &resources {
                tbody {
                    @for (index, topic) in topics.iter().enumerate() {
                        tr {
                            @if index == 0 {
                                th scope="rowgroup" rowspan=(topics.len()) { (resource.replace('_', " ")) }
                            }
                            td {
                                a href={ "/panel/topics?topic=" (topic.topic) (search) }
                                    aria-current=[opened.is_some_and(|opened| opened.topic == topic.topic).then_some("true")]
                                    { (topic.topic) }
                            }
                            @if topic.aliases.is_empty() { td.muted { "–" } }
                            @else { td data-label="Spree's names" { (topic.aliases.join(", ")) } }
                        }
                    }
                }
            }
        }
    }
}

/// What to do about a search without a result. It may be the name of an event of the shop's own.
fn nothing(search: &str) -> Markup {
    html! {
        div.empty {
            p { "No topic of the catalogue matches “" (search) "”." }
            @if Topic::parse(search).is_ok() {
                p { "But it can be the name of an event of the shop's own." }
                p { a.button href={ "/panel/webhooks/new?topic=" (encoded(search)) } { "Subscribe to " (search) } }
            } @else {
                p { "The shop's own events have names such as " code { "return:approved" } "." }
                p { a.button href="/panel/topics" { "Show all topics" } }
            }
        }
    }
}

fn more_names() -> Markup {
    html! {
        h2 { "More than one topic, and events of your own" }
        ul {
            li { code { "orders/*" } " subscribes to all topics of one resource, " code { "*" } " to all topics but those about webhooks." }
            li { "Spree's names work wherever a topic does: " code { "order:new" } " is " code { "orders/create" } "." }
            li { "Any other name of the form " code { "noun:verb" } ", such as " code { "return:approved" }
                ", is an event of the shop's own. The store or an app sends it; " code { "*" } " includes it." }
        }
    }
}

#[cfg(test)]
mod tests {
    use storehook_domain::webhook::header_prefix::HeaderPrefix;

    use super::*;

    fn shown(search: &str, opened: &str) -> String {
        let topics: Vec<_> = catalogue_topics(&HeaderPrefix::default()).collect();
        page(&topics, search, opened).body.into_string()
    }

    #[test]
    fn every_topic_is_listed_and_none_of_their_samples() {
        let page = shown("", "");
        assert!(page.contains("65 topics") && page.contains("webhooks/disabled"), "{page}");
        assert!(page.contains("order:cancelled, order:canceled") && !page.contains("<pre"));
    }

    #[test]
    fn one_topic_is_opened_by_any_of_its_names() {
        for name in ["orders/create", "order:new"] {
            let page = shown("", name);
            for part in [
                "<h2 id=\"opened\">orders/create</h2>",
                "X-Spiffy-Stores-Order-Id",
                "&lt;order&gt;",
                "/panel/webhooks/new?topic=orders/create",
                "/panel/push?topic=orders/create",
                "  &quot;id&quot;: ",
            ] {
                assert!(page.contains(part), "{part}: {page}");
            }
            assert_eq!(page.matches("<pre").count(), 1);
        }
        assert!(!shown("", "app/uninstalled").contains("/panel/push"), "nobody may push it");
        assert!(!shown("", "orders/exploded").contains("<pre"));
    }

    #[test]
    fn the_page_stays_small_with_the_longest_sample() {
        let longest = shown("", "orders/create").len().max(shown("", "draft_orders/create").len());
        assert!(longest < 36 * 1024, "{longest} bytes");
    }

    #[test]
    fn a_search_looks_at_every_name_and_stays_in_the_links() {
        for (search, topics) in [
            ("themes/publish", 1),
            ("THEME", 4),
            ("canceled", 1),
            ("customer_group", 3),
            ("Customer-Group-Id", 3),
        ] {
            assert_eq!(shown(search, "").matches("/panel/topics?topic=").count(), topics, "{search}");
        }
        assert!(shown("a b", "").contains("No topic"));
        assert!(shown("theme", "").contains("/panel/topics?topic=themes/create&amp;q=theme"));
    }

    #[test]
    fn a_search_without_a_result_says_what_else_there_is() {
        let own = shown("return:approved", "");
        assert!(own.contains("/panel/webhooks/new?topic=return%3Aapproved"), "{own}");
        let hostile = shown("\"><script>alert(1)</script>", "");
        assert!(!hostile.contains("<script>") && hostile.contains("Show all topics"), "{hostile}");
    }
}
