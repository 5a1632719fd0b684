use super::*;

#[test]
fn every_spelling_of_a_topic_has_one_key() {
    for (text, key) in [
        ("orders/create", Some("orders/create")),
        ("order:new", Some("orders/create")),
        ("order:canceled", Some("orders/cancelled")),
        ("update:user", Some("customers/update")),
        ("variants/in_stock", Some("variants/in_stock")),
        ("webhooks/disabled", Some("webhooks/disabled")),
        ("return:approved", Some("return:approved")),
        ("orders/exploded", None),
        ("orders", None),
        ("", None),
        ("*", None),
        ("orders/*", None),
        ("a:b:c", None),
        ("Order:New", None),
        ("order:", None),
        ("order:new\r\nX-Evil: 1", None),
    ] {
        assert_eq!(Topic::parse(text).ok().as_ref().map(Topic::as_str), key, "{text:?}");
    }
}

#[test]
fn a_pattern_keeps_its_spelling_and_has_the_topics_key() {
    for (text, key) in [
        ("order:new", Some("orders/create")),
        ("orders/create", Some("orders/create")),
        ("orders/*", Some("orders/*")),
        ("*", Some("*")),
        ("trains/*", None),
        ("*/create", None),
        ("order:*", None),
    ] {
        let pattern = TopicPattern::parse(text).ok();
        assert_eq!(pattern.as_ref().map(TopicPattern::key), key, "{text:?}");
        assert_eq!(pattern.as_ref().map(TopicPattern::as_str), key.map(|_| text), "{text:?}");
    }
}

#[test]
fn a_topic_matches_itself_its_resource_and_the_star() {
    for (text, patterns) in [
        ("orders/create", vec!["orders/create", "orders/*", "*"]),
        ("order:new", vec!["orders/create", "orders/*", "*"]),
        ("return:approved", vec!["return:approved", "*"]),
    ] {
        assert_eq!(
            Topic::parse(text).map(|topic| topic.matching_patterns()),
            Ok(patterns.into_iter().map(str::to_owned).collect())
        );
    }
}

#[test]
fn a_pattern_matches_its_topics_and_no_others() -> Result<(), UnknownTopic> {
    for (pattern, topic, is_match) in [
        ("orders/create", "order:new", true),
        ("orders/create", "orders/paid", false),
        ("orders/*", "orders/paid", true),
        ("orders/*", "products/create", false),
        ("orders/*", "return:approved", false),
        ("*", "return:approved", true),
        ("*", "webhooks/disabled", false),
        ("webhooks/disabled", "webhooks/disabled", true),
    ] {
        let is_matched = TopicPattern::parse(pattern)?.matches(&Topic::parse(topic)?);
        assert_eq!(is_matched, is_match, "{pattern} and {topic}");
    }
    Ok(())
}

#[test]
fn the_resource_comes_from_the_catalogue_or_is_the_noun() {
    for (text, resource) in [
        ("customer_groups/update", "customer_group"),
        ("app/uninstalled", "shop"),
        ("user:new", "customer"),
        ("return:approved", "return"),
    ] {
        assert_eq!(Topic::parse(text).as_ref().map(Topic::resource), Ok(resource));
    }
}

#[test]
fn a_pattern_matches_its_example() -> Result<(), UnknownTopic> {
    for (pattern, example) in [
        ("*", "orders/create"),
        ("orders/*", "orders/cancelled"),
        ("order:new", "orders/create"),
        ("themes/publish", "themes/publish"),
        ("stock:low", "stock:low"),
        ("webhooks/disabled", "webhooks/disabled"),
    ] {
        let pattern = TopicPattern::parse(pattern)?;
        let topic = pattern.example();
        assert_eq!(topic.as_str(), example);
        assert!(pattern.matches(&topic));
    }
    Ok(())
}
