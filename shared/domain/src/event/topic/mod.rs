//! Topics of events, and the patterns that webhooks subscribe to.
//!
//! An event has one [`Topic`]. A webhook has a [`TopicPattern`]: a topic, a whole resource
//! (`orders/*`) or everything (`*`). Both accept Spree's colon spelling (`order:new`). All
//! spellings of a topic have one key, and events find webhooks by that key. A pattern also keeps
//! the spelling that its owner wrote, because the API shows it again.

use serde::{Deserialize, Serialize};

use crate::{
    event::catalogue,
    input::parsed_text::{text_conversions, text_display},
};

/// The topic of an event: `orders/create`, or a `noun:verb` of Spree's kind.
///
/// Equal topics have equal keys: `order:new` is `orders/create`.
///
/// ```
/// use storehook_domain::event::topic::Topic;
///
/// assert_eq!(Topic::parse("order:new")?.as_str(), "orders/create");
/// assert!(Topic::parse("orders/exploded").is_err());
/// # Ok::<_, storehook_domain::event::topic::UnknownTopic>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

/// The text is neither a topic of the catalogue nor a `noun:verb`. The error quotes its first 64
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither a topic of the catalogue nor a noun:verb")]
pub struct UnknownTopic(String);

impl UnknownTopic {
    fn new(text: &str) -> Self {
        Self(text.chars().take(64).collect())
    }
}

impl Topic {
    /// Reads a topic in either spelling.
    ///
    /// # Errors
    ///
    /// The text is neither a topic of the catalogue nor a `noun:verb`.
    pub fn parse(text: &str) -> Result<Self, UnknownTopic> {
        key_of(text).map(|key| Self(key.to_owned())).ok_or_else(|| UnknownTopic::new(text))
    }

    /// The key of the topic, which is also the value of the topic header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The keys of all patterns that match this topic: its own, its resource's and `*`.
    pub fn matching_patterns(&self) -> Vec<String> {
        if catalogue::is_operational(&self.0) {
            return vec![self.0.clone()];
        }
        let resource = self.0.split_once('/').map(|(resource, _)| format!("{resource}/*"));
        [Some(self.0.clone()), resource, Some("*".to_owned())].into_iter().flatten().collect()
    }

    /// The singular name of the resource that the payload describes, `customer_group`.
    pub fn resource(&self) -> &str {
        match catalogue::find(&self.0) {
            Some(topic) => topic.resource,
            None => self.0.split_once(':').map_or(self.0.as_str(), |(noun, _)| noun),
        }
    }
}

/// The pattern that a webhook subscribes to.
///
/// ```
/// use storehook_domain::event::topic::TopicPattern;
///
/// let pattern = TopicPattern::parse("order:new")?;
/// assert_eq!((pattern.as_str(), pattern.key()), ("order:new", "orders/create"));
/// assert!(TopicPattern::parse("orders/*").is_ok());
/// assert!(TopicPattern::parse("order:*").is_err());
/// # Ok::<_, storehook_domain::event::topic::UnknownTopic>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicPattern {
    spelling: String,
    key: String,
}

impl TopicPattern {
    /// Reads a topic, `resource/*` or `*`.
    ///
    /// # Errors
    ///
    /// The text is none of the three.
    pub fn parse(text: &str) -> Result<Self, UnknownTopic> {
        let is_wildcard = text == "*"
            || text.strip_suffix("/*").is_some_and(|resource| {
                catalogue::TOPICS.iter().any(|topic| topic.name.split('/').next() == Some(resource))
            });
        let key = if is_wildcard { Some(text) } else { key_of(text) };
        match key {
            Some(key) => Ok(Self { spelling: text.to_owned(), key: key.to_owned() }),
            None => Err(UnknownTopic::new(text)),
        }
    }

    /// The pattern as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// Whether it matches a topic.
    pub fn matches(&self, topic: &Topic) -> bool {
        topic.matching_patterns().contains(&self.key)
    }

    /// Whether it matches more than one topic: `orders/*`, `*`.
    pub fn is_wildcard(&self) -> bool {
        is_wildcard(&self.key)
    }

    /// A topic that the pattern matches: itself, the first topic of the resource, or
    /// `orders/create` for `*`.
    pub fn example(&self) -> Topic {
        let resource = self.key.strip_suffix('*').unwrap_or(&self.key);
        let found = catalogue::TOPICS.iter().find(|topic| topic.name.starts_with(resource));
        match (self.key.as_str(), found) {
            ("*", _) => Topic("orders/create".to_owned()),
            (key, Some(topic)) if key.ends_with('*') => Topic(topic.name.to_owned()),
            (key, _) => Topic(key.to_owned()),
        }
    }

    /// The key by which events find the pattern; see [`Topic::matching_patterns`].
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Whether a pattern's key matches more than one topic.
pub fn is_wildcard(key: &str) -> bool {
    key.ends_with('*')
}

/// The key that all spellings of a topic share.
fn key_of(text: &str) -> Option<&str> {
    if let Some(topic) = catalogue::find(text) {
        return Some(topic.name);
    }
    if let Some((_, name)) = catalogue::ALIASES.iter().find(|(alias, _)| *alias == text) {
        return Some(name);
    }
    let (noun, verb) = text.split_once(':')?;
    (text.len() <= TOPIC_LIMIT && is_word(noun) && is_word(verb)).then_some(text)
}

/// The longest `noun:verb`, in characters.
pub const TOPIC_LIMIT: usize = 64;

/// `[a-z][a-z0-9_]*`: safe in a header, a key and a tag name.
fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

text_conversions!(Topic, UnknownTopic);
text_display!(Topic);
text_conversions!(TopicPattern, UnknownTopic);

#[cfg(test)]
mod tests;
