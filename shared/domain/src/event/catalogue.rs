//! The catalogue of topics: what can happen in a shop.
//!
//! The source is the Spiffy Stores *API Webhook* page. It documents 47 topics with the shape of
//! their payloads, and its 422 example lists 62. Storehook accepts all 62. The table below keeps
//! the order of that list, because the API's error message prints it so.

use std::borrow::Cow;

/// One topic of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueTopic {
    /// The topic's name, `orders/create`.
    pub name: &'static str,
    /// The singular name of the resource that its payload describes, `order`: the root of the XML
    /// and the stem of the id header.
    pub resource: &'static str,
    /// Whether the page documents the topic and its payload.
    pub is_documented: bool,
}

/// Storehook's own operational topics, which tell an app about one of its webhooks. They are not in
/// the page's list, and `*` does not match them.
pub const OPERATIONAL: [CatalogueTopic; 3] = [
    listed(WEBHOOK_DISABLED, "webhook"),
    listed(WEBHOOK_FAILING, "webhook"),
    listed(WEBHOOK_RECOVERED, "webhook"),
];

/// A webhook was disabled.
pub const WEBHOOK_DISABLED: &str = "webhooks/disabled";

/// A webhook's endpoint fails: its deliveries are held, or it will be disabled soon.
pub const WEBHOOK_FAILING: &str = "webhooks/failing";

/// A webhook's endpoint works again.
pub const WEBHOOK_RECOVERED: &str = "webhooks/recovered";

/// The topic that ends an installation.
pub const APP_UNINSTALLED: &str = "app/uninstalled";

/// The 62 topics, in the page's order.
pub const TOPICS: [CatalogueTopic; 62] = [
    documented(APP_UNINSTALLED, "shop"),
    documented("carts/create", "cart"),
    documented("carts/update", "cart"),
    listed("catalogs/create", "catalog"),
    listed("catalogs/delete", "catalog"),
    listed("channels/delete", "channel"),
    documented("checkouts/create", "checkout"),
    documented("checkouts/delete", "checkout"),
    documented("checkouts/update", "checkout"),
    documented("collection_listings/add", "collection_listing"),
    documented("collection_listings/remove", "collection_listing"),
    documented("collection_listings/update", "collection_listing"),
    listed("collection_publications/create", "collection_publication"),
    listed("collection_publications/delete", "collection_publication"),
    listed("collection_publications/update", "collection_publication"),
    documented("collections/create", "collection"),
    documented("collections/delete", "collection"),
    documented("collections/update", "collection"),
    documented("customer_groups/create", "customer_group"),
    documented("customer_groups/delete", "customer_group"),
    documented("customer_groups/update", "customer_group"),
    documented("customers/create", "customer"),
    documented("customers/delete", "customer"),
    documented("customers/disable", "customer"),
    documented("customers/enable", "customer"),
    documented("customers/update", "customer"),
    listed("disputes/create", "dispute"),
    listed("disputes/update", "dispute"),
    documented("draft_orders/create", "draft_order"),
    documented("draft_orders/delete", "draft_order"),
    documented("draft_orders/update", "draft_order"),
    documented("fulfillment_events/create", "fulfillment_event"),
    documented("fulfillment_events/delete", "fulfillment_event"),
    documented("fulfillments/create", "fulfillment"),
    documented("fulfillments/update", "fulfillment"),
    documented("order_transactions/create", "order_transaction"),
    documented("orders/cancelled", "order"),
    documented("orders/create", "order"),
    documented("orders/delete", "order"),
    documented("orders/fulfilled", "order"),
    documented("orders/paid", "order"),
    documented("orders/partially_fulfilled", "order"),
    documented("orders/updated", "order"),
    documented("product_listings/add", "product_listing"),
    documented("product_listings/remove", "product_listing"),
    documented("product_listings/update", "product_listing"),
    listed("product_publications/create", "product_publication"),
    listed("product_publications/delete", "product_publication"),
    listed("product_publications/update", "product_publication"),
    documented("products/create", "product"),
    documented("products/delete", "product"),
    documented("products/update", "product"),
    documented("refunds/create", "refund"),
    documented("shop/update", "shop"),
    listed("tax_services/create", "tax_service"),
    listed("tax_services/update", "tax_service"),
    documented("themes/create", "theme"),
    documented("themes/delete", "theme"),
    documented("themes/publish", "theme"),
    documented("themes/update", "theme"),
    listed("variants/in_stock", "variant"),
    listed("variants/out_of_stock", "variant"),
];

/// Spree's well-known event names, and the topics of the catalogue that they stand for.
pub const ALIASES: [(&str, &str); 14] = [
    ("order:new", "orders/create"),
    ("order:updated", "orders/updated"),
    ("order:cancelled", "orders/cancelled"),
    ("order:canceled", "orders/cancelled"),
    ("payment:new", "order_transactions/create"),
    ("product:new", "products/create"),
    ("product:update", "products/update"),
    ("product:updated", "products/update"),
    ("user:new", "customers/create"),
    ("create:user", "customers/create"),
    ("user:updated", "customers/update"),
    ("update:user", "customers/update"),
    ("shipment:ready", "fulfillments/create"),
    ("shipment:confirmed", "fulfillments/update"),
];

/// Finds a topic by its exact name.
pub fn find(name: &str) -> Option<CatalogueTopic> {
    all().find(|topic| topic.name == name)
}

/// Every topic: those of the page, then the operational ones.
pub fn all() -> impl Iterator<Item = CatalogueTopic> {
    TOPICS.into_iter().chain(OPERATIONAL)
}

/// Whether a topic is one of Storehook's own.
pub fn is_operational(name: &str) -> bool {
    OPERATIONAL.iter().any(|topic| topic.name == name)
}

/// What a webhook may subscribe to: every topic, every resource with `/*`, `*`, and Spree's names.
pub fn patterns() -> Vec<Cow<'static, str>> {
    let topics = all().map(|topic| topic.name);
    let mut resources: Vec<_> = TOPICS.iter().filter_map(|topic| topic.name.split('/').next()).collect();
    resources.dedup();
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    let wildcards = resources.into_iter().map(|resource| format!("{resource}/*").into());
    topics.map(Cow::from).chain(["*".into()]).chain(wildcards).chain(aliases.map(Cow::from)).collect()
}

/// The API's message for an unknown topic.
pub fn not_allowed_message() -> String {
    let names: Vec<_> = TOPICS.iter().map(|topic| topic.name).collect();
    format!("Invalid topic specified. Topics allowed: {}", names.join(", "))
}

const fn documented(name: &'static str, resource: &'static str) -> CatalogueTopic {
    CatalogueTopic { name, resource, is_documented: true }
}

const fn listed(name: &'static str, resource: &'static str) -> CatalogueTopic {
    CatalogueTopic { name, resource, is_documented: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_documents_47_of_the_62_topics_it_lists() {
        assert_eq!(TOPICS.iter().filter(|topic| topic.is_documented).count(), 47);
    }

    #[test]
    fn every_alias_stands_for_a_topic_of_the_catalogue() {
        for (alias, name) in ALIASES {
            assert!(find(name).is_some(), "{alias} stands for {name}, which is no topic");
        }
    }

    #[test]
    fn every_pattern_is_one_and_is_there_once() {
        let patterns = patterns();
        for pattern in &patterns {
            assert!(crate::event::topic::TopicPattern::parse(pattern).is_ok(), "{pattern}");
            assert_eq!(patterns.iter().filter(|other| *other == pattern).count(), 1, "{pattern}");
        }
        assert!(patterns.contains(&"order_transactions/*".into()));
    }

    #[test]
    fn the_error_message_lists_the_topics_as_the_page_does() {
        let message = not_allowed_message();
        assert!(message.starts_with(
            "Invalid topic specified. Topics allowed: app/uninstalled, carts/create, carts/update, catalogs/create, "
        ));
        assert!(message.ends_with("themes/update, variants/in_stock, variants/out_of_stock"));
    }
}
