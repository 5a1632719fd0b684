//! Groups of messages.
//!
//! On a standard queue, a group makes the queue fair: if one group has a backlog, SQS hands out the
//! messages of the others first ("Amazon SQS fair queues"). So the group is the party that can make
//! a backlog: an installation. With a group for each webhook, an app with a thousand webhooks would
//! count as a thousand small parties.

use sha2::{Digest as _, Sha256};

use crate::installation::{app::AppId, shop::ShopDomain};

/// The longest group that SQS takes (`SendMessage`, Amazon SQS API Reference).
const LIMIT: usize = 128;

/// The group of a message, as `MessageGroupId` names it: letters, digits and punctuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageGroup(String);

impl MessageGroup {
    /// The group of an installation: deliveries, and jobs that make them.
    pub fn of(shop: &ShopDomain, app: &AppId) -> Self {
        Self::named(format!("{shop}/{app}"))
    }

    /// The group of a shop: jobs that make deliveries for several apps.
    pub fn of_shop(shop: &ShopDomain) -> Self {
        Self::named(shop.to_string())
    }

    /// The group as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is too long is replaced by its digest.
    fn named(name: String) -> Self {
        if name.len() <= LIMIT { Self(name) } else { Self(hex::encode(Sha256::digest(name))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_installation_has_a_group_that_sqs_takes() -> Result<(), Box<dyn std::error::Error>> {
        let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        let longest = "p".repeat(64);
        let mut groups = Vec::new();
        for shop in ["a.example", "b.example", &long] {
            let shop = ShopDomain::parse(shop)?;
            groups.push(MessageGroup::of_shop(&shop));
            for app in ["demo", "other", &longest] {
                groups.push(MessageGroup::of(&shop, &AppId::parse(app)?));
            }
        }
        assert_eq!(groups[1].as_str(), "a.example/demo");
        assert_eq!(groups[0].as_str(), "a.example");
        for (index, group) in groups.iter().enumerate() {
            assert!((1..=LIMIT).contains(&group.as_str().len()), "{group:?}");
            assert!(group.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{group:?}");
            assert!(!groups[..index].contains(group), "{group:?}");
        }
        Ok(())
    }
}
