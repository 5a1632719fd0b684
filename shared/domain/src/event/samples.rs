//! Sample payloads, one for each resource that the *API Webhook* page documents.
//!
//! They are the files in `events/payloads`, which users can publish as well.

use crate::event::topic::Topic;

macro_rules! samples {
    ($($resource:literal),* $(,)?) => {
        [$(($resource, include_str!(concat!("../../../../events/payloads/", $resource, ".json")))),*]
    };
}

pub(crate) const SAMPLES: [(&str, &str); 16] = samples![
    "cart",
    "checkout",
    "collection",
    "collection_listing",
    "customer",
    "customer_group",
    "draft_order",
    "fulfillment",
    "fulfillment_event",
    "order",
    "order_transaction",
    "product",
    "product_listing",
    "refund",
    "shop",
    "theme",
];

/// The sample of a resource whose payload nobody documents.
const PLAIN: &str =
    r#"{"id": 123456, "created_at": "2026-11-21T15:00:00-05:00", "updated_at": "2026-11-21T15:00:00-05:00"}"#;

/// A sample payload of an event with this topic.
pub fn sample_of(topic: &Topic) -> &'static str {
    let found = SAMPLES.iter().find(|(resource, _)| *resource == topic.resource());
    found.map_or(PLAIN, |(_, sample)| sample.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::catalogue, payload::Payload};

    #[test]
    fn documented_topics_have_samples_of_their_resource_and_others_the_plain_one()
    -> Result<(), Box<dyn std::error::Error>> {
        for topic in catalogue::all() {
            let sample = sample_of(&Topic::parse(topic.name)?);
            Payload::parse(sample)?;
            assert_eq!(sample != PLAIN, topic.is_documented, "{}", topic.name);
        }
        assert_eq!(sample_of(&Topic::parse("stock:low")?), PLAIN);
        Ok(())
    }
}
